-- Limits, quotas and an end of keys; texts that go on after a rotation; what each key uses; who did what.
ALTER TABLE api_keys
  -- How its text begins and ends: enough to recognise it, too little to guess it.
  ADD COLUMN hint VARCHAR(50),
  ADD COLUMN expires_at TIMESTAMPTZ,
  ADD COLUMN last_used_at TIMESTAMPTZ,
  ADD COLUMN ingest_per_minute INTEGER,
  ADD COLUMN read_per_minute INTEGER,
  ADD COLUMN requests_per_day BIGINT,
  ADD COLUMN bytes_per_day BIGINT,
  ADD COLUMN events_per_day BIGINT;

-- The texts that a key had before its rotations. Kept for good, so that none of them becomes a key again.
CREATE TABLE api_key_texts (
  key_hash BYTEA PRIMARY KEY,
  key_id INTEGER NOT NULL,
  valid_until TIMESTAMPTZ NOT NULL
);

CREATE INDEX idx_api_key_texts_key ON api_key_texts (key_id);
CREATE INDEX idx_api_key_texts_valid ON api_key_texts (valid_until);

-- What was accepted by a key on a day (UTC).
CREATE TABLE api_key_usage (
  key_id INTEGER NOT NULL,
  day DATE NOT NULL,
  requests BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  events BIGINT NOT NULL,
  PRIMARY KEY (key_id, day)
) WITH (fillfactor = 70);

CREATE INDEX idx_api_key_usage_day ON api_key_usage (day);

-- No key: the command line. Sessions: how many were concerned, if any could be.
ALTER TABLE audit_log
  ALTER COLUMN key_id DROP NOT NULL,
  ALTER COLUMN sessions DROP NOT NULL,
  ADD COLUMN target_key_id INTEGER,
  ADD COLUMN changes TEXT[] NOT NULL DEFAULT '{}',
  ADD COLUMN request_id VARCHAR(100);

CREATE INDEX idx_audit_log_app ON audit_log (app_id, id);
CREATE INDEX idx_audit_log_created ON audit_log (created_at);
