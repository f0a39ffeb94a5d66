-- Notes what became of a challenge's message. A failed one starts no wait, and stays charged.
local id, ordinal, delivery = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local FAILED = 2

local challenge = read(id, 0)
if not challenge or challenge.sends ~= ordinal then return 0 end
challenge.delivery = delivery
write_changes(challenge)
if delivery == FAILED and challenge.destination ~= '' then
    local messages = read_messages(challenge.destination, 0)
    for _, message in ipairs(messages) do
        if message.id == id and message.ordinal == ordinal then message.failed = 1 end
    end
    if #messages > 0 then write_messages(challenge.destination, messages, DAY) end
end
return 1
