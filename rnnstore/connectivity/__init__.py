"""On which inputs a prediction depends (Visualizing memorization in RNNs)."""
