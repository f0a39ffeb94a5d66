-- Charges another message with the same code.
local id, caller, payload, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local before = seen_before(payload, now)
if before then return before end
local challenge = read(id, now)
if not challenge or not is_open(challenge, caller, now) then return { 'over' } end
if challenge.destination == '' then return { 'nothing_to_send' } end
local _, place = struct.unpack(SEALED, challenge.value, challenge.place)
local throttled = throttled_until(challenge.device, string.sub(challenge.value, place, place + LIMITS_BYTES - 1), now)
if throttled > 0 then return { 'throttled', throttled } end
local messages = read_messages(challenge.destination, now)
local until_ = challenge.sends >= challenge.sends_at_most and challenge.expires
    or send_full_until(messages, challenge.send, now)
if until_ > 0 then return { 'full', until_ } end
redis.call('GETEX', KEYS[2]) -- as for charges: a full Redis lets the message go
challenge.sends, challenge.sent, challenge.delivery = challenge.sends + 1, now, 0
write_changes(challenge)
charge_send(challenge, messages, now)
remember(payload, id)
return { 'send', standing(challenge, now, messages) }
