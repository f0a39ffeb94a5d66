-- Drops a challenge; its charges stay.
return redis.call('HDEL', KEYS[1], ARGV[1])
