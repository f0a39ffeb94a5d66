-- A page of the outbox, oldest first. $1 behind which position, $2 whether only the dead ones, $3 how many
SELECT json_build_object('position', position, 'notice_id', encode(notice_id, 'hex'), 'subject', encode(subject, 'hex'),
    'channel', channel, 'sealed', encode(sealed, 'hex'), 'attempts', attempts, 'queued_at', queued_at,
    'dead_at', dead_at, 'death', death)::text
FROM outbox WHERE position > $1 AND ($2 = 0 OR dead_at IS NOT NULL) ORDER BY position LIMIT $3
