-- Charges a guess, before anything is judged, to the challenge and to the user.
local id, caller, guess, payload = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local recovery, device, now = ARGV[5], ARGV[6], tonumber(ARGV[7])

-- A guess with a request id is named after it.
local tag = payload ~= '-' and guess or ''
local _, otherwise = seen(tag, payload)
if otherwise then return { 'reused' } end
local challenge = read(id)
if not challenge or challenge.caller ~= caller then return { 'over' } end

local bears = challenge.attempts - challenge.carried

-- A guess that was charged before is judged as of then: payload, class, instant, attempts left.
local before = challenge['guess:' .. guess]
if before then
    local charged = split(before)
    if charged[1] ~= payload then return { 'reused' } end
    return { 'judge', challenge.sealed, charged[2], charged[3], charged[4], bears }
end
if not is_open(challenge, caller, now) then return { 'over' } end

local class = '0'
if recovery == '1' then
    class = '2'
elseif device ~= '' and device == challenge.device then
    class = '1'
end
local limits, all = {}, split(challenge.budgets)
for place = 1, 4 do limits[place] = all[tonumber(class) * 4 + place] end

local key = guesses_key(class)
redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - DAY))
local until_ = windows_full_until(key, limits, now)
if until_ > 0 then return { 'full', whole(until_) } end

redis.call('ZADD', key, whole(now), id .. ':' .. guess)
redis.call('PEXPIRE', key, DAY + GRACE)
challenge.used = challenge.used + 1
local left = attempts_left(challenge)
redis.call('HSET', challenge_key(id), 'used', challenge.used,
    'guess:' .. guess, payload .. ',' .. class .. ',' .. whole(now) .. ',' .. left)
remember(tag, payload, id)
return { 'judge', challenge.sealed, class, whole(now), left, bears }
