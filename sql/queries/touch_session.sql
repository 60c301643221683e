SELECT
  {columns}
FROM touch_session(
  session_id => %(session_id)s,
  app_id => %(app_id)s,
  events => %(events)s,
  errors => %(errors)s,
  clicks => %(clicks)s
);
