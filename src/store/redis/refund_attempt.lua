-- Gives back an attempt that answers no challenge.
local log, is_charged = read_charges(0, nil, 0, ARGV[1] .. ARGV[2])
if is_charged then write_charges(log) end
return 1
