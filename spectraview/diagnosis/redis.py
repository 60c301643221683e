"""Checks of Redis or Valkey."""

from collections.abc import Mapping
from typing import Any

from redis.exceptions import ResponseError

from spectraview.diagnosis.database import clock_finding
from spectraview.diagnosis.findings import (
    Deployment,
    Finding,
    megabytes,
    ok,
    problem,
    warning,
)
from spectraview.storage.cluster_nodes import cluster_seeds

OLDEST = (6, 2)
_LEAST_PUBSUB_BUFFER = 8_388_608
_WAITING = 1_048_576
_SLOTS = 16_384


def redis_version(place: Deployment) -> Finding:
    """Compare the server's version with what is needed."""
    server = _info(place, "server")
    if "valkey_version" in server:
        return ok(f"Valkey {server['valkey_version']}")
    version = str(server["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return problem(f"Redis {version} is too old", "Use Redis 6.2 or newer, or Valkey.")
    return ok(f"Redis {version}")


def redis_cluster(place: Deployment) -> Finding:
    """Look whether all slots of a cluster are served; what else is looked at is of one node."""
    assert place.redis is not None
    if not cluster_seeds(place.config.redis_url):
        return ok("Redis is no cluster")
    redis: Any = place.redis
    state = redis.execute_command("CLUSTER INFO")
    slots = f"{state['cluster_slots_ok']} of {_SLOTS} slots are served"
    if state["cluster_state"] != "ok" or int(state["cluster_slots_ok"]) < _SLOTS:
        return problem(
            f"a part of the cluster is down: {slots}",
            "See `CLUSTER NODES`, and bring the master back that is missing or promote a replica.",
        )
    return ok(f"{slots} by {state['cluster_size']} masters")


def redis_clock(place: Deployment) -> Finding:
    """Compare the server's clock with this machine's."""
    assert place.redis is not None
    before = place.now()
    seconds, microseconds = place.redis.time()
    return clock_finding("Redis", seconds + microseconds / 1e6, (before + place.now()) / 2)


def eviction(place: Deployment) -> Finding:
    """Look what happens when the memory is full."""
    memory = _info(place, "memory")
    limit, policy = int(memory["maxmemory"]), str(memory["maxmemory_policy"])
    if not limit:
        return warning(
            "maxmemory is not set: Redis takes all the memory that there is",
            "Set maxmemory, 256mb or more, and maxmemory-policy allkeys-lru.",
        )
    if policy == "noeviction":
        return warning(
            f"maxmemory-policy is noeviction: with {megabytes(limit)} in use Redis refuses all"
            " writes, and each process goes on without it",
            "Set maxmemory-policy to allkeys-lru: everything in Redis can be lost.",
        )
    return ok(f"of {megabytes(limit)} what is used least goes first ({policy})")


def pubsub_buffers(place: Deployment) -> Finding:
    """Look at the buffers of who listens to the channels."""
    assert place.redis is not None
    limit = _pubsub_limit(place)
    if limit is not None and 0 < limit < _LEAST_PUBSUB_BUFFER:
        return warning(
            f"a subscriber is cut off with {megabytes(limit)} waiting for it",
            "Set client-output-buffer-limit to `pubsub 32mb 8mb 60`, which is Redis's default.",
        )
    try:
        clients = place.redis.client_list(_type="pubsub")
    except ResponseError:  # a managed Redis may forbid it
        return ok("whoever listens may not be seen here")
    waiting = max((int(client["omem"]) for client in clients), default=0)
    if waiting > _WAITING:
        return warning(
            f"{megabytes(waiting)} wait for a subscriber",
            "A SpectraView process does not keep up: look at its CPU and its network.",
        )
    return ok(f"{len(clients)} subscribers keep up")


def _pubsub_limit(place: Deployment) -> int | None:
    """Return the bytes at which a subscriber is cut off, 0 for never, None if it is a secret."""
    assert place.redis is not None
    try:
        found: Any = place.redis.config_get("client-output-buffer-limit")
    except ResponseError:
        return None
    words = str(found["client-output-buffer-limit"]).split()
    return int(words[words.index("pubsub") + 1])


def _info(place: Deployment, section: str) -> Mapping[str, Any]:
    assert place.redis is not None
    found: Any = place.redis.info(section)
    return found  # type: ignore[no-any-return]


CHECKS = (redis_version, redis_cluster, redis_clock, eviction, pubsub_buffers)
