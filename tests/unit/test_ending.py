"""How a process ends."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_PROGRAMS = {
    "returns": ("pass", 0),
    "exits": ("sys.exit(3)", 3),
    "exits-with-nothing": ("sys.exit()", 0),
    "exits-with-words": ("sys.exit('no')", 1),
    "raises": ("raise ValueError", 1),
}


def end(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program, the body of a function, to its end in a process of its own."""
    source = (
        "import atexit, asyncio, sys, threading\n"
        "from spectraview.cli.ending import run_to_end\n"
        "def program():\n"
        f"{textwrap.indent(textwrap.dedent(program), '    ')}\n"
        "run_to_end(program)\n"
    )
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", _PROGRAMS)
def test_exit_code_is_the_programs(name: str) -> None:
    program, code = _PROGRAMS[name]
    assert end(program).returncode == code


def test_all_is_said_and_done_before_the_end() -> None:
    ended = end(
        """
        atexit.register(print, "at exit")
        end_of_main = threading.main_thread().join
        threading.Thread(target=lambda: (end_of_main(), print("thread"))).start()
        print("program", end=" ")
        print("error", end="", file=sys.stderr)
        """
    )
    assert (ended.stdout, ended.stderr) == ("program thread\nat exit\n", "error")


def test_reads_from_an_archive_that_still_run_do_no_harm(tmp_path: Path) -> None:
    program = """
        from obstore.store import LocalStore

        async def read():
            store = LocalStore(sys.argv[1])
            await store.put_async("key", b"data")
            reads = [asyncio.ensure_future(store.get_async("key")) for _ in range(2_000)]
            await reads[0]

        asyncio.new_event_loop().run_until_complete(read())
        print("read")
        """
    ends = [end(program, tmp_path) for _ in range(8)]  # Python's own end fails in half of them
    assert [(ended.returncode, ended.stdout) for ended in ends] == [(0, "read\n")] * 8
