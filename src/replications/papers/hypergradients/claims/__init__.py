"""The claims of the chapter across papers: all of them ours, predicted before the first run."""
