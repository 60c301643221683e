DELETE FROM app_settings
WHERE app_id = %(app_id)s
RETURNING app_id;
