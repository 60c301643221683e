"""The fault bench: breaks a running SpectraView in every way it knows, and checks its promises."""

import asyncio
import sys
from pathlib import Path

import click

from tests.faults.catalog import FAULTS
from tests.faults.report import report
from tests.faults.run import run


@click.command()
@click.option("--seed", default=1, show_default=True, help="Decides load and order of faults.")
@click.option("--minutes", default=4.0, show_default=True, help="How long faults go on.")
@click.option(
    "--fault",
    "faults",
    type=click.Choice(sorted(FAULTS)),
    multiple=True,
    help="Only this fault; may be given more than once.",
)
@click.option("--logs", type=click.Path(path_type=Path), help="A folder for the logs.")
def main(seed: int, minutes: float, faults: tuple[str, ...], logs: Path | None) -> None:
    """Break a SpectraView of its own and check what it promises; exit with 1 when it lies."""
    history = asyncio.run(run(seed, minutes, faults or sorted(FAULTS), logs))
    click.echo(f"seed {seed}, {minutes} minutes")
    click.echo(report(history))
    sys.exit(bool(history.violations))


if __name__ == "__main__":
    main()
