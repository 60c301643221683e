"""What stops a benchmark."""


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


class RateLimited(BenchError):
    """The server answered 429."""

    def __init__(self) -> None:
        super().__init__(
            "The server limits the rate of requests (429). Start it for the benchmark with "
            "SPECTRAVIEW_RATE_LIMIT_INGEST=100000000 and SPECTRAVIEW_RATE_LIMIT_READ=100000000."
        )
