-- Leaky buckets (GCRA): one number a subject, the time at which its bucket would be empty. All buckets take
-- the cost, or none does. A negative cost gives back; a forced one is taken even when there is not enough.
-- KEYS: buckets   ARGV: now in µs, cost in units, 'forced' or 'asked', then for each bucket: µs a unit, burst in units
-- Returns {number of the bucket that is too full or 0, units left (the least of all), µs to wait}
local now, cost, forced = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == 'forced'
local next_at, left = {}, nil
for i, key in ipairs(KEYS) do
  local unit, burst = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  local full = burst * unit
  local empty_at = math.max(tonumber(redis.call('GET', key) or now), now)
  -- A clock that was set back must not lock anybody out for longer than a full bucket takes.
  empty_at = math.min(empty_at, now + full)
  next_at[i] = empty_at + cost * unit
  local over = next_at[i] - now - full
  if cost > 0 and over > 0 and not forced then
    return {i, math.floor((full - (empty_at - now)) / unit), over}
  end
  local free = math.min(math.floor((full - (next_at[i] - now)) / unit), burst)
  if left == nil or free < left then
    left = free
  end
end
if cost ~= 0 then
  for i, key in ipairs(KEYS) do
    if next_at[i] > now then
      redis.call('SET', key, string.format('%.0f', next_at[i]), 'PX', math.ceil((next_at[i] - now) / 1000) + 1)
    else
      redis.call('DEL', key)
    end
  end
end
return {0, left, 0}
