-- Removes a stream and all that belongs to it.
-- KEYS: log, all others that are known by name
-- ARGV: what the names of the stream's state keys begin with
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if not groups.err then
  for _, info in ipairs(groups) do
    for i = 1, #info, 2 do
      if info[i] == 'name' then redis.call('DEL', ARGV[1] .. info[i + 1]) end
    end
  end
end
-- In the background: it may be large.
for _, key in ipairs(KEYS) do redis.call('UNLINK', key) end
return 1
