-- Drops a group of a stream and its state records.
-- KEYS: log, state
-- ARGV: group
local destroyed = redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
if type(destroyed) == 'table' and destroyed.err and
   not string.find(destroyed.err, 'requires the key to exist', 1, true) then
  return destroyed
end
return 1
