-- Charges budgets of one owner, all or none. KEYS are the budgets. After the first two arguments come five for each:
-- charge, short count, short span, long count, long span.
local now, known_for = tonumber(ARGV[1]), tonumber(ARGV[2])

local function whole(number) return string.format('%.0f', number) end

local function terms_of(budget)
    local first = 3 + (budget - 1) * 5
    return ARGV[first], tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3]),
        tonumber(ARGV[first + 4])
end

-- When one more fits into a window of `count` in `within`; 0 means now.
local function full_until(key, count, within)
    local until_ = now + within
    if count > 0 then
        local oldest = redis.call('ZREVRANGE', key, count - 1, count - 1, 'WITHSCORES')
        if #oldest == 0 then return 0 end
        until_ = tonumber(oldest[2]) + within
    end
    if until_ > now then return until_ end
    return 0
end

-- A charge is another's repeat for as long as request ids are remembered.
local before, is_new = {}, {}
for budget, key in ipairs(KEYS) do
    local charge, short_count, short_span, long_count, long_span = terms_of(budget)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - long_span))
    before[budget] = redis.call('ZSCORE', key, charge)
    local is_known = before[budget] and now - tonumber(before[budget]) <= known_for
    is_new[budget] = is_known and 0 or 1
    if not is_known then
        local until_ = math.max(full_until(key, short_count, short_span), full_until(key, long_count, long_span))
        if until_ > 0 then return { 'full', budget - 1, whole(until_) } end
    end
end
for budget, key in ipairs(KEYS) do
    if is_new[budget] == 1 then
        local charge, _, _, _, long_span = terms_of(budget)
        -- An older charge of the same id stays, under a name of its own.
        if before[budget] then redis.call('ZADD', key, before[budget], charge .. ':' .. before[budget]) end
        redis.call('ZADD', key, whole(now), charge)
        redis.call('PEXPIRE', key, long_span + 60000)
    end
end
return { 'charged', is_new }
