"""The figures of the chapter untuned."""
