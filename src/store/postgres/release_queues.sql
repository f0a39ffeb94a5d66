-- Makes the queues of a user due that are held by an alert. It locks the others, too, so that it also releases one that a
-- claim is about to hold. $1 the user's pseudonym, $2 now
WITH locked AS MATERIALIZED (
    SELECT subject, channel FROM outbox_queues WHERE subject = $1 ORDER BY subject, channel FOR UPDATE
)
UPDATE outbox_queues q SET held = false, due_at = CASE WHEN q.held THEN $2 ELSE q.due_at END
FROM locked WHERE q.subject = locked.subject AND q.channel = locked.channel
