"""How the values of states and gates are spread."""
