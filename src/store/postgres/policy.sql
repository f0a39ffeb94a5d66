-- What the administrator of a tenant decided, and the receipt of the call, as one JSON document.
-- $1 tenant, $2 the call's tag
SELECT json_build_object(
    'policy', (SELECT json_build_object(
        'layer', layer, 'etag', encode(etag, 'hex'), 'updated_at', updated_at)
     FROM policies WHERE tenant_id = $1),
    'receipt', (SELECT json_build_object(
        'payload', encode(payload, 'hex'), 'made', made, 'made_id', encode(made_id, 'hex'),
        'answer', encode(answer, 'hex'), 'at', at)
     FROM receipts WHERE tag = $2))::text
