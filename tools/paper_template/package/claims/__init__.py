"""The claims of the chapter SLUG."""
