"""The experiments of the chapter on implicit hyperparameter optimization, one a file."""
