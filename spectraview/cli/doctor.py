"""`spectraview doctor`."""

import os
from pathlib import Path

import click
import msgspec
import ujson

from spectraview.cli.servers import (
    archive_of,
    data_dir_of,
    data_dir_option,
    json_option,
    read_config,
)
from spectraview.config import Config
from spectraview.diagnosis.examination import examine, opened
from spectraview.diagnosis.findings import Finding, Level
from spectraview.embedded import running_addresses

_SIGNS = {Level.OK: "ok", Level.WARNING: "warning", Level.PROBLEM: "PROBLEM"}


@click.command()
@json_option
@data_dir_option
def doctor(data_dir: Path | None, *, as_json: bool) -> None:
    """Check a deployment and say what to do. Ends with 1 if there is a problem.

    Looks, and changes nothing but a probe that it writes to the archive and deletes.
    """
    folder = data_dir_of(data_dir)
    config = _with_running_servers(read_config(), folder)
    with opened(config, folder, os.environ, archive_of(config)) as (place, found):
        found += examine(place)
    for name, finding in found:
        click.echo(_json(name, finding) if as_json else _line(name, finding))
    problems = sum(finding.level is Level.PROBLEM for _, finding in found)
    warnings = sum(finding.level is Level.WARNING for _, finding in found)
    if not as_json:
        click.echo(f"{len(found)} checks, {problems} problems, {warnings} warnings")
    if problems:
        raise SystemExit(1)


def _with_running_servers(config: Config, folder: Path) -> Config:
    """Return the settings with the addresses of the embedded servers that run."""
    if config.database_url and config.redis_url:
        return config
    running = running_addresses(folder)
    if running is None:
        return config
    return msgspec.structs.replace(
        config,
        database_url=config.database_url or running.database_url,
        redis_url=config.redis_url or running.redis_url,
    )


def _line(name: str, finding: Finding) -> str:
    line = f"{_SIGNS[finding.level]:8}{name:20} {finding.message}"
    return f"{line}\n{'':29}{finding.advice}" if finding.advice else line


def _json(name: str, finding: Finding) -> str:
    members = {"check": name, "level": finding.level.value, "message": finding.message}
    if finding.advice:
        members["advice"] = finding.advice
    return ujson.dumps(members, escape_forward_slashes=False, ensure_ascii=False)
