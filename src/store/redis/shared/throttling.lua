-- Until when no numeric code of a client is judged; 0 if its window has room. `limits` ends with those of the three classes.
-- A known device has a class of its own.
local function throttled_until(device, limits, now)
    local class, log, instants = device == '' and 0 or 1, redis.call('GET', KEYS[2]) or '', {}
    for place = 1, #log, CHARGE_BYTES do
        local at, of = struct.unpack(CHARGE, log, place)
        if of == class then instants[#instants + 1] = at end
    end
    return full_until(instants, limits, #limits - LIMITS_BYTES + 1 + class * 16, now)
end
