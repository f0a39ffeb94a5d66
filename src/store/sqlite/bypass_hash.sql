-- What a guess at a bypass code is compared with. $1 tenant, $2 user, $3 the challenge, $4 the guess
SELECT json_object(
    'ruled_on', json(CASE WHEN EXISTS (SELECT 1 FROM failures
                WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3 AND guess_id = $4)
            OR EXISTS (SELECT 1 FROM ended_challenges WHERE challenge_id = $3)
        THEN 'true' ELSE 'false' END),
    'code', json((SELECT json_object('set', hex(bypass_id), 'hash', hash)
        FROM bypass_codes WHERE tenant_id = $1 AND user_id = $2)))
