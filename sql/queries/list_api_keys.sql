SELECT id, name, app_id, scopes, origins, created_at, revoked_at, ttl_hours, scrub
FROM api_keys
ORDER BY id;
