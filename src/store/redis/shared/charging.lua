-- Charges an attempt to the user. Answers until when its window is full; 0 if it is charged. What its windows and repeats do
-- not ask for any more goes, so that a class with a short window does not fill the log for a day.
local function charge_attempt(class, ids, limits, place, now)
    local _, short_span, _, long_span = struct.unpack('>I4I4I4I4', limits, place)
    local span = math.max(short_span, long_span, LEAST_SPAN)
    local log, _, instants = read_charges(now - DAY, class, now - span, ids)
    local until_ = full_until(instants, limits, place, now)
    if until_ == 0 then write_charges(log .. struct.pack(CHARGE, now, class, ids)) end
    return until_
end
