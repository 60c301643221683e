"""Where handlers find things: on the application, and on the request."""

from collections.abc import Mapping

from aiohttp import web

from spectraview.access.admission import Admission, Place
from spectraview.access.api_keys import ApiKey, ApiKeys
from spectraview.access.quotas import Quotas
from spectraview.access.rate_limit import RateLimiter
from spectraview.access.viewer_tokens import ViewerToken, ViewerTokens
from spectraview.config import Config
from spectraview.exposition.sharing import SharedMetrics
from spectraview.ingest.committer import Committer
from spectraview.ingest.recorder import Recorder
from spectraview.lifecycle.archive import Archive
from spectraview.lifecycle.deletion import Eraser
from spectraview.live.hub import Hub
from spectraview.observability.jobs import Jobs
from spectraview.observability.measures import LoopMeasures, RequestMeasures
from spectraview.replay.cache import ReplayCache
from spectraview.replay.readers import SessionReaders
from spectraview.storage.analytics import AnalyticsStore
from spectraview.storage.audit import AuditLog
from spectraview.storage.batches import BatchReader
from spectraview.storage.cache import Cache, Usage
from spectraview.storage.database import Database
from spectraview.storage.deletion import DeletionStore
from spectraview.storage.objects import Objects
from spectraview.storage.replica import Replica
from spectraview.storage.segment_data import SegmentData
from spectraview.storage.session_lists import SessionLists
from spectraview.storage.store import Store
from spectraview.storage.usage import UsageReader
from spectraview.web.assets import Asset

CONFIG = web.AppKey("CONFIG", Config)
ADMISSION = web.AppKey("ADMISSION", Admission)
REPLICA = web.AppKey("REPLICA", Replica)
DATABASE = web.AppKey("DATABASE", Database)
STORE = web.AppKey("STORE", Store)
SEGMENT_DATA = web.AppKey("SEGMENT_DATA", SegmentData)
BATCHES = web.AppKey("BATCHES", BatchReader)
CACHE = web.AppKey("CACHE", Cache)
COMMITTER = web.AppKey("COMMITTER", Committer)
RECORDER = web.AppKey("RECORDER", Recorder)
HUB = web.AppKey("HUB", Hub)
REPLAY_CACHE = web.AppKey("REPLAY_CACHE", ReplayCache)
READERS = web.AppKey("READERS", SessionReaders)
API_KEYS = web.AppKey("API_KEYS", ApiKeys)
VIEWER_TOKENS = web.AppKey("VIEWER_TOKENS", ViewerTokens)
QUOTAS = web.AppKey("QUOTAS", Quotas)
AUDIT_LOG = web.AppKey("AUDIT_LOG", AuditLog)
RATE_LIMITER = web.AppKey("RATE_LIMITER", RateLimiter)
SESSION_LISTS = web.AppKey("SESSION_LISTS", SessionLists)
ANALYTICS = web.AppKey("ANALYTICS", AnalyticsStore)
DELETION_STORE = web.AppKey("DELETION_STORE", DeletionStore)
ERASER = web.AppKey("ERASER", Eraser)
OBJECTS = web.AppKey("OBJECTS", Objects)
ARCHIVE = web.AppKey("ARCHIVE", Archive)
USAGE_READER = web.AppKey("USAGE_READER", UsageReader)
STARTED_AT = web.AppKey("STARTED_AT", float)
ASSETS = web.AppKey("ASSETS", Mapping[str, Asset])
OPENAPI = web.AppKey("OPENAPI", Asset)
REQUESTS = web.AppKey("REQUESTS", RequestMeasures)
JOBS = web.AppKey("JOBS", Jobs)
LOOP = web.AppKey("LOOP", LoopMeasures)
SHARED_METRICS = web.AppKey("SHARED_METRICS", SharedMetrics)

SCOPES = web.AppKey("SCOPES", dict[object, str])
TOKEN_HANDLERS = web.AppKey("TOKEN_HANDLERS", frozenset[object])

REQUEST = web.RequestKey("REQUEST", str)
"""The request's id."""
PLACE = web.RequestKey("PLACE", Place)
INGEST_SOCKETS = web.AppKey("INGEST_SOCKETS", set[web.WebSocketResponse])

API_KEY = web.RequestKey("API_KEY", ApiKey)
VIEWER_TOKEN = web.RequestKey("VIEWER_TOKEN", ViewerToken)
USAGE = web.RequestKey("USAGE", Usage)
LEFT = web.RequestKey("LEFT", str)
"""What the request's key has left, as the header RateLimit says it."""
