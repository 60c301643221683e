INSERT INTO audit_log (action, key_id, app_id, sessions, request_id)
VALUES (%(action)s, %(key_id)s, %(app_id)s, %(sessions)s, %(request_id)s);
