SELECT count(*), coalesce(EXTRACT(EPOCH FROM now() - min(expires_at)), 0)::float8
FROM sessions
WHERE expires_at < now() - make_interval(secs => %(late)s);
