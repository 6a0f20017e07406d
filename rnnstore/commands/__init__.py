"""Commands of `python -m rnnstore` about whether a store can be trusted, and what all commands share."""
