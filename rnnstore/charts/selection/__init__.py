"""The select view: units over a window of words, bands and lines, further states below."""
