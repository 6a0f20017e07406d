"""What all charts share: the palette, the `Picture` class, colours and legends of tracks, formatting of numbers."""
