-- The devices of a user. $1 tenant, $2 user
SELECT json_object(
    'device_id', hex(device_id), 'name', name, 'app', app, 'series', hex(series), 'accepted', accepted, 'given', given,
    'proved_by', proved_by, 'trusted_at', trusted_at, 'trusted_until', trusted_until, 'trusted_epoch', trusted_epoch,
    'trust_withdrawn', trust_withdrawn, 'created_at', created_at, 'seen_at', seen_at)
FROM devices WHERE tenant_id = $1 AND user_id = $2
