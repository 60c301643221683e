SELECT count(*)
FROM (
  SELECT 1
  FROM ({matching}) AS m
  LIMIT %(most)s
) AS counted;
