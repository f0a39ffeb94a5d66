local function messages_key(destination) return string.sub(KEYS[1], 1, -2) .. 's:' .. destination end

-- The messages of the last day to a destination, and when the last one of a passed challenge began.
local function read_messages(destination, now)
    local log = redis.call('GET', messages_key(destination)) or ''
    local messages = { given_back = log == '' and 0 or struct.unpack('>d', log) }
    for place = 9, #log, MESSAGE_BYTES do
        local at, failed, id, ordinal = struct.unpack(MESSAGE, log, place)
        if at > now - DAY then
            messages[#messages + 1] = { at = at, failed = failed, id = id, ordinal = ordinal }
        end
    end
    return messages
end

local function write_messages(destination, messages, life)
    local log = { struct.pack('>d', messages.given_back) }
    for place, message in ipairs(messages) do
        log[place + 1] = struct.pack(MESSAGE, message.at, message.failed, message.id, message.ordinal)
    end
    redis.call('SET', messages_key(destination), table.concat(log), 'PX', life + GRACE)
end
