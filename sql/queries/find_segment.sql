-- The segment that holds a batch, and where in it its batches lie.
SELECT
  first_batch,
  last_batch,
  sequence_number,
  event_count,
  first_timestamp,
  last_timestamp,
  size_bytes,
  stored_bytes,
  digest,
  keyframe_sequences,
  keyframe_timestamps,
  keyframe_offsets,
  object_key,
  batch_event_counts,
  batch_custom_event_counts,
  batch_error_counts,
  batch_offsets
FROM session_segments
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND first_batch <= %(batch_number)s
  AND last_batch >= %(batch_number)s;
