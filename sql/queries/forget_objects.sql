-- Forgets objects that are deleted. One whose upload was given up may yet arrive: it is deleted again for a while.
DELETE FROM archive_objects
WHERE object_key = ANY(%(object_keys)s::text[])
  AND state = 'deleting'
  AND (stored_at IS NOT NULL OR created_at <= now() - make_interval(secs => %(seconds)s));
