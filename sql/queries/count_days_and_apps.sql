-- Sessions and events by day and app, of so many percent of the table's pages.
SELECT day, app_id, count(*), COALESCE(sum(event_count), 0)
FROM sessions TABLESAMPLE SYSTEM (%(percent)s)
GROUP BY day, app_id;
