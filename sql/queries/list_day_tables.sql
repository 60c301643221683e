SELECT unnest(day_tables());
