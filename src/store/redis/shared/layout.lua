-- How the state of one user is stored. All keys begin with `cs:{h}`, h a pseudonym of the user, and lie in one slot. Keys
-- known beforehand are in KEYS, so that a cluster which is moving the slot refuses the script as a whole. Instants are
-- milliseconds and come as arguments; Redis's own clock only collects garbage. Values are packed by `struct`.

-- KEYS[1], `cs:{h}:c`: a hash of the challenges, by id. A value begins with what changes: attempts used, attempts carried
-- over, messages sent, delivery of the last one, when it began. Then come the challenges that it superseded. What follows is
-- frozen: opened, expires, attempts, enrollment, messages at most, caller, device, destination, limits and waits of its
-- messages; sealed challenge; limits of the three classes of attempts. At the end is an ATTEMPT for each attempt.
local CHANGES, CHANGES_BYTES, SUPERSEDED, LIMITS_BYTES = '>BBI4Bd', 15, '>c16I4c0', 48
local FROZEN, CHALLENGE, SEALED = '>ddBBI4I4c0I4c0I4c0I4c0', '>BBI4BdI4c0ddBBI4I4c0I4c0I4c0I4c0', '>I4c0'
local ATTEMPT = '>c16BdBI4c0' -- id, class, instant, attempts left, payload

-- KEYS[2], `cs:{h}:g`: the attempts charged within the windows of their class, and within LEAST_SPAN: instant, class, ids of
-- challenge and attempt.
local CHARGE, CHARGE_BYTES = '>dBc32', 41

-- `cs:{h}:s:<destination>`: when the last message of a passed challenge began that starts a wait all the same, or 0; how many
-- messages of passed challenges started none, and when they began; then the messages of the last day: instant, whether it
-- failed, whether a known device asked for it, challenge, ordinal.
local PASSED, MESSAGE, MESSAGE_BYTES = '>dB', '>dBBc16I4', 30

-- The limits and waits of messages: the windows of their class, the waits after the first, second and third, the allowance of
-- passed challenges, and whether a known device asks.
local SEND, APPROVED_PLACE = '>I4I4I4I4I4I4I4I4I4I4I4B', 29

local GRACE, LEAST_SPAN, DAY, DAY_AND_GRACE = 60000, 3600000, 86400000, '86460000'
