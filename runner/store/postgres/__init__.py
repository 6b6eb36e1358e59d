"""The store on a PostgreSQL server: what is different there, for Django (`base`), the index of words and copies."""
