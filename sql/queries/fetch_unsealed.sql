-- One page of a session's batches that lie in no segment: as many as fit in page_bytes of JSON, at least one.
SELECT
  batch_number, sequence_number, event_count, custom_event_count, error_count, first_timestamp, last_timestamp,
  size_bytes, codec, event_data, event_types, keyframe_sequences, keyframe_timestamps, marks
FROM (
  SELECT
    nearest.*,
    sum(size_bytes) OVER (ORDER BY sequence_number, batch_number) - size_bytes AS bytes_before
  FROM (
    SELECT
      batch_number, sequence_number, event_count, custom_event_count, error_count, first_timestamp, last_timestamp,
      size_bytes, codec, event_data, event_types, keyframe_sequences, keyframe_timestamps, marks
    FROM session_events
    WHERE session_id = %(session_id)s
      AND day = %(day)s
      AND sequence_number >= %(sequence)s
      AND batch_number > %(after_batch)s
      AND batch_number <= %(through_batch)s
    ORDER BY sequence_number, batch_number
    LIMIT 500
  ) AS nearest
) AS measured
WHERE bytes_before < %(page_bytes)s OR bytes_before = 0
ORDER BY sequence_number, batch_number;
