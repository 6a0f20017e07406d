"""The match view, and what a hypothesis is worth."""
