"""Reads what the parts of an application have noted; nothing here waits for anything."""

from math import isfinite

from aiohttp import web

from spectraview import __version__
from spectraview.exposition.snapshot import Snapshot
from spectraview.keys import (
    ADMISSION,
    CACHE,
    COMMITTER,
    DATABASE,
    HUB,
    JOBS,
    LOOP,
    REPLAY_CACHE,
    REPLICA,
    REQUESTS,
)
from spectraview.storage.redis_cluster import Redis

_SEALING = "seal"


def read_metrics(app: web.Application) -> Snapshot:
    """Return what this process has noted so far, but for what the system knows of it."""
    snapshot = Snapshot()
    _read_requests(app, snapshot)
    _read_ingest(app, snapshot)
    _read_live(app, snapshot)
    _read_database(app, snapshot)
    _read_standby(app, snapshot)
    _read_redis(app, snapshot)
    _read_jobs(app, snapshot)
    snapshot.add_histogram("spectraview_event_loop_lag_seconds", app[LOOP].lag)
    snapshot.add("spectraview_event_loop_busy_ratio", app[LOOP].busy)
    snapshot.add("spectraview_processes", 1)
    snapshot.add("spectraview_info", 1, __version__)
    return snapshot


def _read_requests(app: web.Application, snapshot: Snapshot) -> None:
    requests, admission = app[REQUESTS], app[ADMISSION]
    for (method, route, status), duration in requests.durations.items():
        snapshot.add_histogram(
            "spectraview_request_duration_seconds", duration, method, route, str(status)
        )
    for route, count in requests.upgraded.items():
        snapshot.add("spectraview_upgraded_connections", count, route)
    for code, count in requests.refused.items():
        snapshot.add("spectraview_refused", count, code)
    snapshot.add("spectraview_requests_in_progress", admission.requests)
    snapshot.add("spectraview_admission_bytes", admission.bytes_in_flight)
    snapshot.add("spectraview_admission_max_bytes", admission.max_bytes)


def _read_ingest(app: web.Application, snapshot: Snapshot) -> None:
    requests, committer = app[REQUESTS], app[COMMITTER]
    measures = committer.measures
    stages = {
        "read": requests.read,
        "parse": requests.parse,
        "commit_wait": measures.wait,
        "commit": measures.statement,
        "publish": app[CACHE].published,
    }
    for stage, histogram in stages.items():
        snapshot.add_histogram("spectraview_ingest_stage_seconds", histogram, stage)
    snapshot.add_histogram("spectraview_commit_group_batches", measures.group)
    snapshot.add("spectraview_batches", measures.batches)
    snapshot.add("spectraview_duplicate_batches", measures.duplicates)
    snapshot.add("spectraview_events", measures.events)
    snapshot.add("spectraview_custom_events", measures.custom_events)
    snapshot.add("spectraview_session_errors", measures.errors)
    snapshot.add("spectraview_event_json_bytes", measures.json_bytes)
    snapshot.add("spectraview_event_stored_bytes", measures.stored_bytes)
    snapshot.add("spectraview_commit_retries", measures.retries)
    batches, size = committer.pending
    snapshot.add("spectraview_commit_pending_batches", batches)
    snapshot.add("spectraview_commit_pending_bytes", size)


def _read_live(app: web.Application, snapshot: Snapshot) -> None:
    hub = app[HUB]
    measures, crowd = hub.measures, hub.crowd()
    snapshot.add("spectraview_viewers", hub.viewer_count)
    snapshot.add("spectraview_watched_sessions", crowd.sessions)
    snapshot.add("spectraview_viewers_behind", crowd.behind)
    snapshot.add("spectraview_viewer_lag_max_bytes", crowd.most_bytes_behind)
    snapshot.add_histogram("spectraview_hub_seconds", measures.hub)
    snapshot.add_histogram("spectraview_socket_wait_seconds", measures.socket)
    snapshot.add("spectraview_live_batches", measures.batches)
    snapshot.add("spectraview_live_deliveries", measures.deliveries)
    snapshot.add("spectraview_live_delivered_events", measures.delivered_events)
    snapshot.add("spectraview_live_paged_events", measures.paged_events)
    snapshot.add("spectraview_live_gaps", measures.gaps)
    snapshot.add("spectraview_live_repairs", measures.repairs)
    snapshot.add("spectraview_live_repaired_batches", measures.repaired_batches)
    snapshot.add("spectraview_head_polls", measures.head_polls)
    snapshot.add("spectraview_head_polls_failed", measures.missed_polls)
    snapshot.add("spectraview_viewers_skipped", measures.skipped)
    snapshot.add("spectraview_viewers_too_slow", measures.too_slow)
    snapshot.add("spectraview_viewers_stalled", measures.stalled)
    snapshot.add("spectraview_pubsub_outages", measures.connections_lost)


def _read_database(app: web.Application, snapshot: Snapshot) -> None:
    database = app[DATABASE]
    measures, pool = database.measures, database.pool
    snapshot.add_histogram("spectraview_database_statement_seconds", measures.statements)
    snapshot.add("spectraview_database_outages", measures.outages)
    snapshot.add("spectraview_database_up", measures.available)
    snapshot.add("spectraview_database_connections", pool.size)
    snapshot.add("spectraview_database_connections_in_use", pool.lent)
    snapshot.add("spectraview_database_connections_waiting", pool.borrowers - pool.lent)


def _read_standby(app: web.Application, snapshot: Snapshot) -> None:
    replica = app.get(REPLICA)
    if replica is None:
        return
    snapshot.add("spectraview_standby_usable", replica.usable)
    if isfinite(replica.lag):  # else it has never been heard of
        snapshot.add("spectraview_standby_lag_seconds", replica.lag)
    snapshot.add("spectraview_standby_reads", replica.measures.reads)
    for reason, count in replica.measures.passed_over.items():
        snapshot.add("spectraview_standby_passed_over", count, reason)


def _read_redis(app: web.Application, snapshot: Snapshot) -> None:
    replays = app[REPLAY_CACHE]
    _read_pipeline(snapshot, "main", app[CACHE].pipeline)
    _read_pipeline(snapshot, "replay", replays.pipeline)
    snapshot.add("spectraview_redis_up", app[CACHE].available)
    snapshot.add("spectraview_replay_cache_hits", replays.hits)
    snapshot.add("spectraview_replay_cache_misses", replays.misses)


def _read_pipeline(snapshot: Snapshot, name: str, pipeline: Redis) -> None:
    measures = pipeline.measures
    snapshot.add_histogram("spectraview_redis_round_seconds", measures.rounds, name)
    snapshot.add("spectraview_redis_commands", measures.commands, name)
    snapshot.add("spectraview_redis_dropped_commands", measures.dropped, name)
    snapshot.add("spectraview_redis_outages", measures.outages, name)
    snapshot.add("spectraview_redis_backlog", pipeline.backlog, name)


def _read_jobs(app: web.Application, snapshot: Snapshot) -> None:
    jobs = app[JOBS]
    for name, job in jobs.items():
        snapshot.add("spectraview_job_rounds", job.rounds, name)
        snapshot.add("spectraview_job_failures", job.failures, name)
        snapshot.add("spectraview_job_seconds", job.seconds, name)
        for what, amount in job.done.items():
            snapshot.add("spectraview_job_done", amount, name, what)
        if job.succeeded_at:
            snapshot.add("spectraview_job_success_timestamp_seconds", job.succeeded_at, name)
    if jobs.active_sessions is not None:
        snapshot.add("spectraview_active_sessions", jobs.active_sessions)
