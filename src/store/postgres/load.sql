-- All that is durable about a user, and the receipt of the call, as one JSON document.
-- $1 tenant, $2 user, $3 the call's tag, $4 since when failures count, $5 since when those at recovery codes count
SELECT json_build_object(
    'account', (SELECT json_build_object(
        'epoch', u.epoch,
        'revision', u.revision,
        'user_key', encode(u.user_key, 'hex'),
        'profile', encode(u.profile, 'hex'),
        'email_verified', u.email_verified,
        'email_version', u.email_version,
        'default_method', encode(u.default_method, 'hex'),
        'recovery_set', encode(u.recovery_set, 'hex'),
        'recovery_total', u.recovery_total,
        'recovery_made_at', u.recovery_made_at,
        'recovery_kind', u.recovery_kind,
        'recovery_confirmed_at', u.recovery_confirmed_at,
        'created_at', u.created_at,
        'updated_at', u.updated_at,
        'email_since', u.email_since,
        'reset', (SELECT json_build_object('reset_id', encode(r.reset_id, 'hex'), 'epoch', r.epoch, 'due_at', r.due_at,
                'ends_at', r.ends_at, 'begun_at', r.begun_at, 'cancelled_at', r.cancelled_at, 'challenge_id', encode(r.challenge_id, 'hex'))
            FROM resets r WHERE r.tenant_id = u.tenant_id AND r.user_id = u.user_id),
        'bypass_until', (SELECT b.expires_at FROM bypass_codes b
            WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id AND b.epoch = u.epoch),
        'held', u.held,
        'codes_left', (SELECT count(*) FROM recovery_codes r
            WHERE r.tenant_id = u.tenant_id AND r.user_id = u.user_id AND r.used_at IS NULL),
        'methods', (SELECT coalesce(json_agg(json_build_object(
                'method_id', encode(m.method_id, 'hex'), 'kind', m.kind, 'label', m.label, 'version', m.version,
                'sealed', encode(m.sealed, 'hex'), 'disabled', m.disabled, 'created_at', m.created_at,
                'last_used_at', m.last_used_at, 'suspended', m.suspended)), '[]')
            FROM methods m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id),
        'devices', devices_json(u.tenant_id, u.user_id),
        'revertible', (SELECT coalesce(json_agg(json_build_object(
                'token', encode(v.token, 'hex'), 'did', v.did, 'method_id', encode(v.method_id, 'hex'), 'at', v.at,
                'revision', v.revision)), '[]')
            FROM reverts v WHERE v.tenant_id = u.tenant_id AND v.user_id = u.user_id),
        'failures', (SELECT coalesce(json_agg(json_build_object(
                'challenge_id', encode(f.challenge_id, 'hex'), 'guess_id', encode(f.guess_id, 'hex'), 'class', f.class, 'at', f.at)), '[]')
            FROM failures f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id
                AND f.class >= 0 AND f.at > CASE f.class WHEN 2 THEN $5 ELSE $4 END))
     FROM users u WHERE u.tenant_id = $1 AND u.user_id = $2),
    'tenant_layer', (SELECT layer FROM policies WHERE tenant_id = $1),
    'receipt', (SELECT json_build_object(
        'payload', encode(payload, 'hex'), 'made', made, 'made_id', encode(made_id, 'hex'),
        'answer', encode(answer, 'hex'), 'at', at)
     FROM receipts WHERE tag = $3))::text
