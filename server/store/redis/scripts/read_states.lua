-- State records of entries.
-- KEYS: log, state
-- ARGV: group, ids
-- → a record or nil for each id
local there = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if there.err then return there end
return redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
