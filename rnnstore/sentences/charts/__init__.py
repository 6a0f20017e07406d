"""The glyphs of sentences, their course, and coloured text."""
