-- Notes that something is due on a stream, for whoever looks what is due next.
-- KEYS: due
-- ARGV: stream, then due times: in ms, or "+" and a delay in ms
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
  local due = ARGV[i]
  if string.sub(due, 1, 1) == '+' then due = now + tonumber(string.sub(due, 2)) end
  redis.call('ZADD', KEYS[1], 'LT', due, ARGV[1])
end
return 1
