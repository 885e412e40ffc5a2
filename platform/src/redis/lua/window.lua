-- Sliding window: at most `limit` in any span of `per`, exactly. One member a counted request.
-- KEYS: window   ARGV: now in µs, span in µs, limit, member
-- Returns {allowed, requests left, µs to wait}
local now, span, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - span))
local used = redis.call('ZCARD', KEYS[1])
if used >= limit then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {0, 0, tonumber(oldest[2]) + span - now}
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[4])
redis.call('PEXPIRE', KEYS[1], math.ceil(span / 1000))
return {1, limit - used - 1, 0}
