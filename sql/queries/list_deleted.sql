-- The sessions that were deleted in the last hours.
SELECT session_id
FROM tombstones
WHERE reason = 'deleted'
  AND created_at > now() - make_interval(hours => %(hours)s)
ORDER BY created_at;
