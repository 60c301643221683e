-- Keys in the order of their making, with what they have used today, as far as it is written down.
SELECT
  k.id, k.name, k.app_id, k.scopes, k.origins, k.created_at, k.revoked_at, k.ttl_hours, k.scrub,
  k.ingest_per_minute, k.read_per_minute, k.requests_per_day, k.bytes_per_day, k.events_per_day,
  k.expires_at, k.last_used_at, k.hint,
  (SELECT max(t.valid_until) FROM api_key_texts t WHERE t.key_id = k.id AND t.valid_until > now()),
  coalesce(u.requests, 0), coalesce(u.bytes, 0), coalesce(u.events, 0)
FROM api_keys k
LEFT JOIN api_key_usage u ON u.key_id = k.id AND u.day = (now() AT TIME ZONE 'UTC')::date
WHERE (%(key_id)s IS NULL OR k.id = %(key_id)s)
  AND (%(app_id)s IS NULL OR k.app_id = %(app_id)s)
  AND k.id > %(after)s
ORDER BY k.id
LIMIT %(limit)s;
