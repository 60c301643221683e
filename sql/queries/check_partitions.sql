-- The tables that are missing of today and tomorrow, and of the two days behind them.
SELECT
  array_agg(table_name ORDER BY table_name) FILTER (WHERE missing AND ahead < 2),
  array_agg(table_name ORDER BY table_name) FILTER (WHERE missing AND ahead >= 2)
FROM (
  SELECT
    ahead,
    parent || to_char((now() AT TIME ZONE 'UTC')::date + ahead, '_YYYY_MM_DD') AS table_name,
    to_regclass(
      parent || to_char((now() AT TIME ZONE 'UTC')::date + ahead, '_YYYY_MM_DD')
    ) IS NULL AS missing
  FROM unnest(day_tables()) AS parent
  CROSS JOIN generate_series(0, 3) AS ahead
) AS tables;
