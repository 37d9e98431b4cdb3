"""The figures of the chapter on persistent evolution strategies."""
