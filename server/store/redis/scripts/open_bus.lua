-- Looks whether this version can read what is there, and says so if nothing is there yet.
-- KEYS: meta, signals
-- ARGV: the layout that this version writes, the oldest it can read
-- → id of the last signal; error LAYOUT
local layout = redis.call('HGET', KEYS[1], 'layout')
if not layout then
  redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'oldest_reader', ARGV[1])
else
  local reader = redis.call('HGET', KEYS[1], 'oldest_reader') or layout
  if tonumber(reader) > tonumber(ARGV[1]) or tonumber(layout) < tonumber(ARGV[2]) then
    return redis.error_reply('LAYOUT what is stored has layout ' .. layout .. ' (readable from ' .. reader ..
      '), and this version of eventbusd reads ' .. ARGV[2] .. ' to ' .. ARGV[1])
  end
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return last[1] and last[1][1] or '0-0'
