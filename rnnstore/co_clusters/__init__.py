"""Expected responses and the co-clusters of words and units (RNNVis)."""
