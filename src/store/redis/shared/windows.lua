-- When one more fits into two rate-limit windows beside those at `instants`; 0 means now. `limits` holds, from a place on:
-- short count, short span, long count, long span.
local function full_until(instants, limits, place, now)
    local short_count, short_span, long_count, long_span = struct.unpack('>I4I4I4I4', limits, place)
    if #instants < math.min(short_count, long_count) then return 0 end
    table.sort(instants, function(one, other) return one > other end)
    local short = short_count == 0 and now or instants[short_count]
    local long = long_count == 0 and now or instants[long_count]
    local until_ = math.max(short and short + short_span or 0, long and long + long_span or 0)
    return until_ > now and until_ or 0
end
