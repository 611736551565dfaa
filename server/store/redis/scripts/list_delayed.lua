-- A page of the delayed events of a stream, soonest first, and by id where the time is the same.
-- KEYS: delayed, events of delayed
-- ARGV: due at or after this time in ms, id: those due at it need a higher one, due before this
--       time in ms or '+inf', most events, most bytes
-- → id, due time in ms, record by turns
local from, after, before, most, most_bytes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local start
if after ~= '' and tonumber(redis.call('ZSCORE', KEYS[1], after) or '-1') == tonumber(from) then
  start = redis.call('ZRANK', KEYS[1], after) + 1
else
  start = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. from)
end
local page, count, bytes = {}, 0, 0
while count < most do
  local part = redis.call('ZRANGE', KEYS[1], start, start + 99, 'WITHSCORES')
  if #part == 0 then return page end
  start = start + 100
  for i = 1, #part, 2 do
    local id, due = part[i], tonumber(part[i + 1])
    if before ~= '+inf' and due >= tonumber(before) then return page end
    local wanted = due > tonumber(from) or id > after
    local record = wanted and count < most and redis.call('HGET', KEYS[2], id)
    if record then
      bytes = bytes + #record
      if count > 0 and bytes > most_bytes then return page end
      count = count + 1
      page[#page + 1] = id
      page[#page + 1] = part[i + 1]
      page[#page + 1] = record
    end
  end
end
return page
