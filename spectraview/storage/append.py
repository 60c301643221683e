"""Turns a group of batches into the parameters of one call, and its rows into receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg2

from spectraview.storage.arrays import bytea_array, plain_array, text_array
from spectraview.storage.database import Row
from spectraview.storage.models import Batch


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one batch of a group: stored now, stored before (`duplicate`), or refused.

    `next_sequence` is the session's after this batch; `keyframe_missing` tells whether the session
    had none before it.
    """

    first_sequence: int | None
    batch_number: int | None
    duplicate: bool
    conflict: bool
    expired: bool
    other_app: bool
    keyframe_missing: bool
    app_id: str
    user_id: str | None
    started_at: datetime
    milliseconds: bool
    next_sequence: int

    @property
    def stored(self) -> bool:
        """Tell whether the batch is in the store, now or from before."""
        return self.batch_number is not None and not self.conflict


def append_parameters(batches: Sequence[Batch]) -> dict[str, object]:
    """Return the named parameters of `append_batches.sql`: one array a column, all event data in
    one bytea.
    """
    return {
        **_identity_columns(batches),
        **_data_columns(batches),
        **_summary_columns(batches),
        **_custom_event_columns(batches),
        **_error_columns(batches),
    }


def appended_from_rows(rows: Sequence[Row], size: int) -> list[Appended | None]:
    """Return one result a batch, in order; None where there is no such session."""
    results: list[Appended | None] = [None] * size
    for row in rows:
        results[row[0]] = Appended(*row[1:])
    return results


def _identity_columns(batches: Sequence[Batch]) -> dict[str, object]:
    return {
        "session_ids": plain_array(batch.session_id for batch in batches),
        "app_ids": text_array(batch.app_id for batch in batches),
        "batch_keys": bytea_array(batch.batch_key for batch in batches),
        "digests": bytea_array(batch.digest for batch in batches),
    }


def _data_columns(batches: Sequence[Batch]) -> dict[str, object]:
    offsets, lengths, position = [], [], 1
    for batch in batches:
        offsets.append(position)
        lengths.append(len(batch.event_data))
        position += len(batch.event_data)
    return {
        "event_data": psycopg2.Binary(b"".join(batch.event_data for batch in batches)),
        "data_offsets": plain_array(offsets),
        "data_lengths": plain_array(lengths),
        "codecs": plain_array(batch.codec for batch in batches),
        "sizes": plain_array(batch.size_bytes for batch in batches),
    }


def _summary_columns(batches: Sequence[Batch]) -> dict[str, object]:
    summaries = [batch.events for batch in batches]
    return {
        "event_counts": plain_array(s.count for s in summaries),
        "custom_event_counts": plain_array(len(batch.custom_events) for batch in batches),
        "error_counts": plain_array(len(batch.errors) for batch in batches),
        "click_counts": plain_array(s.clicks for s in summaries),
        "first_timestamps": plain_array(s.first_timestamp for s in summaries),
        "last_timestamps": plain_array(s.last_timestamp for s in summaries),
        "event_types": text_array(plain_array(s.types) for s in summaries),
        "keyframe_offsets": text_array(
            plain_array(keyframe.offset for keyframe in s.keyframes) for s in summaries
        ),
        "keyframe_timestamps": text_array(
            plain_array(keyframe.timestamp for keyframe in s.keyframes) for s in summaries
        ),
        "orphan_snapshots": plain_array(s.orphan_snapshot for s in summaries),
        "orphan_timestamps": plain_array(s.orphan_timestamp for s in summaries),
        "last_metas": plain_array(s.last_meta for s in summaries),
        "marks": bytea_array(s.marks for s in summaries),
    }


def _custom_event_columns(batches: Sequence[Batch]) -> dict[str, object]:
    placed = [(place, event) for place, b in enumerate(batches, 1) for event in b.custom_events]
    return {
        "custom_positions": plain_array(place for place, _ in placed),
        "custom_types": text_array(event.event_type for _, event in placed),
        "custom_bodies": text_array(event.body.decode() for _, event in placed),
        "custom_timestamps": plain_array(event.timestamp for _, event in placed),
    }


def _error_columns(batches: Sequence[Batch]) -> dict[str, object]:
    placed = [(place, error) for place, b in enumerate(batches, 1) for error in b.errors]
    return {
        "error_positions": plain_array(place for place, _ in placed),
        "error_types": text_array(error.error_type for _, error in placed),
        "error_messages": text_array(error.message for _, error in placed),
        "error_stacks": text_array(error.stack for _, error in placed),
        "error_timestamps": plain_array(error.timestamp for _, error in placed),
        "error_bodies": text_array(error.body.decode() for _, error in placed),
    }
