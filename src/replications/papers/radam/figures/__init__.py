"""The figures of the RAdam chapter."""
