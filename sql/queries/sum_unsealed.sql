-- Bytes of JSON of a session's batches that lie in no segment.
SELECT COALESCE(sum(size_bytes), 0)
FROM session_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number <= %(through_batch)s;
