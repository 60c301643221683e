-- Where the events end of the batch with this number.
SELECT batch_number, sequence_number + event_count
FROM session_events
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND batch_number = %(batch_number)s;
