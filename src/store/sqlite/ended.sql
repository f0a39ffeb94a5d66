-- How a challenge ended. $1 tenant, $2 user, $3 the challenge, $4 the approval: one of the two is null.
SELECT json_object(
    'challenge_id', hex(challenge_id), 'caller', caller, 'ending', ending, 'at', at,
    'approval_id', hex(approval_id), 'guess_id', hex(guess_id), 'payload', hex(payload), 'purpose', purpose,
    'action', action, 'digest', hex(digest), 'answered_by', answered_by, 'method_id', hex(method_id),
    'audience', audience, 'epoch', epoch, 'key_id', key_id, 'device_id', hex(device_id), 'spent_at', spent_at)
FROM ended_challenges
WHERE tenant_id = $1 AND user_id = $2 AND (challenge_id = $3 OR approval_id = $4)
