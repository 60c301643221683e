SELECT
  {columns}
FROM start_session(
  session_id => %(session_id)s,
  app_id => %(app_id)s,
  user_id => %(user_id)s,
  ticket_id => %(ticket_id)s,
  started_at => %(started_at)s,
  milliseconds => %(milliseconds)s,
  metadata => %(metadata)s,
  page_url => %(page_url)s,
  ttl_hours => %(ttl_hours)s,
  default_ttl_hours => %(default_ttl_hours)s
);
