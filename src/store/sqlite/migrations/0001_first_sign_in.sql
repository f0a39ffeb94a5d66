-- What is durable about users. Instants are milliseconds since 1970. Ids and hashes are bytes; what is sealed is opaque.

-- `folded_id` is the id in small letters. `exact_id` is the id where it was made as one of several that differ only in case,
-- and empty otherwise: so the constraint holds between users of the second sort. Lists go by `folded_id`, byte for byte.
CREATE TABLE users (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    folded_id TEXT NOT NULL,
    exact_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    user_key BLOB NOT NULL,
    profile BLOB NOT NULL,
    email_verified INTEGER NOT NULL,
    email_version INTEGER NOT NULL,
    default_method BLOB,
    recovery_set BLOB,
    recovery_total INTEGER NOT NULL DEFAULT 0,
    recovery_made_at INTEGER,
    recovery_kind TEXT NOT NULL DEFAULT 'CODES',
    recovery_confirmed_at INTEGER,
    email_tag BLOB,
    email_since INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT users_folded_id UNIQUE (tenant_id, folded_id, exact_id)
) STRICT, WITHOUT ROWID;

-- What the administrators of tenants decided, as JSON; a tenant without a row decided nothing.
CREATE TABLE policies (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    layer TEXT NOT NULL,
    etag BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Users are found by their address through a keyed digest of it.
CREATE INDEX users_by_email ON users (tenant_id, email_tag);

CREATE TABLE methods (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    method_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    last_step INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    suspended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id, method_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    hash TEXT NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (tenant_id, user_id, slot),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The one reset of a user who can't sign in, as it was begun last. It is cancelled when the epoch that it was begun in ends.
CREATE TABLE resets (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    reset_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    cancelled_at INTEGER,
    challenge_id BLOB,
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX resets_to_sweep ON resets (ends_at);

-- The one bypass code of a user. It dies with the epoch that it was made in.
CREATE TABLE bypass_codes (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    bypass_id BLOB NOT NULL,
    hash TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX bypass_codes_to_sweep ON bypass_codes (expires_at);

-- Clients that completed a second factor. `accepted` is the hash of the token that was shown last, in hexadecimal, and
-- `given` those of the tokens given for it, one behind the other; `series` that of what all of them share. Trust holds
-- in one epoch.
CREATE TABLE devices (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device_id BLOB NOT NULL,
    name TEXT NOT NULL,
    app TEXT,
    series BLOB NOT NULL,
    accepted TEXT,
    given TEXT NOT NULL,
    proved_by TEXT NOT NULL,
    trusted_at INTEGER,
    trusted_until INTEGER,
    trusted_epoch INTEGER,
    trust_withdrawn INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, device_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Guesses that were judged wrong: the durable windows. Those of class -1 were lifted out of theirs by an administrator.
CREATE TABLE failures (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    challenge_id BLOB NOT NULL,
    guess_id BLOB NOT NULL,
    class INTEGER NOT NULL,
    at INTEGER NOT NULL,
    skew_offset INTEGER,
    skew_step INTEGER,
    PRIMARY KEY (tenant_id, user_id, challenge_id, guess_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_time ON failures (tenant_id, user_id, class, at);
CREATE INDEX failures_to_sweep ON failures (at);

-- Every challenge that ended otherwise than by time: the referee of "once". An approval is such an ending.
CREATE TABLE ended_challenges (
    challenge_id BLOB NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    ending TEXT NOT NULL,
    at INTEGER NOT NULL,
    approval_id BLOB UNIQUE,
    guess_id BLOB,
    payload BLOB,
    purpose TEXT,
    action TEXT,
    digest BLOB,
    answered_by TEXT,
    method_id BLOB,
    audience TEXT,
    epoch INTEGER,
    key_id TEXT,
    device_id BLOB,
    spent_at INTEGER,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_challenges_of_user ON ended_challenges (tenant_id, user_id);
CREATE INDEX ended_challenges_to_sweep ON ended_challenges (at);

-- Changes that whoever was told of them can revert. Of the token, which is in the message, only its hash.
CREATE TABLE reverts (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    token BLOB NOT NULL,
    did TEXT NOT NULL,
    method_id BLOB,
    at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, token),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX reverts_to_sweep ON reverts (at);

-- Attestations that were accepted: each once.
CREATE TABLE attestations (
    caller TEXT NOT NULL,
    attestation_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, attestation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attestations_to_sweep ON attestations (at);

-- What a repeat of a call will meet. No names: the tag is a keyed digest, and the subject a pseudonym.
CREATE TABLE receipts (
    tag BLOB NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL,
    made TEXT NOT NULL,
    made_id BLOB,
    answer BLOB,
    at INTEGER NOT NULL,
    subject BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_to_sweep ON receipts (at);
CREATE INDEX receipts_of_subject ON receipts (subject) WHERE answer IS NOT NULL;

-- What happened. Rows are written with the change they tell of; number and hash come later, from the sealer.
CREATE TABLE events (
    row_number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    kind TEXT NOT NULL,
    caller TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    personal BLOB NOT NULL,
    sequence INTEGER,
    hash BLOB,
    UNIQUE (tenant_id, sequence)
) STRICT;
CREATE INDEX events_to_seal ON events (row_number) WHERE sequence IS NULL;
CREATE INDEX events_of_subject ON events (subject, row_number);

CREATE TABLE event_chains (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages to people that leave once their change is committed; a dead one is not delivered any more. Those of one user
-- go out by `turn`, which is counted in `users.told`, then by `position`: an alarm keeps its turn while it waits to
-- become notices.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    notice_id BLOB NOT NULL UNIQUE,
    subject BLOB NOT NULL,
    turn INTEGER NOT NULL,
    channel TEXT NOT NULL,
    sealed BLOB NOT NULL,
    queued_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    dead_at INTEGER,
    death TEXT
) STRICT;
CREATE INDEX outbox_in_order ON outbox (subject, turn, position);
CREATE INDEX outbox_by_due ON outbox (channel, due_at, position) WHERE dead_at IS NULL;
CREATE INDEX outbox_to_sweep ON outbox (dead_at) WHERE dead_at IS NOT NULL;

-- What settlements found that their users have to hear of. A row goes in the transaction that queues its notices.
CREATE TABLE alarms (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    subject BLOB NOT NULL,
    turn INTEGER NOT NULL,
    kind TEXT NOT NULL,
    method_id BLOB,
    method_kind TEXT,
    codes_left INTEGER,
    at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT;
CREATE INDEX alarms_in_order ON alarms (subject, turn);
CREATE INDEX alarms_of_user ON alarms (tenant_id, user_id);
CREATE INDEX alarms_by_due ON alarms (due_at, position);

-- Windows of wrong codes that filled up and were not found empty since: nobody is told of them again.
CREATE TABLE announced_windows (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    class INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, class),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
