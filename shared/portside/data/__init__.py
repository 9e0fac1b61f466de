"""Labelled text from files: read, check, describe, split.

What becomes of imperfect rows, everywhere in Portside:

* a row without text or without label is **left out**, and reported;
* control characters become spaces, blanks around texts and labels go, and both are reported where they matter;
* a text that stands twice under one label **stays**, and is reported; ``split`` never puts the two on different sides;
* a text under two labels **stays** under both, and is reported with both labels: which one is right is for people;
  ``load_examples(…, conflicts="drop")`` leaves such texts out, ``duplicates="first"`` keeps one row of each text;
* labels that differ only by case, blanks, hyphens or underscores **stay** different labels, and are reported.
"""

from portside.data.checks import overlap
from portside.data.dataset import Dataset, check_examples, load_examples
from portside.data.findings import DataReport, Finding
from portside.data.read import Table, read_table
from portside.data.splits import Split, split

__all__ = [
    "DataReport",
    "Dataset",
    "Finding",
    "Split",
    "Table",
    "check_examples",
    "load_examples",
    "overlap",
    "read_table",
    "split",
]
