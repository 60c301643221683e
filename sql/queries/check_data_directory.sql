SELECT
  (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
  pg_database_size(current_database())::float8;
