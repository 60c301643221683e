"""REST and WebSocket handlers: parse, do, present."""
