-- Locks the queues of claimed notices. $1 the notices
SELECT 1 FROM outbox_queues q JOIN outbox o ON q.subject = o.subject AND q.channel = o.channel
WHERE o.notice_id = ANY ($1) ORDER BY q.subject, q.channel FOR UPDATE OF q
