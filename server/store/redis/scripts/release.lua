-- Moves entries that are pending for a consumer to the reserved one, and writes the state records
-- that they bring. It does not count as a delivery.
-- KEYS: log, state
-- ARGV: group, consumer, reserved consumer, how many ids, ids, then id and record by turns
-- → how many were moved
local group, consumer, reserved = ARGV[1], ARGV[2], ARGV[3]
local there = redis.pcall('XPENDING', KEYS[1], group)
if there.err then return there end
local count = tonumber(ARGV[4])
local moved = {}
for i = 5, count + 4 do
  if #redis.call('XPENDING', KEYS[1], group, ARGV[i], ARGV[i], 1, consumer) > 0 then
    redis.call('XCLAIM', KEYS[1], group, reserved, '0', ARGV[i], 'JUSTID')
    moved[ARGV[i]] = true
  end
end
for i = count + 5, #ARGV, 2 do
  if moved[ARGV[i]] then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return 1
