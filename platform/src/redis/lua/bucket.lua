-- Leaky bucket (GCRA): one number a subject, the time at which the bucket would be empty.
-- KEYS: bucket   ARGV: now in µs, µs a unit, burst in units, cost in units
-- Returns {allowed, units left, µs to wait}
local now, unit, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local full = burst * unit
-- A clock that was set back must not lock anybody out for longer than a full bucket takes.
empty_at = math.min(empty_at, now + full)
local next_at = empty_at + cost * unit
local over = next_at - now - full
if over > 0 then
  return {0, math.floor((full - (empty_at - now)) / unit), over}
end
if cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', next_at), 'PX', math.ceil((next_at - now) / 1000) + 1)
end
return {1, math.floor((full - (next_at - now)) / unit), 0}
