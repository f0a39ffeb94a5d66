CREATE TABLE IF NOT EXISTS messages (
    tag BLOB PRIMARY KEY,
    mark BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('begun', 'taken', 'refused', 'failed')),
    reason TEXT,
    provider_id TEXT,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_age ON messages (changed_at);
