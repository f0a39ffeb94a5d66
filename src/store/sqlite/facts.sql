-- What a settlement is ruled by, as one JSON document.
-- $1 tenant, $2 user, $3 challenge, $4 guess, $5 class, $6 since when failures count, $7 method, $8 set, $9 slot,
-- $10 bypass code, $11 now, $12 device, $13 tag of the receipt it would leave
SELECT json_object(
    'epoch', (SELECT epoch FROM users WHERE tenant_id = $1 AND user_id = $2),
    'email_version', (SELECT email_version FROM users WHERE tenant_id = $1 AND user_id = $2),
    'ended', json((SELECT json_object(
            'challenge_id', hex(challenge_id), 'caller', caller, 'ending', ending, 'at', at,
            'approval_id', hex(approval_id), 'guess_id', hex(guess_id), 'payload', hex(payload), 'purpose', purpose,
            'action', action, 'digest', hex(digest), 'answered_by', answered_by, 'method_id', hex(method_id),
            'audience', audience, 'epoch', epoch, 'key_id', key_id, 'device_id', hex(device_id),
            'spent_at', spent_at)
        FROM ended_challenges WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3)),
    'recorded', EXISTS (SELECT 1 FROM failures
        WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3 AND guess_id = $4),
    'failed_at', json((SELECT json_group_array(at) FROM failures
        WHERE tenant_id = $1 AND user_id = $2 AND class = $5 AND at > $6)),
    'window_announced', EXISTS (SELECT 1 FROM announced_windows
        WHERE tenant_id = $1 AND user_id = $2 AND class = $5),
    'trust_withdrawn', EXISTS (SELECT 1 FROM devices
        WHERE tenant_id = $1 AND user_id = $2 AND device_id = $12 AND trust_withdrawn = 1),
    'failed_here', (SELECT count(*) FROM failures
        WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3),
    'method', json((SELECT json_object('version', version, 'disabled', disabled, 'last_step', last_step,
            'kind', kind, 'consecutive_failures', consecutive_failures)
        FROM methods WHERE tenant_id = $1 AND user_id = $2 AND method_id = $7)),
    'code_unused', EXISTS (SELECT 1 FROM recovery_codes r JOIN users u USING (tenant_id, user_id)
        WHERE r.tenant_id = $1 AND r.user_id = $2 AND u.recovery_set = $8 AND r.slot = $9 AND r.used_at IS NULL)
        OR EXISTS (SELECT 1 FROM bypass_codes b JOIN users u USING (tenant_id, user_id)
        WHERE b.tenant_id = $1 AND b.user_id = $2 AND b.bypass_id = $10 AND b.epoch = u.epoch AND b.expires_at > $11),
    'reset_pending', EXISTS (SELECT 1 FROM resets r JOIN users u USING (tenant_id, user_id)
        WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.epoch = u.epoch AND r.cancelled_at IS NULL AND r.ends_at > $11),
    'request_used', EXISTS (SELECT 1 FROM receipts WHERE tag = $13),
    'codes_left', (SELECT count(*) FROM recovery_codes
        WHERE tenant_id = $1 AND user_id = $2 AND used_at IS NULL),
    'previous', json((SELECT json_object('offset', skew_offset, 'step', skew_step) FROM failures
        WHERE tenant_id = $1 AND user_id = $2 AND challenge_id = $3 AND guess_id <> $4
        ORDER BY at DESC, guess_id DESC LIMIT 1)))
