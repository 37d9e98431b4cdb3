"""The experiments of the race."""
