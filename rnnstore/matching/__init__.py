"""A hypothesis selected and matched over the corpus (LSTMVis)."""
