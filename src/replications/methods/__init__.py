"""The papers' algorithms as a small library: pure torch, no data, no plots, no files."""
