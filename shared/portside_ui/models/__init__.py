"""The parts of the models page: train, read the report, compare, try, decide."""
