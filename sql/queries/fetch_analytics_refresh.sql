SELECT refreshed_at
FROM analytics_refreshes
WHERE isfinite(refreshed_at);
