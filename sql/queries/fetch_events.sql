-- One page of the events from a sequence on, of batches that are not sealed: as many as fit in page_bytes of JSON, at
-- least one batch.
SELECT sequence_number, event_count, codec, event_data
FROM (
  SELECT
    sequence_number, event_count, codec, event_data,
    sum(size_bytes) OVER (ORDER BY sequence_number) - size_bytes AS bytes_before
  FROM (
    SELECT sequence_number, event_count, codec, event_data, size_bytes
    FROM session_events
    WHERE session_id = %(session_id)s
      AND day = %(day)s
      AND sequence_number >= COALESCE(
        (
          SELECT max(sequence_number)
          FROM session_events
          WHERE session_id = %(session_id)s
            AND day = %(day)s
            AND sequence_number <= %(sequence)s
        ),
        %(sequence)s
      )
      AND sequence_number < %(before_sequence)s
      AND event_count > 0
    ORDER BY sequence_number
    LIMIT 500
  ) AS nearest
) AS measured
WHERE bytes_before < %(page_bytes)s OR bytes_before = 0
ORDER BY sequence_number;
