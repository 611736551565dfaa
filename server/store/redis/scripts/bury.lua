-- Writes dead letters of entries that are pending for the consumer, and what becomes of the entries:
-- their state records, or their ends. The field "<id>:dead" says whose letters are written, so that
-- nothing is written twice when the answer was lost.
-- KEYS: log, state, dead
-- ARGV: group, consumer, how long letters are kept in ms (0: for ever), most letters (0: no bound),
--       then for each entry: id, record (empty: acknowledge it), how many letters, and for each of
--       them index, event, details
-- → {how many entries were pending, how many letters had to go}
local group, consumer = ARGV[1], ARGV[2]
local there = redis.pcall('XPENDING', KEYS[1], group)
if there.err then return there end
local pending, i = 0, 5
while i <= #ARGV do
  local id, record, letters = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if #redis.call('XPENDING', KEYS[1], group, id, id, 1, consumer) > 0 then
    pending = pending + 1
    local dead = redis.call('HGET', KEYS[2], id .. ':dead') or ' '
    for letter = i, i + 3 * letters - 1, 3 do
      if not string.find(dead, ' ' .. ARGV[letter] .. ' ', 1, true) then
        redis.call('XADD', KEYS[3], '*', '1', ARGV[letter + 1], 'details', ARGV[letter + 2])
        dead = dead .. ARGV[letter] .. ' '
      end
    end
    if record == '' then
      redis.call('XACK', KEYS[1], group, id)
      redis.call('HDEL', KEYS[2], id, id .. ':dead', id .. ':mail')
    else
      redis.call('HSET', KEYS[2], id, record, id .. ':dead', dead)
    end
  end
  i = i + 3 * letters
end
local ttl, most, dropped = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
if most > 0 then dropped = redis.call('XTRIM', KEYS[3], 'MAXLEN', most) end
if ttl > 0 and redis.call('EXISTS', KEYS[3]) == 1 then
  local time = redis.call('TIME')
  local oldest = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - ttl
  if oldest > 0 then dropped = dropped + redis.call('XTRIM', KEYS[3], 'MINID', string.format('%d', oldest)) end
  -- When even the newest letter is too old, all of it goes.
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
return {pending, dropped}
