SELECT id, created_at, action, key_id, app_id, target_key_id, changes, sessions, request_id
FROM audit_log
WHERE (%(app_id)s IS NULL OR app_id = %(app_id)s)
  AND (%(action)s IS NULL OR action = %(action)s)
  AND (%(key_id)s IS NULL OR key_id = %(key_id)s OR target_key_id = %(key_id)s)
  AND (%(before)s IS NULL OR id < %(before)s)
  AND (%(since)s IS NULL OR created_at >= %(since)s::timestamptz)
  AND (%(until)s IS NULL OR created_at <= %(until)s::timestamptz)
ORDER BY id DESC
LIMIT %(limit)s;
