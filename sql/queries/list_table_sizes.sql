-- What each table takes, with TOAST and indexes, and the pages of its heap; those of partitions day by day.
SELECT parent, to_date(right(c.relname, 10), 'YYYY_MM_DD'), COALESCE(pg_total_relation_size(c.oid), 0),
  COALESCE(pg_relation_size(c.oid), 0) / 8192
FROM unnest(day_tables()) AS parent
JOIN pg_inherits i ON i.inhparent = parent::regclass
JOIN pg_class c ON c.oid = i.inhrelid
UNION ALL
SELECT name, NULL, pg_total_relation_size(name::regclass), pg_relation_size(name::regclass) / 8192
FROM unnest(ARRAY['sessions', 'sessions_archive', 'archive_objects']) AS name;
