"""The figures of the chapter SLUG."""
