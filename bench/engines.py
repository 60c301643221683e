"""What PostgreSQL and Redis have done: bytes of WAL, transactions, commands, bytes on the wire."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial

import psycopg2
import redis

from bench.errors import BenchError
from bench.figures import Figure
from bench.target import Target

_DONE = """
SELECT pg_current_wal_lsn() - '0/0', xact_commit
FROM pg_stat_database
WHERE datname = current_database()
"""


def engine_counters(target: Target) -> dict[str, float]:
    """Return how much the engines behind a server have done; nothing of those that aren't known.

    Others that use the same engines count too. Raises BenchError.
    """
    counters: dict[str, float] = {}
    if target.database_url is not None:
        counters |= _postgresql(target.database_url)
    if target.redis_url is not None:
        counters |= _redis(target.redis_url)
    return counters


def engine_figures(
    before: Mapping[str, float], after: Mapping[str, float], count: int, unit: str
) -> list[Figure]:
    """Return what the engines did for each of `count` things."""
    return [
        Figure(f"{name}/{unit}", (after[name] - before[name]) / max(count, 1), "less")
        for name in before
        if name in after
    ]


def _postgresql(url: str) -> dict[str, float]:
    try:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(_DONE)
            ((written, transactions),) = cursor.fetchall()
    except psycopg2.Error as error:
        raise BenchError(f"PostgreSQL can't be asked: {error}") from error
    return {"WAL bytes": float(written), "transactions": float(transactions)}


def _redis(url: str) -> dict[str, float]:
    try:
        with redis.Redis.from_url(url) as client:
            info: Mapping[str, object] = client.info("all")
    except redis.RedisError as error:
        raise BenchError(f"Redis can't be asked: {error}") from error
    number = partial(_number, info)
    scripts = sum(number(f"cmdstat_{name}", "calls") for name in ("evalsha", "eval"))
    return {
        "Redis scripts": scripts,
        "Redis commands": number("total_commands_processed"),
        "Redis bytes in": number("total_net_input_bytes"),
        "Redis bytes out": number("total_net_output_bytes"),
    }


def _number(info: Mapping[str, object], name: str, member: str | None = None) -> float:
    value = info.get(name, 0)
    if member is not None and isinstance(value, Mapping):
        value = value.get(member, 0)
    return float(str(value))
