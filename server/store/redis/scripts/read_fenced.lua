-- Reads for the owner of a stream of an ordered group. In a script, for a look at the fence beside
-- the read would not stop the read of one that was the owner.
-- KEYS: log, lease
-- ARGV: group, consumer, fence, most entries
-- → as XREADGROUP
if redis.call('GET', KEYS[2]) ~= ARGV[3] .. ' ' .. ARGV[2] then
  return redis.error_reply('FENCED another instance owns this stream of the group')
end
return redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[4], 'STREAMS', KEYS[1], '>')
