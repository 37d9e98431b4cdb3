"""The claims of the RAdam chapter."""
