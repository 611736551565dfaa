-- Removes mail that nobody will read, since its entry is not pending any more.
-- KEYS: log, state
-- ARGV: group, consumer, ids
-- → for each id: 1 if it is pending for the consumer, which may be about to acknowledge it
local group, consumer = ARGV[1], ARGV[2]
local answers = {}
for i = 3, #ARGV do
  local pending = redis.pcall('XPENDING', KEYS[1], group, ARGV[i], ARGV[i], 1)
  local nobodys = pending.err or #pending == 0
  if nobodys then redis.call('HDEL', KEYS[2], ARGV[i] .. ':mail') end
  answers[i - 2] = (not nobodys and pending[1][2] == consumer) and 1 or 0
end
return answers
