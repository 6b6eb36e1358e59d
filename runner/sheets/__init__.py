"""Workbooks: typed reading, lossless write-back, reports."""
