-- Marks an incarnation as left, and tells the others. One that is not known stays so.
-- KEYS: instances, signals
-- ARGV: incarnation, sender, length of signals
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return 0 end
local counter, report = string.match(record, '^(%d+) %d (.*)$')
redis.call('HSET', KEYS[1], ARGV[1], counter .. ' 1 ' .. report)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'from', ARGV[2], 'left', '1')
return 1
