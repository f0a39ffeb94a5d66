-- The enrolment that waits for its code.
local now = tonumber(ARGV[1])

local id = redis.call('GET', pending_key)
local challenge = id and read(id)
if not challenge or now >= challenge.expires or attempts_left(challenge) == 0 then return false end
return standing(challenge, now)
