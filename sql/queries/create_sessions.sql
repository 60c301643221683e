-- Sessions whose events came before their start.
INSERT INTO sessions (id, app_id, user_id, started_at, milliseconds, ttl_hours, expires_at)
SELECT
  t.id, t.app_id, t.user_id, COALESCE(to_timestamp(t.started_at), now()), t.milliseconds,
  %(ttl_hours)s, now() + make_interval(hours => %(ttl_hours)s)
FROM unnest(
  %(session_ids)s::uuid[], %(app_ids)s::text[], %(user_ids)s::text[], %(started_ats)s::float8[], %(milliseconds)s::boolean[]
) AS t (id, app_id, user_id, started_at, milliseconds)
WHERE NOT EXISTS (SELECT 1 FROM tombstones x WHERE x.session_id = t.id)
ORDER BY t.id
ON CONFLICT (id) DO NOTHING;
