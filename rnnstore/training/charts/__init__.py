"""A training as a whole, and its recorded batches."""
