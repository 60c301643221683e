SELECT purge_dropped_sessions(%(day)s, %(most)s, %(keep)s);
