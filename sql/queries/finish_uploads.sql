-- Lets segments go whose objects are uploaded and verified: bytes out, key in. Where the segment has changed or is gone,
-- or its object is given up already, nothing goes and the object is queued for deletion.
SELECT 1
FROM archive_objects
WHERE object_key = ANY(%(object_keys)s::text[])
ORDER BY object_key
FOR UPDATE;

WITH uploaded AS (
  SELECT t.*
  FROM unnest(
    %(object_keys)s::text[], %(session_ids)s::uuid[], %(days)s::date[], %(first_batches)s::int[], %(digests)s::bytea[]
  ) AS t (object_key, session_id, day, first_batch, digest)
  JOIN archive_objects o ON o.object_key = t.object_key AND o.state = 'uploading'
), archived AS (
  UPDATE session_segments g
  SET event_data = NULL, object_key = u.object_key
  FROM uploaded u
  WHERE g.session_id = u.session_id
    AND g.day = u.day
    AND g.day = ANY(%(days)s::date[])
    AND g.first_batch = u.first_batch
    AND g.digest = u.digest
    AND g.object_key IS NULL
  RETURNING g.object_key
)
UPDATE archive_objects o
SET
  state = CASE WHEN o.object_key IN (SELECT object_key FROM archived) THEN 'stored' ELSE 'deleting' END,
  stored_at = now()
FROM uploaded u
WHERE o.object_key = u.object_key
RETURNING o.object_key, o.state;
