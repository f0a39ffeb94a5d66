-- Events that are not chained yet, in the order of their transactions, as long as nothing can still be committed before
-- them. $1 and $2 the last chained one, $3 up to which position all are chained whatever their transaction, $4 how many
SELECT xid::text AS xid, position, event_id, tenant_id, subject, kind, caller, at, details, personal
FROM events
WHERE (xid, position) > ($1::text::xid8, $2) AND position > $3 AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.xid, position LIMIT $4
