-- Drops what a stream has of a group, up to a generation; and what is not of a generation, unless
-- there is a later one.
-- KEYS: log, lost, dead, side stream, its state, lease
-- ARGV: the group's name, what the names of the stream's state keys begin with, the last generation
--       to go
local groups, later = redis.pcall('XINFO', 'GROUPS', KEYS[1]), false
-- Numbers as texts: Lua's do not have 64 bits.
local function is_later(generation)
  if #generation ~= #ARGV[3] then return #generation > #ARGV[3] end
  return generation > ARGV[3]
end
if not groups.err then
  for _, info in ipairs(groups) do
    for i = 1, #info, 2 do
      if info[i] == 'name' then
        local name, generation = string.match(info[i + 1], '^(.*)@(%d+)$')
        if name == ARGV[1] and is_later(generation) then
          later = true
        elseif name == ARGV[1] then
          redis.call('XGROUP', 'DESTROY', KEYS[1], info[i + 1])
          redis.call('DEL', ARGV[2] .. info[i + 1])
        end
      end
    end
  end
end
if later then return 1 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return 1
