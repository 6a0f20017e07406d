"""How long a state keeps a word, and what of it (state gradients)."""
