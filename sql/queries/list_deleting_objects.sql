SELECT object_key
FROM archive_objects
WHERE state = 'deleting'
  AND (%(last_key)s::text IS NULL OR object_key > %(last_key)s)
ORDER BY object_key
LIMIT %(most)s;
