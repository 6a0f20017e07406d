"""Pictures of connectivity: what each prediction depends on, and how well known characters help."""
