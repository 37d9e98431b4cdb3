"""optimisers: RAdam and Lookahead, each judged alone elsewhere in the book, against each other.

No single paper is on trial here, so there is a name in place of a bibliography key.
"""

PAPER = "Across papers: optimisers"
