-- The log of charged attempts without those up to an instant, in one class up to a later one, and without the attempt of
-- some ids, in that class or, where it is nil, in any; whether anything was left out; the instants of the class; that of the
-- ids, if it is among them. GETEX counts as a write, and a full Redis lets a script that has written go on.
local function read_charges(over, class, class_over, ids)
    local log, kept, from, instants, same = redis.call('GETEX', KEYS[2]) or '', {}, 1, {}, nil
    for place = 1, #log, CHARGE_BYTES do
        local at, of, other = struct.unpack(CHARGE, log, place)
        local is_over = at <= over or of == class and at <= class_over
        if is_over or other == ids and (not class or of == class) then
            kept[#kept + 1] = string.sub(log, from, place - 1)
            from = place + CHARGE_BYTES
        end
        if of == class and not is_over then
            instants[#instants + 1] = at
            if other == ids then same = at end
        end
    end
    if from == 1 then return log, false, instants, same end
    kept[#kept + 1] = string.sub(log, from)
    return table.concat(kept), true, instants, same
end

local function write_charges(log)
    if log == '' then return redis.call('DEL', KEYS[2]) end
    redis.call('SET', KEYS[2], log, 'PX', DAY_AND_GRACE)
end
