-- What all processes must share and nobody else may know: the key that signs viewer tokens.
CREATE TABLE secrets (
  name VARCHAR(50) PRIMARY KEY,
  value BYTEA NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Three random UUIDs hold 366 random bits.
INSERT INTO secrets (name, value)
SELECT 'viewer_tokens', decode(replace(string_agg(gen_random_uuid()::text, ''), '-', ''), 'hex')
FROM generate_series(1, 3);
