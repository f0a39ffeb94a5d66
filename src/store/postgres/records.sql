-- What is recorded of a user beside the account, as one JSON document.
-- $1 tenant, $2 user, $3 pseudonym, $4 behind which row of events, $5 behind which ended challenge, $6 how many of each,
-- $7 1 for what is not read page by page, too
SELECT json_build_object(
    'failures', (SELECT coalesce(json_agg(json_build_object('challenge_id', encode(challenge_id, 'hex'), 'at', at)), '[]')
        FROM failures WHERE $7 = 1::bigint AND tenant_id = $1 AND user_id = $2),
    'notices', (SELECT coalesce(json_agg(json_build_object('notice_id', encode(notice_id, 'hex'), 'channel', channel,
            'sealed', encode(sealed, 'hex'), 'queued_at', queued_at)), '[]')
        FROM outbox WHERE $7 = 1::bigint AND subject = $3),
    'ended', (SELECT coalesce(json_agg(x.ended), '[]')
        FROM (SELECT ended_json(e)::json AS ended FROM ended_challenges e
            WHERE tenant_id = $1 AND user_id = $2 AND challenge_id > $5 ORDER BY challenge_id LIMIT $6) x),
    'events', (SELECT coalesce(json_agg(json_build_object('row', row_number, 'id', encode(event_id, 'hex'),
            'tenant', tenant_id, 'subject', encode(subject, 'hex'), 'kind', kind, 'caller', caller, 'at', at,
            'facts', facts, 'personal', encode(personal, 'hex'))), '[]')
        FROM (SELECT * FROM events
            WHERE subject = $3 AND tenant_id = $1 AND row_number > $4 ORDER BY row_number LIMIT $6) v))::text
