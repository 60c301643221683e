-- The next errors of a run of batches, after one that is known by its batch and its id.
SELECT batch_number, id, metadata::text
FROM session_errors
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND (batch_number, id) > (%(after_batch)s, %(after_id)s)
  AND batch_number <= %(through_batch)s
ORDER BY batch_number, id
LIMIT %(limit)s;
