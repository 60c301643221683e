"""SpectraView: a backend for web-session recordings (rrweb) that ingests, stores, replays and shows
them live.
"""

__version__ = "0.1.0"
