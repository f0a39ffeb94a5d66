-- Notes what became of a challenge's message. A failed one starts no wait, and stays charged.
local id, ordinal, delivery = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local challenge = read(id)
if not challenge or challenge.sends ~= ordinal then return 0 end
redis.call('HSET', challenge_key(id), 'delivery', delivery)
if delivery == 'FAILED' and challenge.destination ~= '' then
    local key, member = messages_key(challenge.destination), id .. ':' .. ordinal
    local at = redis.call('ZSCORE', key, member)
    if at then
        redis.call('ZREM', key, member)
        redis.call('ZADD', key, at, member .. '!')
    end
end
return 1
