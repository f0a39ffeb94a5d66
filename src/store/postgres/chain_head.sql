-- The head of a tenant's chain. $1 tenant
SELECT json_build_object('sequence', sequence, 'hash', encode(hash, 'hex'))::text FROM event_chains WHERE tenant_id = $1
