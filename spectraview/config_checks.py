"""Settings that are each right, and together pointless."""

from spectraview.config import Config

_HOUR, _DAY_HOURS = 3600, 24


def config_warnings(config: Config) -> list[str]:
    """Return what does not fit together, a sentence each."""
    ttl = f"SPECTRAVIEW_TTL_HOURS={config.ttl_hours}"
    pairs = (
        (
            config.archive_url and config.ttl_hours <= config.archive_after * _DAY_HOURS,
            f"with {ttl} sessions expire before ARCHIVE_AFTER={config.archive_after:g} days are"
            " over: the archive gets only those of keys and apps that live longer",
        ),
        (
            not config.archive_url and config.archive_after != Config().archive_after,
            f"ARCHIVE_AFTER={config.archive_after:g} changes nothing without ARCHIVE_URL",
        ),
        (
            config.idle_timeout >= config.ttl_hours * _HOUR,
            f"with {ttl} sessions expire before SPECTRAVIEW_IDLE_TIMEOUT={config.idle_timeout:g}"
            " ends them",
        ),
        (
            config.seal_after >= config.ttl_hours * _HOUR,
            f"with {ttl} sessions expire before SPECTRAVIEW_SEAL_AFTER={config.seal_after:g} seals"
            " them",
        ),
        (
            config.max_body > config.max_pending,
            f"a body of SPECTRAVIEW_MAX_BODY={config.max_body} has no room in"
            f" SPECTRAVIEW_MAX_PENDING={config.max_pending} beside any other",
        ),
        (
            config.viewer_buffer > config.viewer_lag,
            f"SPECTRAVIEW_VIEWER_LAG={config.viewer_lag} is less than"
            f" SPECTRAVIEW_VIEWER_BUFFER={config.viewer_buffer}: each slow viewer skips at once",
        ),
        (
            config.head_interval >= config.stall_timeout,
            f"SPECTRAVIEW_HEAD_INTERVAL={config.head_interval:g} is no less than"
            f" SPECTRAVIEW_STALL_TIMEOUT={config.stall_timeout:g}: without Redis viewers are late"
            " by that much",
        ),
    )
    return [text for wrong, text in pairs if wrong]
