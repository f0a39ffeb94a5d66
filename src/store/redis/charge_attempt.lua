-- Charges an attempt, before anything is judged, to the challenge and to the user.
local now, is_recovery, id, attempt, caller, device, payload = struct.unpack('>dBc16c16I4c0I4c0I4c0', ARGV[1])

-- An attempt with a request id is named after it.
local _, is_other = seen(payload)
if is_other then return { 'reused' } end
local value = redis.call('HGET', KEYS[1], id)
if not value then return { 'over' } end
local used, carried, _, _, _, _, _, expires, attempts, _, _, owner, known_device, _, _, place =
    struct.unpack(CHALLENGE, value)
if owner ~= caller or now >= expires + GRACE then return { 'over' } end
local sealed, limits = struct.unpack(SEALED, value, place)
local allowed = math.max(0, attempts - carried)

-- An attempt that was charged before is judged as of then.
place = limits + LIMITS_BYTES
while place <= #value do
    local other, class, at, left, with
    other, class, at, left, with, place = struct.unpack(ATTEMPT, value, place)
    if other == attempt then
        return with == payload and { 'judge', sealed, class, at, left, allowed } or { 'reused' }
    end
end
if now >= expires or used >= attempts then return { 'over' } end

local class = 0
if is_recovery == 1 then
    class = 2
elseif device ~= '' and device == known_device then
    class = 1
end
local until_, more = charge_attempt(class, id .. attempt, value, limits + class * 16, now)
if until_ > 0 then return { 'full', until_ } end

local left = math.min(attempts - used - 1, more)
redis.call('HSET', KEYS[1], id, string.char(used + 1) .. string.sub(value, 2)
    .. struct.pack(ATTEMPT, attempt, class, now, left, #payload, payload))
remember(payload, id)
return { 'judge', sealed, class, now, left, allowed }
