"""The document of the API, made from what parses requests and from what tests hold answers to."""
