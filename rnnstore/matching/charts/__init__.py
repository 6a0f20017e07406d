"""What a selection and its matches look like."""
