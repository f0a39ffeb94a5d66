-- All that is durable about a user, and the receipt of the call, as one JSON document.
-- $1 tenant, $2 user, $3 the call's tag, $4 since when failures count, $5 since when those at recovery codes count
SELECT json_object(
    'account', json((SELECT json_object(
        'epoch', u.epoch,
        'revision', u.revision,
        'user_key', hex(u.user_key),
        'profile', hex(u.profile),
        'email_verified', u.email_verified,
        'email_version', u.email_version,
        'default_method', hex(u.default_method),
        'recovery_set', hex(u.recovery_set),
        'recovery_total', u.recovery_total,
        'recovery_made_at', u.recovery_made_at,
        'recovery_kind', u.recovery_kind,
        'recovery_confirmed_at', u.recovery_confirmed_at,
        'created_at', u.created_at,
        'updated_at', u.updated_at,
        'email_since', u.email_since,
        'reset', json((SELECT json_object('reset_id', hex(r.reset_id), 'epoch', r.epoch, 'due_at', r.due_at,
                'ends_at', r.ends_at, 'begun_at', r.begun_at, 'cancelled_at', r.cancelled_at, 'challenge_id', hex(r.challenge_id))
            FROM resets r WHERE r.tenant_id = u.tenant_id AND r.user_id = u.user_id)),
        'bypass_until', (SELECT b.expires_at FROM bypass_codes b
            WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id AND b.epoch = u.epoch),
        'held', u.held,
        'codes_left', (SELECT count(*) FROM recovery_codes r
            WHERE r.tenant_id = u.tenant_id AND r.user_id = u.user_id AND r.used_at IS NULL),
        'methods', json((SELECT json_group_array(json_object(
                'method_id', hex(m.method_id), 'kind', m.kind, 'label', m.label, 'version', m.version,
                'sealed', hex(m.sealed), 'disabled', m.disabled, 'created_at', m.created_at,
                'last_used_at', m.last_used_at, 'suspended', m.suspended))
            FROM methods m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id)),
        'devices', json((SELECT json_group_array(json_object(
                'device_id', hex(d.device_id), 'name', d.name, 'app', d.app, 'series', hex(d.series),
                'accepted', d.accepted, 'given', d.given, 'proved_by', d.proved_by, 'trusted_at', d.trusted_at,
                'trusted_until', d.trusted_until, 'trusted_epoch', d.trusted_epoch,
                'trust_withdrawn', d.trust_withdrawn, 'created_at', d.created_at, 'seen_at', d.seen_at))
            FROM devices d WHERE d.tenant_id = u.tenant_id AND d.user_id = u.user_id)),
        'revertible', json((SELECT json_group_array(json_object(
                'token', hex(v.token), 'did', v.did, 'method_id', hex(v.method_id), 'at', v.at, 'revision', v.revision))
            FROM reverts v WHERE v.tenant_id = u.tenant_id AND v.user_id = u.user_id)),
        'failures', json((SELECT json_group_array(json_object(
                'challenge_id', hex(f.challenge_id), 'guess_id', hex(f.guess_id), 'class', f.class, 'at', f.at))
            FROM failures f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id
                AND f.class >= 0 AND f.at > CASE f.class WHEN 2 THEN $5 ELSE $4 END)))
     FROM users u WHERE u.tenant_id = $1 AND u.user_id = $2)),
    'tenant_layer', (SELECT layer FROM policies WHERE tenant_id = $1),
    'receipt', json((SELECT json_object(
        'payload', hex(payload), 'made', made, 'made_id', hex(made_id), 'answer', hex(answer), 'at', at)
     FROM receipts WHERE tag = $3)))
