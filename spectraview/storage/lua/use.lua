-- Counts a request in its window; tells how often it was used, who watches the session, and whether a snapshot is wanted.
-- KEYS: rate counter[, viewers, snapshot request]. ARGV: seconds of the window.
local requests = redis.call('INCR', KEYS[1])
if requests == 1 or redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
if KEYS[2] == nil then
  return {requests, {}, 0}
end
return {requests, redis.call('HVALS', KEYS[2]), redis.call('EXISTS', KEYS[3])}
