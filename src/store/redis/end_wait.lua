-- Moves charges of one owner out of the shorter window. KEYS are the budgets; two arguments for each: instant, charge.
for budget, key in ipairs(KEYS) do redis.call('ZADD', key, 'XX', ARGV[2 * budget - 1], ARGV[2 * budget]) end
return 1
