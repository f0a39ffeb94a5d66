-- Drops every challenge of a user; their charges stay.
for _, member in ipairs(redis.call('ZRANGE', live_key, 0, -1)) do
    drop(string.sub(member, 2))
end
redis.call('DEL', live_key, pending_key)
return 1
