"""Background jobs over the life of a session."""
