SELECT id, batch_count, next_sequence, ended_at IS NOT NULL
FROM sessions
WHERE id = ANY(%(session_ids)s::uuid[]);
