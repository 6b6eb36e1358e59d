"""Bots and their forms."""
