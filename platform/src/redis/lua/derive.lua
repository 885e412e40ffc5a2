-- Looks for a value derived from another, and gives those values a mark if they have none: an invalidation removes the
-- mark with them.
-- KEYS: derived values   ARGV: name of the value, a new mark, lifetime in ms
-- Returns {mark, value or false}
if redis.call('HSETNX', KEYS[1], '', ARGV[2]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HMGET', KEYS[1], '', ARGV[1])
