"""Shows a session to its viewers while it happens."""
