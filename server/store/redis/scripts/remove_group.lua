-- Drops all that a stream has of a group, whatever its generations.
-- KEYS: log, lost, dead, side stream, its state, lease
-- ARGV: the group's name, what the names of the stream's state keys begin with
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if not groups.err then
  for _, info in ipairs(groups) do
    for i = 1, #info, 2 do
      if info[i] == 'name' and string.match(info[i + 1], '^(.*)@%d+$') == ARGV[1] then
        redis.call('XGROUP', 'DESTROY', KEYS[1], info[i + 1])
        redis.call('DEL', ARGV[2] .. info[i + 1])
      end
    end
  end
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return 1
