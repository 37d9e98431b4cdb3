"""The claims of the chapter untuned."""
