-- Drops a challenge that was passed, and gives back what passing it cost: the guess, and its messages but for the first
-- wait.
local id, guess = ARGV[1], ARGV[2]

local challenge = read(id)
if not challenge then return 0 end
for class = 0, 2 do redis.call('ZREM', guesses_key(class), id .. ':' .. guess) end
if challenge.destination ~= '' then
    local key = messages_key(challenge.destination)
    local first_wait = tonumber(split(challenge.send)[5])
    for ordinal = 1, challenge.sends do
        redis.call('ZREM', key, id .. ':' .. ordinal, id .. ':' .. ordinal .. '!')
    end
    redis.call('SET', given_back_key(challenge.destination), whole(challenge.sent), 'PX', first_wait + GRACE)
end
drop(id)
return 1
