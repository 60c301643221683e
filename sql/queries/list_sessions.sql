SELECT
  {columns},
  s.created_at
FROM (
  SELECT m.id
  FROM ({matching}) AS m
  ORDER BY m.created_at DESC, m.id DESC
  LIMIT %(limit)s
  OFFSET %(offset)s
) AS page
JOIN sessions s ON s.id = page.id
ORDER BY s.created_at DESC, s.id DESC;
