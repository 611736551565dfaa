-- What is delayed on a stream.
-- KEYS: delayed
-- → {how many events, due time of the first in ms or ''}
return {redis.call('ZCARD', KEYS[1]), redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or ''}
