-- Deletes sessions, and what was kept of those that expired before; tells how many there were.
WITH kept AS (
  DELETE FROM sessions_archive
  WHERE id = ANY(%(session_ids)s::uuid[])
  RETURNING 1
)
SELECT delete_sessions(%(session_ids)s::uuid[]) + (SELECT count(*) FROM kept);
