SELECT count(*)
FROM archive_objects
WHERE state = 'deleting';
