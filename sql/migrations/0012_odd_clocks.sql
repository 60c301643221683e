-- Spans of time look through the sessions with an odd clock: by their own time, few of them are found.
CREATE INDEX IF NOT EXISTS idx_sessions_odd_start ON sessions (started_at) WHERE odd_clock;
