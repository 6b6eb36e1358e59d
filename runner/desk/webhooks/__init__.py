"""Webhooks: other programs that are told what happens, and what did not reach them."""
