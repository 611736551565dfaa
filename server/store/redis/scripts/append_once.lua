-- Appends, as one entry, those events whose keys were not seen within the window, and remembers
-- their keys. A key is kept with "<position>"; the list has "<position> <key>", oldest first, so
-- that what is too old can be forgotten.
-- KEYS: log, seen, order of seen
-- ARGV: window in ms, most keys to remember, then key and frame of each event by turns; an empty
--       key is no other's duplicate
-- → {id of the new entry or '', then for each event its index therein, or the position of which it
--    is a duplicate}; error ABSENT
local window, most = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return redis.error_reply('ABSENT there is no such stream') end
local time = redis.call('TIME')
local since = time[1] * 1000 + math.floor(time[2] / 1000) - window
local function within(position) return tonumber(string.match(position, '^%d+')) > since end

-- Before anything is looked up. A bounded part at a time, more than comes in.
for _ = 1, #ARGV + 16 do
  local oldest = redis.call('LINDEX', KEYS[3], 0)
  if not oldest then break end
  local space = string.find(oldest, ' ', 1, true)
  local position, key = string.sub(oldest, 1, space - 1), string.sub(oldest, space + 1)
  if within(position) and redis.call('LLEN', KEYS[3]) + #ARGV / 2 <= most then break end
  redis.call('LPOP', KEYS[3])
  if redis.call('HGET', KEYS[2], key) == position then redis.call('HDEL', KEYS[2], key) end
end

local answer, frames = {''}, {}
-- Keys of the new events: in order, and by key the index of its event in the new entry.
local keys, fresh, twins = {}, {}, {}
for i = 3, #ARGV, 2 do
  local key = ARGV[i]
  if #key > 64 then key = redis.sha1hex(key) end
  local outcome = #frames
  if key ~= '' then
    local seen = redis.call('HGET', KEYS[2], key)
    if seen and within(seen) then
      outcome = seen
    elseif fresh[key] then
      outcome = nil
      twins[#answer + 1] = fresh[key]
    else
      fresh[key] = #frames
      keys[#keys + 1] = key
    end
  end
  answer[#answer + 1] = outcome or ''
  if outcome == #frames then frames[#frames + 1] = ARGV[i + 1] end
end

if #frames > 0 then
  local fields = {'1', table.concat(frames)}
  if #frames > 1 then
    fields[3] = 'n'
    fields[4] = #frames
  end
  answer[1] = redis.call('XADD', KEYS[1], '*', unpack(fields))
  for _, key in ipairs(keys) do
    local position = answer[1] .. '-' .. fresh[key]
    redis.call('HSET', KEYS[2], key, position)
    redis.call('RPUSH', KEYS[3], position .. ' ' .. key)
  end
  for place, index in pairs(twins) do answer[place] = answer[1] .. '-' .. index end
end
-- Also without a new event: it is a write, for whoever waits for replicas to have all there is.
redis.call('PEXPIRE', KEYS[2], window)
redis.call('PEXPIRE', KEYS[3], window)
return answer
