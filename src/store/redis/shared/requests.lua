-- `cs:{h}:i:<request>`, the last of KEYS where the call has a request id: the digest of its payload, and the challenge.
local function seen(payload)
    local known = payload ~= '' and redis.call('GET', KEYS[#KEYS])
    if not known then return nil, false end
    return string.sub(known, 17), string.sub(known, 1, 16) ~= payload
end

local function remember(payload, id)
    if payload ~= '' then redis.call('SET', KEYS[#KEYS], payload .. id, 'PX', 600000) end
end
