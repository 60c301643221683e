SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint
WHERE pg_is_in_recovery();
