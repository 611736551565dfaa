-- Replaces generation and definition of a group whose record is at the version that was seen.
-- KEYS: groups, signals
-- ARGV: name, version seen, generation, definition, sender, length of signals
-- → record; error ABSENT, VERSION
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return redis.error_reply('ABSENT there is no group "' .. ARGV[1] .. '"') end
local stamp, version = string.match(record, '^(%d+) (%d+) ')
if version ~= ARGV[2] then
  return redis.error_reply('VERSION the group "' .. ARGV[1] .. '" is at version ' .. version .. ', not ' .. ARGV[2])
end
record = stamp .. ' ' .. string.format('%d', tonumber(version) + 1) .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], record)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'from', ARGV[5], 'registry', '1')
return record
