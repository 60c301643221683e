SELECT create_event_partitions(%(days_ahead)s);
