-- Opens a challenge: raises the charged attempts to the durable record, charges the message, makes room. The first write is
-- one that a full Redis refuses, so that it refuses the script as a whole.
local id, instead_of, payload, frozen, failures, others_at_most =
    ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local now, expires, attempts, enrollment, sends_at_most, caller, device, destination, send = struct.unpack(FROZEN, frozen)

local others, over, latest = {}, {}, expires
local fields = redis.call('HGETALL', KEYS[1])
for place = 1, #fields, 2 do
    local other = unpack_challenge(fields[place], fields[place + 1])
    if now < other.expires + GRACE then
        others[other.id] = other
        latest = math.max(latest, other.expires)
    elseif other.id ~= id then
        over[#over + 1] = other.id
    end
end
if others[id] then return { 'fresh', standing(others[id], now), others[id].superseded } end
local before = seen_before(payload, now)
if before then return before end
if failures ~= '' then raise(failures) end

local used, sends = 0, 0
local old = others[instead_of]
if instead_of ~= '' then
    if not old or not is_open(old, caller, now) then return { 'not_open' } end
    used, sends = old.used, old.sends
end
local messages
if destination ~= '' then
    local throttled = throttled_until(device, frozen, now)
    if throttled > 0 then return { 'throttled', throttled } end
    messages = read_messages(destination, now)
    local until_ = sends >= sends_at_most and expires or send_full_until(messages, send, now)
    if until_ > 0 then return { 'sends_full', until_ } end
end

local superseded = {}
local function leave(other)
    others[other.id] = nil
    over[#over + 1] = other.id
    superseded[#superseded + 1] = struct.pack(SUPERSEDED, other.id, #other.caller, other.caller)
end
if old then leave(old) end
local staying = {}
for _, other in pairs(others) do
    if enrollment == 1 and other.enrollment then
        leave(other)
    elseif is_open(other, other.caller, now) then
        staying[#staying + 1] = other
    end
end
-- A stranger's challenges go before a known device's, so that opening many closes no one else's.
if #staying > others_at_most then
    local function hex(byte) return string.format('%02x', string.byte(byte)) end
    table.sort(staying, function(one, other)
        if (one.device == '') ~= (other.device == '') then return one.device == '' end
        if one.opened ~= other.opened then return one.opened < other.opened end
        return string.gsub(one.id, '.', hex) < string.gsub(other.id, '.', hex)
    end)
    for place = 1, #staying - others_at_most do leave(staying[place]) end
end

superseded = table.concat(superseded)
local challenge = { id = id, attempts_left = math.max(0, attempts - used), sends = messages and sends + 1 or sends,
    delivery = 0, sent = now, sends_at_most = sends_at_most, destination = destination, send = send }
local changes = struct.pack(CHANGES .. 'I4c0', used, used, challenge.sends, 0, now, #superseded, superseded)
redis.call('HSET', KEYS[1], id, changes .. frozen)
redis.call('PEXPIRE', KEYS[1], latest - now + GRACE)
if #over > 0 then redis.call('HDEL', KEYS[1], unpack(over)) end
if messages then charge_send(challenge, messages, now) end
remember(payload, id)
return { 'fresh', standing(challenge, now, messages), superseded }
