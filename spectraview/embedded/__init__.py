"""PostgreSQL and Valkey run from wheels, for when no address of either is configured."""

from spectraview.embedded.directory import default_data_dir
from spectraview.embedded.errors import EmbeddedError
from spectraview.embedded.programs import client_program
from spectraview.embedded.servers import EmbeddedServers, ServerAddresses, running_addresses

__all__ = [
    "EmbeddedError",
    "EmbeddedServers",
    "ServerAddresses",
    "client_program",
    "default_data_dir",
    "running_addresses",
]
