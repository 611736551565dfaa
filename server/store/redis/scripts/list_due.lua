-- The streams on which something is delayed, soonest first.
-- KEYS: due
-- ARGV: most streams
-- → {ms now, stream and due time in ms by turns}
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000),
        redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'WITHSCORES')}
