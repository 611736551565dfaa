-- Moves dead letters to the side stream, where the group alone gets them once more: the letter goes
-- in the same step in which its redelivery is stored.
-- KEYS: dead, side stream
-- ARGV: the group's key on the side stream, ids
-- → the ids that were there
local moved = {}
for i = 2, #ARGV do
  local letter = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if letter then
    if #moved == 0 then redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM') end
    redis.call('XADD', KEYS[2], '*', '1', letter[2][2], 'note', letter[2][4])
    redis.call('XDEL', KEYS[1], ARGV[i])
    moved[#moved + 1] = ARGV[i]
  end
end
if #moved > 0 and redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1]) end
return moved
