DELETE FROM api_key_usage
WHERE day < %(before)s;
