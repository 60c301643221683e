-- What a session's segments hold, in order, without their bytes.
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
  object_key
FROM session_segments
WHERE session_id = %(session_id)s
  AND day = %(day)s
ORDER BY first_batch;
