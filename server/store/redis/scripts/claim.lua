-- Moves pending entries from one consumer to another one, oldest first. In a script, so that of two
-- who claim the same one gets all and the other none.
-- KEYS: log, state, and of an ordered group its lease
-- ARGV: group, from, to, most entries, most bytes of mail, and of an ordered group the fence
-- → {entries, times delivered, records, how many had vanished, 1 if more is pending for `from`,
--   mail}; entries, times, records and mail go together
local group, from, to = ARGV[1], ARGV[2], ARGV[3]
if KEYS[3] and redis.call('GET', KEYS[3]) ~= ARGV[6] .. ' ' .. to then
  return redis.error_reply('FENCED another instance owns this stream of the group')
end
local pending = redis.pcall('XPENDING', KEYS[1], group, '-', '+', ARGV[4], from)
if pending.err then return pending end
if #pending == 0 then return {{}, {}, {}, 0, 0, {}} end
local ids, times, mail_of, mail_bytes = {}, {}, {}, 0
for i, entry in ipairs(pending) do
  local text = redis.call('HGET', KEYS[2], entry[1] .. ':mail') or ''
  mail_bytes = mail_bytes + #text
  if i > 1 and mail_bytes > tonumber(ARGV[5]) then break end
  ids[i] = entry[1]
  mail_of[entry[1]] = text
  times[entry[1]] = entry[4]
end
local claimed = {}
local command = {'XCLAIM', KEYS[1], group, to, '0'}
for _, id in ipairs(ids) do command[#command + 1] = id end
for _, entry in ipairs(redis.call(unpack(command))) do
  -- Redis 6.2 answers nil for an entry that was trimmed, and keeps it pending.
  if entry and entry[2] then
    claimed[#claimed + 1] = entry
    times[entry[1]] = -(times[entry[1]] + 1)
  end
end
local vanished = {}
for _, id in ipairs(ids) do
  if times[id] > 0 then vanished[#vanished + 1] = id end
end
if #vanished > 0 then
  redis.call('XACK', KEYS[1], group, unpack(vanished))
  for _, id in ipairs(vanished) do
    redis.call('HDEL', KEYS[2], id, id .. ':dead', id .. ':mail')
  end
end
local counts, records, mail = {}, {}, {}
for i, entry in ipairs(claimed) do
  counts[i] = -times[entry[1]]
  records[i] = redis.call('HGET', KEYS[2], entry[1]) or ''
  mail[i] = mail_of[entry[1]]
end
local more = #redis.call('XPENDING', KEYS[1], group, '-', '+', 1, from)
return {claimed, counts, records, #vanished, more, mail}
