-- The keys that are good no more, and the texts whose keys go on without them.
SELECT id, NULL::bytea
FROM api_keys
WHERE revoked_at IS NOT NULL
   OR expires_at <= now()
UNION ALL
SELECT NULL, key_hash
FROM api_key_texts
WHERE valid_until BETWEEN now() - INTERVAL '20 seconds' AND now();
