SELECT
  {columns}
FROM end_session(
  session_id => %(session_id)s,
  app_id => %(app_id)s,
  ended_at => %(ended_at)s,
  events => %(events)s,
  errors => %(errors)s,
  clicks => %(clicks)s
);
