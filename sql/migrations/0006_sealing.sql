-- Sealing takes a session for a while, and puts off one that it can't seal.
ALTER TABLE sessions ADD COLUMN seal_not_before TIMESTAMPTZ;

-- Makes a statement fail, and with it all that it has done.
CREATE FUNCTION refuse(message TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', message;
END
$$;
