-- Charges budgets of one owner, all or none: the first write is one that a full Redis refuses. KEYS are the budgets. After the first two arguments come five for each:
-- charge, short count, short span, long count, long span.
local now, known_for = tonumber(ARGV[1]), tonumber(ARGV[2])

-- When one more fits into a window, whose count and span come from a place on; 0 means now.
local function full_until(key, place)
    local count, until_ = tonumber(ARGV[place]), now + ARGV[place + 1]
    if count > 0 then
        local oldest = redis.call('ZREVRANGE', key, count - 1, count - 1, 'WITHSCORES')
        until_ = oldest[2] and oldest[2] + ARGV[place + 1] or 0
    end
    return until_ > now and until_ or 0
end

-- A charge is another's repeat for as long as request ids are remembered.
local before, is_new = {}, {}
for budget, key in ipairs(KEYS) do
    local place = 5 * budget - 2
    before[budget] = redis.call('ZSCORE', key, ARGV[place])
    is_new[budget] = before[budget] and now - before[budget] <= known_for and 0 or 1
    if is_new[budget] == 1 then
        local until_ = math.max(full_until(key, place + 1), full_until(key, place + 3))
        if until_ > 0 then return { 'full', budget - 1, until_ } end
    end
end
for budget, key in ipairs(KEYS) do
    if is_new[budget] == 1 then
        local charge, long_span = ARGV[5 * budget - 2], ARGV[5 * budget + 2]
        -- An older charge of the same id stays, under a name of its own.
        if before[budget] then redis.call('ZADD', key, before[budget], charge .. ':' .. before[budget]) end
        redis.call('ZADD', key, ARGV[1], charge)
        redis.call('ZREMRANGEBYSCORE', key, '-inf', now - long_span)
        redis.call('PEXPIRE', key, long_span + 60000)
    end
end
return { 'charged', is_new }
