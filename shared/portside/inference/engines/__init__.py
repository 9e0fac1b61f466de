"""Compiled back ends: a model version built for this machine, checked against the original, loaded without torch."""
