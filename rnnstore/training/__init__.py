"""What was recorded while a network was trained: curves, batches and itemized gradients (RNNbow)."""
