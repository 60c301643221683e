"""Runs the checks, each by itself: one that can't be made is told as such."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from spectraview.config import Config
from spectraview.diagnosis import archive, database, machine, redis, standbys, upkeep
from spectraview.diagnosis.findings import (
    CONNECT_SECONDS,
    Check,
    Deployment,
    Finding,
    problem,
    warning,
)
from spectraview.storage.cluster_nodes import cluster_seeds
from spectraview.storage.objects import Objects

OLD_REDIS = "redis-version"
_OF_DATABASE: Sequence[Check] = (*database.CHECKS, *standbys.CHECKS, *upkeep.CHECKS)
_FAILURES = (psycopg2.Error, RedisError, OSError)
NEEDED_AT_START: Sequence[Check] = (database.postgresql_version, redis.redis_version)
"""Without these no server can serve."""
LOOKED_AT_AT_START: Sequence[Check] = (database.connections, redis.eviction)


@contextmanager
def opened(
    config: Config, folder: Path, environment: Mapping[str, str], objects: Objects | None
) -> Iterator[tuple[Deployment, list[tuple[str, Finding]]]]:
    """Yield what can be looked at, and what is found of the servers that do not answer."""
    found: list[tuple[str, Finding]] = []
    connection = _database(config.database_direct_url or config.database_url, found)
    client = _redis(config.redis_url, found)
    try:
        yield Deployment(config, folder, environment, connection, client, objects), found
    finally:
        if connection is not None:
            connection.close()
        if client is not None:
            client.close()


def examine(place: Deployment) -> Iterator[tuple[str, Finding]]:
    """Yield what every check finds, by its name."""
    for check in possible([*machine.CHECKS, *_OF_DATABASE, *redis.CHECKS, *archive.CHECKS], place):
        yield check.__name__.replace("_", "-"), run(check, place)


def possible(checks: Sequence[Check], place: Deployment) -> Sequence[Check]:
    """Return the checks of what answers."""
    silent: set[Check] = set()
    if place.database is None:
        silent |= set(_OF_DATABASE)
    if place.redis is None:
        silent |= set(redis.CHECKS)
    return [check for check in checks if check not in silent]


def run(check: Check, place: Deployment) -> Finding:
    """Return what a check finds."""
    try:
        return check(place)
    except _FAILURES as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        return problem(f"this can't be checked: {reason}", "Mend that, then run this again.")


def _database(url: str, found: list[tuple[str, Finding]]) -> Connection | None:
    if not url:
        advice = "Start the server, or set DATABASE_URL."
        found.append(("postgresql", problem("no PostgreSQL runs in the data folder", advice)))
        return None
    try:
        connection = psycopg2.connect(url, connect_timeout=CONNECT_SECONDS)
    except psycopg2.Error as error:
        found.append(
            (
                "postgresql",
                problem(
                    f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}",
                    "Look at DATABASE_URL, the network and PostgreSQL's log. Nothing is stored.",
                ),
            )
        )
        return None
    connection.autocommit = True
    return connection


def _redis(url: str, found: list[tuple[str, Finding]]) -> "Redis | None":
    if not url:
        advice = "Start the server, or set REDIS_URL."
        found.append(("redis", warning("no Redis runs in the data folder", advice)))
        return None
    client: Any = None
    for address in cluster_seeds(url) or (url,):
        client = Redis.from_url(
            address,
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            client.ping()
        except (RedisError, OSError) as error:
            client.close()
            failure = error
        else:
            return client  # type: ignore[no-any-return]
    found.append(_silent_redis(failure))
    return None


def _silent_redis(error: Exception) -> tuple[str, Finding]:
    if "unknown command" in str(error).lower():  # its greeting, HELLO, is of Redis 6
        message = "Redis is too old: it does not know HELLO"
        return OLD_REDIS, problem(message, "Use Redis 6.2 or newer, or Valkey.")
    return "redis", problem(
        f"Redis does not answer: {error}",
        "Look at REDIS_URL, the network and Redis's log. Until then live views are a second late"
        " and limits count in each process.",
    )
