-- Alarms that are due to be announced. $1 now, $2 how many
SELECT json_object('position', position, 'turn', turn, 'tenant', tenant_id, 'user', user_id,
    'subject', hex(subject), 'kind', kind, 'method_id', hex(method_id), 'method_kind', method_kind,
    'codes_left', codes_left, 'at', at)
FROM alarms WHERE due_at <= $1 ORDER BY position LIMIT $2
