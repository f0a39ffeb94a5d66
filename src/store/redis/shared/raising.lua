-- Charges the attempts that failed on the durable record, packed as in the log, unless they are charged already.
local function raise(failures)
    local log, known = redis.call('GET', KEYS[2]) or '', {}
    for place = 1, #log, CHARGE_BYTES do known[string.sub(log, place + 8, place + CHARGE_BYTES - 1)] = true end
    local raised = log
    for place = 1, #failures, CHARGE_BYTES do
        local charge = string.sub(failures, place, place + CHARGE_BYTES - 1)
        local class_and_ids = string.sub(charge, 9)
        if not known[class_and_ids] then raised = raised .. charge end
        known[class_and_ids] = true
    end
    if raised ~= log then redis.call('SET', KEYS[2], raised, 'PX', DAY_AND_GRACE) end
end
