"""Find texts again: by meaning (``vectors``), by word (``keywords``), by both (``hybrid``)."""
