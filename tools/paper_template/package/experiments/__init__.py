"""The experiments of the chapter SLUG, one file each."""
