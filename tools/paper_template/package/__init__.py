"""SLUG: what the paper is about, in one sentence."""

PAPER = "KEY"
