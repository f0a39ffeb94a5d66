-- What the administrator of a tenant decided, and the receipt of the call, as one JSON document.
-- $1 tenant, $2 the call's tag
SELECT json_object(
    'policy', json((SELECT json_object(
        'layer', layer, 'etag', hex(etag), 'updated_at', updated_at)
     FROM policies WHERE tenant_id = $1)),
    'receipt', json((SELECT json_object(
        'payload', hex(payload), 'made', made, 'made_id', hex(made_id),
        'answer', hex(answer), 'at', at)
     FROM receipts WHERE tag = $2)))
