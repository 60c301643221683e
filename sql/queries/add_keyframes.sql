-- Lists keyframes in the segment that holds their Metas, when the snapshots have come later.
UPDATE session_segments
SET
  keyframe_sequences = %(keyframe_sequences)s::int[],
  keyframe_timestamps = %(keyframe_timestamps)s::bigint[],
  keyframe_offsets = %(keyframe_offsets)s::int[]
WHERE session_id = %(session_id)s
  AND day = %(day)s
  AND first_batch = %(first_batch)s
  AND digest = %(digest)s::bytea;
