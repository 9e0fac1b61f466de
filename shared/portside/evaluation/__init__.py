"""How good a model is, with the uncertainty that the number of rows leaves."""
