-- Committed events without a number, in the order in which they were written. $1 how many
SELECT json_object('row', row_number, 'id', hex(event_id), 'tenant', tenant_id, 'subject', hex(subject),
    'kind', kind, 'caller', caller, 'at', at, 'facts', facts, 'personal', hex(personal))
FROM events WHERE sequence IS NULL ORDER BY row_number LIMIT $1
