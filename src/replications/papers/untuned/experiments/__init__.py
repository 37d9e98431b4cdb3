"""The experiments of the chapter untuned, one file each."""
