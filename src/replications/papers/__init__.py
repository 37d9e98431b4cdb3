"""One folder a paper: its experiments, claims, figures and the records of its long runs."""
