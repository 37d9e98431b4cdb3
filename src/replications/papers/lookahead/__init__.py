"""Lookahead Optimizer: k steps forward, 1 step back (zhang2019lookahead)."""
