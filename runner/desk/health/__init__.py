"""Health: is everything there that is needed, as a page."""
