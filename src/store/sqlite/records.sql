-- What is recorded of a user beside the account, as one JSON document.
-- $1 tenant, $2 user, $3 pseudonym, $4 behind which row of events, $5 behind which ended challenge, $6 how many of each,
-- $7 1 for what is not read page by page, too
SELECT json_object(
    'failures', json((SELECT json_group_array(json_object('challenge_id', hex(challenge_id), 'at', at))
        FROM failures WHERE $7 = 1 AND tenant_id = $1 AND user_id = $2)),
    'notices', json((SELECT json_group_array(json_object('notice_id', hex(notice_id), 'channel', channel,
            'sealed', hex(sealed), 'queued_at', queued_at))
        FROM outbox WHERE $7 = 1 AND subject = $3)),
    'ended', json((SELECT json_group_array(json_object(
            'challenge_id', hex(challenge_id), 'caller', caller, 'ending', ending, 'at', at,
            'approval_id', hex(approval_id), 'guess_id', hex(guess_id), 'payload', hex(payload), 'purpose', purpose,
            'action', action, 'digest', hex(digest), 'answered_by', answered_by, 'method_id', hex(method_id),
            'audience', audience, 'epoch', epoch, 'key_id', key_id, 'device_id', hex(device_id), 'spent_at', spent_at))
        FROM (SELECT * FROM ended_challenges
            WHERE tenant_id = $1 AND user_id = $2 AND challenge_id > $5 ORDER BY challenge_id LIMIT $6))),
    'events', json((SELECT json_group_array(json_object('row', row_number, 'id', hex(event_id), 'tenant', tenant_id,
            'subject', hex(subject), 'kind', kind, 'caller', caller, 'at', at, 'facts', facts,
            'personal', hex(personal)))
        FROM (SELECT * FROM events
            WHERE subject = $3 AND tenant_id = $1 AND row_number > $4 ORDER BY row_number LIMIT $6))))
