-- Opens a challenge: raises the windows to the durable record, charges the message, makes room.
local id, caller, device, sealed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now, expires, attempts = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local budgets, destination, send = ARGV[8], ARGV[9], ARGV[10]
local per_challenge, instead_of, enrollment = tonumber(ARGV[11]), ARGV[12], ARGV[13]
local live_at_most, tag, payload = tonumber(ARGV[14]), ARGV[15], ARGV[16]

local again = read(id)
if again then return { 'fresh', standing(again, now), split(again.superseded) } end
local before = seen_before(tag, payload, now)
if before then return before end

raise(17)

local used, sends = 0, 0
if instead_of ~= '' then
    local old = read(instead_of)
    if not old or not is_open(old, caller, now) then return { 'not_open' } end
    used, sends = old.used, old.sends
end

if destination ~= '' then
    local until_ = send_full_until(destination, split(send), sends, per_challenge, expires, now)
    if until_ > 0 then return { 'sends_full', whole(until_) } end
end

local superseded = {}
local function leave(other)
    drop(other.id)
    superseded[#superseded + 1] = other.id .. ':' .. other.caller
end
if instead_of ~= '' then leave(read(instead_of)) end
if enrollment == '1' then
    local pending = redis.call('GET', pending_key)
    local waiting = pending and pending ~= instead_of and read(pending)
    if waiting then leave(waiting) end
end

-- A stranger's challenges go before a known device's, so that opening many closes nobody's.
local staying = { u = {}, k = {} }
local count = 0
for _, member in ipairs(redis.call('ZRANGE', live_key, 0, -1)) do
    local other = read(string.sub(member, 2))
    if not other then
        redis.call('ZREM', live_key, member)
    elseif now < other.expires and attempts_left(other) > 0 then
        local class = staying[string.sub(member, 1, 1)]
        class[#class + 1] = other
        count = count + 1
    end
end
for _, class in ipairs({ 'u', 'k' }) do
    for _, other in ipairs(staying[class]) do
        if count <= live_at_most - 1 then break end
        leave(other)
        count = count - 1
    end
end

local key = challenge_key(id)
local life = expires - now + GRACE
redis.call('HSET', key, 'sealed', sealed, 'caller', caller, 'device', device, 'opened', whole(now),
    'expires', whole(expires), 'attempts', attempts, 'carried', used, 'used', used, 'budgets', budgets, 'destination', destination,
    'send', send, 'per_challenge', per_challenge, 'sends', sends, 'delivery', '', 'sent', whole(now),
    'superseded', table.concat(superseded, ','))
redis.call('PEXPIRE', key, life)
redis.call('ZADD', live_key, whole(now), (device == '' and 'u' or 'k') .. id)
if redis.call('PTTL', live_key) < life then redis.call('PEXPIRE', live_key, life) end
if enrollment == '1' then redis.call('SET', pending_key, id, 'PX', life) end
remember(tag, payload, id)
local challenge = read(id)
if destination ~= '' then charge_send(challenge, now) end
return { 'fresh', standing(challenge, now), superseded }
