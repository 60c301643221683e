-- The list is in the order of the server's clock, spans of time are of the client's. Where the two agree within an hour,
-- as they nearly always do, a span of one bounds the other; the rest is looked through by itself.
(
  SELECT s.id, s.created_at
  FROM {sessions}
  WHERE {filter}
    AND (%(from_time)s::timestamptz IS NULL OR (
      NOT s.odd_clock AND {created_at} >= %(from_time)s::timestamptz - INTERVAL '1 hour'
    ))
    AND (%(to_time)s::timestamptz IS NULL OR (
      NOT s.odd_clock AND {created_at} <= %(to_time)s::timestamptz + INTERVAL '1 hour'
    ))
    {page}
)
UNION ALL
(
  SELECT s.id, s.created_at
  FROM {sessions}
  WHERE {filter}
    AND (%(from_time)s::timestamptz IS NOT NULL OR %(to_time)s::timestamptz IS NOT NULL)
    AND s.odd_clock
    {page}
)
