SELECT app_id, ttl_hours
FROM app_settings
ORDER BY app_id;
