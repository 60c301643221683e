-- As before, but a row of archive_objects that somebody is writing is waited for no longer than a table.
CREATE OR REPLACE FUNCTION drop_day_partition(parent TEXT, partition_day DATE) RETURNS BOOLEAN
LANGUAGE plpgsql
SET lock_timeout = '50ms' AS $$
BEGIN
  IF EXISTS (SELECT FROM sessions WHERE day = partition_day AND expires_at > now()) THEN
    RETURN false;
  END IF;
  IF parent = 'session_segments' THEN
    -- Many rows, before the table is locked; what waits for the lock in vain need not do it again.
    BEGIN
      UPDATE archive_objects SET state = 'deleting' WHERE day = partition_day AND state <> 'deleting';
    EXCEPTION
      WHEN lock_not_available OR deadlock_detected THEN
        RETURN false;
    END;
  END IF;
  BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', parent || to_char(partition_day, '_YYYY_MM_DD'));
    -- What was archived until the table was ours alone.
    IF parent = 'session_segments' THEN
      UPDATE archive_objects SET state = 'deleting' WHERE day = partition_day AND state <> 'deleting';
    END IF;
  EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
      RETURN false;
  END;
  RETURN true;
END
$$;
