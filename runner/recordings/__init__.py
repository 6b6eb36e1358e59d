"""Recordings: what somebody did in a browser, as a file that can be read, bound to a workbook, told in words and turned into a bot."""
