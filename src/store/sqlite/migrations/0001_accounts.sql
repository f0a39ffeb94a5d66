-- What is durable about users: one record a user. Instants are milliseconds since 1970. Records, profiles and endings are
-- sealed; ids and hashes are bytes.

-- `skeleton` is the id without case, accents and width, by Unicode 17.0 in every form of records up to now. `exact_id` is what
-- tells users with one skeleton apart, where ids that differ only in case, or only in accents, are different users, and
-- empty otherwise: so the constraint holds between users of the second sort. `email_tag`, `methods` and `last_failure_at`
-- are projections for lists and logins.
CREATE TABLE accounts (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    skeleton TEXT NOT NULL,
    exact_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    form INTEGER NOT NULL CHECK (form > 0),
    key_id TEXT NOT NULL,
    record BLOB NOT NULL,
    profile BLOB NOT NULL,
    email_tag BLOB,
    methods INTEGER NOT NULL,
    last_failure_at INTEGER,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT accounts_skeleton UNIQUE (tenant_id, skeleton, exact_id)
) STRICT;
CREATE INDEX accounts_by_email ON accounts (tenant_id, email_tag) WHERE email_tag IS NOT NULL;

-- What the administrators of tenants decided, as JSON; a tenant without a row decided nothing. `author_key` is the tenant's
-- own key, sealed: events keep under it who changed the policy.
CREATE TABLE policies (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    layer TEXT NOT NULL,
    etag BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    author_key BLOB NOT NULL
) STRICT;

-- Every challenge that ended other than by time: the referee of "once", beside the record.
CREATE TABLE ended_challenges (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    challenge_id BLOB NOT NULL,
    ended_at INTEGER NOT NULL,
    ending BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, challenge_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_challenges_by_time ON ended_challenges (ended_at);

-- Attestations that were accepted: each once.
CREATE TABLE attestations (
    caller TEXT NOT NULL,
    attestation_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, attestation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attestations_by_time ON attestations (at);

-- What a repeat of a call finds. No names: the key is a keyed digest, and the subject a pseudonym.
CREATE TABLE idempotency_records (
    key_digest BLOB NOT NULL PRIMARY KEY,
    subject BLOB NOT NULL,
    at INTEGER NOT NULL,
    has_answer INTEGER NOT NULL CHECK (has_answer IN (0, 1)),
    record BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_records_by_time ON idempotency_records (at);
CREATE INDEX idempotency_records_of_subject ON idempotency_records (subject) WHERE has_answer = 1;

-- What happened. Append-only: segments chain the rows, and never change them.
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL,
    tenant_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    kind TEXT NOT NULL,
    caller TEXT NOT NULL,
    at INTEGER NOT NULL,
    details TEXT NOT NULL,
    personal BLOB NOT NULL
) STRICT;
CREATE INDEX events_of_subject ON events (tenant_id, subject, position);

-- The audit chain: each segment covers events of one tenant in their order, and the segment before it.
CREATE TABLE audit_segments (
    tenant_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;

-- Behind which event the chain goes on.
CREATE TABLE audit_cursor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO audit_cursor (id, position) VALUES (1, 0);

-- Messages to people that leave once their change is committed; a dead one is not delivered any more. Those of one user go
-- out by `turn`, then by `position`: a security alert keeps its turn while it waits to become notices.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    notice_id BLOB NOT NULL UNIQUE,
    subject BLOB NOT NULL,
    turn INTEGER NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('SMS', 'EMAIL')),
    sealed BLOB NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    dead_at INTEGER,
    death TEXT CHECK (death IN ('REFUSED', 'DOES_NOT_OPEN', 'TOO_OLD'))
) STRICT;
CREATE INDEX outbox_of_subject ON outbox (subject);
CREATE INDEX outbox_in_order ON outbox (subject, channel, turn, position) WHERE dead_at IS NULL;
CREATE INDEX outbox_dead ON outbox (dead_at) WHERE dead_at IS NOT NULL;

-- The notices of one user on one channel are a queue, of which the oldest one may be claimed. A claim reads the queues that
-- are due, never the notices behind their heads. `due_at` is when to look at the queue: now, at the next attempt, when the
-- lease of `claimed_notice` ends, or, if it is `held` by an alert, some time later. `position` is that of the notice with
-- which the queue began: of queues that are due at once, the older one comes first. There is a row for each queue with a
-- notice that is not dead.
CREATE TABLE outbox_queues (
    subject BLOB NOT NULL,
    channel TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    claimed_notice BLOB,
    held INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_queues_by_due ON outbox_queues (channel, due_at, position);

-- Security alerts that wait to become notices. A row goes in the transaction that queues them.
CREATE TABLE alerts (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    turn INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('RECOVERY_CODE_USED', 'BYPASS_CODE_USED', 'RECOVERY_KEY_USED', 'RESET_CANCELED',
        'METHOD_DISABLED', 'MANY_WRONG_CODES', 'DEVICE_TRUSTED')),
    method_id BLOB,
    method_kind TEXT CHECK (method_kind IN ('TOTP', 'SMS', 'EMAIL')),
    codes_left INTEGER,
    at INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX alerts_in_order ON alerts (subject, turn);
CREATE INDEX alerts_of_user ON alerts (tenant_id, user_id);
CREATE INDEX alerts_by_due ON alerts (due_at, position);

-- One row, written every few seconds: its commit proves that the store can be written.
CREATE TABLE write_probe (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    written_at INTEGER NOT NULL
) STRICT;

-- What holds for the whole file: one row. `writes_form` is the form that records are written in; it only grows.
-- `keys_in_use` has a canary for each key of the ring that data may be sealed under; it is empty until the first start.
CREATE TABLE database_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    writes_form INTEGER NOT NULL CHECK (writes_form > 0),
    keys_in_use BLOB NOT NULL
) STRICT;
INSERT INTO database_state (id, writes_form, keys_in_use) VALUES (1, 1, x'');
