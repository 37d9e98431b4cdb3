"""The experiments of the chapter on persistent evolution strategies, one file each."""
