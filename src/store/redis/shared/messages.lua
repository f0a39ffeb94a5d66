local function messages_key(destination) return string.sub(KEYS[1], 1, -2) .. 's:' .. destination end

-- The messages of the last day to a destination, and what is kept of those of passed challenges.
local function read_messages(destination, now)
    local log = redis.call('GET', messages_key(destination)) or ''
    local messages, place = { given_back = 0, approved = {} }, 1
    if log ~= '' then
        local approved
        messages.given_back, approved, place = struct.unpack(PASSED, log)
        for _ = 1, approved do
            local at
            at, place = struct.unpack('>d', log, place)
            if at > now - DAY then messages.approved[#messages.approved + 1] = at end
        end
    end
    for place = place, #log, MESSAGE_BYTES do
        local at, failed, known, id, ordinal = struct.unpack(MESSAGE, log, place)
        if at > now - DAY then
            messages[#messages + 1] = { at = at, failed = failed, known = known, id = id, ordinal = ordinal }
        end
    end
    return messages
end

local function write_messages(destination, messages, life)
    local log = { struct.pack(PASSED, messages.given_back, #messages.approved) }
    for _, at in ipairs(messages.approved) do log[#log + 1] = struct.pack('>d', at) end
    for _, message in ipairs(messages) do
        log[#log + 1] = struct.pack(MESSAGE, message.at, message.failed, message.known, message.id, message.ordinal)
    end
    redis.call('SET', messages_key(destination), table.concat(log), 'PX', life + GRACE)
end
