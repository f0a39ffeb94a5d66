-- When a message fits that begins a challenge; 0 means now.
local destination, send, per_challenge, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

return whole(send_full_until(destination, split(send), 0, per_challenge, 0, now))
