-- Forgets the attempts that were charged, and the messages to some destinations; open challenges keep count of theirs, and a
-- destination of its messages of passed challenges. `ARGV` are the destinations.
redis.call('DEL', KEYS[2])
for _, destination in ipairs(ARGV) do
    local approved = read_messages(destination, 0).approved
    if #approved > 0 then
        write_messages(destination, { given_back = 0, approved = approved }, DAY)
    else
        redis.call('DEL', messages_key(destination))
    end
end
return 1
