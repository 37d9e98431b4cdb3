"""The claims of the Lookahead chapter, by group."""
