SELECT batch_count
FROM sessions
WHERE id = %(session_id)s;
