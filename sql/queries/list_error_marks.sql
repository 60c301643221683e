-- When a session's errors were and what they say, the first of them.
SELECT timestamp, error_type, left(message, 500)
FROM session_errors
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number <= %(through_batch)s
ORDER BY batch_number, id
LIMIT %(limit)s;
