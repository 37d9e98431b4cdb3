"""The claims of the chapter on implicit hyperparameter optimization."""
