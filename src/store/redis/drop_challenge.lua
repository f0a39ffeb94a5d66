-- Drops a challenge; its charges stay.
drop(ARGV[1])
return 1
