-- Ends the pending state and the state records of entries.
-- KEYS: log, state
-- ARGV: group, ids
-- → how many were pending
local acked = redis.call('XACK', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
return acked
