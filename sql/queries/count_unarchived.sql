SELECT count(*), COALESCE(sum(g.stored_bytes), 0)
FROM session_segments g
JOIN sessions s ON s.id = g.session_id
WHERE g.object_key IS NULL
  AND g.day <= ((now() - make_interval(secs => %(after_seconds)s)) AT TIME ZONE 'UTC')::date
  AND s.sealed_at IS NOT NULL
  AND s.last_activity <= now() - make_interval(secs => %(after_seconds)s)
  AND s.expires_at > now();
