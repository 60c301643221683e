-- The newest keyframe at or before a time.
SELECT max(keyframe.sequence)
FROM (
  SELECT keyframe_sequences, keyframe_timestamps
  FROM session_segments
  WHERE session_id = %(session_id)s
    AND day = %(day)s
  UNION ALL
  SELECT keyframe_sequences, keyframe_timestamps
  FROM session_events
  WHERE session_id = %(session_id)s
    AND day = %(day)s
    AND keyframe_sequences <> '{}'
) AS spans, unnest(keyframe_sequences, keyframe_timestamps) AS keyframe (sequence, timestamp)
WHERE keyframe.timestamp <= %(timestamp)s
  AND keyframe.sequence < %(before_sequence)s;
