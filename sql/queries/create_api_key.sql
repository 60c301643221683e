INSERT INTO api_keys (name, key_hash, app_id, scopes, origins)
VALUES (%(name)s, %(key_hash)s, %(app_id)s, %(scopes)s, %(origins)s)
ON CONFLICT (key_hash) DO NOTHING
RETURNING id;
