-- How many of a session's batches begin before a sequence.
SELECT COALESCE(max(batch_number), 0)::int
FROM (
  (
    SELECT batch_number
    FROM session_events
    WHERE session_id = %(session_id)s
      AND day = %(day)s
      AND sequence_number < %(sequence)s
    ORDER BY sequence_number DESC, batch_number DESC
    LIMIT 1
  )
  UNION ALL
  (
    SELECT segment.first_batch - 1 + count(*)
    FROM (
      SELECT first_batch, sequence_number, batch_event_counts
      FROM session_segments
      WHERE session_id = %(session_id)s
        AND day = %(day)s
        AND sequence_number < %(sequence)s
      ORDER BY first_batch DESC
      LIMIT 1
    ) AS segment, LATERAL (
      SELECT segment.sequence_number + sum(event_count) OVER (ORDER BY place) - event_count AS first_sequence
      FROM unnest(segment.batch_event_counts) WITH ORDINALITY AS batch (event_count, place)
    ) AS batches
    WHERE first_sequence < %(sequence)s
    GROUP BY segment.first_batch
  )
) AS found;
