-- Removes the oldest entries of a stream, a bounded number at a time, after having counted what
-- groups lose by it.
-- KEYS: log, lost
-- ARGV: entries below this id go; most entries at a time; how many events and how many bytes are too
--       many (0: none are); 1 to count only; where to begin ('-', for counting on: '(' and an id);
--       groups: what all of these are done with goes too
-- → {entries, events, bytes, 1 if there is more to remove, losses, id of the last one}; losses are group
--    and events by turns
local min_id, most = ARGV[1], tonumber(ARGV[2])
local too_many_events, too_many_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
-- Further than this one call does not go: Redis serves nobody meanwhile.
local kMostBytes = 4 * 1024 * 1024

local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms, seq
end
-- As texts, for numbers of Lua have 53 bits only.
local function number_less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function less(a, b)
  local a_ms, a_seq = split(a)
  local b_ms, b_seq = split(b)
  if a_ms ~= b_ms then return number_less(a_ms, b_ms) end
  return number_less(a_seq, b_seq)
end

if redis.call('EXISTS', KEYS[1]) == 0 then return redis.error_reply('ABSENT there is no such stream') end

local facts_of = {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local facts = {}
  for i = 1, #info, 2 do facts[info[i]] = info[i + 1] end
  facts_of[facts['name']] = facts
end

if #ARGV > 6 then
  local settled
  for i = 7, #ARGV do
    local facts = facts_of[ARGV[i]]
    if not facts then
      settled = '0-0'
      break
    end
    local ms, seq = split(facts['last-delivered-id'])
    local unsettled = ms .. '-' .. string.format('%d', tonumber(seq) + 1)
    if facts['pending'] > 0 then unsettled = redis.call('XPENDING', KEYS[1], ARGV[i])[2] end
    if not settled or less(unsettled, settled) then settled = unsettled end
  end
  if less(min_id, settled) then min_id = settled end
end

local entries, events, bytes, more = 0, 0, 0, 0
local first, last
local events_of = {}
local dry, from = ARGV[5] == '1', ARGV[6]
while more == 0 do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 16)
  if #page == 0 then break end
  local done = false
  for _, entry in ipairs(page) do
    local id, fields = entry[1], entry[2]
    if not less(id, min_id) and events >= too_many_events and bytes >= too_many_bytes then
      done = true
      break
    end
    if entries >= most or bytes >= kMostBytes then
      more = 1
      break
    end
    local count = fields[3] == 'n' and tonumber(fields[4]) or 1
    events_of[id] = count
    entries = entries + 1
    events = events + count
    bytes = bytes + #fields[2]
    first = first or id
    last = id
  end
  if done then break end
  from = '(' .. (last or '0-0')
end
if entries == 0 then return {0, 0, 0, 0, {}, ''} end

local losses = {}
for group, facts in pairs(facts_of) do
  local lost = 0
  local read = facts['last-delivered-id']
  if less(read, last) then
    for id, count in pairs(events_of) do
      if less(read, id) then lost = lost + count end
    end
  end
  if facts['pending'] > 0 then
    for _, pending in ipairs(redis.call('XPENDING', KEYS[1], group, first, last, entries)) do
      -- Ones that an earlier trim has removed may lie between.
      lost = lost + (events_of[pending[1]] or 0)
    end
  end
  if lost > 0 then
    losses[#losses + 1] = group
    losses[#losses + 1] = lost
    -- Refused where Redis is full; trimming is what makes room.
    local name = string.match(group, '^(.*)@%d+$')
    if name and not dry then redis.pcall('HINCRBY', KEYS[2], name, lost) end
  end
end
if dry then return {entries, events, bytes, more, losses, last} end
local ms, seq = split(last)
-- The next possible id; sequences of 2^53 and more do not happen.
redis.call('XTRIM', KEYS[1], 'MINID', ms .. '-' .. string.format('%d', tonumber(seq) + 1))
return {entries, events, bytes, more, losses, last}
