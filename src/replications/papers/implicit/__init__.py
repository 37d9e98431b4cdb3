"""Implicit hyperparameter optimization (lorraine2020optimizing), and a blog that rebuilt it."""
