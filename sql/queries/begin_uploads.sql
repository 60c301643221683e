INSERT INTO archive_objects (object_key, state, app_id, day, bytes)
SELECT object_key, 'uploading', app_id, day, bytes
FROM unnest(%(object_keys)s::text[], %(app_ids)s::text[], %(days)s::date[], %(sizes)s::bigint[])
  AS t (object_key, app_id, day, bytes)
ON CONFLICT (object_key) DO NOTHING;
