-- When one more message fits; 0 means now. A failed message starts no wait. Only messages of the same class count.
local function send_full_until(messages, send, now)
    local _, short_span, _, _, wait_1, wait_2, wait_3, _, _, _, _, known = struct.unpack(SEND, send)
    local instants, count, last = {}, 0, 0
    for _, message in ipairs(messages) do
        if message.known == known then
            instants[#instants + 1] = message.at
            if message.failed == 0 and message.at > now - short_span then
                count, last = count + 1, math.max(last, message.at)
            end
        end
    end
    local waits = count > 0 and last + ({ wait_1, wait_2, wait_3 })[math.min(count, 3)] or 0
    local first_wait = messages.given_back > 0 and messages.given_back + wait_1 or 0
    local until_ = math.max(full_until(instants, send, 1, now), waits, first_wait)
    return until_ > now and until_ or 0
end

-- Charges the newest message of a challenge to its destination.
local function charge_send(challenge, messages, now)
    local known = string.byte(challenge.send, -1)
    messages[#messages + 1] = { at = now, failed = 0, known = known, id = challenge.id, ordinal = challenge.sends }
    write_messages(challenge.destination, messages, DAY)
end

-- A challenge as its caller may see it; one that is new without what is sealed. `messages` are those to its destination,
-- where they were read already.
local function standing(challenge, now, messages)
    local sends_left, next_send = math.max(0, challenge.sends_at_most - challenge.sends), -1
    if sends_left > 0 then
        messages = messages or read_messages(challenge.destination, now)
        next_send = math.max(now, send_full_until(messages, challenge.send, now))
    end
    local sealed = challenge.value and struct.unpack(SEALED, challenge.value, challenge.place) or ''
    return { challenge.id, sealed, challenge.attempts_left, challenge.sends, sends_left, next_send,
        challenge.delivery, challenge.sent }
end
