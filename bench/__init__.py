"""Measures a server that speaks the API: ingest, live and replay with real recordings."""
