SELECT value
FROM secrets
WHERE name = %(name)s;
