-- Writes a loaded value only while the lease taken before the load is still held: an invalidation in
-- between removed the lease, so the value may be stale and is not written.
-- KEYS: value, lease   ARGV: lease token, value, lifetime in ms
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
