"""How connections are served: what bounds them, and what aiohttp's own answers are made into."""
