-- Gives a key a new text. The texts before it are good for so many seconds more, those of earlier rotations no longer.
WITH old AS (
  SELECT id, key_hash
  FROM api_keys
  WHERE id = %(key_id)s
    AND revoked_at IS NULL
    AND key_hash <> %(key_hash)s
  FOR UPDATE
), shortened AS (
  UPDATE api_key_texts t
  SET valid_until = least(t.valid_until, now() + %(overlap)s * INTERVAL '1 second')
  FROM old
  WHERE t.key_id = old.id
), kept AS (
  INSERT INTO api_key_texts (key_hash, key_id, valid_until)
  SELECT key_hash, id, now() + %(overlap)s * INTERVAL '1 second'
  FROM old
), rotated AS (
  UPDATE api_keys k
  SET key_hash = %(key_hash)s, hint = %(hint)s
  FROM old
  WHERE k.id = old.id
  RETURNING k.id, k.app_id
), noted AS (
  INSERT INTO audit_log (action, key_id, app_id, target_key_id, request_id)
  SELECT 'rotate_key', %(actor_key_id)s, app_id, id, %(request_id)s
  FROM rotated
)
SELECT id
FROM rotated
UNION
SELECT id
FROM api_keys
WHERE id = %(key_id)s
  AND key_hash = %(key_hash)s;
