-- Takes notices that are due, the oldest of each user, until a lease runs out. Another process takes others.
-- $1 now, $2 the lease's end
UPDATE outbox SET attempts = attempts + 1, due_at = $2
WHERE position IN (
    SELECT o.position FROM outbox o
    WHERE o.due_at <= $1
        AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.subject = o.subject AND e.position < o.position)
    ORDER BY o.position LIMIT 64 FOR UPDATE SKIP LOCKED)
RETURNING json_build_object('notice_id', encode(notice_id, 'hex'), 'subject', encode(subject, 'hex'),
    'sealed', encode(sealed, 'hex'), 'attempts', attempts - 1)::text
