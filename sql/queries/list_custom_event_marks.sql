-- When a session's custom events were, the first of them.
SELECT timestamp, event_type
FROM custom_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number <= %(through_batch)s
ORDER BY batch_number, id
LIMIT %(limit)s;
