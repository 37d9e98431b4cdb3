"""Persistent evolution strategies: unbiased gradients from truncated unrolls."""

PAPER = "vicol2021unbiased"
