"""Ends a process without taking Python apart, since threads of native libraries may still use it.

obstore's do for some milliseconds after their result is known. If Python is taken apart then, they
end the process by SIGABRT or SIGSEGV (https://github.com/PyO3/pyo3-async-runtimes/issues/40):
whoever started it sees a failure of what has succeeded.
"""

import atexit
import logging
import os
import sys
from collections.abc import Callable


def run_to_end(program: Callable[[], object]) -> None:
    """Run a program as the whole of this process; to be called once, by who starts the process.

    What is registered with atexit meanwhile is called as ever, and the exit code is the program's.
    """
    code = 1

    def leave() -> None:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)  # called last, since it comes first
    try:
        program()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            code = ended.code or 0
        raise
    code = 0
