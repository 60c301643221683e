-- The stored bytes of batches and segments by app, of so many percent of the tables' pages.
SELECT s.app_id, sum(stored.bytes * stored.weight)
FROM (
  SELECT session_id, sum(octet_length(event_data)) AS bytes, 100 / %(events_percent)s::float8 AS weight
  FROM session_events TABLESAMPLE SYSTEM (%(events_percent)s)
  GROUP BY session_id
  UNION ALL
  SELECT session_id, sum(stored_bytes), 100 / %(segments_percent)s::float8
  FROM session_segments TABLESAMPLE SYSTEM (%(segments_percent)s)
  GROUP BY session_id
) AS stored
JOIN sessions s ON s.id = stored.session_id
GROUP BY s.app_id;
