"""Failure tests at full size: what breaks is broken on purpose, again and again; `make chaos` runs all of them."""
