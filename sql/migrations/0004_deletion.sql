-- Sessions that are gone for good. What comes late for them is refused instead of making them anew.
CREATE TABLE tombstones (
  session_id UUID PRIMARY KEY,
  app_id VARCHAR(50) NOT NULL,
  reason VARCHAR(10) NOT NULL CHECK (reason IN ('deleted', 'expired')),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_tombstones_created ON tombstones (created_at);
CREATE INDEX idx_tombstones_deleted ON tombstones (created_at) WHERE reason = 'deleted';

-- Who deleted or exported, and how much: nothing about the persons concerned.
CREATE TABLE audit_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  action VARCHAR(50) NOT NULL,
  key_id INTEGER NOT NULL,
  app_id VARCHAR(50),
  sessions INTEGER NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
