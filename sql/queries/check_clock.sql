SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8;
