-- What a call made before: nothing, a challenge, or that its request id was used for something else.
local function seen_before(payload, now)
    local id, is_other = seen(payload)
    if not id then return nil end
    if is_other then return { 'reused' } end
    local challenge = read(id, now)
    if not challenge then return { 'over' } end
    return { 'repeated', standing(challenge, now), challenge.superseded }
end
