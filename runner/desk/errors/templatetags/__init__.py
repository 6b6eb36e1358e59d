"""Errors in templates."""
