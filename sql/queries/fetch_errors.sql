SELECT batch_number, metadata::text
FROM session_errors
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number > %(after_batch)s
  AND batch_number <= %(through_batch)s
ORDER BY batch_number, id;
