-- Drops a challenge that was passed, and gives back what passing it cost: the guess, and its messages.
local id, guess = ARGV[1], ARGV[2]

local challenge = read(id)
if not challenge then return 0 end
for class = 0, 2 do redis.call('ZREM', guesses_key(class), id .. ':' .. guess) end
if challenge.destination ~= '' then
    local key = messages_key(challenge.destination)
    for ordinal = 1, challenge.sends do
        redis.call('ZREM', key, id .. ':' .. ordinal, id .. ':' .. ordinal .. '!')
    end
end
drop(id)
return 1
