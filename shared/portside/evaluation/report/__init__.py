"""What is known of a model version, as one report: the same figures as a page, as JSON and in the apps."""
