"""The figures of the chapter on implicit hyperparameter optimization."""
