"""Every metric: its name, its kind, what it says, and how the values of several processes become
one.
"""

from dataclasses import dataclass
from typing import Literal

from spectraview.observability.measures import GROUP_SIZES, LATENCY

Kind = Literal["counter", "gauge", "histogram"]
Merge = Literal["sum", "max", "min"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; a counter's name is without its `_total`."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    merge: Merge = "sum"
    bounds: tuple[float, ...] = LATENCY


def _counter(name: str, help: str, *labels: str) -> Family:
    return Family(f"spectraview_{name}", "counter", help, labels)


def _gauge(name: str, help: str, *labels: str, merge: Merge = "sum") -> Family:
    return Family(f"spectraview_{name}", "gauge", help, labels, merge)


def _histogram(name: str, help: str, *labels: str, bounds: tuple[float, ...] = LATENCY) -> Family:
    return Family(f"spectraview_{name}", "histogram", help, labels, bounds=bounds)


_REQUESTS = (
    _histogram(
        "request_duration_seconds",
        "Requests from their head to their answer, by route pattern.",
        *("method", "route", "status"),
    ),
    _counter("upgraded_connections", "Requests that became a live view or a socket.", "route"),
    _gauge("requests_in_progress", "Requests that run, live views and sockets among them."),
    _counter("refused", "Answers that say why something failed, by error code.", "code"),
    _gauge("admission_bytes", "Bytes of bodies that are held for running requests."),
    _gauge("admission_max_bytes", "Bytes of bodies from which on requests are refused."),
)
_INGEST = (
    _histogram(
        "ingest_stage_seconds",
        "read: a body's bytes; parse; commit_wait: until its group begins; commit: the group's "
        "statement; publish: from the commit to Redis's word.",
        "stage",
    ),
    _histogram("commit_group_batches", "Batches of one commit.", bounds=GROUP_SIZES),
    _counter("batches", "Batches stored."),
    _counter("duplicate_batches", "Batches that were stored before."),
    _counter("events", "rrweb events stored."),
    _counter("custom_events", "Custom events stored."),
    _counter("session_errors", "Errors of pages stored."),
    _counter("event_json_bytes", "Bytes of stored events as JSON."),
    _counter("event_stored_bytes", "Bytes of stored events as they came, compressed."),
    _counter("commit_retries", "Groups that were tried again, since PostgreSQL was away."),
    _gauge("commit_pending_batches", "Batches that wait for their commit."),
    _gauge("commit_pending_bytes", "Bytes of batches that wait for their commit."),
    _gauge("active_sessions", "Sessions that have not ended, counted each job round.", merge="max"),
)
_LIVE = (
    _gauge("viewers", "Live viewers."),
    _gauge("watched_sessions", "Sessions that a process shows; one may count in several."),
    _gauge("viewers_behind", "Viewers that have yet to catch up with the head."),
    _gauge("viewer_lag_max_bytes", "What the viewer furthest behind has to catch up.", merge="max"),
    _histogram("hub_seconds", "From a batch in order to its frames in all followers' sockets."),
    _histogram("socket_wait_seconds", "Waits until a viewer that is behind took what it was sent."),
    _counter("live_batches", "Batches given on to viewers, each once a process."),
    _counter("live_deliveries", "Batches times the viewers who followed."),
    _counter("live_delivered_events", "Events times the viewers who followed."),
    _counter("live_paged_events", "Events sent to viewers that were catching up."),
    _counter("live_gaps", "Batches known of before they came, or not in order."),
    _counter("live_repairs", "Gaps that were filled from the buffer or the store."),
    _counter("live_repaired_batches", "Batches that the store filled gaps with."),
    _counter("head_polls", "Looks at the heads of all watched sessions."),
    _counter("head_polls_failed", "Of these, those that PostgreSQL did not answer."),
    _counter("viewers_skipped", "Viewers moved on to a newer keyframe."),
    _counter("viewers_too_slow", "Viewers closed since they were too slow to be moved on."),
    _counter("viewers_stalled", "Viewers cut since they took no byte."),
    _counter("pubsub_outages", "Times that the pub/sub connection was lost."),
)
_STORAGE = (
    _histogram("database_statement_seconds", "Statements, with the wait for a connection."),
    _counter("database_outages", "Statements that PostgreSQL did not answer."),
    _gauge("database_up", "Whether PostgreSQL answered last.", merge="min"),
    _gauge("database_connections", "Most connections to PostgreSQL."),
    _gauge("database_connections_in_use", "Connections that run a statement."),
    _gauge("database_connections_waiting", "Statements that wait for a connection."),
    _gauge("standby_usable", "Whether the standby serves reads.", merge="min"),
    _gauge("standby_lag_seconds", "How old what it is known to have is at least.", merge="max"),
    _counter("standby_reads", "Statements that the standby answered."),
    _counter(
        "standby_passed_over",
        "Reads that the primary took instead. away: it can't be reached or broke off; silent: it "
        "does not answer; promoted: it is no standby; behind: it lacks batches of a session.",
        "reason",
    ),
    _histogram("redis_round_seconds", "Round trips to Redis.", "pipeline"),
    _counter("redis_commands", "Commands that Redis answered.", "pipeline"),
    _counter("redis_dropped_commands", "Commands that went without Redis's answer.", "pipeline"),
    _counter("redis_outages", "Rounds that Redis did not answer.", "pipeline"),
    _gauge("redis_backlog", "Calls that wait for the next round.", "pipeline"),
    _gauge("redis_up", "Whether Redis answered last.", merge="min"),
    _counter("replay_cache_hits", "Replays found in the cache."),
    _counter("replay_cache_misses", "Replays that had to be made."),
)
# Not `job`: Prometheus gives every sample a label of that name.
_JOBS = (
    _counter("job_rounds", "Rounds of a background job.", "task"),
    _counter("job_failures", "Rounds that failed.", "task"),
    _counter("job_seconds", "Time that rounds took.", "task"),
    _counter("job_done", "What a job did.", "task", "what"),
    Family(
        "spectraview_job_success_timestamp_seconds",
        "gauge",
        "When a round last succeeded.",
        ("task",),
        "max",
    ),
)
_PROCESS = (
    _histogram("event_loop_lag_seconds", "How late the event loop comes to what is due."),
    _gauge("event_loop_busy_ratio", "Share of a core the busiest event loop takes.", merge="max"),
    _gauge("processes", "Processes that serve here."),
    Family("spectraview_info", "gauge", "The version.", ("version",), "max"),
    Family("process_resident_memory_bytes", "gauge", "Resident memory of all processes."),
    Family("process_virtual_memory_bytes", "gauge", "Virtual memory of all processes."),
    Family("process_cpu_seconds", "counter", "CPU time of all processes."),
    Family("process_open_fds", "gauge", "Open file descriptors of all processes."),
    Family("process_max_fds", "gauge", "Most file descriptors of one process.", (), "min"),
    Family("process_start_time_seconds", "gauge", "When the oldest process began.", (), "min"),
)
FAMILIES = {
    family.name: family for family in (*_REQUESTS, *_INGEST, *_LIVE, *_STORAGE, *_JOBS, *_PROCESS)
}
