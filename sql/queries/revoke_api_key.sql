-- Revokes a key, unless it is the last that may do everything. One at a time: two could each take the other for the last.
SELECT pg_advisory_xact_lock(hashtext('revoke_api_key'));
WITH revoked AS (
  UPDATE api_keys k
  SET revoked_at = now()
  WHERE k.id = %(key_id)s
    AND k.revoked_at IS NULL
    AND (
      %(force)s
      OR k.app_id IS NOT NULL
      OR NOT 'admin' = ANY(k.scopes)
      OR EXISTS (
        SELECT
        FROM api_keys other
        WHERE other.id <> k.id
          AND other.app_id IS NULL
          AND 'admin' = ANY(other.scopes)
          AND other.revoked_at IS NULL
          AND coalesce(other.expires_at > now(), true)
      )
    )
  RETURNING k.id, k.app_id
), noted AS (
  INSERT INTO audit_log (action, key_id, app_id, target_key_id, request_id)
  SELECT 'revoke_key', %(actor_key_id)s, app_id, id, %(request_id)s
  FROM revoked
)
SELECT id
FROM revoked;
