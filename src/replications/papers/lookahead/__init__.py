"""Lookahead: k steps forward, one step back."""

PAPER = "zhang2019lookahead"
