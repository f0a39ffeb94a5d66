-- What is durable about users. Instants are milliseconds since 1970. Ids and hashes are bytes; what is sealed is opaque.

-- `folded_id` is the id in small letters. `exact_id` is the id where it was made as one of several that differ only in case,
-- and empty otherwise: so the constraint holds between users of the second sort. Lists go by `folded_id`, byte for byte.
CREATE TABLE users (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    folded_id TEXT COLLATE "C" NOT NULL,
    exact_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    user_key BYTEA NOT NULL,
    profile BYTEA NOT NULL,
    email_verified BIGINT NOT NULL,
    email_version BIGINT NOT NULL,
    default_method BYTEA,
    recovery_set BYTEA,
    recovery_total BIGINT NOT NULL DEFAULT 0,
    recovery_made_at BIGINT,
    recovery_kind TEXT NOT NULL DEFAULT 'CODES',
    recovery_confirmed_at BIGINT,
    email_tag BYTEA,
    email_since BIGINT NOT NULL DEFAULT 0,
    told BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT users_folded_id UNIQUE (tenant_id, folded_id, exact_id)
);

-- What the administrators of tenants decided, as JSON; a tenant without a row decided nothing.
CREATE TABLE policies (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    layer TEXT NOT NULL,
    etag BYTEA NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Users are found by their address through a keyed digest of it.
CREATE INDEX users_by_email ON users (tenant_id, email_tag);

CREATE TABLE methods (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    method_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    disabled BIGINT NOT NULL DEFAULT 0,
    consecutive_failures BIGINT NOT NULL DEFAULT 0,
    last_step BIGINT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    suspended BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id, method_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE TABLE recovery_codes (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    slot BIGINT NOT NULL,
    hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, user_id, slot),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- The one reset of a user who can't sign in, as it was begun last. It is cancelled when the epoch that it was begun in ends.
CREATE TABLE resets (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    reset_id BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    cancelled_at BIGINT,
    challenge_id BYTEA,
    begun_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX resets_to_sweep ON resets (ends_at);

-- The one bypass code of a user. It dies with the epoch that it was made in.
CREATE TABLE bypass_codes (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    bypass_id BYTEA NOT NULL,
    hash TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX bypass_codes_to_sweep ON bypass_codes (expires_at);

-- Clients that completed a second factor. `accepted` is the hash of the token that was shown last, in hexadecimal, and
-- `given` those of the tokens given for it, one behind the other; `series` that of what all of them share. Trust holds
-- in one epoch.
CREATE TABLE devices (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    app TEXT,
    series BYTEA NOT NULL,
    accepted TEXT,
    given TEXT NOT NULL,
    proved_by TEXT NOT NULL,
    trusted_at BIGINT,
    trusted_until BIGINT,
    trusted_epoch BIGINT,
    trust_withdrawn BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, device_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- Guesses that were judged wrong: the durable windows. Those of class -1 were lifted out of theirs by an administrator.
CREATE TABLE failures (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    challenge_id BYTEA NOT NULL,
    guess_id BYTEA NOT NULL,
    class BIGINT NOT NULL,
    at BIGINT NOT NULL,
    skew_offset BIGINT,
    skew_step BIGINT,
    PRIMARY KEY (tenant_id, user_id, challenge_id, guess_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX failures_by_time ON failures (tenant_id, user_id, class, at);
CREATE INDEX failures_to_sweep ON failures (at);

-- Every challenge that ended otherwise than by time: the referee of "once". An approval is such an ending.
CREATE TABLE ended_challenges (
    challenge_id BYTEA NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    ending TEXT NOT NULL,
    at BIGINT NOT NULL,
    approval_id BYTEA UNIQUE,
    guess_id BYTEA,
    payload BYTEA,
    purpose TEXT,
    action TEXT,
    digest BYTEA,
    answered_by TEXT,
    method_id BYTEA,
    audience TEXT,
    epoch BIGINT,
    key_id TEXT,
    device_id BYTEA,
    spent_at BIGINT,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX ended_challenges_of_user ON ended_challenges (tenant_id, user_id);
CREATE INDEX ended_challenges_to_sweep ON ended_challenges (at);

-- Changes that whoever was told of them can revert. Of the token, which is in the message, only its hash.
CREATE TABLE reverts (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    token BYTEA NOT NULL,
    did TEXT NOT NULL,
    method_id BYTEA,
    at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, token),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX reverts_to_sweep ON reverts (at);

-- Attestations that were accepted: each once.
CREATE TABLE attestations (
    caller TEXT NOT NULL,
    attestation_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (caller, attestation_id)
);
CREATE INDEX attestations_to_sweep ON attestations (at);

-- What a repeat of a call will meet. No names: the tag is a keyed digest, and the subject a pseudonym.
CREATE TABLE receipts (
    tag BYTEA NOT NULL PRIMARY KEY,
    payload BYTEA NOT NULL,
    made TEXT NOT NULL,
    made_id BYTEA,
    answer BYTEA,
    at BIGINT NOT NULL,
    subject BYTEA NOT NULL
);
CREATE INDEX receipts_to_sweep ON receipts (at);
CREATE INDEX receipts_of_subject ON receipts (subject) WHERE answer IS NOT NULL;

-- What happened. Rows are written with the change they tell of; number and hash come later, from the sealer.
CREATE TABLE events (
    row_number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id BYTEA NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    subject BYTEA NOT NULL,
    kind TEXT NOT NULL,
    caller TEXT NOT NULL,
    at BIGINT NOT NULL,
    facts TEXT NOT NULL,
    personal BYTEA NOT NULL,
    sequence BIGINT,
    hash BYTEA,
    UNIQUE (tenant_id, sequence)
);
CREATE INDEX events_to_seal ON events (row_number) WHERE sequence IS NULL;
CREATE INDEX events_of_subject ON events (subject, row_number);

CREATE TABLE event_chains (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

-- Messages to people that leave once their change is committed; a dead one is not delivered any more. Those of one user
-- go out by `turn`, which is counted in `users.told`, then by `position`: an alarm keeps its turn while it waits to
-- become notices.
CREATE TABLE outbox (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id BYTEA NOT NULL UNIQUE,
    subject BYTEA NOT NULL,
    turn BIGINT NOT NULL,
    channel TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    queued_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    dead_at BIGINT,
    death TEXT
);
CREATE INDEX outbox_in_order ON outbox (subject, turn, position);
CREATE INDEX outbox_by_due ON outbox (channel, due_at, position) WHERE dead_at IS NULL;
CREATE INDEX outbox_to_sweep ON outbox (dead_at) WHERE dead_at IS NOT NULL;

-- What settlements found that their users have to hear of. A row goes in the transaction that queues its notices.
CREATE TABLE alarms (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    subject BYTEA NOT NULL,
    turn BIGINT NOT NULL,
    kind TEXT NOT NULL,
    method_id BYTEA,
    method_kind TEXT,
    codes_left BIGINT,
    at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX alarms_in_order ON alarms (subject, turn);
CREATE INDEX alarms_of_user ON alarms (tenant_id, user_id);
CREATE INDEX alarms_by_due ON alarms (due_at, position);

-- Windows of wrong codes that filled up and were not found empty since: nobody is told of them again.
CREATE TABLE announced_windows (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    class BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, class),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- When each history of this database began: a failover to a standby begins a new one, whose past may lack what an
-- acknowledged write said. No challenge issued before it is accepted, and no step whose code could be accepted before it.
CREATE TABLE histories (
    timeline BIGINT NOT NULL PRIMARY KEY,
    began_at BIGINT NOT NULL
);
