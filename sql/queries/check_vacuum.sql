SELECT
  current_setting('autovacuum')::boolean,
  (SELECT max(age(datfrozenxid)) FROM pg_database),
  (
    SELECT min(relname)
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
      AND 'autovacuum_enabled=false' = ANY(reloptions)
  );
