"""The one error of the embedded servers."""


class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is a sentence for the operator."""
