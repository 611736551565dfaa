-- Removes the record of a group that is at the version that was seen.
-- KEYS: groups, signals
-- ARGV: name, version seen, sender, length of signals
-- → 1; error ABSENT, VERSION
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return redis.error_reply('ABSENT there is no group "' .. ARGV[1] .. '"') end
local version = string.match(record, '^%d+ (%d+) ')
if version ~= ARGV[2] then
  return redis.error_reply('VERSION the group "' .. ARGV[1] .. '" is at version ' .. version .. ', not ' .. ARGV[2])
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'from', ARGV[3], 'registry', '1')
return 1
