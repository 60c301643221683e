-- What is noted of the events of a session's segments, in order.
SELECT sequence_number, marks
FROM session_segments
WHERE session_id = %(session_id)s
  AND day = %(day)s
ORDER BY first_batch;
