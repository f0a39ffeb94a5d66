-- Committed events without a number, in the order in which they were written. $1 how many
SELECT json_build_object('row', row_number, 'id', encode(event_id, 'hex'), 'tenant', tenant_id, 'subject', encode(subject, 'hex'),
    'kind', kind, 'caller', caller, 'at', at, 'facts', facts, 'personal', encode(personal, 'hex'))::text
FROM events WHERE sequence IS NULL ORDER BY row_number LIMIT $1
