VACUUM (ANALYZE) session_events, session_segments, custom_events, session_errors, ingest_batches;
