"""Bots against real systems, from the command line to the other system's own records; `make acceptance` runs it."""
