"""The program `spectraview`, which is `python -m spectraview` too."""

from spectraview.cli import main
from spectraview.cli.ending import run_to_end


def run() -> None:
    """Run the command line."""
    run_to_end(main)


if __name__ == "__main__":
    run()
