-- The head of a tenant's chain. $1 tenant
SELECT json_object('sequence', sequence, 'hash', hex(hash)) FROM event_chains WHERE tenant_id = $1
