-- A caller's challenge as it stands; an exhausted one until its time is over.
local id, caller, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

local challenge = read(id, now)
if not challenge or challenge.caller ~= caller or now >= challenge.expires then return false end
return standing(challenge, now)
