-- Removes mail that nobody will read, since its entry is not pending any more.
-- KEYS: log, state
-- ARGV: group, id
-- → 1 if it is not pending
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if not pending.err and #pending > 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[2] .. ':mail')
return 1
