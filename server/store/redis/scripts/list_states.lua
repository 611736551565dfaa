-- State records of pending entries, in no order.
-- KEYS: log, state
-- ARGV: group, how many at most
-- → id and record by turns
local there = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if there.err then return there end
local most, cursor, found = tonumber(ARGV[2]), '0', {}
repeat
  local page = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', 200)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    -- Fields beside the records are named by more than an id.
    if #found < 2 * most and string.find(page[2][i], '^%d+%-%d+$') then
      found[#found + 1] = page[2][i]
      found[#found + 1] = page[2][i + 1]
    end
  end
until cursor == '0' or #found >= 2 * most
return found
