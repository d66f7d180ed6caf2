-- consent: recording what customers say to the use of their data, and asking what holds.

-- -- refusals -------------------------------------------------------------------

CREATE FUNCTION crm.consent_refusals() RETURNS TABLE (reason text, sqlstate text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('customer',  'P0002', 'no customer whose consent could be recorded', 'crm.code_fate() says what became of a code.'),
    ('purpose',   '22023', 'no such purpose of processing', 'The view crm.processing_purpose lists them.'),
    ('channel',   '22023', 'no such channel of contact', 'Take a code from crm_data.channel; leave it out for every channel.'),
    ('named',     '22023', 'a consent is given for a purpose', 'Only a refusal may leave the purpose out; then it is of every purpose.'),
    ('notice',    '22023', 'a consent needs the version of the notice that was shown', 'Give notice_version: without it nobody can prove what was agreed to.'),
    ('kind',      '22023', 'no such kind or status of consent', 'Kinds are express, separate and written; a written one needs its evidence. Statuses are given, denied, withdrawn and expired.'),
    ('period',    '22023', 'a consent cannot end before it is given', 'Give valid_until after captured_at, or leave it out.'),
    ('future',    '22023', 'nothing can be recorded that was not said yet', 'Leave captured_at out for now.'),
    ('backdated', 'KH007', 'this was said too long ago to be recorded without evidence', 'The period is backdate_days in crm_data.consent_policy; the data department records older ones with their evidence.'),
    ('list',      '22023', 'consents are a list of objects with known fields', 'Fields are purpose, channel, status, kind, notice_version, evidence, captured_at, valid_until.'),
    ('missing',   'KH005', 'a consent that this needs is missing', 'Ask the customer; record the answer with crm.consent_grant() or in the consents of the registration.') $$;
COMMENT ON FUNCTION crm.consent_refusals() IS $$Why recording or requiring a consent is refused (同意拒绝原因).$$;

CREATE FUNCTION crm.refuse_consent(reason text, facts text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO STRICT r FROM crm.consent_refusals() v WHERE v.reason = refuse_consent.reason;
    RAISE EXCEPTION USING MESSAGE = r.message, ERRCODE = r.sqlstate, DETAIL = coalesce(facts, 'Nothing was recorded.'), HINT = r.hint;
END
$$;
COMMENT ON FUNCTION crm.refuse_consent(text, text) IS $$The one place that refuses to record or to do without a consent (拒绝同意操作).$$;

-- -- the journal ---------------------------------------------------------------------

CREATE FUNCTION crm.consent_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'what % holds is never changed or removed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege',
        HINT = 'Record what holds now: crm.consent_withdraw(), crm.consent_grant(); a hold is lifted with crm.legal_hold_lift().';
END
$$;
COMMENT ON FUNCTION crm.consent_keep() IS 'Trigger: consents and legal holds stay as they were recorded, whoever asks (禁止更改). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.consent_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.consent_keep() TO crm_owner; -- who makes the triggers

CREATE FUNCTION crm.consent_sign() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    -- Inside a function of the owner's the setting still says as whom the session acts.
    caller CONSTANT name := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
    days numeric;
BEGIN
    -- A superuser who restores a dump brings the signatures along.
    IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RETURN NEW;
    END IF;
    NEW.captured_by := session_user;
    NEW.recorded_at := clock_timestamp();
    SELECT p.threshold INTO days FROM crm_data.consent_policy p WHERE p.measure = 'backdate_days';
    IF NEW.captured_at > NEW.recorded_at THEN
        PERFORM crm.refuse_consent('future');
    ELSIF NEW.captured_at < NEW.recorded_at - days * interval '1 day'
          AND NOT (pg_has_role(caller, 'crm_data_admin', 'USAGE') AND NEW.evidence ~ '\S' IS TRUE) THEN
        PERFORM crm.refuse_consent('backdated', format('Older than %s days.', days));
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.consent_sign() IS
$$Trigger: a consent is signed by the session's user at this moment, and is neither of the future nor older than the policy allows (同意签名).
Errors: 22023, KH007.$$;
REVOKE EXECUTE ON FUNCTION crm.consent_sign() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.consent_sign() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.lock_survivor(customer crm.customer_code) RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    root crm.customer_code;
    stands crm.customer_code;
BEGIN
    LOOP
        root := resolve(customer);
        BEGIN
            SELECT c.customer_code INTO stands FROM crm_data.customer c WHERE c.customer_code = root FOR NO KEY UPDATE;
            EXIT WHEN stands IS NULL OR root = resolve(customer);
            -- While we waited he was merged on, or apart, and somebody else stands for him. Let go before we wait for
            -- that one: who holds a record that stands for nobody stops a merge that holds what we wait for.
            RAISE EXCEPTION USING ERRCODE = 'KH014';
        EXCEPTION WHEN SQLSTATE 'KH014' THEN NULL;
        END;
    END LOOP;
    RETURN stands;
END
$$;
ALTER FUNCTION crm.lock_survivor(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.lock_survivor(crm.customer_code) IS
$$Who stands for a customer, locked until the transaction ends; null when there is nobody (锁定当前客户).
Merging and undoing take the same lock.$$;
REVOKE EXECUTE ON FUNCTION crm.lock_survivor(crm.customer_code) FROM PUBLIC; -- who can lock can stop others

CREATE FUNCTION crm.consent_about(root crm.customer_code, captured_at timestamptz) RETURNS crm.customer_code[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    members crm.customer_code[] := merge_members(root);
BEGIN
    -- What was said before they were one was said for one record alone.
    IF cardinality(members) > 1 AND captured_at >= (SELECT max(m.merged_at) FROM crm_data.merge m WHERE m.loser_code = ANY (members) AND m.undone_at IS NULL) THEN
        RETURN members;
    END IF;
    RETURN NULL;
END
$$;
ALTER FUNCTION crm.consent_about(crm.customer_code, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_about(crm.customer_code, timestamptz) IS
$$The records for which a customer speaks who says something at this time; null: for one alone (同意所代表记录). A part of crm.consent_record().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_about(crm.customer_code, timestamptz) FROM PUBLIC; -- tells who was merged

CREATE FUNCTION crm.consent_record(customer crm.customer_code, purpose text, channel text, status text, kind text, notice_version text,
                                   evidence text, captured_at timestamptz, valid_until timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    root crm.customer_code := crm.lock_survivor(customer);
    said_at timestamptz := coalesce(captured_at, clock_timestamp());
    asked_for crm_data.processing_purpose;
    ends_at timestamptz := valid_until;
    id bigint;
BEGIN
    SELECT * INTO asked_for FROM crm_data.processing_purpose p WHERE p.code = purpose AND p.active;
    IF root IS NULL OR (SELECT c.lifecycle_state = 'erased' FROM crm_data.customer c WHERE c.customer_code = root) THEN
        PERFORM crm.refuse_consent('customer');
    ELSIF (status = ANY (ARRAY['given', 'denied', 'withdrawn', 'expired']) AND kind = ANY (ARRAY['express', 'separate', 'written'])
           AND (kind <> 'written' OR evidence ~ '\S')) IS NOT TRUE THEN
        PERFORM crm.refuse_consent('kind');
    ELSIF purpose IS NOT NULL AND asked_for.code IS NULL THEN
        PERFORM crm.refuse_consent('purpose');
    ELSIF channel IS NOT NULL AND NOT EXISTS (SELECT FROM crm_data.channel c WHERE c.code = channel AND c.active) THEN
        PERFORM crm.refuse_consent('channel');
    ELSIF NOT isfinite(said_at) THEN
        PERFORM crm.refuse_consent('future');
    END IF;
    IF status = 'given' THEN
        IF purpose IS NULL THEN
            PERFORM crm.refuse_consent('named');
        ELSIF (notice_version ~ '\S') IS NOT TRUE THEN
            PERFORM crm.refuse_consent('notice');
        END IF;
        -- No consent lasts longer than its purpose allows.
        ends_at := least(ends_at, said_at + asked_for.valid_days * interval '1 day');
    END IF;
    IF ends_at <= said_at OR status <> 'given' AND ends_at IS NOT NULL THEN
        PERFORM crm.refuse_consent('period');
    END IF;
    INSERT INTO crm_data.consent_event (customer_code, purpose, channel, status, kind, notice_version, evidence, captured_at, valid_until, about)
    VALUES (root, purpose, channel, status, kind, notice_version, evidence, said_at, ends_at, crm.consent_about(root, said_at))
    RETURNING event_id INTO id;
    RETURN id;
END
$$;
ALTER FUNCTION crm.consent_record(crm.customer_code, text, text, text, text, text, text, timestamptz, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_record(crm.customer_code, text, text, text, text, text, text, timestamptz, timestamptz) IS
$$Write down what a customer said; returns the number of the event (登记同意事件). What granting, denying, withdrawing and expiring share.
It is written for who stands for the customer, who is locked: merges and others who record wait.$$;
REVOKE EXECUTE ON FUNCTION crm.consent_record(crm.customer_code, text, text, text, text, text, text, timestamptz, timestamptz) FROM PUBLIC; -- a part of the functions below

CREATE FUNCTION crm.consent_grant(customer crm.customer_code, purpose text, channel text DEFAULT NULL, notice_version text DEFAULT NULL,
                                  kind text DEFAULT 'express', evidence text DEFAULT NULL, captured_at timestamptz DEFAULT NULL,
                                  valid_until timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT crm.consent_record(customer, purpose, channel, 'given', kind, notice_version, evidence, captured_at, valid_until) $$;
ALTER FUNCTION crm.consent_grant(crm.customer_code, text, text, text, text, text, timestamptz, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_grant(crm.customer_code, text, text, text, text, text, timestamptz, timestamptz) IS
$$Record that a customer agreed; returns the number of the event (授予同意).
purpose: of crm.processing_purpose. channel: left out, every channel. notice_version: of the notice that was shown, needed. kind: express, separate or written, which needs its evidence. captured_at: when he said it, left out now. valid_until: at the latest, and left out, what the purpose allows. It takes the place of what was said before for the same purpose and channel; it does not lift a refusal that names less of either, or was said later.
Errors: P0002 no such customer, 22023 what is wrong or missing, KH007 too long ago.$$;
REVOKE EXECUTE ON FUNCTION crm.consent_grant(crm.customer_code, text, text, text, text, text, timestamptz, timestamptz) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.consent_grant(crm.customer_code, text, text, text, text, text, timestamptz, timestamptz) TO crm_writer;

CREATE FUNCTION crm.consent_deny(customer crm.customer_code, purpose text DEFAULT NULL, channel text DEFAULT NULL,
                                 notice_version text DEFAULT NULL, evidence text DEFAULT NULL, captured_at timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT crm.consent_record(customer, purpose, channel, 'denied', 'express', notice_version, evidence, captured_at, NULL) $$;
ALTER FUNCTION crm.consent_deny(crm.customer_code, text, text, text, text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_deny(crm.customer_code, text, text, text, text, timestamptz) IS
$$Record that a customer was asked and did not agree; returns the number of the event (拒绝同意).
purpose, channel: left out, every one. Ends the consents that it covers. Errors: as crm.consent_grant().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_deny(crm.customer_code, text, text, text, text, timestamptz) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.consent_deny(crm.customer_code, text, text, text, text, timestamptz) TO crm_writer;

CREATE FUNCTION crm.consent_withdraw(customer crm.customer_code, purpose text DEFAULT NULL, channel text DEFAULT NULL,
                                     evidence text DEFAULT NULL, captured_at timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT crm.consent_record(customer, purpose, channel, 'withdrawn', 'express', NULL, evidence, captured_at, NULL) $$;
ALTER FUNCTION crm.consent_withdraw(crm.customer_code, text, text, text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_withdraw(crm.customer_code, text, text, text, timestamptz) IS
$$Record that a customer withdrew, or objects; returns the number of the event (撤回同意).
purpose, channel: left out, every one. Holds as soon as it is committed, and ends the consents that it covers, also where none was given before. Errors: as crm.consent_grant().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_withdraw(crm.customer_code, text, text, text, timestamptz) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.consent_withdraw(crm.customer_code, text, text, text, timestamptz) TO crm_writer;

CREATE FUNCTION crm.consent_expire(customer crm.customer_code, purpose text, channel text DEFAULT NULL, evidence text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT crm.consent_record(customer, purpose, channel, 'expired', 'express', NULL, evidence, NULL, NULL) $$;
ALTER FUNCTION crm.consent_expire(crm.customer_code, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_expire(crm.customer_code, text, text, text) IS
$$End a consent that must be asked for again, because its purpose or notice changed; returns the number of the event (同意失效).
Consents end by themselves at valid_until. Errors: as crm.consent_grant().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_expire(crm.customer_code, text, text, text) FROM PUBLIC; -- the company's act, not the customer's
GRANT EXECUTE ON FUNCTION crm.consent_expire(crm.customer_code, text, text, text) TO crm_data_admin;

CREATE FUNCTION crm.consent_take(customer crm.customer_code, consents jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    said record;
BEGIN
    IF jsonb_typeof(consents) IS DISTINCT FROM 'array' THEN
        PERFORM crm.refuse_consent('list');
    END IF;
    FOR said IN SELECT e.value AS fields, e.n FROM jsonb_array_elements(consents) WITH ORDINALITY e (value, n) ORDER BY e.n LOOP
        IF jsonb_typeof(said.fields) <> 'object' OR said.fields - ARRAY['purpose', 'channel', 'status', 'kind', 'notice_version', 'evidence',
                                                                        'captured_at', 'valid_until'] <> '{}' THEN
            PERFORM crm.refuse_consent('list', format('Number %s of the list.', said.n));
        END IF;
        PERFORM crm.consent_record(customer, f.purpose, f.channel, coalesce(f.status, 'given'), coalesce(f.kind, 'express'), f.notice_version, f.evidence,
                                   f.captured_at, f.valid_until)
           FROM jsonb_to_record(said.fields) f (purpose text, channel text, status text, kind text, notice_version text, evidence text,
                                                captured_at timestamptz, valid_until timestamptz);
    END LOOP;
END
$$;
ALTER FUNCTION crm.consent_take(crm.customer_code, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_take(crm.customer_code, jsonb) IS
$$Record the consents that come with a registration (登记随附同意). A part of crm.register_customer().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_take(crm.customer_code, jsonb) FROM PUBLIC; -- a part of crm.register_customer()

-- -- what holds ------------------------------------------------------------------------

CREATE FUNCTION crm.consent_rule() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- Nobody allows more by taking the rule away.
    RETURN coalesce((SELECT r.prefer FROM crm_data.survivorship_rule r WHERE r.field = 'consent'), 'strictest');
END
$$;
ALTER FUNCTION crm.consent_rule() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_rule() IS
$$How the consents of several records of one customer are taken together: strictest or newest (同意合并规则). The row consent of crm_data.survivorship_rule.$$;
REVOKE EXECUTE ON FUNCTION crm.consent_rule() FROM PUBLIC; -- runs as the owner
GRANT EXECUTE ON FUNCTION crm.consent_rule() TO crm_reader, crm_data_admin;

-- The one place that decides. A grant counts if no refusal or lapse that applies stands against it:
-- of the same record, what covers it was said before it and does not; of another one, all does.
CREATE FUNCTION crm.may_contact(customer crm.customer_code, purpose text, channel text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
#variable_conflict use_column
DECLARE
    root CONSTANT crm.customer_code := resolve(customer);
    kinds CONSTANT text[] := ARRAY['express', 'separate', 'written'];
    asked_for CONSTANT text := purpose;
    by_channel CONSTANT text := channel;
    as_of CONSTANT timestamptz := coalesce(at, clock_timestamp());
    p crm_data.processing_purpose;
BEGIN
    SELECT * INTO p FROM crm_data.processing_purpose x WHERE x.code = asked_for;
    IF p.code IS NULL THEN
        PERFORM crm.refuse_consent('purpose');
    ELSIF NOT p.active OR NOT EXISTS (SELECT FROM crm_data.customer c WHERE c.customer_code = root AND c.lifecycle_state NOT IN ('cancelled', 'erased')) THEN
        RETURN false;
    ELSIF NOT p.is_refusable THEN
        RETURN true;
    END IF;
    RETURN (
        WITH said AS MATERIALIZED (
            SELECT s.record_code, s.purpose, s.channel, s.kind, CASE WHEN s.valid_until <= as_of THEN 'expired' ELSE s.status END AS status
              FROM crm.consent_span s
             WHERE s.customer_code = root AND s.captured_at <= as_of AND s.ended_at > as_of
               AND (s.purpose IS NULL OR s.purpose = asked_for) AND (s.channel IS NULL OR s.channel = by_channel)
        )
        SELECT EXISTS (SELECT FROM said g
                        WHERE g.status = 'given' AND array_position(kinds, g.kind) >= array_position(kinds, coalesce(p.consent_kind, 'express'))
                          AND NOT EXISTS (SELECT FROM said r
                                WHERE r.status <> 'given'
                                  AND NOT (r.record_code = g.record_code
                                           AND (r.status = 'expired' OR coalesce(r.channel = g.channel, r.channel IS NULL)))))
            OR p.legal_basis <> 'consent' AND NOT EXISTS (SELECT FROM said r WHERE r.status IN ('denied', 'withdrawn')));
END
$$;
ALTER FUNCTION crm.may_contact(crm.customer_code, text, text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.may_contact(crm.customer_code, text, text, timestamptz) IS
$$Whether a customer may be contacted, or his data used, for a purpose on a channel at a time, left out: now (可否联系).
Takes any code of his. channel left out: whether the purpose is allowed at all. By the purpose: what rests on consent needs one of its kind that stands, and that no refusal of this or every purpose on this or every channel stands against, unless it was given later and names no more; what rests on another basis needs that it was not refused; what law demands needs nothing. Of several records of a customer all must allow that speak: the rule consent of crm_data.survivorship_rule. False for customers that are cancelled, erased or unknown.
Errors: 22023 for an unknown purpose. Source: PIPL articles 13 to 16.$$;
REVOKE EXECUTE ON FUNCTION crm.may_contact(crm.customer_code, text, text, timestamptz) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.may_contact(crm.customer_code, text, text, timestamptz) TO crm_reader, crm_writer;

CREATE FUNCTION crm.consent_preview(survivor crm.customer_code, loser crm.customer_code)
    RETURNS TABLE (purpose text, channel text, status text, captured_at timestamptz, record_code crm.customer_code)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
#variable_conflict use_column
DECLARE
    members CONSTANT crm.customer_code[] := merge_members(survivor) || merge_members(loser);
    rule CONSTANT text := crm.consent_rule();
BEGIN
    -- As the views crm.consent_voice, crm.consent_span and crm.consent_current, of both as if they were one.
    RETURN QUERY
    WITH said AS MATERIALIZED (
        SELECT e.*, x AS stream
          FROM unnest(members) x JOIN crm_data.consent_event e ON e.customer_code = ANY (members)
           AND CASE rule WHEN 'newest' THEN x = survivor ELSE e.customer_code = x OR x = ANY (e.about) END
    ), stands AS MATERIALIZED (
        SELECT s.stream, s.event_id, s.stream AS record_code, s.purpose, s.channel, s.captured_at, CASE WHEN s.valid_until <= now() THEN 'expired' ELSE s.status END AS status
          FROM said s
         WHERE NOT EXISTS (SELECT FROM said l
                            WHERE l.stream = s.stream AND (l.captured_at, l.event_id) > (s.captured_at, s.event_id)
                              AND (l.purpose IS NOT DISTINCT FROM s.purpose AND l.channel IS NOT DISTINCT FROM s.channel
                                   OR l.status <> 'given' AND s.status = 'given'
                                      AND (l.purpose IS NULL OR l.purpose = s.purpose) AND (l.channel IS NULL OR l.channel = s.channel)))
    )
    SELECT DISTINCT ON (s.purpose, s.channel) s.purpose, s.channel, s.status, s.captured_at, s.record_code
      FROM stands s
     WHERE s.status <> 'given'
        OR NOT EXISTS (SELECT FROM stands o WHERE o.stream <> s.stream AND o.status <> 'given'
                          AND (o.purpose IS NULL OR o.purpose = s.purpose) AND (o.channel IS NULL OR o.channel = s.channel))
     ORDER BY s.purpose, s.channel, array_position(ARRAY['withdrawn', 'denied', 'expired', 'given'], s.status), s.captured_at DESC, s.event_id DESC;
END
$$;
ALTER FUNCTION crm.consent_preview(crm.customer_code, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.consent_preview(crm.customer_code, crm.customer_code) IS
$$What crm.consent_current would show if these two were one (合并后同意预览). A part of crm.merge_preview().$$;
REVOKE EXECUTE ON FUNCTION crm.consent_preview(crm.customer_code, crm.customer_code) FROM PUBLIC; -- shows both customers

CREATE FUNCTION crm.require_consent(customer crm.customer_code, purpose text, channel text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NOT crm.may_contact(customer, purpose, channel, at) THEN
        PERFORM crm.refuse_consent('missing', concat('Purpose ', purpose, ', channel ' || channel, '.'));
    END IF;
END
$$;
ALTER FUNCTION crm.require_consent(crm.customer_code, text, text, timestamptz) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.require_consent(crm.customer_code, text, text, timestamptz) IS
$$Raise KH005 unless crm.may_contact() says yes; for functions that must not go on without a consent (要求同意).
Errors: KH005, 22023 for an unknown purpose.$$;
REVOKE EXECUTE ON FUNCTION crm.require_consent(crm.customer_code, text, text, timestamptz) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.require_consent(crm.customer_code, text, text, timestamptz) TO crm_reader, crm_writer;

CREATE FUNCTION crm.require_intake_consent(customer crm.customer_code, fields text[]) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.require_consent(customer, r.consent_purpose)
       FROM crm_data.intake_rule r JOIN crm_data.customer c ON c.kind = r.kind
      WHERE c.customer_code = customer AND r.consent_purpose IS NOT NULL
        AND (r.field = ANY (fields) OR r.field = 'contact' AND fields && ARRAY['phone', 'email']);
END
$$;
ALTER FUNCTION crm.require_intake_consent(crm.customer_code, text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.require_intake_consent(crm.customer_code, text[]) IS
$$Raise KH005 when fields were registered that need a consent which is not there: crm_data.intake_rule.consent_purpose (录入同意检查).
By itself no field needs one. A part of crm.register_customer() and of the import.$$;
REVOKE EXECUTE ON FUNCTION crm.require_intake_consent(crm.customer_code, text[]) FROM PUBLIC; -- tells of customers
