"""Checks of PostgreSQL's standbys."""

from contextlib import closing

import psycopg2

from spectraview.diagnosis.findings import (
    CONNECT_SECONDS,
    Deployment,
    Finding,
    megabytes,
    ok,
    problem,
    warning,
)
from spectraview.storage import queries

_SLOT_BYTES = 1_000_000_000
_STANDBY_BYTES, _STANDBY_SECONDS = 64_000_000, 30


def replication(place: Deployment) -> Finding:
    """Look at standbys that lag, and at slots that keep WAL for nobody."""
    slots = place.rows(queries.CHECK_SLOTS)
    for name, active, size in slots:
        if not active and size > _SLOT_BYTES:
            return problem(
                f"nobody reads the replication slot {name}, for which {megabytes(size)} of WAL are"
                " kept",
                f"Bring its standby back, or drop it: `SELECT pg_drop_replication_slot('{name}')`."
                " Else the disk fills.",
            )
    standbys = place.rows(queries.CHECK_STANDBYS)
    for name, size, seconds in standbys:
        if size > _STANDBY_BYTES or seconds > _STANDBY_SECONDS:
            return warning(
                f"the standby {name} is {megabytes(size)} and {seconds:.0f} s behind",
                "Look at its network, disk and long queries.",
            )
    idle = [name for name, active, _ in slots if not active]
    if idle:
        return warning(
            f"nobody reads the replication slot {', '.join(idle)}",
            "Bring the standby back or drop the slot before WAL fills the disk.",
        )
    return ok(f"{len(standbys)} standbys follow" if standbys else "there is no standby")


def read_standby(place: Deployment) -> Finding:
    """Look at the standby that lists, replays and analytics are read from."""
    url, most = place.config.database_read_url, place.config.read_lag
    if not url:
        return ok("nothing is read from a standby")
    (primary_lsn,) = place.row(queries.CHECK_WAL)
    advice = "Look at the standby, its network and its log. Meanwhile the primary reads for it."
    try:
        with (
            closing(psycopg2.connect(url, connect_timeout=CONNECT_SECONDS)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(queries.CHECK_READ_STANDBY, {"primary_lsn": primary_lsn})
            ((is_standby, behind, seconds),) = cursor.fetchall()
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        return warning(f"DATABASE_READ_URL does not answer: {reason}", advice)
    if not is_standby:
        return problem("DATABASE_READ_URL is no standby", "Let it name a streaming standby.")
    if behind > 0 and seconds > most:
        return warning(
            f"the standby that is read from is {megabytes(behind)} and {seconds:.0f} s behind",
            advice,
        )
    return ok(f"the standby that is read from is {megabytes(behind)} behind")


CHECKS = (replication, read_standby)
