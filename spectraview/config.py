"""The settings, each from one environment variable: `SPECTRAVIEW_` and the field's name, but for
those that say where data lie.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

_UNPREFIXED = frozenset(
    {
        "database_url",
        "database_read_url",
        "database_direct_url",
        "redis_url",
        "archive_url",
        "archive_after",
        "otel_exporter_otlp_endpoint",
    }
)
_LARGEST = 2_147_483_647  # what an integer column holds
_POSTGRESQL = r"^$|^postgres(ql)?://|^\w+ *="
_REDIS = r"rediss?://([^/@,]*@)?(\[[^],]*\]|[^/:@?,]*)(:\d+)?(/\d*)?(\?[^,]*)?"
DEMO_AUTO = "auto"
DEMO_OFF = "off"
_YEAR = 31_536_000.0  # longer waits are mistakes, such as "inf"


class ConfigError(Exception):
    """A setting has a wrong value; the message names it."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings with their defaults; sizes in bytes, times in seconds, rates in requests a
    minute.
    """

    database_url: Annotated[
        str,
        Meta(
            pattern=_POSTGRESQL,
            description="PostgreSQL; empty starts the embedded one",
        ),
    ] = ""
    database_read_url: Annotated[
        str,
        Meta(
            pattern=_POSTGRESQL,
            description="a streaming standby, which lists, replays and analytics are read from",
        ),
    ] = ""
    database_direct_url: Annotated[
        str,
        Meta(
            pattern=_POSTGRESQL,
            description="DATABASE_URL without the pgbouncer: for migrations and locks",
        ),
    ] = ""
    read_lag: Annotated[
        float,
        Meta(
            gt=0,
            le=_YEAR,
            description="seconds that the standby may be late before the primary reads for it",
        ),
    ] = 5.0
    redis_url: Annotated[
        str,
        Meta(
            pattern=rf"^$|^unix://|^{_REDIS}(, *{_REDIS})*$",
            description="Redis or Valkey; empty starts the embedded one; a cluster: some of its "
            "nodes, by commas, or one with `?cluster=true`",
        ),
    ] = ""
    archive_url: Annotated[
        str,
        Meta(
            pattern=r"^$|^s3://[^/?#]+(/[^?#]*)?$|^file:///[^?#]+$",
            description="object store for old segments, `s3://bucket/prefix` or `file:///folder`",
        ),
    ] = ""
    archive_after: Annotated[
        float, Meta(ge=0, le=36_500, description="days of rest until a session is archived")
    ] = 30.0
    database_connections: Annotated[
        int, Meta(ge=2, le=_LARGEST, description="connections to PostgreSQL of each process")
    ] = 8
    commit_timeout: Annotated[
        float,
        Meta(
            gt=0, le=_YEAR, description="seconds that a batch waits for PostgreSQL before its 503"
        ),
    ] = 10.0

    rate_limit_ingest: Annotated[
        int,
        Meta(ge=1, le=_LARGEST, description="ingest requests a minute, for each key and session"),
    ] = 100
    rate_limit_read: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="reads a minute, for each key and client address")
    ] = 600
    trust_forwarded: Annotated[
        bool, Meta(description="take the client's address from X-Forwarded-For's last entry")
    ] = False

    max_body: Annotated[int, Meta(ge=1, le=_LARGEST, description="bytes of a request's body")] = (
        10_485_760
    )
    body_timeout: Annotated[
        float,
        Meta(gt=0, le=_YEAR, description="seconds that a client may send nothing of its body"),
    ] = 20.0
    head_timeout: Annotated[
        float,
        Meta(gt=0, le=_YEAR, description="seconds in which a request's line and headers must come"),
    ] = 20.0
    answer_timeout: Annotated[
        float,
        Meta(gt=0, le=_YEAR, description="seconds that a client may take too little of an answer"),
    ] = 60.0
    least_rate: Annotated[
        int,
        Meta(ge=0, le=_LARGEST, description="bytes a second of a body or answer; less is cut"),
    ] = 500
    keepalive_timeout: Annotated[
        float, Meta(gt=0, le=_YEAR, description="seconds that a connection may be idle")
    ] = 75.0
    max_connections: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="connections of one process")
    ] = 16_384
    max_address_connections: Annotated[
        int,
        Meta(
            ge=0,
            le=_LARGEST,
            description="connections of one process from one address; 0 for no bound",
        ),
    ] = 0
    max_inflated: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="bytes of a batch's events, inflated")
    ] = 33_554_432
    max_events: Annotated[int, Meta(ge=1, le=_LARGEST, description="events of a batch")] = 50_000
    max_pending: Annotated[
        int,
        Meta(
            ge=1,
            le=_LARGEST,
            description="bytes of batches that wait for their commit; more get a 503",
        ),
    ] = 67_108_864
    max_wait: Annotated[
        float,
        Meta(
            gt=0,
            le=_YEAR,
            description="seconds that batches may wait for their turn; more get a 503",
        ),
    ] = 1.0
    max_list: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="sessions of one page of a list")
    ] = 500
    scrub: Annotated[
        str,
        Meta(
            pattern=r"^$|^(inputs|cards|emails|tokens)(, *(inputs|cards|emails|tokens))*$",
            description="what is masked whatever the key, by commas: inputs, cards, emails, tokens",
        ),
    ] = ""

    ttl_hours: Annotated[
        int, Meta(ge=1, le=876_000, description="hours until a session expires")
    ] = 72
    retention_interval: Annotated[
        float, Meta(gt=0, le=_YEAR, description="seconds between two rounds of retention")
    ] = 3600.0
    keep_expired: Annotated[
        bool, Meta(description="keep the metadata of expired sessions in sessions_archive")
    ] = False
    tombstone_days: Annotated[
        int, Meta(ge=1, le=36_500, description="days that a session's id is refused after it went")
    ] = 30
    idle_timeout: Annotated[
        float, Meta(gt=0, le=_YEAR, description="seconds without activity that end a session")
    ] = 1800.0
    seal_after: Annotated[
        float,
        Meta(
            ge=0,
            le=_YEAR,
            description="seconds from a session's end, and its last batch, to its sealing",
        ),
    ] = 60.0
    job_interval: Annotated[
        float, Meta(gt=0, le=_YEAR, description="seconds between two rounds of the background jobs")
    ] = 60.0
    analytics_interval: Annotated[
        float,
        Meta(gt=0, le=_YEAR, description="seconds between two refreshes of the analytics"),
    ] = 3600.0

    ring_bytes: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="bytes of frames kept for each watched session")
    ] = 4_194_304
    viewer_buffer: Annotated[
        int,
        Meta(ge=1, le=_LARGEST, description="bytes that may wait for one viewer before it is slow"),
    ] = 262_144
    viewer_lag: Annotated[
        int,
        Meta(
            ge=1,
            le=_LARGEST,
            description="bytes of frames a slow viewer may be behind before it skips on",
        ),
    ] = 67_108_864
    stall_timeout: Annotated[
        float, Meta(gt=0, le=_YEAR, description="seconds without a byte accepted that cut a viewer")
    ] = 15.0
    head_interval: Annotated[
        float,
        Meta(
            gt=0, le=_YEAR, description="seconds between two looks at the heads of watched sessions"
        ),
    ] = 1.0
    max_viewers: Annotated[
        int, Meta(ge=1, le=_LARGEST, description="live connections of one process")
    ] = 10_000

    replay_cache_bytes: Annotated[
        int,
        Meta(
            ge=0,
            le=_LARGEST,
            description="bytes of the largest replay kept in Redis, gzip'd; 0 for none",
        ),
    ] = 16_777_216
    workers: Annotated[int, Meta(ge=1, description="processes that serve")] = 1
    drain_delay: Annotated[
        float,
        Meta(ge=0, le=_YEAR, description="seconds from /health/ready's first 503 to the shutdown"),
    ] = 0.0
    shutdown_timeout: Annotated[
        float, Meta(gt=2, le=_YEAR, description="seconds that a shutdown may take after that")
    ] = 8.0
    demo_key: Annotated[
        str,
        Meta(
            min_length=1,
            description="the key /demo records with; off: no demo; auto: a key of its own where "
            "the embedded PostgreSQL serves this machine alone",
        ),
    ] = DEMO_AUTO
    log_level: Annotated[
        str, Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged")
    ] = "INFO"
    log_format: Annotated[
        str, Meta(pattern="^(text|json)$", description="how records are written: text or json")
    ] = "text"
    metrics_token: Annotated[
        str,
        Meta(
            pattern=r"^$|^[!-~]{16,200}$",
            description="what /metrics asks of its readers, as a bearer token; empty lets readers "
            "on this machine in without",
        ),
    ] = ""
    metrics_folder: Annotated[
        str,
        Meta(
            description="folder in which processes of one address share their metrics; with "
            "workers one is made",
        ),
    ] = ""
    otel_exporter_otlp_endpoint: Annotated[
        str,
        Meta(pattern=r"^$|^https?://[^?#]+$", description="where traces go, by OTLP over HTTP"),
    ] = ""
    access_log: Annotated[bool, Meta(description="log every request")] = False

    @property
    def scrub_rules(self) -> frozenset[str]:
        """Return what is masked, whatever the key."""
        return frozenset(filter(None, self.scrub.replace(" ", "").split(",")))


def variable_name(field: str) -> str:
    """Return the environment variable of a field."""
    return field.upper() if field in _UNPREFIXED else f"SPECTRAVIEW_{field.upper()}"


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings but are none."""
    known = {variable_name(field) for field in Config.__struct_fields__}
    return sorted(
        name for name in environment if name.startswith("SPECTRAVIEW_") and name not in known
    )


def config_from_environment(environment: Mapping[str, str]) -> Config:
    """Read the settings; an empty variable counts as unset. Raises ConfigError."""
    given = {
        field: environment[variable_name(field)]
        for field in Config.__struct_fields__
        if environment.get(variable_name(field))
    }
    for field, value in given.items():
        try:
            msgspec.convert({field: value}, Config, strict=False)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at ")[0]
            # URLs hold passwords.
            shown = "" if field.endswith(("_url", "_token")) else f"={value!r}"
            raise ConfigError(f"{variable_name(field)}{shown} can't be used: {reason}.") from error
    return msgspec.convert(given, Config, strict=False)
