-- Drops a challenge that was passed, and gives back what passing it cost: the attempt, and its messages but for the first
-- wait.
local id, ids = ARGV[1], ARGV[1] .. ARGV[2]

local value = redis.call('HGET', KEYS[1], id)
if not value then return 0 end
local _, _, _, _, sent, _, _, _, _, _, _, _, _, destination, send = struct.unpack(CHALLENGE, value)
local messages = destination ~= '' and read_messages(destination, 0)
local log, is_charged = read_charges(0, nil, 0, ids)
if is_charged then write_charges(log) end
if messages then
    local kept = { given_back = sent }
    for _, message in ipairs(messages) do
        if message.id ~= id then kept[#kept + 1] = message end
    end
    write_messages(destination, kept, #kept > 0 and DAY or struct.unpack('>I4', send, 17))
end
redis.call('HDEL', KEYS[1], id)
return 1
