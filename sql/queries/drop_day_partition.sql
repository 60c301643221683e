SELECT drop_day_partition(%(parent)s, %(day)s);
