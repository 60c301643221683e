SELECT count(*), coalesce(EXTRACT(EPOCH FROM now() - min(last_activity)), 0)::float8
FROM sessions
WHERE sealed_at IS NULL
  AND ended_at IS NOT NULL
  AND expires_at > now()
  AND last_activity < now() - make_interval(secs => %(late)s);
