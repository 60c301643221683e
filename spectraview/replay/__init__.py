"""Serves a stored session for replay."""
