-- Charges an attempt that answers no challenge, before it is judged. What stands for the challenge names it too.
local id, ids, payload, class = ARGV[1], ARGV[1] .. ARGV[2], ARGV[3], tonumber(ARGV[4])
local limits, now, failures = ARGV[5], tonumber(ARGV[6]), ARGV[7]

-- An attempt with a request id is named after it.
local _, is_other = seen(payload)
if is_other then return { 'reused' } end
if failures ~= '' then raise(failures) end

local log, known = redis.call('GET', KEYS[2]) or '', {}
for place = 1, #log, CHARGE_BYTES do
    local at, of, other = struct.unpack(CHARGE, log, place)
    if other == ids then known[of] = at end
end
local charged_at = known[0] or known[1] or known[2]
if charged_at then return { 'known', charged_at } end
local until_ = charge_attempt(class, ids, limits, 1, now)
if until_ > 0 then return { 'full', until_ } end
remember(payload, id)
return { 'new' }
