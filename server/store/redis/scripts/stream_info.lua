-- What is in a stream. Its events and bytes are those of some entries at either end, of all if there
-- are few, for the caller to conclude from.
-- KEYS: log
-- ARGV: how many entries to look at, at each end
-- → {length, id of the first, id ever appended last, entries looked at, their events, their bytes,
--    seconds, microseconds}
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
if info.err then return info end
local facts = {}
for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
local length, looked, events, bytes = facts['length'], 0, 0, 0
local function look(entries)
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    looked = looked + 1
    events = events + (fields[3] == 'n' and tonumber(fields[4]) or 1)
    bytes = bytes + #fields[2]
  end
end
local each = tonumber(ARGV[1])
if length <= 2 * each then
  look(redis.call('XRANGE', KEYS[1], '-', '+'))
else
  look(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', each))
  look(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', each))
end
local first = facts['first-entry']
local time = redis.call('TIME')
return {length, first and first[1] or '', facts['last-generated-id'], looked, events, bytes, time[1], time[2]}
