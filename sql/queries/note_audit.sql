INSERT INTO audit_log (action, key_id, app_id, sessions)
VALUES (%(action)s, %(key_id)s, %(app_id)s, %(sessions)s);
