SELECT batch_number, event_data::text
FROM custom_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number > %(after_batch)s
  AND batch_number <= %(through_batch)s
ORDER BY batch_number, id;
