-- The archive's objects by day, those that wait for their deletion too, of so many percent of the table's pages.
SELECT day, count(*), COALESCE(sum(bytes), 0)
FROM archive_objects TABLESAMPLE SYSTEM (%(percent)s)
GROUP BY day;
