-- The batch that holds a sequence, or the last one before it.
SELECT batch_number, sequence_number
FROM session_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND sequence_number <= %(sequence)s
ORDER BY sequence_number DESC, batch_number DESC
LIMIT 1;
