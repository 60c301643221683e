SELECT to_regclass('idx_sessions_page') IS NOT NULL AND to_regclass('idx_sessions_names') IS NOT NULL;
