-- Leaves a session unsealed for a while.
UPDATE sessions
SET seal_not_before = now() + make_interval(secs => %(seconds)s)
WHERE id = %(session_id)s;
