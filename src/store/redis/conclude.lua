-- Drops a challenge that was passed, and gives back what passing it cost: the attempt, and its messages. They start no wait
-- while the allowance of passed challenges has room; beyond it the first wait stays.
local id, ids = ARGV[1], ARGV[1] .. ARGV[2]

local value = redis.call('HGET', KEYS[1], id)
if not value then return 0 end
local _, _, _, _, sent, _, _, _, _, _, _, _, _, destination, send = struct.unpack(CHALLENGE, value)
local messages = destination ~= '' and read_messages(destination, 0)
local log, is_charged = read_charges(0, nil, 0, ids)
if is_charged then write_charges(log) end
if messages then
    local kept = { given_back = messages.given_back, approved = messages.approved }
    if full_until(kept.approved, send, APPROVED_PLACE, sent) > 0 then
        kept.given_back = sent
    else
        kept.approved[#kept.approved + 1] = sent
    end
    for _, message in ipairs(messages) do
        if message.id ~= id then kept[#kept + 1] = message end
    end
    write_messages(destination, kept, DAY)
end
redis.call('HDEL', KEYS[1], id)
return 1
