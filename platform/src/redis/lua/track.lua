-- Moves a member of a geographic set and notes when it was heard of; forgets some that were not heard of for long.
-- KEYS: set, times   ARGV: longitude, latitude, member, now in ms, the oldest time kept in ms, how many go at most
redis.call('GEOADD', KEYS[1], ARGV[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[5], 'LIMIT', 0, ARGV[6])
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('ZREM', KEYS[2], unpack(gone))
end
return #gone
