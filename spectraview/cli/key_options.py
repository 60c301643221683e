"""The options of `spectraview keys` that say what is set of a key."""

import re
from collections.abc import Callable, Collection
from typing import TypeVar

import click

from spectraview.cli.servers import ttl_hours_option
from spectraview.ingest.scrubbing.scrubber import SCRUB_RULES

_Command = TypeVar("_Command", bound=Callable[..., object])
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 2_592_000
_MEMBERS = {
    "name": "name",
    "origins": "origins",
    "scrub": "scrub",
    "ttl_hours": "ttlHours",
    "expires": "expiresAt",
    "ingest_per_minute": "ingestPerMinute",
    "read_per_minute": "readPerMinute",
    "requests_per_day": "requestsPerDay",
    "bytes_per_day": "bytesPerDay",
    "events_per_day": "eventsPerDay",
}
_CLEARED: dict[str, tuple[str, object]] = {
    "origin": ("origins", []),
    "scrub": ("scrub", []),
    **{
        field.replace("_", "-"): (member, None)
        for field, member in _MEMBERS.items()
        if field not in ("name", "origins", "scrub")
    },
}
_LIMITS = (
    ("--ingest-per-minute", "Ingest requests a minute, in place of the server's limit."),
    ("--read-per-minute", "Reads a minute, in place of the server's limit."),
    ("--requests-per-day", "Requests a day (UTC)."),
    ("--bytes-per-day", "Bytes of batches a day (UTC), as they are sent."),
    ("--events-per-day", "Events a day (UTC)."),
)


def key_options(command: _Command) -> _Command:
    """Add the options to a command."""
    for name, text in reversed(_LIMITS):
        command = click.option(name, type=click.IntRange(min=1), default=None, help=text)(command)
    command = click.option(
        "--expires", default=None, help="When it ends: 2030-12-31T00:00:00Z, in ISO 8601."
    )(command)
    command = click.option(
        "--scrub",
        type=click.Choice(SCRUB_RULES),
        multiple=True,
        help="What is masked before it is stored; nothing if not given.",
    )(command)
    command = ttl_hours_option(command)
    return click.option(
        "--origin", "origins", multiple=True, help="An origin whose pages may use it; all if none."
    )(command)


def changed_members(options: dict[str, object], cleared: Collection[str] = ()) -> dict[str, object]:
    """Return what options say, by the API's names; `cleared` names options that hold no longer."""
    members = {_MEMBERS[name]: value for name, value in options.items() if value not in (None, ())}
    for name in cleared:
        if name not in _CLEARED:
            raise click.BadParameter(f"{name} is none of {', '.join(_CLEARED)}", param_hint="--no")
        member, nothing = _CLEARED[name]
        members[member] = nothing
    return members


def parse_duration(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    """Return a duration in seconds."""
    found = _DURATION.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else _LONGEST + 1
    if seconds > _LONGEST:
        raise click.BadParameter("a time such as 30s, 15m, 24h or 7d is expected, 30d at the most")
    return seconds
