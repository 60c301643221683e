INSERT INTO api_keys (name, key_hash, app_id, scopes, origins, ttl_hours, scrub)
VALUES (
  %(name)s, %(key_hash)s, %(app_id)s, %(scopes)s, %(origins)s, %(ttl_hours)s, %(scrub)s
)
ON CONFLICT (key_hash) DO NOTHING
RETURNING id;
