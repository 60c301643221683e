"""The migrations and queries of the database, one statement group a file."""
