-- Forgets the attempts that were charged; open challenges keep count of theirs.
return redis.call('DEL', KEYS[2])
