"""The experiments of the chapter across papers, one file each."""
