"""The experiments of the RAdam chapter, one file each."""
