-- What a guess at a recovery code is compared with. $1 tenant, $2 user, $3 slot, $4 the challenge, $5 the guess
SELECT json_object(
    'ruled_on', json(CASE WHEN EXISTS (SELECT 1 FROM failures
                WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $4 AND guess_id = $5)
            OR EXISTS (SELECT 1 FROM ended_challenges WHERE challenge_id = $4)
        THEN 'true' ELSE 'false' END),
    'code', json((SELECT json_object('set', hex(u.recovery_set), 'hash', r.hash)
        FROM recovery_codes r JOIN users u USING (tenant_id, user_id)
        WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.slot = $3 AND r.used_at IS NULL)))
