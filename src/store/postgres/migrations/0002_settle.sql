-- Rules on a judged guess and writes what follows, in one round trip. This is `Settlement::rule` of the domain, question
-- by question; a test plays random histories through both. It locks the user first, as every change of the epoch does.

CREATE FUNCTION current_timeline() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
$$;

-- Databases that speak the protocol but keep no WAL of their own have one history.
DO $$
BEGIN
    PERFORM current_timeline();
EXCEPTION WHEN OTHERS THEN
    CREATE OR REPLACE FUNCTION current_timeline() RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint';
END
$$;

-- In the clocks of our processes, which may be up to five seconds ahead of this server's: further off, they do not serve.
CREATE FUNCTION history_began() RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    v_timeline BIGINT := current_timeline();
    v_began BIGINT;
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

-- How a challenge ended, as the adapter reads it.
CREATE FUNCTION ended_json(e ended_challenges) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT json_build_object(
        'challenge_id', encode(e.challenge_id, 'hex'), 'caller', e.caller, 'ending', e.ending, 'at', e.at,
        'approval_id', encode(e.approval_id, 'hex'), 'guess_id', encode(e.guess_id, 'hex'),
        'payload', encode(e.payload, 'hex'), 'purpose', e.purpose, 'action', e.action,
        'digest', encode(e.digest, 'hex'), 'answered_by', e.answered_by, 'method_id', encode(e.method_id, 'hex'),
        'audience', e.audience, 'epoch', e.epoch, 'key_id', e.key_id, 'device_id', encode(e.device_id, 'hex'),
        'spent_at', e.spent_at)::text
$$;

-- The devices of a user, as the adapter reads them.
CREATE FUNCTION devices_json(p_tenant TEXT, p_user TEXT) RETURNS JSON LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
        'device_id', encode(device_id, 'hex'), 'name', name, 'app', app, 'series', encode(series, 'hex'),
        'accepted', accepted, 'given', given, 'proved_by', proved_by, 'trusted_at', trusted_at,
        'trusted_until', trusted_until, 'trusted_epoch', trusted_epoch, 'trust_withdrawn', trust_withdrawn,
        'created_at', created_at, 'seen_at', seen_at)), '[]')
    FROM devices WHERE tenant_id = p_tenant AND user_id = p_user
$$;

-- What the user has to hear of, in turn with all that they are told. The user is locked already.
CREATE FUNCTION raise_alarm(
    p_tenant TEXT, p_user TEXT, p_subject BYTEA, p_kind TEXT, p_method BYTEA, p_method_kind TEXT, p_left BIGINT,
    p_at BIGINT
) RETURNS VOID LANGUAGE sql VOLATILE AS $$
    UPDATE users SET told = told + 1 WHERE tenant_id = p_tenant AND user_id = p_user;
    INSERT INTO alarms (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at, due_at)
    SELECT tenant_id, user_id, p_subject, told, p_kind, p_method, p_method_kind, p_left, p_at, p_at
    FROM users WHERE tenant_id = p_tenant AND user_id = p_user
$$;

CREATE FUNCTION settle(
    p_tenant TEXT, p_user TEXT, p_challenge BYTEA, p_issued_at BIGINT, p_epoch BIGINT, p_attempts BIGINT,
    p_guess BYTEA, p_class BIGINT, p_at BIGINT,
    p_short_count BIGINT, p_short_within BIGINT, p_long_count BIGINT, p_long_within BIGINT, p_since BIGINT,
    p_asked BYTEA, p_version BIGINT, p_disable_at BIGINT,
    p_effect TEXT, p_step BIGINT, p_step_acceptable BIGINT, p_set BYTEA, p_slot BIGINT, p_email_version BIGINT,
    p_skew_offset BIGINT, p_skew_step BIGINT,
    p_approval BYTEA, p_caller TEXT, p_payload BYTEA, p_purpose TEXT, p_action TEXT, p_digest BYTEA,
    p_answered_by TEXT, p_method BYTEA, p_audience TEXT, p_epoch_after BIGINT, p_key TEXT,
    p_device BYTEA, p_device_name TEXT, p_app TEXT, p_series BYTEA, p_token TEXT, p_presented TEXT, p_proved_by TEXT,
    p_trusted_until BIGINT, p_devices_at_most BIGINT,
    p_event BYTEA, p_subject BYTEA, p_personal BYTEA, p_approved_facts TEXT, p_rejected_facts TEXT,
    p_bypass BYTEA, p_next_set BYTEA, p_next_hash TEXT,
    p_receipt_tag BYTEA, p_receipt_payload BYTEA, p_receipt_answer BYTEA, p_receipt_at BIGINT,
    OUT ruling TEXT, OUT until_at BIGINT, OUT codes_left BIGINT,
    OUT previous_offset BIGINT, OUT previous_step BIGINT, OUT approved_before TEXT, OUT devices_after TEXT
) LANGUAGE plpgsql AS $$
DECLARE
    v_epoch BIGINT;
    v_email_version BIGINT;
    v_set BYTEA;
    v_ended ended_challenges%ROWTYPE;
    v_recorded BOOLEAN;
    v_failed_here BIGINT;
    v_failed_at BIGINT[];
    v_was_empty BOOLEAN;
    v_method_kind TEXT;
    v_failures BIGINT;
    v_began BIGINT;
    v_version BIGINT;
    v_disabled BIGINT;
    v_last_step BIGINT;
    v_holds BOOLEAN;
    v_withdrawn BIGINT;
BEGIN
    SELECT epoch, email_version, recovery_set INTO v_epoch, v_email_version, v_set
        FROM users WHERE tenant_id = p_tenant AND user_id = p_user FOR NO KEY UPDATE;
    SELECT count(*) INTO codes_left FROM recovery_codes
        WHERE tenant_id = p_tenant AND user_id = p_user AND used_at IS NULL;
    SELECT skew_offset, skew_step INTO previous_offset, previous_step FROM failures
        WHERE tenant_id = p_tenant AND user_id = p_user AND challenge_id = p_challenge AND guess_id <> p_guess
        ORDER BY at DESC, guess_id DESC LIMIT 1;
    v_recorded := EXISTS (SELECT 1 FROM failures
        WHERE tenant_id = p_tenant AND user_id = p_user AND challenge_id = p_challenge AND guess_id = p_guess);

    SELECT * INTO v_ended FROM ended_challenges
        WHERE challenge_id = p_challenge AND tenant_id = p_tenant AND user_id = p_user;
    IF FOUND THEN
        IF v_ended.ending = 'APPROVED' THEN
            ruling := 'OVER';
            IF v_ended.guess_id = p_guess AND v_ended.caller = p_caller
                AND v_ended.payload IS NOT DISTINCT FROM p_payload AND v_ended.epoch = v_epoch
            THEN
                ruling := 'APPROVED_BEFORE';
                approved_before := ended_json(v_ended);
                devices_after := devices_json(p_tenant, p_user)::text;
            END IF;
        ELSE
            ruling := CASE WHEN v_recorded THEN 'REJECTED_BEFORE' ELSE 'OVER' END;
        END IF;
        RETURN;
    END IF;

    v_began := history_began();
    IF v_epoch IS DISTINCT FROM p_epoch OR p_issued_at < v_began THEN
        ruling := 'OVER';
        RETURN;
    END IF;
    IF v_recorded THEN
        ruling := 'REJECTED_BEFORE';
        RETURN;
    END IF;
    SELECT array_agg(at ORDER BY at DESC) INTO v_failed_at FROM failures
        WHERE tenant_id = p_tenant AND user_id = p_user AND class = p_class AND at > p_since;
    until_at := greatest(
        CASE WHEN p_short_count = 0 THEN p_at ELSE v_failed_at[p_short_count::int] END + p_short_within,
        CASE WHEN p_long_count = 0 THEN p_at ELSE v_failed_at[p_long_count::int] END + p_long_within);
    IF until_at > p_at THEN
        ruling := 'FULL';
        RETURN;
    END IF;

    v_holds := p_effect IS NOT NULL;
    IF p_asked IS NOT NULL THEN
        SELECT version, disabled, last_step INTO v_version, v_disabled, v_last_step FROM methods
            WHERE tenant_id = p_tenant AND user_id = p_user AND method_id = p_asked;
        v_holds := v_holds AND FOUND AND v_version = p_version AND v_disabled = 0;
    END IF;
    v_holds := v_holds AND CASE
        WHEN p_effect = 'PLAIN' THEN TRUE
        WHEN p_effect = 'STEP' THEN (v_last_step IS NULL OR p_step > v_last_step) AND p_step_acceptable >= v_began
        WHEN p_effect IN ('RECOVERY_CODE', 'RECOVERY_KEY') THEN v_set IS NOT DISTINCT FROM p_set AND EXISTS (SELECT 1 FROM recovery_codes
            WHERE tenant_id = p_tenant AND user_id = p_user AND slot = p_slot AND used_at IS NULL)
        WHEN p_effect = 'BYPASS_CODE' THEN EXISTS (SELECT 1 FROM bypass_codes WHERE tenant_id = p_tenant AND user_id = p_user
            AND bypass_id = p_bypass AND epoch = v_epoch AND expires_at > p_at)
        WHEN p_effect = 'EMAIL_VERIFIED' THEN v_email_version = p_email_version
        ELSE FALSE END;

    IF v_holds AND EXISTS (SELECT 1 FROM receipts WHERE tag = p_receipt_tag) THEN
        ruling := 'OVER';
        RETURN;
    END IF;
    IF v_holds THEN
        ruling := 'APPROVE';
        INSERT INTO ended_challenges (challenge_id, tenant_id, user_id, caller, ending, at, approval_id, guess_id,
            payload, purpose, action, digest, answered_by, method_id, audience, epoch, key_id, device_id)
        VALUES (p_challenge, p_tenant, p_user, p_caller, 'APPROVED', p_at, p_approval, p_guess,
            p_payload, p_purpose, p_action, p_digest, p_answered_by, p_method, p_audience, p_epoch_after, p_key,
            p_device)
        ON CONFLICT (challenge_id) DO NOTHING;
        IF NOT FOUND THEN
            ruling := 'OVER';
            RETURN;
        END IF;
        IF p_asked IS NOT NULL THEN
            UPDATE methods SET consecutive_failures = 0, last_used_at = p_at,
                last_step = CASE p_effect WHEN 'STEP' THEN p_step ELSE last_step END
                WHERE tenant_id = p_tenant AND user_id = p_user AND method_id = p_asked;
        END IF;
        IF p_asked IS NOT NULL OR p_epoch_after <> p_epoch THEN
            UPDATE resets SET cancelled_at = p_at WHERE tenant_id = p_tenant AND user_id = p_user
                AND epoch = v_epoch AND cancelled_at IS NULL AND ends_at > p_at;
            IF FOUND THEN
                UPDATE users SET revision = revision + 1 WHERE tenant_id = p_tenant AND user_id = p_user;
                PERFORM raise_alarm(p_tenant, p_user, p_subject, 'RESET_CANCELLED', NULL, NULL, NULL, p_at);
            END IF;
        END IF;
        IF p_effect = 'RECOVERY_CODE' THEN
            UPDATE recovery_codes SET used_at = p_at WHERE tenant_id = p_tenant AND user_id = p_user AND slot = p_slot;
            UPDATE users SET epoch = p_epoch_after, revision = revision + 1
                WHERE tenant_id = p_tenant AND user_id = p_user;
            codes_left := codes_left - 1;
            PERFORM raise_alarm(p_tenant, p_user, p_subject, 'RECOVERY_CODE_USED', NULL, NULL, codes_left, p_at);
        ELSIF p_effect = 'RECOVERY_KEY' THEN
            UPDATE recovery_codes SET hash = p_next_hash
                WHERE tenant_id = p_tenant AND user_id = p_user AND slot = p_slot;
            UPDATE users SET epoch = p_epoch_after, revision = revision + 1, recovery_set = p_next_set,
                recovery_made_at = p_at, recovery_confirmed_at = NULL
                WHERE tenant_id = p_tenant AND user_id = p_user;
            IF p_receipt_tag IS NOT NULL THEN
                INSERT INTO receipts (tag, payload, made, answer, at, subject)
                VALUES (p_receipt_tag, p_receipt_payload, 'NOTHING', p_receipt_answer, p_receipt_at, p_subject);
            END IF;
            PERFORM raise_alarm(p_tenant, p_user, p_subject, 'RECOVERY_KEY_USED', NULL, NULL, NULL, p_at);
        ELSIF p_effect = 'BYPASS_CODE' THEN
            DELETE FROM bypass_codes WHERE tenant_id = p_tenant AND user_id = p_user;
            UPDATE users SET epoch = p_epoch_after, revision = revision + 1
                WHERE tenant_id = p_tenant AND user_id = p_user;
            PERFORM raise_alarm(p_tenant, p_user, p_subject, 'BYPASS_CODE_USED', NULL, NULL, NULL, p_at);
        ELSIF p_effect = 'EMAIL_VERIFIED' THEN
            UPDATE users SET email_verified = 1, revision = revision + 1
                WHERE tenant_id = p_tenant AND user_id = p_user;
        END IF;
        IF p_device IS NOT NULL THEN
            INSERT INTO devices AS known (tenant_id, user_id, device_id, name, app, series, accepted, given, proved_by,
                trusted_at, trusted_until, trusted_epoch, created_at, seen_at)
            VALUES (p_tenant, p_user, p_device, p_device_name, p_app, p_series, p_presented, p_token, p_proved_by,
                CASE WHEN p_trusted_until IS NOT NULL THEN p_at END, p_trusted_until,
                CASE WHEN p_trusted_until IS NOT NULL THEN p_epoch_after END, p_at, p_at)
            ON CONFLICT (tenant_id, user_id, device_id) DO UPDATE SET
                app = coalesce(excluded.app, known.app), series = excluded.series,
                given = CASE WHEN known.accepted = excluded.accepted
                    THEN substr(known.given || excluded.given, CASE WHEN length(known.given) >= 1024 THEN 65 ELSE 1 END)
                    ELSE excluded.given END,
                accepted = excluded.accepted, proved_by = excluded.proved_by,
                trusted_at = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                    THEN known.trusted_at ELSE excluded.trusted_at END,
                trusted_until = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                    THEN known.trusted_until ELSE excluded.trusted_until END,
                trusted_epoch = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                    THEN known.trusted_epoch ELSE excluded.trusted_epoch END,
                seen_at = excluded.seen_at
            RETURNING trust_withdrawn INTO v_withdrawn;
            IF p_trusted_until IS NOT NULL AND v_withdrawn = 0 AND p_effect NOT IN ('RECOVERY_CODE', 'RECOVERY_KEY', 'BYPASS_CODE') THEN
                PERFORM raise_alarm(p_tenant, p_user, p_subject, 'DEVICE_TRUSTED', NULL, NULL, NULL, p_at);
            END IF;
            DELETE FROM devices WHERE tenant_id = p_tenant AND user_id = p_user AND device_id NOT IN (
                SELECT device_id FROM devices WHERE tenant_id = p_tenant AND user_id = p_user
                ORDER BY seen_at DESC, device_id LIMIT p_devices_at_most);
        END IF;
        devices_after := devices_json(p_tenant, p_user)::text;
    ELSE
        ruling := 'REJECT';
        SELECT count(*) INTO v_failed_here FROM failures
            WHERE tenant_id = p_tenant AND user_id = p_user AND challenge_id = p_challenge;
        IF v_failed_here + 1 >= p_attempts THEN
            INSERT INTO ended_challenges (challenge_id, tenant_id, user_id, caller, ending, at)
            VALUES (p_challenge, p_tenant, p_user, p_caller, 'EXHAUSTED', p_at)
            ON CONFLICT (challenge_id) DO NOTHING;
            IF NOT FOUND THEN
                ruling := 'OVER';
                RETURN;
            END IF;
        END IF;
        INSERT INTO failures (tenant_id, user_id, challenge_id, guess_id, class, at, skew_offset, skew_step)
        VALUES (p_tenant, p_user, p_challenge, p_guess, p_class, p_at, p_skew_offset, p_skew_step);
        IF p_asked IS NOT NULL THEN
            SELECT disabled INTO v_disabled FROM methods
                WHERE tenant_id = p_tenant AND user_id = p_user AND method_id = p_asked;
            UPDATE methods SET consecutive_failures = consecutive_failures + 1,
                disabled = CASE WHEN consecutive_failures + 1 >= p_disable_at THEN 1 ELSE disabled END
                WHERE tenant_id = p_tenant AND user_id = p_user AND method_id = p_asked
                RETURNING kind, consecutive_failures INTO v_method_kind, v_failures;
            IF FOUND AND v_disabled = 0 AND v_failures >= p_disable_at THEN
                PERFORM raise_alarm(p_tenant, p_user, p_subject, 'METHOD_DISABLED', p_asked, v_method_kind, NULL, p_at);
            END IF;
        END IF;
        v_was_empty := v_failed_at IS NULL OR v_failed_at[1] + p_long_within <= p_at;
        IF v_was_empty THEN
            DELETE FROM announced_windows WHERE tenant_id = p_tenant AND user_id = p_user AND class = p_class;
        END IF;
        SELECT array_agg(at ORDER BY at DESC) INTO v_failed_at FROM unnest(array_append(v_failed_at, p_at)) past(at);
        IF greatest(v_failed_at[p_short_count::int] + p_short_within, v_failed_at[p_long_count::int] + p_long_within) > p_at
        THEN
            INSERT INTO announced_windows (tenant_id, user_id, class) VALUES (p_tenant, p_user, p_class)
            ON CONFLICT (tenant_id, user_id, class) DO NOTHING;
            IF FOUND THEN
                PERFORM raise_alarm(p_tenant, p_user, p_subject, 'MANY_WRONG_CODES', NULL, NULL, NULL, p_at);
            END IF;
        END IF;
    END IF;
    INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, facts, personal)
    VALUES (p_event, p_tenant, p_subject, CASE WHEN v_holds THEN 'CHALLENGE_APPROVED' ELSE 'CHALLENGE_REJECTED' END,
        p_caller, p_at, CASE WHEN v_holds THEN p_approved_facts ELSE p_rejected_facts END, p_personal);
END
$$;
