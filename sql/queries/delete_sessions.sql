SELECT delete_sessions(%(session_ids)s::uuid[]);
