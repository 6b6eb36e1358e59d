"""Triggers as pure functions, and the words that describe them."""
