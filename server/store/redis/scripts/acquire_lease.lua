-- Gives the lease of a stream of an ordered group to who asks, unless somebody else has it.
-- KEYS: log, lease
-- ARGV: who asks, an owner that is known to be gone
-- → {fence, owner}
if redis.call('EXISTS', KEYS[1]) == 0 then
  return redis.error_reply('ABSENT there is no such stream')
end
local fence, owner = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) (.*)$')
if owner and owner ~= '' and owner ~= ARGV[1] and owner ~= ARGV[2] then return {fence, owner} end
fence = string.format('%d', (tonumber(fence) or 0) + 1)
redis.call('SET', KEYS[2], fence .. ' ' .. ARGV[1])
return {fence, ARGV[1]}
