SELECT count(*)
FROM tombstones
WHERE created_at < now() - make_interval(days => %(days)s);
