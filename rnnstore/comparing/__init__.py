"""Two states or two models side by side."""
