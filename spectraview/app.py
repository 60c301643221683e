"""Puts the application together: middlewares, routes, and the resources in the order they depend on
each other.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import set_zlib_backend, web
from isal import isal_zlib

from spectraview.access.admission import Admission
from spectraview.access.api_keys import ApiKeys
from spectraview.access.quotas import Quotas
from spectraview.access.rate_limit import RateLimiter
from spectraview.access.revocation import watching_revocations
from spectraview.access.viewer_tokens import ViewerTokens
from spectraview.api.headers import protect
from spectraview.api.openapi.document import document_asset
from spectraview.config import Config
from spectraview.exposition.reading import read_metrics
from spectraview.exposition.sharing import SharedMetrics
from spectraview.ingest.committer import Committer
from spectraview.ingest.recorder import Recorder
from spectraview.keys import (
    ADMISSION,
    ANALYTICS,
    API_KEYS,
    ARCHIVE,
    ASSETS,
    AUDIT_LOG,
    BATCHES,
    CACHE,
    COMMITTER,
    CONFIG,
    DATABASE,
    DELETION_STORE,
    ERASER,
    HUB,
    INGEST_SOCKETS,
    JOBS,
    LOOP,
    OBJECTS,
    OPENAPI,
    QUOTAS,
    RATE_LIMITER,
    READERS,
    RECORDER,
    REPLAY_CACHE,
    REPLICA,
    REQUESTS,
    SCOPES,
    SEGMENT_DATA,
    SESSION_LISTS,
    SHARED_METRICS,
    STARTED_AT,
    STORE,
    TOKEN_HANDLERS,
    USAGE_READER,
    VIEWER_TOKENS,
)
from spectraview.lifecycle.analytics import refreshing_analytics
from spectraview.lifecycle.archive import LOCK as ARCHIVE_LOCK
from spectraview.lifecycle.archive import Archive
from spectraview.lifecycle.deletion import Eraser
from spectraview.lifecycle.jobs import running_jobs
from spectraview.lifecycle.retention import LOCK as RETENTION_LOCK
from spectraview.lifecycle.retention import Retention, RetentionRules
from spectraview.lifecycle.sealing import Sealer
from spectraview.lifecycle.upkeep import Job, running_upkeep
from spectraview.live.hub import Hub
from spectraview.live.protocol import RECONNECT
from spectraview.live.watched import LiveLimits
from spectraview.middleware import (
    admit,
    answer_preflight,
    compress_json,
    measure,
    report_errors,
    require_api_key,
    tell_request_id,
    tell_what_is_left,
)
from spectraview.observability.jobs import Jobs
from spectraview.observability.loop_lag import measuring_loop
from spectraview.observability.measures import LoopMeasures, RequestMeasures
from spectraview.observability.tracing import tracing
from spectraview.replay.cache import ReplayCache
from spectraview.replay.reader import ReplayReader
from spectraview.replay.readers import Readers, SessionReaders
from spectraview.routes import ROUTES
from spectraview.storage.analytics import AnalyticsStore
from spectraview.storage.audit import AuditLog
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache
from spectraview.storage.database import Database, Reads
from spectraview.storage.deletion import DeletionStore
from spectraview.storage.objects import open_objects
from spectraview.storage.quotas import QuotaCounter
from spectraview.storage.redis_cluster import open_redis
from spectraview.storage.replica import Replica
from spectraview.storage.retention import RetentionStore
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.session_lists import SessionLists
from spectraview.storage.spans import SpanStore
from spectraview.storage.store import Store
from spectraview.storage.usage import UsageReader
from spectraview.web.assets import read_assets

_STATEMENT_TIMEOUT = 15.0
_REPLAY_CACHE_TIMEOUT = 3.0
_JSON_DEPTH = 2000


def create_app(config: Config) -> web.Application:
    """Return the application; it opens nothing before it is started."""
    set_zlib_backend(isal_zlib)
    # A page's DOM may be 512 elements deep in Chromium, with two levels of JSON for each.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _JSON_DEPTH))
    app = web.Application(
        middlewares=[
            *(measure, admit, answer_preflight, compress_json, report_errors, require_api_key)
        ],
        client_max_size=config.max_body,
        # aiohttp would answer a Content-Encoding that it can't undo itself, as plain text.
        handler_args={"auto_decompress": False},
    )
    app[CONFIG] = config
    app[ADMISSION] = Admission(config.max_pending)
    app[REQUESTS], app[JOBS], app[LOOP] = RequestMeasures(), Jobs(), LoopMeasures()
    scopes: dict[object, str] = {r.handler: r.scope for r in ROUTES if r.scope}
    app[SCOPES] = scopes
    app[TOKEN_HANDLERS] = frozenset(route.handler for route in ROUTES if route.viewer_token)
    app.add_routes([web.route(route.method, route.pattern, route.handler) for route in ROUTES])
    app.on_response_prepare.append(protect)
    app.on_response_prepare.append(tell_what_is_left)
    app.on_response_prepare.append(tell_request_id)
    app.on_shutdown.append(drain)
    app[INGEST_SOCKETS] = set[web.WebSocketResponse]()
    app.cleanup_ctx.extend(
        (_tracing, _assets, _database, _cache, _recording, _live, _jobs, _metrics)
    )
    return app


async def _tracing(app: web.Application) -> AsyncIterator[None]:
    async with tracing(app[CONFIG].otel_exporter_otlp_endpoint):
        yield


async def _assets(app: web.Application) -> AsyncIterator[None]:
    app[ASSETS] = await asyncio.to_thread(read_assets)
    app[OPENAPI] = await asyncio.to_thread(document_asset, ROUTES, app[CONFIG])
    yield


async def _database(app: web.Application) -> AsyncIterator[None]:
    config = app[CONFIG]
    async with Database(
        config.database_url,
        connections=config.database_connections,
        timeout=_STATEMENT_TIMEOUT,
    ) as database:
        app[DATABASE] = database
        app[STORE] = Store(database)
        app[DELETION_STORE] = DeletionStore(database)
        app[AUDIT_LOG] = AuditLog(database)
        objects = open_objects(config.archive_url)
        if objects is not None:
            app[OBJECTS] = objects
            app[ARCHIVE] = Archive(database, objects, after_days=config.archive_after)
        app[SEGMENT_DATA] = SegmentData(database, objects)
        app[BATCHES] = BatchReader(database, app[SEGMENT_DATA])
        app[API_KEYS] = ApiKeys(database, time.monotonic)
        app[VIEWER_TOKENS] = ViewerTokens(database, time.time)
        app[USAGE_READER] = UsageReader(database, time.monotonic)
        app[STARTED_AT] = time.monotonic()
        async with _replica(app) as reads:
            app[SESSION_LISTS] = SessionLists(reads)
            app[ANALYTICS] = AnalyticsStore(reads)
            yield


@asynccontextmanager
async def _replica(app: web.Application) -> AsyncIterator[Reads]:
    """Yield what reads that may be a moment late are made on."""
    config, primary = app[CONFIG], app[DATABASE]
    if not config.database_read_url:
        yield primary
        return
    standby, lookout = (
        Database(config.database_read_url, connections=connections, timeout=_STATEMENT_TIMEOUT)
        for connections in (config.database_connections, 1)
    )
    async with Replica(
        primary, standby, lookout, time.monotonic, most_lag=config.read_lag
    ) as replica:
        app[REPLICA] = replica
        yield replica


async def _cache(app: web.Application) -> AsyncIterator[None]:
    url = app[CONFIG].redis_url
    async with (
        open_redis(url, time.monotonic) as pipeline,
        open_redis(url, time.monotonic, timeout=_REPLAY_CACHE_TIMEOUT) as replay_pipeline,
    ):
        app[CACHE] = Cache(pipeline)
        archive = app.get(ARCHIVE)
        app[ERASER] = Eraser(
            app[DELETION_STORE], app[CACHE], sweep=archive.sweep if archive else None
        )
        app[RATE_LIMITER] = RateLimiter(app[CACHE], time.monotonic)
        app[REPLAY_CACHE] = ReplayCache(replay_pipeline)
        app[READERS] = SessionReaders(
            lambda reads: _readers(app, reads), app[DATABASE], app.get(REPLICA)
        )
        async with Quotas(app[DATABASE], QuotaCounter(pipeline), time.time) as quotas:
            app[QUOTAS] = quotas
            yield
        await app[READERS].close()


def _readers(app: web.Application, reads: Reads) -> Readers:
    data = SegmentData(reads, app.get(OBJECTS))
    cache_bytes = app[CONFIG].replay_cache_bytes
    return Readers(
        ReplayReader(reads, data, app[REPLAY_CACHE], cache_bytes=cache_bytes), SpanStore(reads)
    )


async def _recording(app: web.Application) -> AsyncIterator[None]:
    config = app[CONFIG]
    async with Committer(
        app[STORE],
        app[CACHE].announce,
        timeout=config.commit_timeout,
        max_pending=config.max_pending,
        max_wait=config.max_wait,
        ttl_hours=config.ttl_hours,
    ) as committer:
        app[COMMITTER] = committer
        app[RECORDER] = Recorder(app[STORE], app[CACHE], committer)
        yield


async def _live(app: web.Application) -> AsyncIterator[None]:
    config = app[CONFIG]
    async with Hub(
        config.redis_url,
        app[STORE],
        app[BATCHES],
        app[CACHE],
        LiveLimits(config.ring_bytes, config.viewer_lag),
        head_interval=config.head_interval,
    ) as hub:
        app[HUB] = hub
        async with watching_revocations(app[API_KEYS], hub.cut):
            yield


async def _jobs(app: web.Application) -> AsyncIterator[None]:
    config = app[CONFIG]
    async with (
        running_jobs(
            app[STORE],
            app[CACHE],
            app[ERASER],
            Sealer(
                app[DATABASE],
                app[SEGMENT_DATA],
                seal_after=config.seal_after,
                commit_seconds=lambda: app[COMMITTER].seconds,
                loop_busy=lambda: app[LOOP].busy,
            ),
            app[JOBS],
            interval=config.job_interval,
            idle_timeout=config.idle_timeout,
        ),
        running_upkeep(config.database_direct_url or config.database_url, _upkeep(app), app[JOBS]),
        refreshing_analytics(AnalyticsStore(app[DATABASE]), config.analytics_interval, app[JOBS]),
    ):
        yield


async def _metrics(app: web.Application) -> AsyncIterator[None]:
    folder = Path(app[CONFIG].metrics_folder) if app[CONFIG].metrics_folder else None
    app[SHARED_METRICS] = SharedMetrics(folder, lambda: read_metrics(app))
    async with measuring_loop(app[LOOP]), app[SHARED_METRICS].sharing():
        yield


def _upkeep(app: web.Application) -> list[Job]:
    """Return what one process of a cluster at a time does."""
    config = app[CONFIG]
    rules = RetentionRules(config.keep_expired, config.tombstone_days)
    retention = Retention(RetentionStore(app[DATABASE]), rules)
    jobs = [Job("retention", RETENTION_LOCK, config.retention_interval, retention.run)]
    if ARCHIVE in app:
        jobs.append(Job("archive", ARCHIVE_LOCK, config.job_interval, app[ARCHIVE].run))
    return jobs


async def drain(app: web.Application) -> None:
    """Send the viewers elsewhere, and the sockets that send: what has no receipt is sent again."""
    closing = [socket.close(code=RECONNECT, message=b"reconnect") for socket in app[INGEST_SOCKETS]]
    await asyncio.gather(app[HUB].drain(), *closing)
