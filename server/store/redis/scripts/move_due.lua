-- Moves what is due from the delayed events of a stream to its log, soonest first, as many at a
-- time as the bounds allow. Of two who do so at once, one moves it.
-- KEYS: log, delayed, events of delayed
-- ARGV: most events, most bytes, most events of an entry, most bytes of an entry
-- → {events, bytes, how many still wait, due time of the first of them in ms or '', ms now};
--   error ABSENT: something is due, and there is no log
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[1])
if #ids > 0 and redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ABSENT there is no such stream')
end
-- Few at a time are shared out singly.
local per_entry = math.max(1, math.min(tonumber(ARGV[3]), math.floor(#ids / 10)))
local most_bytes, entry_bytes = tonumber(ARGV[2]), tonumber(ARGV[4])
local events, bytes = 0, 0
local frames, size, expires = {}, 0, nil
local function append()
  if #frames == 0 then return end
  local fields = {'1', table.concat(frames)}
  if #frames > 1 or expires then
    fields[3] = 'n'
    fields[4] = #frames
  end
  if expires then
    fields[5] = 'x'
    fields[6] = expires
  end
  redis.call('XADD', KEYS[1], '*', unpack(fields))
  frames, size, expires = {}, 0, nil
end
local gone = {}
for _, id in ipairs(ids) do
  if bytes >= most_bytes then break end
  local record = redis.call('HGET', KEYS[3], id)
  gone[#gone + 1] = id
  if record then
    local space = string.find(record, ' ', 1, true)
    local frame = string.sub(record, space + 1)
    if #frames == per_entry or (#frames > 0 and size + #frame > entry_bytes) then append() end
    frames[#frames + 1] = frame
    local expiry = string.sub(record, 1, space - 1)
    if expiry ~= '0' and (not expires or tonumber(expiry) < tonumber(expires)) then expires = expiry end
    size = size + #frame
    events = events + 1
    bytes = bytes + #frame
  end
end
append()
if #gone > 0 then
  redis.call('ZREM', KEYS[2], unpack(gone))
  redis.call('HDEL', KEYS[3], unpack(gone))
end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {events, bytes, redis.call('ZCARD', KEYS[2]), first[2] or '', now}
