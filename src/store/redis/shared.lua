-- What the scripts of one user share. KEYS[1] is `cs:{h}:l`, h a pseudonym of the user: every key derived from it lies in
-- one slot. The other KEYS are those known beforehand, so that a cluster which is moving the slot refuses the script as a
-- whole. Instants are milliseconds and come as arguments; Redis's own clock only collects garbage.

local live_key = KEYS[1]
local base = string.sub(live_key, 1, -3)
local GRACE = 60000
local DAY = 86400000

local function challenge_key(id) return base .. ':c:' .. id end
local function guesses_key(class) return base .. ':g:' .. class end
local function messages_key(destination) return base .. ':m:' .. destination end
local function given_back_key(destination) return base .. ':w:' .. destination end
local function request_key(tag) return base .. ':r:' .. tag end
local pending_key = base .. ':e'

-- Redis gives numbers back as 1.7e+12 unless they are written out.
local function whole(number) return string.format('%.0f', number) end

-- The fields of an open challenge, by name; nothing if there is none.
local function read(id)
    local flat = redis.call('HGETALL', challenge_key(id))
    if #flat == 0 then return nil end
    local fields = { id = id }
    for place = 1, #flat, 2 do fields[flat[place]] = flat[place + 1] end
    for _, name in ipairs({ 'attempts', 'carried', 'used', 'opened', 'expires', 'sends', 'per_challenge', 'sent' }) do
        fields[name] = tonumber(fields[name])
    end
    return fields
end

local function attempts_left(challenge) return math.max(0, challenge.attempts - challenge.used) end

local function is_open(challenge, caller, now)
    return challenge.caller == caller and now < challenge.expires and attempts_left(challenge) > 0
end

-- When one more fits into a window of `count` in `within`, beside those in a sorted set; 0 means now.
local function full_until(key, count, within, now)
    local until_ = now + within
    if count > 0 then
        local oldest = redis.call('ZREVRANGE', key, count - 1, count - 1, 'WITHSCORES')
        if #oldest == 0 then return 0 end
        until_ = tonumber(oldest[2]) + within
    end
    if until_ > now then return until_ end
    return 0
end

-- `limits`: short count, short span, long count, long span.
local function windows_full_until(key, limits, now)
    local short = full_until(key, tonumber(limits[1]), tonumber(limits[2]), now)
    local long = full_until(key, tonumber(limits[3]), tonumber(limits[4]), now)
    return math.max(short, long)
end

local function split(text)
    local parts = {}
    for part in string.gmatch(text, '[^,]+') do parts[#parts + 1] = part end
    return parts
end

-- The wait after the last message that went out. `send`: four limits, three waits. A failed message's member ends in `!`.
local function wait_until(key, send, now)
    local recent = redis.call('ZRANGEBYSCORE', key, '(' .. whole(now - tonumber(send[2])), '+inf', 'WITHSCORES')
    local count, last = 0, 0
    for place = 1, #recent, 2 do
        if string.sub(recent[place], -1) ~= '!' then
            count = count + 1
            last = math.max(last, tonumber(recent[place + 1]))
        end
    end
    if count == 0 then return 0 end
    local until_ = last + tonumber(send[4 + math.min(count, 3)])
    if until_ > now then return until_ end
    return 0
end

-- When the next message of a challenge fits; 0 means now.
local function send_full_until(destination, send, sends, per_challenge, expires, now)
    if sends >= per_challenge then return expires end
    local key = messages_key(destination)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now - DAY))
    local until_ = math.max(windows_full_until(key, send, now), wait_until(key, send, now))
    local given_back = redis.call('GET', given_back_key(destination))
    local first_wait = given_back and tonumber(given_back) + tonumber(send[5]) or 0
    if first_wait > now then return math.max(until_, first_wait) end
    return until_
end

-- Charges a message of a challenge to its destination.
local function charge_send(challenge, now)
    challenge.sends = challenge.sends + 1
    challenge.sent = now
    challenge.delivery = ''
    redis.call('HSET', challenge_key(challenge.id), 'sends', challenge.sends, 'sent', whole(now), 'delivery', '')
    local key = messages_key(challenge.destination)
    redis.call('ZADD', key, whole(now), challenge.id .. ':' .. challenge.sends)
    redis.call('PEXPIRE', key, DAY + GRACE)
end

-- A challenge as its caller may see it: what the adapter turns into a `Standing`.
local function standing(challenge, now)
    local sends_left, next_send = 0, -1
    if challenge.destination ~= '' then
        sends_left = math.max(0, challenge.per_challenge - challenge.sends)
        if sends_left > 0 then
            local until_ = send_full_until(challenge.destination, split(challenge.send), challenge.sends,
                challenge.per_challenge, challenge.expires, now)
            next_send = until_ == 0 and now or until_
        end
    end
    return { challenge.id, challenge.sealed, attempts_left(challenge), challenge.sends, sends_left, whole(next_send),
        challenge.delivery, whole(challenge.sent) }
end

-- Which challenge a call with this request id was about, and whether it had another payload; nothing if there was none.
local function seen(tag, payload)
    local known = tag ~= '' and redis.call('GET', request_key(tag))
    if not known then return nil, false end
    return string.sub(known, #payload + 1), string.sub(known, 1, #payload) ~= payload
end

-- What a call made before: nothing, a challenge, or that its request id was used for something else.
local function seen_before(tag, payload, now)
    local id, otherwise = seen(tag, payload)
    if not id then return nil end
    if otherwise then return { 'reused' } end
    local challenge = read(id)
    if not challenge then return { 'over' } end
    return { 'repeated', standing(challenge, now), split(challenge.superseded) }
end

local function remember(tag, payload, id)
    if tag ~= '' then redis.call('SET', request_key(tag), payload .. id, 'PX', 600000) end
end

-- Raises the windows of guesses to the durable record: three arguments for each failure, challenge and guess, class,
-- instant, from a place on.
local function raise(first)
    for place = first, #ARGV, 3 do
        local key = guesses_key(ARGV[place + 1])
        redis.call('ZADD', key, 'NX', ARGV[place + 2], ARGV[place])
        redis.call('PEXPIRE', key, DAY + GRACE)
    end
end

-- Takes a challenge out; what was charged stays.
local function drop(id)
    redis.call('DEL', challenge_key(id))
    redis.call('ZREM', live_key, 'u' .. id, 'k' .. id)
    if redis.call('GET', pending_key) == id then redis.call('DEL', pending_key) end
end
