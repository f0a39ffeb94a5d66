-- Records the outcomes of deliveries. The queues are locked, by a statement before this one: what was queued until then is
-- seen here. A queue changes only for the notice that is claimed there: somebody else may have claimed the next one since.
-- $1 the notices, $2 when each is tried again, $3 since when it is dead, $4 why, $5 now
WITH finished AS MATERIALIZED (
    SELECT f.*, o.position, o.subject, o.channel
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[]) AS f (notice_id, retry_at, dead_at, death)
    JOIN outbox o ON o.notice_id = f.notice_id
), queues AS MATERIALIZED (
    SELECT f.subject, f.channel, f.retry_at, EXISTS (
        SELECT 1 FROM outbox n WHERE n.subject = f.subject AND n.channel = f.channel AND n.dead_at IS NULL
            AND n.position <> f.position) AS has_more
    FROM finished f JOIN outbox_queues q ON q.subject = f.subject AND q.channel = f.channel
    WHERE q.claimed_notice = f.notice_id
), delivered AS (
    DELETE FROM outbox o USING finished f WHERE o.position = f.position AND f.retry_at IS NULL AND f.dead_at IS NULL
), dead AS (
    UPDATE outbox o SET dead_at = f.dead_at, death = f.death FROM finished f
    WHERE o.position = f.position AND f.dead_at IS NOT NULL
), emptied AS (
    DELETE FROM outbox_queues q USING queues s
    WHERE q.subject = s.subject AND q.channel = s.channel AND s.retry_at IS NULL AND NOT s.has_more
)
UPDATE outbox_queues q SET claimed_notice = NULL, due_at = coalesce(s.retry_at, $5)
FROM queues s
WHERE q.subject = s.subject AND q.channel = s.channel AND (s.retry_at IS NOT NULL OR s.has_more)
