"""The web pages where people look and decide."""
