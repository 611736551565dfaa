-- State records and mail of entries.
-- KEYS: log, state
-- ARGV: group, most bytes of mail, ids
-- → record, or nil, and mail, or nil, of each id; 1 in place of mail for which there is no room. The
--   first mail is there, however large.
local there = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if there.err then return there end
local most, bytes, fields = tonumber(ARGV[2]), 0, {}
for i = 3, #ARGV do
  fields[#fields + 1] = redis.call('HGET', KEYS[2], ARGV[i])
  local size = redis.call('HSTRLEN', KEYS[2], ARGV[i] .. ':mail')
  local mail = false
  if size > 0 and (bytes == 0 or bytes + size <= most) then
    bytes = bytes + size
    mail = redis.call('HGET', KEYS[2], ARGV[i] .. ':mail')
  elseif size > 0 then
    mail = 1
  end
  fields[#fields + 1] = mail
end
return fields
