-- Charges another message with the same code.
local id, caller, tag, payload, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local before = seen_before(tag, payload, now)
if before then return before end
local challenge = read(id)
if not challenge or not is_open(challenge, caller, now) then return { 'over' } end
if challenge.destination == '' then return { 'nothing_to_send' } end
local until_ = send_full_until(challenge.destination, split(challenge.send), challenge.sends, challenge.per_challenge,
    challenge.expires, now)
if until_ > 0 then return { 'full', whole(until_) } end
remember(tag, payload, id)
charge_send(challenge, now)
return { 'send', standing(challenge, now) }
