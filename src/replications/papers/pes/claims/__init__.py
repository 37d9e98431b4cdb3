"""What the paper, its follow-up, a blog dialogue, public code and our controls claim about PES."""

HEADLINES = (
    "unbiased",
    "cubic-plain-gradient",
    "influence-pes",
    "toy-window",
    "toy-random-search",
    "digits-trials",
    "knobs-random-search",
    "knobs-error-random-search",
    "knobs-error-cma",
    "variance-staggered",
    "text-nres",
    "memory-truncated-es",
)
"""The claims of the chapter's table; all others stand on the audit page."""
