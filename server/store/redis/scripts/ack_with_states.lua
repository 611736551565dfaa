-- Ends the pending state and the state records of entries, with what is noted beside the records.
-- KEYS: log, state
-- ARGV: group, ids
-- → how many were pending
local acked = redis.call('XACK', KEYS[1], unpack(ARGV))
for i = 2, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i], ARGV[i] .. ':dead', ARGV[i] .. ':mail')
end
return acked
