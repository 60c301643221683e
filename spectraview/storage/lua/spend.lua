-- Counts what a key uses in a day, and tells the day's sums.
-- KEYS: the day's sums. ARGV: seconds to keep them; requests, bytes, events.
local sums = {}
for place, name in ipairs({'requests', 'bytes', 'events'}) do
  sums[place] = redis.call('HINCRBY', KEYS[1], name, ARGV[place + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return sums
