SELECT requests, bytes, events
FROM api_key_usage
WHERE key_id = %(key_id)s
  AND day = %(day)s;
