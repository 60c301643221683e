-- A key by its text, or by one that it had before; last, the seconds for which the text is still good.
WITH text AS (
  SELECT id AS key_id, NULL::timestamptz AS valid_until
  FROM api_keys
  WHERE key_hash = %(key_hash)s
  UNION ALL
  SELECT key_id, valid_until
  FROM api_key_texts
  WHERE key_hash = %(key_hash)s
)
SELECT
  k.id, k.name, k.app_id, k.scopes, k.origins, k.created_at, k.revoked_at, k.ttl_hours, k.scrub,
  k.ingest_per_minute, k.read_per_minute, k.requests_per_day, k.bytes_per_day, k.events_per_day,
  k.expires_at, k.last_used_at, k.hint, text.valid_until,
  EXTRACT(EPOCH FROM least(k.expires_at, text.valid_until) - now())::float8
FROM text
JOIN api_keys k ON k.id = text.key_id
WHERE k.revoked_at IS NULL
  AND coalesce(least(k.expires_at, text.valid_until) > now(), true);
