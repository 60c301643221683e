SELECT event_data, object_key
FROM session_segments
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND first_batch = %(first_batch)s
  AND digest = %(digest)s::bytea;
