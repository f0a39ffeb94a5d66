-- When a message fits that begins a challenge; 0 means now.
local destination, send, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

return send_full_until(read_messages(destination, now), send, now)
