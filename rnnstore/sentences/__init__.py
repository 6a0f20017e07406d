"""What single sentences do to groups of units: the measures behind glyphs (RNNVis)."""
