SELECT purge_expired_sessions(%(day)s, %(most)s, %(keep)s);
