"""Lorraine, Vicol and Duvenaud, \"Optimizing millions of hyperparameters by implicit
differentiation\"."""

PAPER = "lorraine2020optimizing"
