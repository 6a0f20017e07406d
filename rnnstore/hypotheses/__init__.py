"""Hypotheses kept, and what one is worth against annotations."""
