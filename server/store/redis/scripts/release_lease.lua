-- Gives a lease back. The fence stays, so that it never comes twice.
-- KEYS: log, lease
-- ARGV: who has it
-- → 1 if it had it
local fence, owner = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) (.*)$')
if owner ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], fence .. ' ')
end
return 1
