-- Sessions whose events came before their start.
INSERT INTO sessions (id, app_id, user_id, started_at, milliseconds, ttl_hours, expires_at)
SELECT
  t.id, t.app_id, t.user_id, COALESCE(to_timestamp(t.started_at), now()), t.milliseconds,
  l.ttl_hours, now() + make_interval(hours => l.ttl_hours)
FROM unnest(
  %(session_ids)s::uuid[], %(app_ids)s::text[], %(user_ids)s::text[], %(started_ats)s::float8[], %(milliseconds)s::boolean[],
  %(ttl_hours)s::int[]
) AS t (id, app_id, user_id, started_at, milliseconds, ttl_hours)
CROSS JOIN LATERAL session_ttl(t.ttl_hours, t.app_id, %(default_ttl_hours)s) AS l (ttl_hours)
WHERE NOT EXISTS (SELECT 1 FROM tombstones x WHERE x.session_id = t.id)
ORDER BY t.id
ON CONFLICT (id) DO NOTHING;
