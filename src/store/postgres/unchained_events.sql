-- The first event behind the audit chain, in its order, and how many there are. No row if there is none. $1 counted no further
WITH cursor AS (
    SELECT xid, position, floor_position FROM audit_cursor UNION ALL SELECT '0'::xid8, 0, 0 LIMIT 1
), unchained AS MATERIALIZED (
    SELECT e.xid, e.position FROM cursor c CROSS JOIN LATERAL (
        SELECT xid, position FROM events
        WHERE (xid, position) > (c.xid, c.position) AND position > c.floor_position
        ORDER BY xid, position LIMIT $1) e
)
SELECT (SELECT count(*) FROM unchained) AS waiting, e.at AS oldest_at
FROM (SELECT position FROM unchained ORDER BY xid, position LIMIT 1) first JOIN events e ON e.position = first.position
