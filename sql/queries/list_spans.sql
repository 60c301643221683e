-- What the next segments and batches of a session hold, in order, without their bytes.
(
  SELECT
    first_batch, last_batch, sequence_number, event_count, first_timestamp, last_timestamp, size_bytes,
    keyframe_sequences, keyframe_timestamps, marks, true
  FROM session_segments
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND first_batch > %(after_batch)s
  ORDER BY first_batch
  LIMIT %(limit)s
)
UNION ALL
(
  SELECT
    batch_number, batch_number, sequence_number, event_count,
    CASE WHEN event_count > 0 THEN first_timestamp END, CASE WHEN event_count > 0 THEN last_timestamp END,
    GREATEST(size_bytes - 2, 0), keyframe_sequences, keyframe_timestamps, marks, false
  FROM session_events
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND sequence_number >= %(sequence)s
    AND batch_number > %(after_batch)s
  ORDER BY sequence_number, batch_number
  LIMIT %(limit)s
)
ORDER BY 1
LIMIT %(limit)s;
