-- Creates a stream unless it exists, then its groups unless they exist, then appends: a stream never
-- takes an append while one of its groups is missing.
-- KEYS: log
-- ARGV: how many groups, their names, then what XADD is to add (perhaps nothing)
-- → the new entry's id, or nothing
local groups = tonumber(ARGV[1])
if groups == 0 and #ARGV == 1 and redis.call('EXISTS', KEYS[1]) == 0 then
  -- A stream without entries exists only by its groups; once it is there, it stays.
  redis.call('XGROUP', 'CREATE', KEYS[1], 'birth', '0', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'birth')
end
for i = 2, groups + 1 do
  local created = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[i], '0', 'MKSTREAM')
  if type(created) == 'table' and created.err and not string.find(created.err, 'BUSYGROUP', 1, true) then
    return created
  end
end
if #ARGV == groups + 1 then return false end
return redis.call('XADD', KEYS[1], '*', unpack(ARGV, groups + 2))
