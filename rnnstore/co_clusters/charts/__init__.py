"""The co-cluster picture, and responses word by word and unit by unit."""
