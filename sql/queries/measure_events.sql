-- The bytes of JSON that a session's events are.
SELECT
  COALESCE((
    SELECT sum(size_bytes) FROM session_segments WHERE session_id = %(session_id)s AND day = %(day)s
  ), 0) + COALESCE((
    SELECT sum(size_bytes) FROM session_events WHERE session_id = %(session_id)s AND day = %(day)s
  ), 0);
