-- How far a group is on a stream. Redis' own "lag" is wrong after a trim and unknown to 6.2: what is
-- unread is counted here, as far as that is cheap.
-- KEYS: log, lost
-- ARGV: group, its name, how many unread entries to look at at most, how many pending ones
-- → {pending, unread entries looked at, their events, all unread entries, 1 if that is no estimate,
--    id of the last entry read, of the first pending and of the first unread one or '', pending
--    entries looked at, their events, events lost}
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

local function events_of(entry)
  return entry[2][3] == 'n' and tonumber(entry[2][4]) or 1
end

local first_pending, pending_looked, pending_events = '', 0, 0
if pending > 0 then
  first_pending = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
  local most = tonumber(ARGV[4])
  if most > 0 then
    for _, one in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', most)) do
      pending_looked = pending_looked + 1
      local entry = redis.call('XRANGE', KEYS[1], one[1], one[1])[1]
      -- Ones that a trim has removed are events of nobody.
      if entry then pending_events = pending_events + events_of(entry) end
    end
  end
end

local most = tonumber(ARGV[3])
local unread = redis.call('XRANGE', KEYS[1], '(' .. read, '+', 'COUNT', most)
local events = 0
for _, entry in ipairs(unread) do events = events + events_of(entry) end
local lost = redis.call('HGET', KEYS[2], ARGV[2]) or '0'
local function answer(all, exact)
  return {pending, #unread, events, all, exact, read, first_pending, unread[1] and unread[1][1] or '',
          pending_looked, pending_events, lost}
end
if #unread < most then return answer(#unread, 1) end

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
return answer(all, 0)
