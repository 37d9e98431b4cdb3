"""The figures of the Lookahead chapter, by group."""
