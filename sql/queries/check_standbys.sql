SELECT
  coalesce(nullif(application_name, ''), client_addr::text, 'unknown'),
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::float8 AS behind,
  coalesce(EXTRACT(EPOCH FROM replay_lag), 0)::float8
FROM pg_stat_replication
WHERE NOT pg_is_in_recovery()
ORDER BY behind DESC;
