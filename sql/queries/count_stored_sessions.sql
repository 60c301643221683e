SELECT count(*)
FROM sessions;
