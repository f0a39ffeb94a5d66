-- How a challenge ended. $1 tenant, $2 user, $3 the challenge, $4 the approval: one of the two is null.
SELECT ended_json(e) FROM ended_challenges e
WHERE tenant_id = $1 AND user_id = $2 AND (challenge_id = $3 OR approval_id = $4)
