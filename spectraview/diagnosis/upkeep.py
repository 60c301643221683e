"""Checks of what servers do in the background: none of it may be running late."""

from spectraview.diagnosis.findings import Deployment, Finding, ok, problem, warning
from spectraview.storage import queries


def partitions_ahead(place: Deployment) -> Finding:
    """Look whether the partitions of today and the next days are there."""
    soon, later = place.row(queries.CHECK_PARTITIONS)
    if not (soon or later):
        return ok("the partitions of today and the next three days are there")
    say = problem if soon else warning
    return say(
        f"{len(soon or ()) + len(later or ())} partitions are missing, the first is"
        f" {(soon or later)[0]}",
        "Is a server running? Its log says why it can't make them. By hand: `SELECT"
        " create_event_partitions(3)`. Batches of a day without its partition get 503.",
    )


def default_partitions(place: Deployment) -> Finding:
    """Look for rows in default partitions: a day's partition can't be made beside them."""
    found = [name for (name,) in place.rows(queries.CHECK_DEFAULT_PARTITIONS)]
    if found:
        return problem(
            f"there are default partitions: {', '.join(found)}",
            "SpectraView makes none. Move their rows and drop them: else a day's partition that"
            " they have rows of can't be made.",
        )
    return ok("there are no default partitions")


def sealing(place: Deployment) -> Finding:
    """Look whether sessions wait for their sealing."""
    late = place.config.seal_after + 10 * place.config.job_interval
    waiting, seconds = place.row(queries.CHECK_SEALING, {"late": late})
    if waiting:
        return warning(
            f"{waiting} sessions wait for their sealing, for up to {seconds / 3600:.1f} hours",
            "Is a server running? `spectraview maintain` seals at once; what is damaged is logged.",
        )
    return ok("no session waits for its sealing")


def retention(place: Deployment) -> Finding:
    """Look whether what has expired is gone."""
    late = 26 * 3600 + 2 * place.config.retention_interval
    waiting, seconds = place.row(queries.CHECK_RETENTION, {"late": late})
    if waiting:
        return problem(
            f"{waiting} sessions expired up to {seconds / 3600:.0f} hours ago and are still there",
            "Is a server running? `spectraview maintain` deletes them, or says what is in the way.",
        )
    return ok("what has expired is gone")


def analytics(place: Deployment) -> Finding:
    """Look whether the analytics are as fresh as they should be."""
    late = 2 * place.config.analytics_interval + 600
    (seconds,) = place.row(queries.CHECK_ANALYTICS)
    if seconds is None:
        return ok("the analytics were not refreshed yet")
    if seconds > late:
        return warning(
            f"the analytics are {seconds / 3600:.1f} hours old",
            "Is a server running? Its log says why it can't refresh them.",
        )
    return ok(f"the analytics are {seconds / 60:.0f} minutes old")


CHECKS = (partitions_ahead, default_partitions, sealing, retention, analytics)
