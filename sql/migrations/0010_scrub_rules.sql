-- What is masked in all that comes in by a key, before it is stored.
ALTER TABLE api_keys
  ADD COLUMN scrub TEXT[] NOT NULL DEFAULT '{}'
    CHECK (scrub <@ ARRAY['inputs', 'cards', 'emails', 'tokens']);
