-- Locks queues that are due, the longest due first; those that another process has locked are skipped.
-- $1 the channel, $2 now, $3 how many at most
SELECT subject FROM outbox_queues WHERE channel = $1 AND due_at <= $2
ORDER BY due_at, position LIMIT $3 FOR UPDATE SKIP LOCKED
