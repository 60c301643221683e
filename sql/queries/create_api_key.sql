-- A text that a key had before its rotation is no key again.
WITH made AS (
  INSERT INTO api_keys (
    name, key_hash, hint, app_id, scopes, origins, ttl_hours, scrub, expires_at,
    ingest_per_minute, read_per_minute, requests_per_day, bytes_per_day, events_per_day
  )
  SELECT
    %(name)s, %(key_hash)s, %(hint)s, %(app_id)s, %(scopes)s, %(origins)s, %(ttl_hours)s, %(scrub)s,
    %(expires_at)s::timestamptz, %(ingest_per_minute)s, %(read_per_minute)s, %(requests_per_day)s,
    %(bytes_per_day)s, %(events_per_day)s
  WHERE NOT EXISTS (SELECT FROM api_key_texts WHERE key_hash = %(key_hash)s)
  ON CONFLICT (key_hash) DO NOTHING
  RETURNING id, app_id
), noted AS (
  INSERT INTO audit_log (action, key_id, app_id, target_key_id, request_id)
  SELECT 'create_key', %(actor_key_id)s, app_id, id, %(request_id)s
  FROM made
)
SELECT id
FROM made;
