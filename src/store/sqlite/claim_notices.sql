-- Takes notices that are due, the oldest of each user, until a lease runs out. $1 now, $2 the lease's end
UPDATE outbox SET attempts = attempts + 1, due_at = $2
WHERE position IN (SELECT min(position) FROM outbox GROUP BY subject) AND due_at <= $1
RETURNING json_object('notice_id', hex(notice_id), 'subject', hex(subject), 'sealed', hex(sealed),
    'attempts', attempts - 1)
