"""Errors of Runner in the language of the page."""
