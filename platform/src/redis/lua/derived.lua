-- Writes a derived value only while the mark seen before the load is still there: what it was derived from is the same.
-- KEYS: derived values   ARGV: name of the value, mark, value, lifetime in ms, how many values at most
if redis.call('HGET', KEYS[1], '') ~= ARGV[2] or redis.call('HLEN', KEYS[1]) > tonumber(ARGV[5]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
