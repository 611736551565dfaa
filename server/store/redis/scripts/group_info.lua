-- How far a group is on a stream. Redis' own "lag" is wrong after a trim and unknown to 6.2: what is
-- unread is counted here, as far as that is cheap.
-- KEYS: log
-- ARGV: group, how many entries to look at at most
-- → {pending, unread entries looked at, their events, all unread entries, 1 if that is no estimate}
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then return groups end
local read, pending
for _, info in ipairs(groups) do
  local facts = {}
  for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
  if facts['name'] == ARGV[1] then
    read = facts['last-delivered-id']
    pending = facts['pending']
  end
end
if not read then return redis.error_reply('NOGROUP there is no group ' .. ARGV[1] .. ' on ' .. KEYS[1]) end

local most = tonumber(ARGV[2])
local unread = redis.call('XRANGE', KEYS[1], '(' .. read, '+', 'COUNT', most)
local events = 0
for _, entry in ipairs(unread) do
  events = events + (entry[2][4] and tonumber(entry[2][4]) or 1)
end
if #unread < most then return {pending, #unread, events, #unread, 1} end

-- More than that. All of the stream if the group is before its first entry; else by the share of time
-- that lies behind it.
local length = redis.call('XLEN', KEYS[1])
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
local all = length
if unread[1][1] ~= first then
  local function ms(id) return tonumber(string.match(id, '^(%d+)-')) end
  local span = ms(last) - ms(first)
  local share = span > 0 and (ms(last) - ms(read)) / span or 1
  all = math.floor(length * share + 0.5)
end
if all < #unread then all = #unread end
return {pending, #unread, events, all, 0}
