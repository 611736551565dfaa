-- Records that a type exists, and stamps it if it is new.
-- KEYS: types, groups, stamp, signals
-- ARGV: stream, most types there may be, sender, length of signals
-- → {1 if new, record ("stamp time", in ms), all groups}; error LIMIT
local created = 0
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then
  local count = redis.call('HLEN', KEYS[1])
  if count >= tonumber(ARGV[2]) then
    return redis.error_reply('LIMIT there are ' .. count .. ' types already, the limit is ' .. ARGV[2])
  end
  local time = redis.call('TIME')
  local now = string.format('%d', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
  record = redis.call('INCR', KEYS[3]) .. ' ' .. now
  redis.call('HSET', KEYS[1], ARGV[1], record)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'from', ARGV[3], 'registry', '1')
  created = 1
end
return {created, record, redis.call('HGETALL', KEYS[2])}
