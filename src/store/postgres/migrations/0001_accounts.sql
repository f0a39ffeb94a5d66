-- What is durable about users: one row each. Instants are milliseconds since 1970; ids and hashes are bytes. What is
-- sealed is opaque to SQL, and no rule is written in SQL.

-- `skeleton` is the id without case, accents and width, by Unicode 17.0 in every form of records up to now. `exact_id` is what
-- tells users with one skeleton apart, where ids that differ only in case, or only in accents, are different users, and
-- empty otherwise. `version` is random and new with each save. `record` is rewritten by each verdict; the columns behind
-- `profile` only help lists and logins. No index covers a column that a verdict changes, so that updates stay HOT.
CREATE TABLE accounts (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    skeleton text COLLATE "C" NOT NULL,
    exact_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    form integer NOT NULL CHECK (form > 0),
    key_id text COLLATE "C" NOT NULL,
    record bytea NOT NULL,
    profile bytea NOT NULL,
    email_tag bytea,
    methods integer NOT NULL,
    last_failure_at bigint,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT accounts_skeleton UNIQUE (tenant_id, skeleton, exact_id)
) WITH (
    fillfactor = 50,
    toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05
);
ALTER TABLE accounts ALTER COLUMN record SET STORAGE MAIN, ALTER COLUMN profile SET STORAGE MAIN;
CREATE INDEX accounts_email_tag ON accounts (tenant_id, email_tag) WHERE email_tag IS NOT NULL;

-- Every challenge that ended other than by time. Its primary key is what lets a challenge be approved only once.
CREATE TABLE ended_challenges (
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    challenge_id bytea NOT NULL,
    ended_at bigint NOT NULL,
    ending bytea NOT NULL,
    PRIMARY KEY (tenant_id, user_id, challenge_id)
);
CREATE INDEX ended_challenges_ended_at ON ended_challenges USING brin (ended_at) WITH (pages_per_range = 32, autosummarize = on);

-- What happened. Rows are only added. `xid` orders them: all events of smaller transaction ids are committed or gone.
CREATE TABLE events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    event_id bytea NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    kind text COLLATE "C" NOT NULL,
    caller text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    details text NOT NULL,
    personal bytea NOT NULL
);
CREATE INDEX events_subject ON events (tenant_id, subject, position);
CREATE INDEX events_chain_order ON events (xid, position);
CREATE INDEX events_at ON events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- The audit chain of each tenant: a segment numbers a run of events and carries the hash over all up to its last one.
CREATE TABLE audit_segments (
    tenant_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id, number)
);

-- How far the chains reach: one row. Transaction ids mean something in one database cluster only, so the row names it:
-- after a restore into another cluster, everything up to `floor_position` is chained, whatever its transaction id.
CREATE TABLE audit_cursor (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    system_identifier bigint NOT NULL,
    xid xid8 NOT NULL,
    position bigint NOT NULL,
    floor_position bigint NOT NULL,
    max_position bigint NOT NULL
);

-- Notices that wait to be delivered; a dead one is not delivered any more. Those of one user leave by `turn`, which the
-- user's record counts, then by `position`.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id bytea NOT NULL UNIQUE,
    subject bytea NOT NULL,
    turn bigint NOT NULL,
    channel text COLLATE "C" NOT NULL CHECK (channel IN ('SMS', 'EMAIL')),
    sealed bytea NOT NULL,
    queued_at bigint NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    dead_at bigint,
    death text COLLATE "C" CHECK (death IN ('REFUSED', 'DOES_NOT_OPEN', 'TOO_OLD'))
);
CREATE INDEX outbox_subject ON outbox (subject);
CREATE INDEX outbox_in_order ON outbox (subject, channel, turn, position) WHERE dead_at IS NULL;
CREATE INDEX outbox_dead_at ON outbox (dead_at) WHERE dead_at IS NOT NULL;

-- The notices of one user on one channel are a queue, of which the oldest one may be claimed. A claim reads the queues that
-- are due, never the notices behind their heads. `due_at` is when to look at the queue: now, at the next attempt, when the
-- lease of `claimed_notice` ends, or, if it is `held` by an alert, some time later. `position` is that of the notice with
-- which the queue began: of queues that are due at once, the older one comes first. There is a row for each queue with a
-- notice that is not dead. Writers lock the rows in the order of the primary key.
CREATE TABLE outbox_queues (
    subject bytea NOT NULL,
    channel text COLLATE "C" NOT NULL CHECK (channel IN ('SMS', 'EMAIL')),
    due_at bigint NOT NULL,
    position bigint NOT NULL,
    claimed_notice bytea,
    held boolean NOT NULL DEFAULT false,
    PRIMARY KEY (subject, channel)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000
);
CREATE INDEX outbox_queues_by_due ON outbox_queues (channel, due_at, position);

-- Security alerts that wait to become notices. An alert goes in the transaction that queues its notices.
CREATE TABLE alerts (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    turn bigint NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('RECOVERY_CODE_USED', 'BYPASS_CODE_USED', 'RECOVERY_KEY_USED',
        'RESET_CANCELED', 'METHOD_DISABLED', 'MANY_WRONG_CODES', 'DEVICE_TRUSTED')),
    method_id bytea,
    method_kind text COLLATE "C" CHECK (method_kind IN ('TOTP', 'SMS', 'EMAIL')),
    codes_left bigint,
    at bigint NOT NULL,
    due_at bigint NOT NULL
);
CREATE INDEX alerts_in_order ON alerts (subject, turn);
CREATE INDEX alerts_of_user ON alerts (tenant_id, user_id);
CREATE INDEX alerts_by_due ON alerts (due_at, position);

-- What a repeat of a call finds.
CREATE TABLE idempotency_records (
    key_digest bytea PRIMARY KEY,
    subject bytea NOT NULL,
    at bigint NOT NULL,
    has_answer boolean NOT NULL,
    record bytea NOT NULL
);
CREATE INDEX idempotency_records_answers ON idempotency_records (subject) WHERE has_answer;
CREATE INDEX idempotency_records_at ON idempotency_records USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- Attestations that were accepted: each once per caller.
CREATE TABLE attestations (
    caller text COLLATE "C" NOT NULL,
    attestation_id text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT attestations_pkey PRIMARY KEY (caller, attestation_id)
);
CREATE INDEX attestations_at ON attestations USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- What the administrator of a tenant decided, as JSON. `author_key` is the tenant's own key, sealed: events keep under it who
-- changed the policy.
CREATE TABLE policies (
    tenant_id text COLLATE "C" PRIMARY KEY,
    layer text NOT NULL,
    etag bytea NOT NULL,
    updated_at bigint NOT NULL,
    author_key bytea NOT NULL
);

-- When each history of this database began: a promotion of a standby begins a new one, whose past may lack what an
-- acknowledged write said. No challenge issued before it is accepted, and no step whose code could be accepted before it.
CREATE TABLE histories (
    timeline bigint NOT NULL PRIMARY KEY,
    began_at bigint NOT NULL
);

CREATE FUNCTION current_timeline() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
$$;

-- Databases that speak the protocol but keep no WAL of their own have one history.
DO $$
BEGIN
    PERFORM current_timeline();
EXCEPTION WHEN OTHERS THEN
    CREATE OR REPLACE FUNCTION current_timeline() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint';
END
$$;

-- In the clocks of our processes, which may be up to five seconds ahead of this server's: further off, they do not serve.
CREATE FUNCTION history_began() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_timeline bigint := current_timeline();
    v_began bigint;
BEGIN
    SELECT began_at INTO v_began FROM histories WHERE timeline = v_timeline;
    IF NOT FOUND THEN
        INSERT INTO histories (timeline, began_at)
        SELECT v_timeline, CASE WHEN EXISTS (SELECT 1 FROM histories)
            THEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 5000 ELSE 0 END
        ON CONFLICT (timeline) DO NOTHING;
        SELECT began_at INTO v_began FROM histories WHERE timeline = v_timeline;
    END IF;
    RETURN v_began;
END
$$;

SELECT history_began();

-- One row, written every few seconds: its commit proves that the store can be written.
CREATE TABLE write_probe (
    id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    written_at bigint NOT NULL
);

-- What holds for the whole database: one row. `writes_form` is the form that records are written in; it only grows.
-- `keys_in_use` has a canary for each key of the ring that data may be sealed under; it is empty until the first start.
CREATE TABLE database_state (
    id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    writes_form integer NOT NULL CHECK (writes_form > 0),
    keys_in_use bytea NOT NULL
);
INSERT INTO database_state (id, writes_form, keys_in_use) VALUES (1, 1, '');

-- Which database cluster this is; 0 where it does not say.
CREATE FUNCTION cluster_identifier() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT system_identifier FROM pg_control_system()
$$;
DO $$
BEGIN
    PERFORM cluster_identifier();
EXCEPTION WHEN OTHERS THEN
    CREATE OR REPLACE FUNCTION cluster_identifier() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint';
END
$$;
