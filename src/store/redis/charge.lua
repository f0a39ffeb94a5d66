-- Charges one budget that spans users, in a slot of its own. KEYS[1] is the budget.
local key, charge, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local known_for = tonumber(ARGV[7])

local function whole(number) return string.format('%.0f', number) end

-- When one more fits into a window of `count` in `within`; 0 means now.
local function full_until(count, within)
    local until_ = now + within
    if count > 0 then
        local oldest = redis.call('ZREVRANGE', key, count - 1, count - 1, 'WITHSCORES')
        if #oldest == 0 then return 0 end
        until_ = tonumber(oldest[2]) + within
    end
    if until_ > now then return until_ end
    return 0
end

-- A charge is another's repeat for as long as request ids are remembered. Then it stays, under a name of its own.
local before = redis.call('ZSCORE', key, charge)
if before then
    if now - tonumber(before) <= known_for then return { 'known' } end
    redis.call('ZREM', key, charge)
    redis.call('ZADD', key, before, charge .. ':' .. before)
end
local longest = tonumber(ARGV[6])
redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - longest))
local until_ = math.max(full_until(tonumber(ARGV[3]), tonumber(ARGV[4])), full_until(tonumber(ARGV[5]), longest))
if until_ > 0 then return { 'full', whole(until_) } end
redis.call('ZADD', key, whole(now), charge)
redis.call('PEXPIRE', key, longest + 60000)
return { 'new' }
