-- Forgets that a type exists and that anything is due on it, and tells the others.
-- KEYS: types, signals, due
-- ARGV: stream, sender, length of signals
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) > 0 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'from', ARGV[2], 'registry', '1')
end
return 1
