INSERT INTO app_settings (app_id, ttl_hours)
VALUES (%(app_id)s, %(ttl_hours)s)
ON CONFLICT (app_id) DO UPDATE
SET
  ttl_hours = EXCLUDED.ttl_hours,
  updated_at = now();
