"""The claims of the race: all of them ours, predicted before the first run."""
