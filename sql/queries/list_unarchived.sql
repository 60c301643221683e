-- The next sealed segments, in the order of their sessions' ids, of sessions at rest for so long. By the server's clock:
-- clients' clocks lie.
SELECT g.session_id, g.day, s.app_id, g.first_batch, g.stored_bytes, g.digest
FROM session_segments g
JOIN sessions s ON s.id = g.session_id
WHERE g.object_key IS NULL
  AND g.day <= ((now() - make_interval(secs => %(after_seconds)s)) AT TIME ZONE 'UTC')::date
  AND (%(last_id)s::uuid IS NULL OR (g.session_id, g.first_batch) > (%(last_id)s::uuid, %(last_batch)s))
  AND s.sealed_at IS NOT NULL
  AND s.last_activity <= now() - make_interval(secs => %(after_seconds)s)
  AND s.expires_at > now()
ORDER BY g.session_id, g.first_batch
LIMIT %(most)s;
