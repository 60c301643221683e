-- Lets go of a session, which is sealed if no batch has come meanwhile.
UPDATE sessions
SET
  sealed_at = CASE WHEN sealed_batch_count = batch_count AND ended_at IS NOT NULL THEN COALESCE(sealed_at, now()) END,
  seal_not_before = NULL
WHERE id = %(session_id)s;
