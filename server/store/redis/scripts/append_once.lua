-- Takes events of publishers that need more than an append: leaves out those whose keys were seen
-- within the window, appends the others as one entry, and keeps those that are to be delivered
-- later until then. A key is kept with the place of its event, which is its position in the log, or
-- "<stored>~<id>" if it was delayed; the list has "<place> <key>", oldest first, so that what is
-- too old can be forgotten. A delayed event is a member of the sorted set, by its due time in ms,
-- and "<expiry or 0> <frame>" in the hash.
-- KEYS: log, seen, order of seen, delayed, events of delayed
-- ARGV: window in ms, most keys to remember, then key, due time, expiry and frame of each event by
--       turns; without a key it is no other's duplicate; due: "", a time in ms, or "+" and a delay
--       in ms
-- → {ms now, how many are delayed, id of the new entry or '', then for each event its index
--    therein, or a text: the place of which it is a duplicate, or "+<due>~<id>" of one delayed now};
--   error ABSENT
local window, most = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return redis.error_reply('ABSENT there is no such stream') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function within(place) return tonumber(string.match(place, '^%d+')) > now - window end

-- Before anything is looked up. A bounded part at a time, more than comes in.
if window > 0 then
  for _ = 1, #ARGV + 16 do
    local oldest = redis.call('LINDEX', KEYS[3], 0)
    if not oldest then break end
    local space = string.find(oldest, ' ', 1, true)
    local place, key = string.sub(oldest, 1, space - 1), string.sub(oldest, space + 1)
    if within(place) and redis.call('LLEN', KEYS[3]) + #ARGV / 4 <= most then break end
    redis.call('LPOP', KEYS[3])
    if redis.call('HGET', KEYS[2], key) == place then redis.call('HDEL', KEYS[2], key) end
  end
end

local answer, frames = {now, 0, ''}, {}
-- When the first of the new entry's events expires, as it came.
local expires
-- Keys of the new events, in order. By key: index in the new entry, or place.
local keys, fresh = {}, {}
-- Answers that need the new entry's id.
local twins = {}
local micros, delayed = time[1] * 1000000 + time[2], 0

-- In the order in which they are given, and of one length: events that are due together keep it.
local function new_id()
  local id = string.format('%016.0f%04d', micros, delayed)
  if redis.call('HEXISTS', KEYS[5], id) == 0 then return id end
  micros = micros + 1
  return new_id()
end

local function delay(due, expiry, frame)
  if string.sub(due, 1, 1) == '+' then due = now + tonumber(string.sub(due, 2)) end
  local id = new_id()
  delayed = delayed + 1
  redis.call('ZADD', KEYS[4], due, id)
  redis.call('HSET', KEYS[5], id, (expiry == '' and '0' or expiry) .. ' ' .. frame)
  return string.format('+%.0f~', due) .. id, string.format('%.0f~', now) .. id
end

for i = 3, #ARGV, 4 do
  local key, due, expiry, frame = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if #key > 64 then key = redis.sha1hex(key) end
  local seen = key ~= '' and fresh[key]
  if key ~= '' and not seen then
    local place = redis.call('HGET', KEYS[2], key)
    if place and within(place) then seen = place end
  end
  local outcome, place
  if type(seen) == 'number' then
    outcome = ''
    twins[#answer + 1] = seen
  elseif seen then
    outcome = seen
  elseif due ~= '' then
    outcome, place = delay(due, expiry, frame)
  else
    outcome = #frames
    place = #frames
    frames[#frames + 1] = frame
    if expiry ~= '' and (not expires or tonumber(expiry) < tonumber(expires)) then expires = expiry end
  end
  answer[#answer + 1] = outcome
  if place and key ~= '' then
    fresh[key] = place
    keys[#keys + 1] = key
  end
end

if #frames > 0 then
  local fields = {'1', table.concat(frames)}
  if #frames > 1 or expires then
    fields[3] = 'n'
    fields[4] = #frames
  end
  if expires then
    fields[5] = 'x'
    fields[6] = expires
  end
  answer[3] = redis.call('XADD', KEYS[1], '*', unpack(fields))
  for place, index in pairs(twins) do answer[place] = answer[3] .. '-' .. index end
end
for _, key in ipairs(keys) do
  local place = fresh[key]
  if type(place) == 'number' then place = answer[3] .. '-' .. place end
  redis.call('HSET', KEYS[2], key, place)
  redis.call('RPUSH', KEYS[3], place .. ' ' .. key)
end
if window > 0 then
  -- Also without a new event: it is a write, for whoever waits for replicas to have all there is.
  redis.call('PEXPIRE', KEYS[2], window)
  redis.call('PEXPIRE', KEYS[3], window)
end
if delayed > 0 then answer[2] = redis.call('ZCARD', KEYS[4]) end
return answer
