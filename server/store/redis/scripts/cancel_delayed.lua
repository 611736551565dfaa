-- Removes a delayed event.
-- KEYS: delayed, events of delayed
-- ARGV: id
-- → {id, due time in ms, record}; error ABSENT
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not due or not record then return redis.error_reply('ABSENT it is not delayed, or not any more') end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return {ARGV[1], due, record}
