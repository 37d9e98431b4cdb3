"""Lorraine, Vicol and Duvenaud: millions of hyperparameters by implicit differentiation."""

PAPER = "lorraine2020optimizing"
