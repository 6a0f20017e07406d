"""The pictures of a training for notebooks."""
