-- Uploads that began so long ago and never came to their end: whoever was at it has died.
UPDATE archive_objects
SET state = 'deleting'
WHERE state = 'uploading'
  AND created_at <= now() - make_interval(secs => %(seconds)s);
