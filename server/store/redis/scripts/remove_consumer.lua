-- Removes a consumer that has nothing pending: XGROUP DELCONSUMER alone would drop what is pending.
-- KEYS: log
-- ARGV: group, consumer
-- → 1 if it is gone
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if pending.err then return pending end
if #pending > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
