"""Checks of PostgreSQL: what it is, and whether it keeps what it has promised."""

from contextlib import closing
from pathlib import Path

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
from spectraview.diagnosis.machine import disk_finding
from spectraview.storage import queries
from spectraview.storage.migrate import migrations

OLDEST, TESTED = 15, 18
_SKEW_WARNING, _SKEW_PROBLEM = 2.0, 30.0
_OF_ITS_OWN = 4
"""Connections of a process beside its pool, such as those that hold the locks of its jobs."""
_BUSY = 0.8
_OLD_XID, _ANCIENT_XID = 500_000_000, 1_500_000_000
_LONG_TRANSACTION = 3600


def postgresql_version(place: Deployment) -> Finding:
    """Compare the server's version with what is needed and what is tested."""
    assert place.database is not None
    major = place.database.server_version // 10_000
    if major < OLDEST:
        return problem(
            f"PostgreSQL {major} is too old", f"Use PostgreSQL {OLDEST} or newer, best {TESTED}."
        )
    return ok(f"PostgreSQL {major}" + ("" if major == TESTED else f" (tested with {TESTED})"))


def postgresql_clock(place: Deployment) -> Finding:
    """Compare PostgreSQL's clock with this machine's."""
    before = place.now()
    (theirs,) = place.row(queries.CHECK_CLOCK)
    return clock_finding("PostgreSQL", theirs, (before + place.now()) / 2)


def clock_finding(name: str, theirs: float, ours: float) -> Finding:
    """Say how far two clocks are apart."""
    apart = abs(theirs - ours)
    message = f"the clocks of {name} and this machine are {apart:.1f} s apart"
    advice = "Let NTP (chrony, systemd-timesyncd) set the clocks of all machines."
    if apart > _SKEW_PROBLEM:
        return problem(message, advice)
    return warning(message, advice) if apart > _SKEW_WARNING else ok(message)


def durability(place: Deployment) -> Finding:
    """Look whether what is committed survives a crash."""
    found = [f"{name} is {value}" for name, value in place.rows(queries.CHECK_DURABILITY)]
    if found:
        return problem(
            f"{', '.join(found)}: what was answered with 200 may be lost in a crash",
            "Switch them on in postgresql.conf and reload.",
        )
    return ok("what is committed is on disk")


def schema(place: Deployment) -> Finding:
    """Compare the migrations that were applied with those of this version."""
    shipped = {migration.number for migration in migrations()}
    applied = {row[0] for row in place.rows(queries.CHECK_MIGRATIONS)}
    if missing := sorted(shipped - applied):
        return problem(
            f"the migrations {', '.join(map(str, missing))} are not applied",
            "Run `spectraview migrate`, or start a server of this version.",
        )
    if later := sorted(applied - shipped):
        return warning(
            f"the database has the migrations {', '.join(map(str, later))}, which this version does"
            " not know",
            "Bring all servers to the newest version.",
        )
    return ok(f"all {len(shipped)} migrations are applied")


def vacuum(place: Deployment) -> Finding:
    """Look whether autovacuum runs and how old the oldest transaction id is."""
    autovacuum, age, dead = place.row(queries.CHECK_VACUUM)
    if not autovacuum:
        return problem("autovacuum is off", "Switch it on: tables grow, and in the end all stops.")
    if age > _OLD_XID:
        say = problem if age > _ANCIENT_XID else warning
        return say(
            f"the oldest transaction id is {age / 1e6:.0f} million transactions old",
            "Look for long transactions, unused slots and prepared transactions, then run VACUUM"
            " (FREEZE). At 2,100 million PostgreSQL stops.",
        )
    if dead is not None:
        return warning(
            f"autovacuum is switched off for the table {dead}",
            f"Run `ALTER TABLE {dead} RESET (autovacuum_enabled)`.",
        )
    return ok(f"the oldest transaction id is {age / 1e6:.0f} million transactions old")


def long_transactions(place: Deployment) -> Finding:
    """Look for transactions that hold up VACUUM and the dropping of days."""
    process, seconds, state = place.row(queries.CHECK_TRANSACTIONS)
    if process is not None and seconds > _LONG_TRANSACTION:
        return warning(
            f"a transaction has been open for {seconds / 3600:.1f} hours ({state})",
            f"See pg_stat_activity, and end it if it is forgotten: `SELECT"
            f" pg_terminate_backend({process})`.",
        )
    return ok("no transaction is open for long")


def connections(place: Deployment) -> Finding:
    """Compare what PostgreSQL allows with what this server may open."""
    most, used = place.row(queries.CHECK_CONNECTIONS)
    config = place.config
    pooled = bool(config.database_direct_url)
    wanted = config.workers * (_OF_ITS_OWN + (0 if pooled else config.database_connections))
    if wanted > most:
        return problem(
            f"{config.workers} processes with {config.database_connections} connections each may"
            f" open {wanted}, and PostgreSQL allows {most}",
            "Raise max_connections, lower SPECTRAVIEW_DATABASE_CONNECTIONS or workers, or put"
            " pgbouncer in front.",
        )
    if used > most * _BUSY:
        return warning(
            f"{used} of {most} connections are in use",
            "Raise max_connections before nobody gets one, or put pgbouncer in front.",
        )
    return ok(f"{used} of {most} connections are in use, {wanted} may be wanted here")


def pooler(place: Deployment) -> Finding:
    """Look whether the pgbouncer before PostgreSQL lets a statement through."""
    if not place.config.database_direct_url:
        return ok("there is no pgbouncer")
    connection = psycopg2.connect(place.config.database_url, connect_timeout=CONNECT_SECONDS)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(queries.PING)
    return ok("pgbouncer lets statements through")


def search_indexes(place: Deployment) -> Finding:
    """Look whether texts are found by indexes."""
    if place.row(queries.HAS_SEARCH_INDEXES)[0]:
        return ok("texts are found by indexes")
    return warning(
        "the indexes for texts are missing: `q` and `url` look through sessions",
        "Let an administrator run `CREATE EXTENSION pg_trgm`, then `SELECT"
        " create_search_indexes()`, and start the servers again.",
    )


def postgresql_space(place: Deployment) -> Finding:
    """Look at the disk of PostgreSQL, where it is this machine's and may be known."""
    folder, size = place.row(queries.CHECK_DATA_DIRECTORY)
    if folder is None or not Path(folder).exists():
        return ok(f"the database takes {megabytes(size)}; watch the disk on its own machine")
    return disk_finding(Path(folder), "PostgreSQL")


CHECKS = (
    postgresql_version,
    postgresql_clock,
    durability,
    schema,
    vacuum,
    long_transactions,
    connections,
    pooler,
    search_indexes,
    postgresql_space,
)
