-- The enrollment that waits for its code.
local now = tonumber(ARGV[1])

local fields = redis.call('HGETALL', KEYS[1])
for place = 1, #fields, 2 do
    local challenge = unpack_challenge(fields[place], fields[place + 1])
    if challenge.enrollment and is_open(challenge, challenge.caller, now) then return standing(challenge, now) end
end
return false
