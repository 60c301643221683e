-- What ingest notes of a batch's events for the manifest: activity, clicks, pages (spectraview/storage/marks.py).
ALTER TABLE session_events ADD COLUMN marks BYTEA NOT NULL DEFAULT '';
ALTER TABLE session_segments ADD COLUMN marks BYTEA NOT NULL DEFAULT '';
