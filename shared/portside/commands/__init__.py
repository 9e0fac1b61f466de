"""The commands of ``portside``, one file each; ``portside.cli`` imports only the one that is asked for."""
