-- Records a group unless there is one of this name. A record is "stamp version generation definition".
-- KEYS: types, groups, stamp, signals
-- ARGV: name, definition, most groups there may be, sender, length of signals
-- → {1 if new, record, all types}; error LIMIT
local created = 0
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record then
  local count = redis.call('HLEN', KEYS[2])
  if count >= tonumber(ARGV[3]) then
    return redis.error_reply('LIMIT there are ' .. count .. ' groups already, the limit is ' .. ARGV[3])
  end
  record = redis.call('INCR', KEYS[3]) .. ' 1 1 ' .. ARGV[2]
  redis.call('HSET', KEYS[2], ARGV[1], record)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], '*', 'from', ARGV[4], 'registry', '1')
  created = 1
end
return {created, record, redis.call('HGETALL', KEYS[1])}
