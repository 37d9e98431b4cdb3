"""The experiments of the Lookahead chapter, one file each."""
