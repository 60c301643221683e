SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent IN (SELECT parent::regclass FROM unnest(day_tables()) AS parent)
  AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
ORDER BY c.relname;
