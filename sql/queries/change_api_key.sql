-- Sets only what is named, so that two changes at once both hold.
WITH changed AS (
  UPDATE api_keys
  SET
    name = CASE WHEN 'name' = ANY(%(changes)s::text[]) THEN %(name)s ELSE name END,
    origins = CASE WHEN 'origins' = ANY(%(changes)s::text[]) THEN %(origins)s ELSE origins END,
    scrub = CASE WHEN 'scrub' = ANY(%(changes)s::text[]) THEN %(scrub)s ELSE scrub END,
    ttl_hours = CASE
      WHEN 'ttlHours' = ANY(%(changes)s::text[]) THEN %(ttl_hours)s ELSE ttl_hours
    END,
    expires_at = CASE
      WHEN 'expiresAt' = ANY(%(changes)s::text[]) THEN %(expires_at)s::timestamptz ELSE expires_at
    END,
    ingest_per_minute = CASE
      WHEN 'ingestPerMinute' = ANY(%(changes)s::text[]) THEN %(ingest_per_minute)s
      ELSE ingest_per_minute
    END,
    read_per_minute = CASE
      WHEN 'readPerMinute' = ANY(%(changes)s::text[]) THEN %(read_per_minute)s
      ELSE read_per_minute
    END,
    requests_per_day = CASE
      WHEN 'requestsPerDay' = ANY(%(changes)s::text[]) THEN %(requests_per_day)s
      ELSE requests_per_day
    END,
    bytes_per_day = CASE
      WHEN 'bytesPerDay' = ANY(%(changes)s::text[]) THEN %(bytes_per_day)s ELSE bytes_per_day
    END,
    events_per_day = CASE
      WHEN 'eventsPerDay' = ANY(%(changes)s::text[]) THEN %(events_per_day)s ELSE events_per_day
    END
  WHERE id = %(key_id)s
    AND revoked_at IS NULL
  RETURNING id, app_id
), noted AS (
  INSERT INTO audit_log (action, key_id, app_id, target_key_id, changes, request_id)
  SELECT 'change_key', %(actor_key_id)s, app_id, id, %(changes)s::text[], %(request_id)s
  FROM changed
)
SELECT id
FROM changed;
