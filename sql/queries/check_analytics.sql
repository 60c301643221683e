SELECT EXTRACT(EPOCH FROM now() - max(refreshed_at) FILTER (WHERE isfinite(refreshed_at)))::float8
FROM analytics_refreshes;
