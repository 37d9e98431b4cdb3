"""Persistent evolution strategies: `vicol2021unbiased`."""
