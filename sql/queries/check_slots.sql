-- The slots, the one for which most WAL is kept first.
SELECT
  slot_name, active,
  coalesce(
    pg_wal_lsn_diff(
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
      restart_lsn
    ),
    0
  )::float8 AS kept
FROM pg_replication_slots
ORDER BY kept DESC, slot_name;
