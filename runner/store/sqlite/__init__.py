"""The store in a SQLite file: what is different there, for Django, the index of words and copies."""
