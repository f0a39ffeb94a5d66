-- Drops every challenge of a user; their charges stay.
return redis.call('DEL', KEYS[1])
