-- State records and mail of entries.
-- KEYS: log, state
-- ARGV: group, ids
-- → record, or nil, and mail, or nil, of each id
local there = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if there.err then return there end
local fields = {}
for i = 2, #ARGV do
  fields[#fields + 1] = ARGV[i]
  fields[#fields + 1] = ARGV[i] .. ':mail'
end
return redis.call('HMGET', KEYS[2], unpack(fields))
