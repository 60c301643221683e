SELECT id, key_hash
FROM api_keys
WHERE revoked_at IS NOT NULL;
