-- Replaces locked rows, ends challenges and adds events. Where an account is not as it was locked, the division by zero
-- undoes the transaction. An empty profile stays as it is.
WITH updated AS (
    UPDATE accounts a SET version = n.version, form = n.form, key_id = n.key_id, record = n.record,
        profile = CASE WHEN length(n.profile) = 0 THEN a.profile ELSE n.profile END,
        email_tag = n.email_tag, methods = n.methods, last_failure_at = n.last_failure_at
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::bytea[], $8::bytea[],
            $9::bytea[], $10::integer[], $11::bigint[])
        AS n (tenant_id, user_id, expected_version, version, form, key_id, record, profile, email_tag, methods, last_failure_at)
    WHERE a.tenant_id = n.tenant_id AND a.user_id = n.user_id AND a.version = n.expected_version
    RETURNING 1
), ended AS (
    INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending)
    SELECT * FROM unnest($12::text[], $13::text[], $14::bytea[], $15::bigint[], $16::bytea[])
), added AS (
    INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
    SELECT * FROM unnest($17::bytea[], $18::text[], $19::bytea[], $20::text[], $21::text[], $22::bigint[], $23::text[],
        $24::bytea[])
)
SELECT 1 / (count(*) = cardinality($1::text[]))::integer FROM updated
