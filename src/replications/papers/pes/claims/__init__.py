"""What the paper, its follow-up, a blog dialogue, public code and our controls claim about PES."""
