-- How many more attempts fit now beside those at `instants`.
local function room(instants, limits, place, now)
    local short_left, short_span, long_left, long_span = struct.unpack('>I4I4I4I4', limits, place)
    for _, at in ipairs(instants) do
        if at > now - short_span then short_left = short_left - 1 end
        if at > now - long_span then long_left = long_left - 1 end
    end
    return math.max(0, math.min(short_left, long_left))
end

-- Charges an attempt to the user. Answers until when its window is full, 0 if it is charged; and how many more fit then. What
-- its windows and repeats do not ask for any more goes, so that a class with a short window does not fill the log for a day.
local function charge_attempt(class, ids, limits, place, now)
    local _, short_span, _, long_span = struct.unpack('>I4I4I4I4', limits, place)
    local span = math.max(short_span, long_span, LEAST_SPAN)
    local log, _, instants, same = read_charges(now - DAY, class, now - span, ids)
    local until_ = full_until(instants, limits, place, now)
    if until_ > 0 then return until_, 0 end
    write_charges(log .. struct.pack(CHARGE, now, class, ids))
    -- The charge takes the place of an earlier one of the same attempt.
    for place, at in ipairs(instants) do
        if at == same then
            table.remove(instants, place)
            break
        end
    end
    instants[#instants + 1] = now
    return 0, room(instants, limits, place, now)
end
