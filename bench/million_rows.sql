-- {sessions} sessions of the last 30 days, as a shop has them: some apps with most of them, most users with few, short
-- visits and a long tail, errors in one of twenty. Real rows are made one by one; these at once, so the indexes that cost
-- most to fill are made afterwards.
SELECT setseed(0.42);
SELECT create_day_partitions((now() AT TIME ZONE 'UTC')::date - n) FROM generate_series(0, 30) AS n;
DROP INDEX idx_sessions_page, idx_sessions_names;

INSERT INTO sessions (
  id, app_id, user_id, ticket_id, started_at, ended_at, ended_by, last_activity, metadata, page_url,
  event_count, custom_event_count, error_count, click_count, rage_click_count, dead_click_count, duration_seconds,
  ttl_hours, expires_at, created_at, day, start_received, first_timestamp, last_timestamp, next_sequence, batch_count,
  meta_sequence, keyframe_sequence, sealed_batch_count, sealed_at
)
SELECT
  gen_random_uuid(), app, CASE WHEN r_user < 0.9 THEN 'user-' || floor(250000 * r_user ^ 3) || '@example.com' END,
  CASE WHEN n % 50 = 7 THEN 'T-' || n END,
  started_at, CASE WHEN NOT live THEN started_at + duration * INTERVAL '1 second' END,
  CASE WHEN NOT live THEN 'client' END, now(),
  json_build_object(
    'url', url, 'referrer', 'https://www.google.com/', 'language', 'es-MX', 'platform', 'Win32',
    'userAgent', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36',
    'screen', json_build_object('width', 1920, 'height', 1080, 'colorDepth', 24),
    'viewport', json_build_object('width', 1200, 'height', 800)
  ),
  url, duration * 3 + 20, CASE WHEN n % 10 < 3 THEN 3 ELSE 0 END,
  CASE WHEN r_error < 0.05 THEN 1 + floor(1 / (r_error * 20 + 0.005))::int ELSE 0 END, duration / 5,
  CASE WHEN r_rage < 0.01 THEN 1 + n % 4 ELSE 0 END, CASE WHEN r_dead < 0.03 THEN 1 + n % 6 ELSE 0 END,
  CASE WHEN NOT live THEN duration END, 8760, now() + INTERVAL '1 year', created_at,
  (created_at AT TIME ZONE 'UTC')::date, true,
  extract(epoch FROM started_at) * 1000, extract(epoch FROM started_at) * 1000 + duration * 1000,
  duration * 3 + 20, duration / 30 + 1, 0, 0, duration / 30 + 1, created_at + INTERVAL '1 hour'
FROM (
  SELECT
    *,
    -- One clock of two hundred is wrong, by days or years.
    created_at - CASE WHEN n % 200 = 11 THEN (r_user - 0.3) * INTERVAL '3000 days' ELSE r_app * INTERVAL '3 seconds' END
      AS started_at,
    LEAST(7200, (-ln(1 - r_duration) * 240))::int AS duration,
    'app-' || floor(20 * r_app ^ 2) AS app,
    'https://shop' || floor(20 * r_app ^ 2) || '.example.com/'
      || (ARRAY['', 'cart', 'checkout', 'products', 'account/orders', 'search', 'help'])[1 + floor(7 * r_url)::int]
      || '/' || floor(r_page * 20000) || '?ref=' || substr(md5(n::text), 1, 8) AS url
  FROM (
    SELECT
      n, random() AS r_app, random() AS r_user, random() AS r_duration, random() AS r_error, random() AS r_rage,
      random() AS r_dead, random() AS r_url, random() AS r_page,
      now() - INTERVAL '30 days' * (1 - n::float8 / {sessions}) AS created_at,
      n > {sessions} - GREATEST({sessions} / 1000, 5) AS live
    FROM generate_series(1, {sessions}) AS n
  ) AS random
) AS shape;

INSERT INTO session_errors (day, session_id, batch_number, error_type, message, stack, timestamp, metadata, created_at)
SELECT
  day, id, e, 'javascript_error',
  CASE k % 3
    WHEN 0 THEN 'Cannot read properties of undefined (reading ''field' || k % 200 || ''')'
    WHEN 1 THEN 'Failed to fetch order ' || k
    ELSE 'ResizeObserver loop limit exceeded ' || k % 20
  END,
  'TypeError: it failed' || (
    SELECT string_agg(E'\n    at step (https://shop.example.com/static/main.' || k % 50 || '.js:' || g || ':' || k % 300 || ')', '')
    FROM generate_series(1, 8) AS g
  ),
  extract(epoch FROM created_at) * 1000, '{"type":"javascript_error"}', created_at + e * INTERVAL '2 seconds'
FROM (
  SELECT s.day, s.id, s.created_at, e, abs(hashtext(s.id::text || e)) % 100000 AS k
  FROM sessions s, generate_series(1, LEAST(s.error_count, 5)) AS e
  WHERE s.error_count > 0
) AS errors;

INSERT INTO custom_events (day, session_id, batch_number, event_type, event_data, timestamp, created_at)
SELECT
  day, id, 1,
  CASE
    WHEN k % 20000 = 1 THEN 'refund_requested'
    WHEN k % 3 = 0 AND created_at < now() - INTERVAL '20 days' THEN 'beta_banner'
    ELSE 'event_' || floor(30 * (k % 1000 / 1000.0) ^ 2)
  END,
  '{"type":"custom","eventType":"checkout_started","data":{"value":99.99},"timestamp":1234567890}',
  extract(epoch FROM created_at) * 1000, created_at + e * INTERVAL '5 seconds'
FROM (
  SELECT s.day, s.id, s.created_at, e, abs(hashtext(s.id::text || e)) AS k
  FROM sessions s, generate_series(1, 3) AS e
  WHERE s.custom_event_count > 0
) AS events;

INSERT INTO custom_event_sessions (day, event_type, session_created_at, session_id)
SELECT DISTINCT c.day, c.event_type, s.created_at, s.id
FROM custom_events c
JOIN sessions s ON s.id = c.session_id;

-- Into today's partitions batches are stored meanwhile.
INSERT INTO session_events (
  day, session_id, sequence_number, batch_number, event_count, custom_event_count, error_count, first_timestamp,
  last_timestamp, size_bytes, codec, event_data, event_types, keyframe_sequences, keyframe_timestamps
)
SELECT
  day, id, 0, 1, 50, 0, 0, first_timestamp, last_timestamp, 5000, 'deflate', decode(repeat(md5(id::text), 30), 'hex'),
  '{3}', '{}', '{}'
FROM sessions
WHERE day = (now() AT TIME ZONE 'UTC')::date;
INSERT INTO ingest_batches (day, session_id, batch_key, digest, first_sequence, event_count, batch_number)
SELECT day, id, sha256(id::text::bytea), sha256(id::text::bytea), 0, 50, 1
FROM sessions
WHERE day = (now() AT TIME ZONE 'UTC')::date;

SELECT create_search_indexes();
