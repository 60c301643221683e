-- Whether this is a standby; how far behind the primary it is, in bytes and in seconds.
SELECT
  pg_is_in_recovery(),
  coalesce(pg_wal_lsn_diff(%(primary_lsn)s::pg_lsn, pg_last_wal_replay_lsn()), 0)::float8,
  EXTRACT(
    EPOCH FROM now() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())
  )::float8;
