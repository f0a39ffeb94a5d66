-- Gives charges of one owner back. KEYS are the budgets, the arguments their charges.
for budget, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[budget]) end
return 1
