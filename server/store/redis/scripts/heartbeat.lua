-- Raises the counter of an incarnation, and tells the others of a new one. A record is "counter left
-- report"; left is 0 or 1.
-- KEYS: instances, signals
-- ARGV: incarnation, report, sender, length of signals
-- → {all instances, seconds, microseconds}
local counter = 0
local record = redis.call('HGET', KEYS[1], ARGV[1])
local left = '0'
if record then
  local seen, gone = string.match(record, '^(%d+) (%d) ')
  counter = tonumber(seen)
  left = gone
else
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'from', ARGV[3], 'joined', '1')
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', counter + 1) .. ' ' .. left .. ' ' .. ARGV[2])
local time = redis.call('TIME')
return {redis.call('HGETALL', KEYS[1]), time[1], time[2]}
