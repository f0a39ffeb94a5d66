local function unpack_challenge(id, value)
    local used, carried, sends, delivery, sent, superseded, opened, expires, attempts, enrollment, sends_at_most, caller,
        device, destination, send, place = struct.unpack(CHALLENGE, value)
    return { id = id, value = value, used = used, carried = carried, sends = sends, delivery = delivery, sent = sent,
        superseded = superseded, opened = opened, expires = expires, attempts_left = math.max(0, attempts - used),
        enrollment = enrollment == 1, sends_at_most = sends_at_most, caller = caller, device = device,
        destination = destination, send = send, place = place }
end

-- A challenge; nothing if there is none, or its time has been over for a while. `now` is 0 where that does not matter.
local function read(id, now)
    local value = redis.call('HGET', KEYS[1], id)
    local challenge = value and unpack_challenge(id, value)
    return challenge and now < challenge.expires + GRACE and challenge or nil
end

local function is_open(challenge, caller, now)
    return challenge.caller == caller and now < challenge.expires and challenge.attempts_left > 0
end

local function write_changes(challenge)
    local changes = struct.pack(CHANGES, challenge.used, challenge.carried, challenge.sends, challenge.delivery,
        challenge.sent)
    redis.call('HSET', KEYS[1], challenge.id, changes .. string.sub(challenge.value, CHANGES_BYTES + 1))
end
