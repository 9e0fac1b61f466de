"""Ask a model version: predictors for labels, encoders for vectors."""
