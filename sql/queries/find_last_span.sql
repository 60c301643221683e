-- The last segment or batch before a sequence with an event at or before a time: its first sequence and the next one's.
(
  SELECT sequence_number, sequence_number + event_count
  FROM session_segments
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND sequence_number < %(before_sequence)s
    AND event_count > 0
    AND first_timestamp <= %(timestamp)s
  ORDER BY sequence_number DESC
  LIMIT 1
)
UNION ALL
(
  SELECT sequence_number, sequence_number + event_count
  FROM session_events
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND sequence_number < %(before_sequence)s
    AND event_count > 0
    AND first_timestamp <= %(timestamp)s
  ORDER BY sequence_number DESC
  LIMIT 1
)
ORDER BY 1 DESC
LIMIT 1;
