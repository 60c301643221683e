SELECT refresh_analytics(%(interval)s);
