-- Adds what keys have used; answers the days' sums. In the order of the keys: two processes can't deadlock.
WITH used AS (
  SELECT *
  FROM unnest(
    %(key_ids)s::int[], %(days)s::date[], %(requests)s::bigint[], %(bytes)s::bigint[],
    %(events)s::bigint[]
  ) AS u (key_id, day, requests, bytes, events)
  ORDER BY key_id, day
), seen AS (
  UPDATE api_keys
  SET last_used_at = now()
  WHERE id IN (
    SELECT id
    FROM api_keys
    WHERE id IN (SELECT key_id FROM used)
      AND coalesce(last_used_at < now() - INTERVAL '1 minute', true)
    ORDER BY id
    FOR NO KEY UPDATE SKIP LOCKED
  )
)
INSERT INTO api_key_usage AS kept (key_id, day, requests, bytes, events)
SELECT key_id, day, requests, bytes, events
FROM used
ON CONFLICT (key_id, day) DO UPDATE
SET
  requests = kept.requests + EXCLUDED.requests,
  bytes = kept.bytes + EXCLUDED.bytes,
  events = kept.events + EXCLUDED.events
RETURNING key_id, day, requests, bytes, events;
