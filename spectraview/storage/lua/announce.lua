-- Tells of a committed batch: the session's hash, its channel, its buffer; a snapshot that came is wanted no more.
-- KEYS: session hash, buffer, snapshot request. ARGV: channel, message, whether it is buffered, whether it has a
-- snapshot, app, user, start, last activity, events, seconds of the hash, seconds and batches of the buffer, the command that publishes.
redis.call('HSET', KEYS[1], 'appId', ARGV[5], 'userId', ARGV[6], 'startTime', ARGV[7],
  'lastActivity', ARGV[8], 'eventCount', ARGV[9])
redis.call('EXPIRE', KEYS[1], ARGV[10])
redis.call(ARGV[13], ARGV[1], ARGV[2])
if ARGV[3] == '1' then
  redis.call('RPUSH', KEYS[2], ARGV[2])
  redis.call('LTRIM', KEYS[2], -ARGV[12], -1)
  redis.call('EXPIRE', KEYS[2], ARGV[11])
end
if ARGV[4] == '1' then
  redis.call('DEL', KEYS[3])
end
return 1
