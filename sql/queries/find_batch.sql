-- The batch that holds a sequence, or the last one before it: a row, else part of a segment.
WITH unsealed AS (
  SELECT batch_number, sequence_number
  FROM session_events
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND sequence_number <= %(sequence)s
  ORDER BY sequence_number DESC, batch_number DESC
  LIMIT 1
)
SELECT batch_number, sequence_number
FROM unsealed
UNION ALL (
  SELECT (g.first_batch + place - 1)::int, (g.sequence_number + events_before)::int
  FROM (
    SELECT first_batch, sequence_number, batch_event_counts
    FROM session_segments
    WHERE session_id = %(session_id)s
      AND day = %(day)s
      AND sequence_number <= %(sequence)s
      AND NOT EXISTS (SELECT FROM unsealed)
    ORDER BY first_batch DESC
    LIMIT 1
  ) AS g
  CROSS JOIN LATERAL (
    SELECT place, sum(events) OVER (ORDER BY place) - events AS events_before
    FROM unnest(g.batch_event_counts) WITH ORDINALITY AS b (events, place)
  ) AS batches
  WHERE g.sequence_number + events_before <= %(sequence)s
  ORDER BY place DESC
  LIMIT 1
);
