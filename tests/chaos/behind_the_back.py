"""What is asked of Redis itself, past the daemons: whether all came to rest, what has become a dead
letter, and to lose an entry."""

import json

from harness.redis_server import RedisServer

# What is pending or unread, of all groups on all streams.
REST_SCRIPT = """
local pending, unread = {}, {}
for _, key in ipairs(redis.call('KEYS', '*:log')) do
  local stream = redis.call('XINFO', 'STREAM', key)
  local last
  for i = 1, #stream, 2 do if stream[i] == 'last-generated-id' then last = stream[i + 1] end end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local facts = {}
    for i = 1, #group, 2 do facts[group[i]] = group[i + 1] end
    local name = key .. ' ' .. facts['name']
    if facts['pending'] > 0 then pending[name] = facts['pending'] end
    if facts['last-delivered-id'] ~= last then
      unread[name] = #redis.call('XRANGE', key, '(' .. facts['last-delivered-id'], '+')
    end
  end
end
return cjson.encode({pending = pending, unread = unread})
"""

# All dead letters. Stock stubs write an event's id first: 0x0a, its length, the id.
LETTERS_SCRIPT = """
local letters = {}
for _, key in ipairs(redis.call('KEYS', '*:dead:*')) do
  local stream, group = string.match(key, '{(.-)}:dead:(.*)$')
  for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
    local fields = entry[2]
    local event, details
    for i = 1, #fields, 2 do
      if fields[i] == '1' then event = fields[i + 1] end
      if fields[i] == 'details' then details = cjson.decode(fields[i + 1]) end
    end
    local at = 2
    while string.byte(event, at) >= 128 do at = at + 1 end
    local size = string.byte(event, at + 2)
    local id = string.sub(event, at + 3, at + 2 + size)
    letters[#letters + 1] = {group, stream, id, details['cause'], details['attempts']}
  end
end
return cjson.encode({letters = letters})
"""

# One entry that a group has not read yet; not among the first after it was opened, which it may not
# be owed. Those are given to whoever comes.
LOSE_SCRIPT = """
for _, key in ipairs(redis.call('KEYS', '*:log')) do
  local read = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], 'thief', 'COUNT', 50, 'STREAMS', key, '>')
  if read and not read.err then
    local entries = read[1][2]
    local id = table.remove(entries)[1]
    redis.call('XACK', key, ARGV[1], id)
    for _, entry in ipairs(entries) do
      redis.call('XCLAIM', key, ARGV[1], 'released', 0, entry[1], 'JUSTID')
    end
    return {id, key}
  end
end
return {}
"""


def unsettled(redis: RedisServer) -> dict:
    """Entries that are `pending` and `unread`, by stream and group."""
    state = json.loads(redis.ask("EVAL", REST_SCRIPT, "0"))
    return {what: dict(state[what]) for what in ("pending", "unread")}


def dead_letters(redis: RedisServer) -> list:
    """As the history has them."""
    return list(json.loads(redis.ask("EVAL", LETTERS_SCRIPT, "0"))["letters"])


def lose_entry(redis: RedisServer, group: str) -> tuple:
    """Takes one entry away from a group, as a daemon with a bug might: read and acknowledged, and
    nobody got it. Its id and its stream's key."""
    taken = redis.ask("EVAL", LOSE_SCRIPT, "0", group).split()
    assert taken, "the group has nothing to lose"
    return taken[0], taken[1]
