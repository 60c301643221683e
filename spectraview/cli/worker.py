"""A worker's program: `python -m spectraview.cli.worker LISTENER`, as `spectraview serve` starts
it.
"""

import asyncio
import os
import signal
import socket
import sys
from functools import partial
from math import ceil

from spectraview.app import create_app
from spectraview.cli.ending import run_to_end
from spectraview.cli.running import StopRequest, handled_signals, run_application
from spectraview.cli.servers import read_config, start_logging
from spectraview.cli.workers import READY
from spectraview.config import Config

_MARGIN = 3


def work(listener: int) -> None:
    """Serve on an inherited socket, given by its number, until standard input ends."""
    config = read_config()
    start_logging(config)
    with socket.socket(fileno=listener) as inherited:
        asyncio.run(_serve(inherited, config))


async def _serve(listener: socket.socket, config: Config) -> None:
    stop = StopRequest()

    def look_at_parent() -> None:
        if not os.read(sys.stdin.fileno(), 1):
            asyncio.get_running_loop().remove_reader(sys.stdin)
            stop.ask(at_once=True)
            signal.alarm(ceil(config.shutdown_timeout) + _MARGIN)  # nobody is left to kill it

    asyncio.get_running_loop().add_reader(sys.stdin, look_at_parent)
    handlers = {signal.SIGTERM: stop.ask, signal.SIGHUP: lambda: stop.ask(at_once=True)}
    with handled_signals(handlers):
        await run_application(create_app(config), listener, config, stop, _tell_parent)


def _tell_parent() -> None:
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()


if __name__ == "__main__":
    run_to_end(partial(work, int(sys.argv[1])))
