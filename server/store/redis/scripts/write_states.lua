-- Writes state records of entries that are pending for the consumer.
-- KEYS: log, state
-- ARGV: group, consumer, then id and record by turns
-- → how many were written
local written = 0
local there = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if there.err then return there end
for i = 3, #ARGV, 2 do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    written = written + 1
  end
end
return written
