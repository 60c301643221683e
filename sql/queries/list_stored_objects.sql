SELECT object_key, stored_bytes
FROM session_segments
WHERE object_key IS NOT NULL
ORDER BY object_key;
