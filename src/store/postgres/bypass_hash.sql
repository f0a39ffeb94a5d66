-- What a guess at a bypass code is compared with. $1 tenant, $2 user, $3 the challenge, $4 the guess
SELECT json_build_object(
    'ruled_on', EXISTS (SELECT 1 FROM failures
            WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3 AND guess_id = $4)
        OR EXISTS (SELECT 1 FROM ended_challenges WHERE challenge_id = $3),
    'code', (SELECT json_build_object('set', encode(bypass_id, 'hex'), 'hash', hash)
        FROM bypass_codes WHERE tenant_id = $1 AND user_id = $2))::text
