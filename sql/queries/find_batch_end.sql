-- Where the events end of the batch with this number: a row, or part of a segment.
SELECT batch_number, sequence_number + event_count
FROM session_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number = %(batch_number)s
UNION ALL
SELECT
  %(batch_number)s,
  sequence_number
    + (SELECT sum(events)::int FROM unnest(batch_event_counts[:%(batch_number)s - first_batch + 1]) AS events)
FROM session_segments
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND first_batch <= %(batch_number)s
  AND last_batch >= %(batch_number)s;
