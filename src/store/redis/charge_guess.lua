-- Charges a guess that answers no challenge, before it is judged. What stands for the challenge names the guess with it.
local id, guess, payload, class = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limits, now = split(ARGV[5]), tonumber(ARGV[6])

-- A guess with a request id is named after it.
local tag = payload ~= '-' and guess or ''
local _, otherwise = seen(tag, payload)
if otherwise then return { 'reused' } end
raise(7)

local member = id .. ':' .. guess
for any = 0, 2 do
    local at = redis.call('ZSCORE', guesses_key(any), member)
    if at then return { 'known', whole(at) } end
end

local key = guesses_key(class)
redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - DAY))
local until_ = windows_full_until(key, limits, now)
if until_ > 0 then return { 'full', whole(until_) } end
redis.call('ZADD', key, whole(now), member)
redis.call('PEXPIRE', key, DAY + GRACE)
remember(tag, payload, id)
return { 'new' }
