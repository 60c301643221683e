"""The fault bench: breaks a running SpectraView in every way it knows, and checks its promises."""

import asyncio
import sys
from pathlib import Path

import click

from tests.deploy import crowd
from tests.deploy.report import summary, table
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
@click.option(
    "--topology",
    is_flag=True,
    help="Instead kill each part of a deployment behind nginx, under a thousand sessions.",
)
@click.option("--logs", type=click.Path(path_type=Path), help="A folder for the logs.")
def main(
    seed: int, minutes: float, faults: tuple[str, ...], topology: bool, logs: Path | None
) -> None:
    """Break a SpectraView of its own and check what it promises; exit with 1 when it lies."""
    if topology:
        outcome = asyncio.run(crowd.run(crowd.FULL, seed, logs))
        click.echo(f"{table(outcome)}\n\n{summary(crowd.FULL, outcome)}")
        sys.exit(bool(outcome.history.violations))
    history = asyncio.run(run(seed, minutes, faults or sorted(FAULTS), logs))
    click.echo(f"seed {seed}, {minutes} minutes")
    click.echo(report(history))
    sys.exit(bool(history.violations))


if __name__ == "__main__":
    main()
