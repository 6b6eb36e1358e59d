"""Recordings: what somebody did in a browser, and the bots that are made of it without code."""
