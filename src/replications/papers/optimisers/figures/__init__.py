"""The figures of the race."""
