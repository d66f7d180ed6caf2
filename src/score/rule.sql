-- rule: what the room goes by is rows in versions, and this is how people change them.

-- -- sets and their parts ---------------------------------------------------------------

CREATE FUNCTION crm.rule_set_of(kind text, rule jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT CASE WHEN kind = 'churn_rule' THEN 'churn' WHEN kind = 'credit_warning_rule' THEN 'warning' WHEN kind = 'dormancy_reason' THEN 'dormancy'
                WHEN kind IN ('class_rule', 'class_score', 'class_action') THEN 'class.' || (rule ->> 'scheme')
                WHEN kind IN ('level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement') THEN 'level.' || (rule ->> 'scheme') END $$;
COMMENT ON FUNCTION crm.rule_set_of(text, jsonb) IS 'The set to which a rule of a kind belongs; null for kinds without versions (规则所属规则集).';

CREATE FUNCTION crm.rule_parts(rule_set text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT CASE split_part(rule_set, '.', 1) WHEN 'churn' THEN ARRAY['churn_rule'] WHEN 'warning' THEN ARRAY['credit_warning_rule']
               WHEN 'dormancy' THEN ARRAY['dormancy_reason'] WHEN 'class' THEN ARRAY['class_rule', 'class_score', 'class_action']
               WHEN 'level' THEN ARRAY['level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement'] END $$;
COMMENT ON FUNCTION crm.rule_parts(text) IS 'The tables that hold the rules of a set, those that others refer to first (规则集的表).';

CREATE FUNCTION crm.rule_version(rule_set text, as_of date) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT r.version FROM crm_data.rule_set r
     WHERE r.rule_set = $1 AND r.state = 'approved' AND r.valid_from <= as_of AND (r.valid_until IS NULL OR r.valid_until >= as_of)
     ORDER BY r.valid_from DESC, r.version DESC LIMIT 1 $$;
ALTER FUNCTION crm.rule_version(text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_version(text, date) IS
$$The version of a set of rules that holds on a day: of those approved the one that began last; null when none does (有效规则版本).$$;
REVOKE EXECUTE ON FUNCTION crm.rule_version(text, date) FROM PUBLIC; -- tells of rules
GRANT EXECUTE ON FUNCTION crm.rule_version(text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rule_sets(kind text, as_of date) RETURNS TABLE (scheme text, version integer)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT DISTINCT ON (r.rule_set) split_part(r.rule_set, '.', 2), r.version FROM crm_data.rule_set r
     WHERE split_part(r.rule_set, '.', 1) = $1 AND r.state = 'approved' AND r.valid_from <= as_of AND (r.valid_until IS NULL OR r.valid_until >= as_of)
     ORDER BY r.rule_set, r.valid_from DESC, r.version DESC $$;
ALTER FUNCTION crm.rule_sets(text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_sets(text, date) IS 'The schemes of a kind, class or level, that have rules on a day, and the version that holds (有效方案).';
REVOKE EXECUTE ON FUNCTION crm.rule_sets(text, date) FROM PUBLIC; -- tells of rules
GRANT EXECUTE ON FUNCTION crm.rule_sets(text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rule_require(rule_set text) RETURNS void
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT crm.score_require(CASE rule_set WHEN 'warning' THEN 'credit' ELSE 'general' END) $$;
COMMENT ON FUNCTION crm.rule_require(text) IS 'Raise 42501 unless the caller works with this set of rules: crm_credit with warnings, crm_data_admin with the others (规则权限检查).';

-- -- guards -----------------------------------------------------------------------------

CREATE FUNCTION crm.rule_refuse_change(rule_set text, version integer, why text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'rule set "%" version % must not be changed', rule_set, version USING ERRCODE = 'object_not_in_prerequisite_state',
        DETAIL = why, HINT = 'crm.draft_rules() begins a new version.';
END
$$;
COMMENT ON FUNCTION crm.rule_refuse_change(text, integer, text) IS 'Raise 55000: the version of a set of rules is fixed (拒绝修改规则).';

CREATE FUNCTION crm.rule_set_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.state := 'draft';
        NEW.edited_by := ARRAY[session_user]::name[];
        NEW.created_at := now();
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'draft' THEN
        PERFORM crm.rule_refuse_change(OLD.rule_set, OLD.version, 'It is no draft any more.');
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSIF (NEW.rule_set, NEW.version) <> (OLD.rule_set, OLD.version) THEN
        PERFORM crm.rule_refuse_change(OLD.rule_set, OLD.version, 'Its name and number stay.');
    END IF;
    -- Who did it is what the session says, whatever the statement says.
    NEW.approved_by := NULL;
    NEW.approved_at := NULL;
    NEW.edited_by := OLD.edited_by;
    IF NEW.state = 'draft' THEN
        NEW.edited_by := CASE WHEN session_user = ANY (OLD.edited_by) THEN OLD.edited_by ELSE OLD.edited_by || session_user END;
        RETURN NEW;
    END IF;
    IF (NEW.valid_from, NEW.valid_until, NEW.note, NEW.backdated_for) IS DISTINCT FROM (OLD.valid_from, OLD.valid_until, OLD.note, OLD.backdated_for) THEN
        PERFORM crm.rule_refuse_change(OLD.rule_set, OLD.version, 'It is approved as it was seen.');
    END IF;
    PERFORM crm.score_require_other('a set of rules', OLD.edited_by);
    IF NEW.valid_from < crm.company_today() AND NEW.backdated_for IS NULL THEN
        RAISE EXCEPTION 'rules do not hold before they are approved' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('Version %s of rule set "%s" is to hold from %s on.', NEW.version, NEW.rule_set, NEW.valid_from),
            HINT = 'Draft it for a day to come; or say why it must be back-dated: crm.draft_rules(backdated_for).';
    END IF;
    NEW.approved_by := session_user;
    NEW.approved_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.rule_set_keep() IS
$$Trigger: a version of rules is edited only as a draft, and approved only by somebody who did not edit it, and not for days that are over unless it says why (规则版本保护).
The owner is bound too. Errors: 55000, KH004.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_set_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.rule_set_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.rule_part_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    -- Columns that the table reckons are not there yet in a new row.
    old_set CONSTANT text := crm.rule_set_of(TG_TABLE_NAME, to_jsonb(OLD));
    its_set CONSTANT text := CASE TG_OP WHEN 'DELETE' THEN old_set ELSE crm.rule_set_of(TG_TABLE_NAME, to_jsonb(NEW)) END;
    its_version CONSTANT integer := CASE TG_OP WHEN 'DELETE' THEN OLD.version ELSE NEW.version END;
    held record;
BEGIN
    IF TG_OP = 'UPDATE' AND (old_set, OLD.version) <> (its_set, its_version) THEN
        PERFORM crm.rule_refuse_change(old_set, OLD.version, 'Its rules stay with it.');
    END IF;
    -- Held until the end: an approval waits for who is still editing, and the other way round.
    SELECT r.state, r.edited_by INTO held FROM crm_data.rule_set r WHERE r.rule_set = its_set AND r.version = its_version FOR NO KEY UPDATE;
    IF held.state = 'approved' THEN
        PERFORM crm.rule_refuse_change(its_set, its_version, 'It is no draft any more.');
    ELSIF session_user <> ALL (held.edited_by) THEN
        UPDATE crm_data.rule_set r SET note = r.note WHERE r.rule_set = its_set AND r.version = its_version;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION crm.rule_part_keep() IS
$$Trigger: rules are edited only in a draft; who does so is one of its editors (规则明细保护). Errors: 55000.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_part_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.rule_part_keep() TO crm_owner; -- who makes the triggers

-- -- drafts -------------------------------------------------------------------------------

CREATE FUNCTION crm.rule_columns(kind text) RETURNS name[]
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = to_regclass('crm_data.' || quote_ident(kind)) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' $$;
COMMENT ON FUNCTION crm.rule_columns(text) IS 'The columns of a table of rules that are written, not reckoned (规则表字段).';

CREATE FUNCTION crm.draft_rules(rule_set text, valid_from date, valid_until date DEFAULT NULL, note text DEFAULT NULL, backdated_for text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    source CONSTANT integer := crm.rule_version(rule_set, valid_from);
    fresh integer;
    part text;
BEGIN
    PERFORM crm.rule_require(rule_set);
    -- Two drafts at once get two numbers.
    PERFORM pg_advisory_xact_lock(hashtext('crm.rule_set'), hashtext(rule_set));
    SELECT coalesce(max(r.version), 0) + 1 INTO fresh FROM crm_data.rule_set r WHERE r.rule_set = draft_rules.rule_set;
    INSERT INTO crm_data.rule_set (rule_set, version, valid_from, valid_until, note, backdated_for)
    VALUES (rule_set, fresh, valid_from, valid_until, coalesce(note, 'copied from version ' || source), backdated_for);
    FOREACH part IN ARRAY crm.rule_parts(rule_set) LOOP
        EXECUTE format('INSERT INTO crm_data.%1$I (version, %2$s) SELECT $1, %2$s FROM crm_data.%1$I WHERE rule_set = $2 AND version = $3', part,
                       (SELECT string_agg(quote_ident(c), ', ') FROM unnest(crm.rule_columns(part)) c WHERE c <> 'version')) USING fresh, rule_set, source;
    END LOOP;
    RETURN fresh;
END
$$;
ALTER FUNCTION crm.draft_rules(text, date, date, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.draft_rules(text, date, date, text, text) IS
$$Begin a new version of a set of rules that is to hold from a day on, with the rules that hold on that day; returns its number (起草规则版本).
rule_set: churn, warning, dormancy, class.SCHEME or level.SCHEME; a set that is not there yet begins empty. valid_until: its last day, null until a newer one begins. backdated_for: why it must hold for days that are over when it is approved; whoever approves it sees it, results that were found already stay as they are. crm.define_score_rule() and crm.drop_score_rule() change the draft, crm.rule_dry_run() tries it, crm.approve_rules() puts it to work.
Errors: 42501, 23514, 23502.$$;
REVOKE EXECUTE ON FUNCTION crm.draft_rules(text, date, date, text, text) FROM PUBLIC; -- writes rules
GRANT EXECUTE ON FUNCTION crm.draft_rules(text, date, date, text, text) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rule_held(rule_set text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.rule_require(rule_set);
    PERFORM FROM crm_data.rule_set r WHERE r.rule_set = rule_held.rule_set AND r.version = rule_held.version FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no version % of rule set "%"', version, rule_set USING ERRCODE = 'undefined_object', HINT = 'crm.rule_set lists the versions.';
    END IF;
END
$$;
ALTER FUNCTION crm.rule_held(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_held(text, integer) IS 'Lock a version of rules and check that the caller may manage it (锁定规则版本). A part of the functions below. Errors: 42704, 42501.';
REVOKE EXECUTE ON FUNCTION crm.rule_held(text, integer) FROM PUBLIC; -- locks
GRANT EXECUTE ON FUNCTION crm.rule_held(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.discard_rules(rule_set text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    part text;
BEGIN
    PERFORM crm.rule_held(rule_set, version);
    FOR part IN SELECT p.part FROM unnest(crm.rule_parts(rule_set)) WITH ORDINALITY p (part, n) ORDER BY p.n DESC LOOP
        EXECUTE format('DELETE FROM crm_data.%I WHERE rule_set = $1 AND version = $2', part) USING rule_set, version;
    END LOOP;
    DELETE FROM crm_data.rule_set r WHERE r.rule_set = discard_rules.rule_set AND r.version = discard_rules.version;
END
$$;
ALTER FUNCTION crm.discard_rules(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.discard_rules(text, integer) IS 'Remove a draft of rules; a version that was approved stays (删除规则草稿). Errors: 42704, 42501, 55000.';
REVOKE EXECUTE ON FUNCTION crm.discard_rules(text, integer) FROM PUBLIC; -- writes rules
GRANT EXECUTE ON FUNCTION crm.discard_rules(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.approve_rules(rule_set text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    rules bigint;
BEGIN
    PERFORM crm.rule_held(rule_set, version);
    EXECUTE format('SELECT count(*) FROM crm_data.%I WHERE rule_set = $1 AND version = $2',
                   CASE split_part(rule_set, '.', 1) WHEN 'level' THEN 'level_def' ELSE (crm.rule_parts(rule_set))[1] END) INTO rules USING rule_set, version;
    IF rules = 0 THEN
        RAISE EXCEPTION 'version % of rule set "%" has no rules', version, rule_set USING ERRCODE = 'invalid_parameter_value', HINT = 'crm.define_score_rule() adds them.';
    END IF;
    UPDATE crm_data.rule_set r SET state = 'approved' WHERE r.rule_set = approve_rules.rule_set AND r.version = approve_rules.version;
END
$$;
ALTER FUNCTION crm.approve_rules(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.approve_rules(text, integer) IS
$$Approve a draft of rules that others made; it holds from its first day on, and is never changed (批准规则版本).
Errors: KH004 when the caller edited it, 55000 approved already, or its first day is over and it does not say why, 22023 without rules, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.approve_rules(text, integer) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.approve_rules(text, integer) TO crm_data_admin, crm_credit;

-- -- rules ---------------------------------------------------------------------------------

CREATE FUNCTION crm.rule_target(kind text, rule jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_set CONSTANT text := crm.rule_set_of(kind, rule);
    draft integer;
    unknown text;
BEGIN
    PERFORM crm.rule_require(coalesce(its_set, ''));
    SELECT string_agg(k, ', ') INTO unknown FROM jsonb_object_keys(rule) k WHERE k = 'version' OR k <> ALL (crm.rule_columns(kind));
    IF unknown IS NOT NULL OR kind <> ALL (ARRAY['credit_warning_rule', 'churn_rule', 'class_rule', 'class_score', 'class_action', 'dormancy_reason', 'level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement', 'quality_field', 'quality_weight', 'quality_source']) THEN
        RAISE EXCEPTION 'no such rule of kind "%"', kind USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Unknown: ' || coalesce(unknown, kind),
            HINT = 'A kind is a table of rules, a rule an object of its columns: crm.dictionary lists them.';
    END IF;
    IF kind LIKE 'quality%' THEN
        RETURN rule;
    ELSIF its_set IS NULL THEN
        RAISE EXCEPTION 'a rule of kind "%" names its scheme', kind USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT max(r.version) INTO draft FROM crm_data.rule_set r WHERE r.rule_set = its_set AND r.state = 'draft';
    IF draft IS NULL THEN
        RAISE EXCEPTION 'rule set "%" has no draft', its_set USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'crm.draft_rules() begins one; what was approved is never changed.';
    END IF;
    RETURN rule || jsonb_build_object('version', draft);
END
$$;
ALTER FUNCTION crm.rule_target(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_target(text, jsonb) IS
$$A rule with the number of the draft that it goes into, after checking its kind, its columns and the caller (规则写入目标). Errors: 42501, 22023, 55000 without a draft.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_target(text, jsonb) FROM PUBLIC; -- tells of drafts
GRANT EXECUTE ON FUNCTION crm.rule_target(text, jsonb) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rule_key(kind text, rule jsonb) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_object_agg(a.attname, rule -> a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = to_regclass('crm_data.' || quote_ident(kind)) AND i.indisprimary $$;
COMMENT ON FUNCTION crm.rule_key(text, jsonb) IS 'Those members of a rule that are the key of its table (规则主键).';

CREATE FUNCTION crm.define_score_rule(kind text, rule jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    wanted CONSTANT jsonb := crm.rule_target(kind, rule);
    its_key CONSTANT jsonb := crm.rule_key(kind, wanted);
    preset CONSTANT jsonb := CASE kind WHEN 'credit_warning_rule' THEN '{"active": true}'::jsonb WHEN 'churn_rule' THEN '{"days": 90, "comparison": "at_least", "active": true}'
        WHEN 'class_rule' THEN '{"asks_reason": false}' WHEN 'class_score' THEN '{"is_falling": false, "weight": 1}' WHEN 'class_action' THEN '{"due_days": 14, "on_first": false}' WHEN 'dormancy_reason' THEN '{"days": 180}'
        WHEN 'benefit_entitlement' THEN '{"per": "year"}' WHEN 'level_scheme' THEN '{"valid_months": 12, "notice_days": 30, "min_tenure_days": 180}'
        WHEN 'quality_field' THEN '{"required": false, "weight": 1, "due_days": 30}' ELSE '{}' END;
BEGIN
    -- The kind is one of a list, and the columns are the catalog's.
    EXECUTE format('INSERT INTO crm_data.%1$I (%2$s) SELECT %3$s FROM jsonb_populate_record(NULL::crm_data.%1$I,
                        coalesce((SELECT to_jsonb(x) FROM crm_data.%1$I x WHERE to_jsonb(x) @> $1), $2) || $3) n
                        ON CONFLICT (%4$s) DO UPDATE SET (%2$s) = ROW (%5$s)', kind,
                   (SELECT string_agg(quote_ident(c), ', ') FROM unnest(crm.rule_columns(kind)) c), (SELECT string_agg('n.' || quote_ident(c), ', ') FROM unnest(crm.rule_columns(kind)) c),
                   (SELECT string_agg(quote_ident(c), ', ') FROM unnest(crm.rule_columns(kind)) c WHERE its_key ? c::text), (SELECT string_agg('excluded.' || quote_ident(c), ', ') FROM unnest(crm.rule_columns(kind)) c))
        USING its_key, preset, wanted;
END
$$;
ALTER FUNCTION crm.define_score_rule(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.define_score_rule(text, jsonb) IS
$$Add a rule to the latest draft of its set, or change the one with its key; what is not given stays as it is (定义规则).
kind: credit_warning_rule, churn_rule, class_rule, class_score, class_action, dormancy_reason, level_scheme, level_def, service_commitment, benefit_entitlement; without versions, in force at once: quality_field, quality_weight, quality_source.
Errors: 55000 without a draft, 42501, 22023, 42601 a condition that cannot be read, 23502, 23514, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.define_score_rule(text, jsonb) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.define_score_rule(text, jsonb) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.drop_score_rule(kind text, rule jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    gone bigint;
BEGIN
    EXECUTE format('DELETE FROM crm_data.%I x WHERE to_jsonb(x) @> $1', kind) USING crm.rule_key(kind, crm.rule_target(kind, rule));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone > 0;
END
$$;
ALTER FUNCTION crm.drop_score_rule(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.drop_score_rule(text, jsonb) IS
$$Take the rule with this key out of the latest draft of its set; false when it was not there (删除草稿中的规则). Errors: 55000 without a draft, 42501, 22023, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.drop_score_rule(text, jsonb) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.drop_score_rule(text, jsonb) TO crm_data_admin, crm_credit;

-- -- what would change ----------------------------------------------------------------------

CREATE FUNCTION crm.rule_results(rule_set text, version integer, codes crm.customer_code[], known jsonb[], as_of date) RETURNS TABLE (customer_code crm.customer_code, result text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    scheme CONSTANT text := substr(rule_set, strpos(rule_set, '.') + 1);
BEGIN
    CASE split_part(rule_set, '.', 1)
    WHEN 'class' THEN
        RETURN QUERY SELECT p.customer_code, p.class FROM crm.class_proposals(codes, known, scheme, version) p;
    WHEN 'level' THEN
        RETURN QUERY SELECT p.customer_code, p.level FROM crm.level_proposals(codes, known, scheme, version, as_of) p;
    WHEN 'churn' THEN
        RETURN QUERY SELECT p.customer_code, string_agg(p.rule, ', ' ORDER BY p.rule) FROM crm.churn_measures(codes, known, version, as_of) p GROUP BY p.customer_code;
    WHEN 'warning' THEN
        RETURN QUERY SELECT p.customer_code, string_agg(p.rule, ', ' ORDER BY p.rule) FROM crm.credit_warnings_met(codes, version, as_of) p GROUP BY p.customer_code;
    WHEN 'dormancy' THEN
        RETURN QUERY SELECT p.customer_code, p.reason FROM crm.dormancy_reasons(codes, version, as_of) p;
    WHEN 'model' THEN
        RETURN QUERY SELECT c.code, (SELECT g.grade FROM crm_data.score_grade g WHERE g.model = m.model AND g.version = m.version
                                        AND g.lower <= crm.common_score(s.total, m.scale_low, m.scale_high) ORDER BY g.lower DESC LIMIT 1)
          FROM crm_data.score_model m, unnest(codes, known) c (code, features), crm.score_inputs(m.model || '@' || m.version, c.features) s
         WHERE m.model = scheme AND m.version = rule_results.version AND (m.applies_to IS NULL OR c.features ->> 'kind' = ANY (m.applies_to));
    END CASE;
END
$$;
ALTER FUNCTION crm.rule_results(text, integer, crm.customer_code[], jsonb[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_results(text, integer, crm.customer_code[], jsonb[], date) IS
$$What a version of rules says of customers whose features are known: class, level, grade, reason, or the rules that are met (规则试算结果). A part of crm.rule_dry_run().$$;
REVOKE EXECUTE ON FUNCTION crm.rule_results(text, integer, crm.customer_code[], jsonb[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.rule_recorded(rule_set text, codes crm.customer_code[], as_of date) RETURNS TABLE (customer_code crm.customer_code, result text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    name CONSTANT text := substr(rule_set, strpos(rule_set, '.') + 1);
BEGIN
    CASE split_part(rule_set, '.', 1)
    WHEN 'class' THEN
        RETURN QUERY SELECT k.customer_code, k.class FROM crm_data.customer_class k
         WHERE k.customer_code = ANY (codes) AND k.scheme = name AND k.since <= as_of AND (k.until IS NULL OR k.until >= as_of);
    WHEN 'level' THEN
        RETURN QUERY SELECT DISTINCT ON (l.customer_code) l.customer_code, l.level FROM crm_data.customer_level l
         WHERE l.customer_code = ANY (codes) AND l.scheme = name AND as_of BETWEEN l.valid_from AND l.valid_until ORDER BY l.customer_code, l.valid_from DESC;
    WHEN 'churn' THEN
        RETURN QUERY SELECT s.customer_code, string_agg(DISTINCT s.rule, ', ' ORDER BY s.rule) FROM crm_data.churn_signal s
         WHERE s.customer_code = ANY (codes) AND s.as_of BETWEEN rule_recorded.as_of - 30 AND rule_recorded.as_of GROUP BY s.customer_code;
    WHEN 'warning' THEN
        RETURN QUERY SELECT w.customer_code, string_agg(DISTINCT w.rule, ', ' ORDER BY w.rule) FROM crm_data.credit_warning w
         WHERE w.customer_code = ANY (codes) AND w.as_of <= rule_recorded.as_of AND w.closed_at IS NULL GROUP BY w.customer_code;
    WHEN 'dormancy' THEN
        RETURN QUERY SELECT DISTINCT ON (d.customer_code) d.customer_code, d.reason FROM crm_data.customer_dormancy d
         WHERE d.customer_code = ANY (codes) AND d.since <= as_of ORDER BY d.customer_code, d.since DESC, d.found_by = 'rule', d.entry_no DESC;
    WHEN 'model' THEN
        RETURN QUERY SELECT DISTINCT ON (r.customer_code) r.customer_code, r.grade FROM crm_data.score_result r
         WHERE r.customer_code = ANY (codes) AND r.model = name AND r.as_of <= rule_recorded.as_of AND r.valid_until >= rule_recorded.as_of
         ORDER BY r.customer_code, r.as_of DESC, r.result_id DESC;
    END CASE;
END
$$;
ALTER FUNCTION crm.rule_recorded(text, crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_recorded(text, crm.customer_code[], date) IS 'What stands recorded of customers as found by a set of rules (已登记结果). A part of crm.rule_dry_run().';
REVOKE EXECUTE ON FUNCTION crm.rule_recorded(text, crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.rule_require_version(rule_set text, version integer, OUT in_force integer, OUT with_credit boolean)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_domain text;
BEGIN
    IF rule_set LIKE 'model.%' THEN
        SELECT m.domain, (SELECT a.version FROM crm_data.score_model a WHERE a.model = m.model AND a.state = 'active') INTO its_domain, in_force
          FROM crm_data.score_model m WHERE m.model = substr(rule_set, 7) AND m.version = rule_require_version.version;
    ELSE
        SELECT CASE r.rule_set WHEN 'warning' THEN 'credit' ELSE 'general' END, crm.rule_version(r.rule_set, r.valid_from) INTO its_domain, in_force
          FROM crm_data.rule_set r WHERE r.rule_set = rule_require_version.rule_set AND r.version = rule_require_version.version;
    END IF;
    IF its_domain IS NULL THEN
        RAISE EXCEPTION 'nothing to try: no version % of "%"', version, rule_set USING ERRCODE = 'undefined_object',
            HINT = 'crm.rule_set lists sets of rules; a score model is model.NAME.';
    END IF;
    PERFORM crm.score_require(its_domain);
    with_credit := its_domain = 'credit';
END
$$;
ALTER FUNCTION crm.rule_require_version(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_require_version(text, integer) IS
$$Check that a version is there and that the caller works with it; returns the version in force beside it, and whether it is of credit (检查规则版本). Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_require_version(text, integer) FROM PUBLIC; -- tells of rules

CREATE FUNCTION crm.rule_dry_run_customers(rule_set text, version integer, sample integer DEFAULT 10000, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (customer_code crm.customer_code, recorded text, in_force text, proposed text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    against CONSTANT record := crm.rule_require_version(rule_set, version);
    chosen crm.customer_code[];
    codes crm.customer_code[];
    known jsonb[];
BEGIN
    -- The same sample each time, spread over all customers.
    SELECT array_agg(x.customer_code ORDER BY x.customer_code) INTO chosen
      FROM (SELECT c.customer_code FROM crm_data.customer c
             WHERE c.lifecycle_state NOT IN ('merged', 'archived', 'cancelled', 'erased')
             ORDER BY hashtext(c.customer_code::text), c.customer_code LIMIT sample) x;
    FOR i IN 0 .. (coalesce(cardinality(chosen), 0) - 1) / 5000 LOOP
        SELECT array_agg(f.customer_code), array_agg(f.features) INTO codes, known
          FROM crm.score_features(chosen[i * 5000 + 1 : i * 5000 + 5000], as_of, against.with_credit) f;
        IF rule_set ~ '^(class|level)\.' THEN
            SELECT array_agg(f.customer_code), array_agg(f.features) INTO codes, known FROM crm.behaviour_features(codes, known, as_of) f;
        END IF;
        RETURN QUERY SELECT c.code, a.result, b.result, d.result FROM unnest(codes) c (code)
          LEFT JOIN crm.rule_recorded(rule_set, codes, as_of) a ON a.customer_code = c.code
          LEFT JOIN crm.rule_results(rule_set, against.in_force, codes, known, as_of) b ON b.customer_code = c.code
          LEFT JOIN crm.rule_results(rule_set, version, codes, known, as_of) d ON d.customer_code = c.code;
    END LOOP;
END
$$;
ALTER FUNCTION crm.rule_dry_run_customers(text, integer, integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rule_dry_run_customers(text, integer, integer, date) IS
$$Try a version of rules on a sample of customers: of each what stands recorded, what the version in force says, what this one says; nothing is kept (规则试运行明细).
rule_set as in crm.draft_rules(), or model.NAME for a score model, of which the result is the grade. sample: how many customers, the same each time; null: all. A result is a class, a level, a reason, or the list of rules met; null: nothing.
Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_dry_run_customers(text, integer, integer, date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.rule_dry_run_customers(text, integer, integer, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rule_dry_run(rule_set text, version integer, sample integer DEFAULT 10000, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (recorded text, in_force text, proposed text, customers bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT d.recorded, d.in_force, d.proposed, count(*) FROM crm.rule_dry_run_customers($1, $2, $3, $4) d GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 $$;
COMMENT ON FUNCTION crm.rule_dry_run(text, integer, integer, date) IS
$$Try a version of rules on a sample of customers, as a matrix of who would move from where to where: crm.rule_dry_run_customers(), counted (规则试运行). Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.rule_dry_run(text, integer, integer, date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.rule_dry_run(text, integer, integer, date) TO crm_data_admin, crm_credit;
