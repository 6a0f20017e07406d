"""Measurements, not tests: no time is ever asserted. `make bench` runs all of them, `python -m` one of them."""
