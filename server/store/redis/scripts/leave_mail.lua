-- Leaves mail for whoever has entries that are pending: it is appended to the field "<id>:mail".
-- KEYS: log, state
-- ARGV: group, most bytes of mail an entry may have, then id and text by turns
-- → for each id: who has it if the mail was left, '' if it is not pending, 0 if there is no room
local group, most = ARGV[1], tonumber(ARGV[2])
local there = redis.pcall('XPENDING', KEYS[1], group)
if there.err then return there end
local answers = {}
for i = 3, #ARGV, 2 do
  local pending = redis.call('XPENDING', KEYS[1], group, ARGV[i], ARGV[i], 1)
  if #pending == 0 then
    answers[#answers + 1] = ''
  else
    local mail = (redis.call('HGET', KEYS[2], ARGV[i] .. ':mail') or '') .. ARGV[i + 1]
    if #mail > most then
      answers[#answers + 1] = 0
    else
      redis.call('HSET', KEYS[2], ARGV[i] .. ':mail', mail)
      answers[#answers + 1] = pending[1][2]
    end
  end
end
return answers
