-- points_rule: from purchases, bills, tenure and events to points, by rules that are rows.

-- -- the language of rules ----------------------------------------------------------

CREATE FUNCTION crm.points_formula(formula text, facts jsonb) RETURNS numeric
    AS 'MODULE_PATHNAME', 'crm_points_formula' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_formula(text, jsonb) IS
$$The amount that a formula gives on facts, exactly (积分公式).
Numbers, 'texts', names of facts; + - * /; comparisons, in, not in, and, or, not; if, least, greatest, floor, ceil, round. Nothing in it is ever run as SQL. Null when a fact is missing or of another kind, or a divisor is 0. Errors: 42601 with the place in DETAIL.$$;

CREATE FUNCTION crm.points_condition(condition text, facts jsonb) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_condition' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_condition(text, jsonb) IS
$$Whether a condition holds on facts; what cannot be told does not (积分条件).
The language is that of crm.points_formula(). Errors: 42601.$$;

CREATE FUNCTION crm.points_last_day(life text, length integer, until date, earned_on date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT CASE life
           WHEN 'natural_year' THEN make_date(extract(year FROM earned_on)::int + length - 1, 12, 31)
           WHEN 'months' THEN (date_trunc('month', earned_on::timestamp) + make_interval(months => length + 1) - interval '1 day')::date
           WHEN 'days' THEN earned_on + length
           WHEN 'fixed' THEN until
           ELSE 'infinity' END $$;
COMMENT ON FUNCTION crm.points_last_day(text, integer, date, date) IS
$$The last usable day of points earned on a day, by the life of their type (积分有效期).
natural_year: 31 December of the length-th calendar year, the year of earning being the first; months: the end of the length-th month after that of earning; days: so many days later; fixed: until; never.$$;

-- What is granted of an exact amount: rounded, with what was carried, within the caps. Caps and
-- what was used of them may be null.
CREATE FUNCTION crm.points_award(rounding text, exact numeric, carried numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT greatest(CASE rounding
           WHEN 'carry' THEN floor(exact + coalesce(carried, 0))
           WHEN 'half_up' THEN round(exact)
           WHEN 'ceil' THEN ceil(exact)
           ELSE floor(exact) END, 0) $$;
COMMENT ON FUNCTION crm.points_award(text, numeric, numeric) IS
'Whole points of an exact amount: floor, carry (floor, and what is over is kept for the next), half_up or ceil (积分取整).';

-- -- two persons ---------------------------------------------------------------------------

CREATE FUNCTION crm.points_alone() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user $$;
COMMENT ON FUNCTION crm.points_alone() IS
'Whether the session needs nobody else''s approval for terms of points: that of a superuser, who could write them anyway (是否免复核).';
REVOKE EXECUTE ON FUNCTION crm.points_alone() FROM PUBLIC; -- a part of the functions below
GRANT EXECUTE ON FUNCTION crm.points_alone() TO crm_owner;

CREATE FUNCTION crm.points_refuse_change(why text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'terms of points that hold are not changed' USING ERRCODE = 'object_not_in_prerequisite_state',
        DETAIL = why, HINT = 'Draft new ones; of a rule, a version with a later valid_from by crm.define_points_rule().';
END
$$;
COMMENT ON FUNCTION crm.points_refuse_change(text) IS 'Raise 55000: a version of a point rule or a draft is fixed (拒绝修改积分条款).';
REVOKE EXECUTE ON FUNCTION crm.points_refuse_change(text) FROM PUBLIC; -- a part of triggers
GRANT EXECUTE ON FUNCTION crm.points_refuse_change(text) TO crm_owner;

CREATE FUNCTION crm.points_no_draft(number integer) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'no version % of a point rule, or draft', number USING ERRCODE = 'undefined_object',
        HINT = 'The views crm.points_rule and crm.points_draft list them; a draft that was changed has another number.';
END
$$;
COMMENT ON FUNCTION crm.points_no_draft(integer) IS 'Raise 42704: there is no version or draft of this number (无此积分条款).';
REVOKE EXECUTE ON FUNCTION crm.points_no_draft(integer) FROM PUBLIC; -- a part of the functions below
GRANT EXECUTE ON FUNCTION crm.points_no_draft(integer) TO crm_owner;

-- Terms that are one row each: types, rules of redemption and of transfers, rewards.
CREATE FUNCTION crm.points_apply_terms(kind text, terms jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    redeem crm_data.points_redeem_rule;
    transfer crm_data.points_transfer_rule;
    reward crm_data.points_reward;
BEGIN
    CASE kind
    WHEN 'type' THEN
        PERFORM points_apply_type(terms);
    WHEN 'redeem_rule' THEN
        redeem := jsonb_populate_record(NULL::crm_data.points_redeem_rule, terms);
        INSERT INTO crm_data.points_redeem_rule VALUES (redeem.*)
        ON CONFLICT ON CONSTRAINT points_redeem_rule_pkey DO UPDATE SET threshold = excluded.threshold, min_tenure_months = excluded.min_tenure_months,
            most_a_month = excluded.most_a_month, most_points_a_month = excluded.most_points_a_month;
    WHEN 'transfer_rule' THEN
        transfer := jsonb_populate_record(NULL::crm_data.points_transfer_rule, terms);
        INSERT INTO crm_data.points_transfer_rule VALUES (transfer.*)
        ON CONFLICT ON CONSTRAINT points_transfer_rule_pkey DO UPDATE SET fee_percent = excluded.fee_percent, fee_fixed = excluded.fee_fixed, fee_rounding = excluded.fee_rounding;
    WHEN 'reward' THEN
        reward := jsonb_populate_record(NULL::crm_data.points_reward, terms);
        INSERT INTO crm_data.points_reward (item, programme, label_zh, label_en, points, category, cash, min_level, valid_from, valid_until, most_per_customer)
        VALUES (reward.item, reward.programme, reward.label_zh, reward.label_en, reward.points, reward.category, reward.cash, reward.min_level, reward.valid_from, reward.valid_until, reward.most_per_customer)
        ON CONFLICT ON CONSTRAINT points_reward_pkey DO UPDATE
           SET programme = excluded.programme, label_zh = excluded.label_zh, label_en = excluded.label_en, points = excluded.points, category = excluded.category,
               cash = excluded.cash, min_level = excluded.min_level, valid_from = excluded.valid_from, valid_until = excluded.valid_until, most_per_customer = excluded.most_per_customer;
    END CASE;
END
$$;
COMMENT ON FUNCTION crm.points_apply_terms(text, jsonb) IS 'Put terms of points to work, for what happens from now on (积分条款生效). A part of crm.approve_points_draft(). Errors: 22023, 23502, 23503, 23505, 23514.';
REVOKE EXECUTE ON FUNCTION crm.points_apply_terms(text, jsonb) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.points_apply_terms(text, jsonb) TO crm_owner;

CREATE FUNCTION crm.points_draft_terms(its_kind text, its_name text, terms jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    made integer;
    editors name[];
BEGIN
    -- Tried and taken back, so that nonsense is refused when it is written.
    BEGIN
        PERFORM points_apply_terms(its_kind, terms);
        RAISE EXCEPTION USING ERRCODE = 'KH999';
    EXCEPTION WHEN SQLSTATE 'KH999' THEN
        NULL;
    END;
    -- Another number, so that nobody approves what he has not seen.
    DELETE FROM crm_data.points_draft d WHERE d.kind = its_kind AND d.name = its_name AND d.state = 'draft' RETURNING d.edited_by INTO editors;
    INSERT INTO crm_data.points_draft AS d (kind, name, terms, edited_by) VALUES (its_kind, its_name, terms, coalesce(editors, '{}')) RETURNING d.draft INTO made;
    IF points_alone() THEN
        PERFORM approve_points_draft(made);
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION crm.points_draft_terms(text, text, jsonb) IS
$$Keep terms of points until somebody else approves them; those of a superuser hold at once (起草积分条款). A part of crm.define_points_type() and the like. Errors: those of the terms.$$;
REVOKE EXECUTE ON FUNCTION crm.points_draft_terms(text, text, jsonb) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.points_draft_terms(text, text, jsonb) TO crm_owner;

CREATE FUNCTION crm.approve_points_draft(draft integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    d crm_data.points_draft;
BEGIN
    SELECT p.* INTO d FROM crm_data.points_draft p WHERE p.draft = approve_points_draft.draft FOR UPDATE;
    IF d.draft IS NULL THEN
        PERFORM points_no_draft(draft);
    ELSIF d.state <> 'draft' THEN
        PERFORM points_refuse_change('It is no draft any more.');
    END IF;
    UPDATE crm_data.points_draft p SET state = 'approved' WHERE p.draft = d.draft;
    PERFORM points_apply_terms(d.kind, d.terms);
END
$$;
ALTER FUNCTION crm.approve_points_draft(integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.approve_points_draft(integer) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.approve_points_draft(integer) TO crm_data_admin;
COMMENT ON FUNCTION crm.approve_points_draft(integer) IS
$$Approve terms of points that others drafted: a type, a rule of redemption or transfers, a reward; they hold from then on (批准积分条款).
draft: of the view crm.points_draft. Errors: KH004 when the caller had a hand in it, 55000 approved already, 42704 no such draft or it was changed, and those of the terms if they do not fit any more.$$;

CREATE FUNCTION crm.discard_points_draft(draft integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    DELETE FROM crm_data.points_draft p WHERE p.draft = discard_points_draft.draft AND p.state = 'draft';
    IF NOT FOUND THEN
        PERFORM points_no_draft(draft);
    END IF;
END
$$;
ALTER FUNCTION crm.discard_points_draft(integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.discard_points_draft(integer) FROM PUBLIC; -- writes rules
GRANT EXECUTE ON FUNCTION crm.discard_points_draft(integer) TO crm_data_admin;
COMMENT ON FUNCTION crm.discard_points_draft(integer) IS 'Give drafted terms of points up; what was approved stays (删除积分条款草稿). Errors: 42704.';

-- -- types ---------------------------------------------------------------------------------

CREATE FUNCTION crm.define_points_type(programme text, type text, label_zh text, label_en text, category text DEFAULT 'consumption', class text DEFAULT '',
        life text DEFAULT 'natural_year', life_length integer DEFAULT 3, life_until date DEFAULT NULL, priority integer DEFAULT 100,
        redeemable_for text[] DEFAULT NULL, is_transferable boolean DEFAULT true) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.points_draft_terms('type', $1 || ' ' || $2, jsonb_build_object('programme', $1, 'type', $2, 'label_zh', $3, 'label_en', $4, 'category', $5, 'class', $6,
        'life', $7, 'life_length', $8, 'life_until', $9, 'priority', $10, 'redeemable_for', $11, 'is_transferable', $12)) $$;
ALTER FUNCTION crm.define_points_type(text, text, text, text, text, text, text, integer, date, integer, text[], boolean) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_type(text, text, text, text, text, text, text, integer, date, integer, text[], boolean) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_type(text, text, text, text, text, text, text, integer, date, integer, text[], boolean) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_type(text, text, text, text, text, text, text, integer, date, integer, text[], boolean) IS
$$Draft a type of points, or other parameters for what is earned from now on (定义积分类型).
It holds once somebody else approves it: crm.approve_points_draft(); that of a superuser at once. category: consumption, reward, gift or campaign; class: the mark of its lots; life: natural_year (length years, 31 December), months (end of the length-th month after), days, fixed (until) or never; priority: order of use among lots of one day, the lowest first; redeemable_for: categories of reward items, null for all. Errors: 22023, 23502, 23503, 23514, 23505 when another type has the class.$$;

CREATE FUNCTION crm.points_apply_type(terms jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    n crm_data.points_type := jsonb_populate_record(NULL::crm_data.points_type, terms);
    odd text;
BEGIN
    INSERT INTO crm_data.points_type VALUES (n.*)
    ON CONFLICT ON CONSTRAINT points_type_pkey DO UPDATE
       SET label_zh = excluded.label_zh, label_en = excluded.label_en, category = excluded.category, class = excluded.class, life = excluded.life,
           life_length = excluded.life_length, life_until = excluded.life_until, priority = excluded.priority,
           redeemable_for = excluded.redeemable_for, is_transferable = excluded.is_transferable;
    -- Lots of one day are used by class, so the order of classes is the priority.
    SELECT t.type INTO odd FROM crm_data.points_type t
     WHERE t.programme = n.programme AND t.type <> n.type AND t.priority <> n.priority
       AND (t.priority < n.priority) <> (t.class COLLATE "C" < n.class COLLATE "C") LIMIT 1;
    IF odd IS NOT NULL THEN
        RAISE EXCEPTION 'the priority of this type of points is against the order of classes' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Against type %s: of one last day, lots are used in the order of their classes, as bytes.', odd),
            HINT = 'Name the class so that it sorts where the priority wants it, or give both types the same priority.';
    END IF;
    -- Points of one account are alike in what they buy.
    SELECT t.type INTO odd FROM crm_data.points_type t
     WHERE t.programme = n.programme AND (t.redeemable_for IS DISTINCT FROM n.redeemable_for OR t.is_transferable <> n.is_transferable) LIMIT 1;
    IF odd IS NOT NULL THEN
        RAISE EXCEPTION 'types of one programme buy the same and are transferred alike' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Type %s differs.', odd), HINT = 'Give directed points a programme of their own.';
    END IF;
END
$$;
COMMENT ON FUNCTION crm.points_apply_type(jsonb) IS
'Put the terms of a type of points to work (积分类型生效). A part of crm.points_apply_terms(). Errors: 22023, 23502, 23503, 23514, 23505.';
REVOKE EXECUTE ON FUNCTION crm.points_apply_type(jsonb) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.points_apply_type(jsonb) TO crm_owner;

-- -- rules ---------------------------------------------------------------------------------

CREATE FUNCTION crm.define_points_rule(programme text, rule text, valid_from date, element text, type text, formula text,
        condition text DEFAULT NULL, multiplier numeric DEFAULT 1, rounding text DEFAULT 'floor',
        cap_day bigint DEFAULT NULL, cap_month bigint DEFAULT NULL, cap_year bigint DEFAULT NULL,
        cap_number integer DEFAULT NULL, cap_number_per text DEFAULT NULL, valid_until date DEFAULT NULL, backdated_for text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    made integer;
    editors name[];
BEGIN
    -- Both are read once here, so that nonsense is refused when it is written.
    PERFORM points_formula(formula, '{}'), points_condition(condition, '{}');
    IF EXISTS (SELECT FROM crm_data.points_rule r WHERE r.programme = define_points_rule.programme AND r.rule = define_points_rule.rule
                  AND r.valid_from = define_points_rule.valid_from AND r.used_at IS NOT NULL) THEN
        PERFORM points_refuse_change('Points were earned by the version of this day.');
    END IF;
    -- Another number, so that nobody approves what he has not seen.
    DELETE FROM crm_data.points_rule r
     WHERE r.programme = define_points_rule.programme AND r.rule = define_points_rule.rule AND r.valid_from = define_points_rule.valid_from AND r.state = 'draft'
    RETURNING r.edited_by INTO editors;
    INSERT INTO crm_data.points_rule AS r (programme, rule, valid_from, valid_until, element, type, condition, formula, multiplier, rounding,
                                           cap_day, cap_month, cap_year, cap_number, cap_number_per, backdated_for, edited_by)
    VALUES (programme, rule, valid_from, valid_until, element, type, condition, formula, multiplier, rounding,
            cap_day, cap_month, cap_year, cap_number, cap_number_per, backdated_for, coalesce(editors, '{}'))
    RETURNING r.version INTO made;
    IF points_alone() THEN
        PERFORM approve_points_rule(made);
    END IF;
    RETURN made;
END
$$;
ALTER FUNCTION crm.define_points_rule(text, text, date, text, text, text, text, numeric, text, bigint, bigint, bigint, integer, text, date, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_rule(text, text, date, text, text, text, text, numeric, text, bigint, bigint, bigint, integer, text, date, text) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_rule(text, text, date, text, text, text, text, numeric, text, bigint, bigint, bigint, integer, text, date, text) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_rule(text, text, date, text, text, text, text, numeric, text, bigint, bigint, bigint, integer, text, date, text) IS
$$Draft a version of a rule, that is to hold from a day on until a later version or valid_until; gives its number (定义积分规则版本).
It holds once somebody else approves it: crm.approve_points_rule(); that of a superuser at once. crm.points_rule_dry_run() tries it. Drafted again for the same day it gets another number, and who had a hand in the one before is one of its editors. backdated_for: why it must hold for days that are over when it is approved.
What is earned from an element of the kind: formula times multiplier where the condition holds, rounded (floor, carry, half_up, ceil), within caps of points a day, month and year of the element and of a number of earnings per day, month or year; what was taken back by crm.points_reverse() counts no more. Facts: amount, category, what the element says itself, and of the customer tenure_months, level, kind, lifecycle_state. A version that nothing was earned by is replaced by another of the same day once that is approved; one that was used stays as it is.
Errors: 42601 for formula or condition, 55000 for the day of a version that was used, 23502, 23503, 23514.$$;

CREATE FUNCTION crm.approve_points_rule(version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r crm_data.points_rule;
BEGIN
    SELECT p.* INTO r FROM crm_data.points_rule p WHERE p.version = approve_points_rule.version FOR UPDATE;
    IF r.version IS NULL THEN
        PERFORM points_no_draft(version);
    ELSIF r.state <> 'draft' THEN
        PERFORM points_refuse_change('It is no draft any more.');
    END IF;
    -- It takes the place of one that nothing was earned by.
    DELETE FROM crm_data.points_rule p WHERE p.programme = r.programme AND p.rule = r.rule AND p.valid_from = r.valid_from AND p.state = 'approved';
    UPDATE crm_data.points_rule p SET state = 'approved' WHERE p.version = r.version;
END
$$;
ALTER FUNCTION crm.approve_points_rule(integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.approve_points_rule(integer) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.approve_points_rule(integer) TO crm_data_admin;
COMMENT ON FUNCTION crm.approve_points_rule(integer) IS
$$Approve a version of a point rule that others drafted; it holds from its first day on, and is never changed (批准积分规则版本).
Errors: KH004 when the caller had a hand in it, 55000 approved already, or its first day is over and it does not say why, or the version of that day was used, 42704.$$;

CREATE FUNCTION crm.discard_points_rule(version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    DELETE FROM crm_data.points_rule p WHERE p.version = discard_points_rule.version AND p.state = 'draft';
    IF NOT FOUND THEN
        PERFORM points_no_draft(version);
    END IF;
END
$$;
ALTER FUNCTION crm.discard_points_rule(integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.discard_points_rule(integer) FROM PUBLIC; -- writes rules
GRANT EXECUTE ON FUNCTION crm.discard_points_rule(integer) TO crm_data_admin;
COMMENT ON FUNCTION crm.discard_points_rule(integer) IS 'Give the draft of a point rule up; a version that was approved stays (删除积分规则草稿). Errors: 42704.';

CREATE FUNCTION crm.points_terms_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    -- What may change: of a draft that it is approved, of a version that holds that it was used.
    free CONSTANT text[] := CASE WHEN TG_OP = 'UPDATE' THEN CASE OLD.state WHEN 'draft' THEN '{state, approved_by, approved_at}'::text[] ELSE '{used_at}' END END;
    first_day CONSTANT date := CASE TG_OP WHEN 'UPDATE' THEN (to_jsonb(NEW) ->> 'valid_from')::date END;
BEGIN
    IF TG_OP = 'TRUNCATE' OR to_jsonb(OLD) ->> 'used_at' IS NOT NULL OR TG_OP = 'DELETE' AND TG_TABLE_NAME = 'points_draft' AND OLD.state = 'approved'
       OR TG_OP = 'UPDATE' AND to_jsonb(NEW) - free <> to_jsonb(OLD) - free THEN
        PERFORM points_refuse_change('It is approved as it was drafted, and stays as it was approved.');
    ELSIF TG_OP = 'DELETE' OR TG_OP = 'INSERT' AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
       OR TG_OP = 'UPDATE' AND (OLD.state = 'approved' OR NEW.state = 'draft') THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    -- Who did it is what the session says, whatever the statement says.
    IF TG_OP = 'INSERT' THEN
        NEW.state := 'draft';
        NEW.edited_by := ARRAY(SELECT DISTINCT e FROM unnest(NEW.edited_by || session_user) e);
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
        RETURN NEW;
    END IF;
    IF NOT points_alone() THEN
        PERFORM crm.score_require_other('terms of points', OLD.edited_by);
        IF first_day < crm.company_today() AND to_jsonb(NEW) ->> 'backdated_for' IS NULL THEN
            PERFORM points_refuse_past(first_day);
        END IF;
    END IF;
    NEW.approved_by := session_user;
    NEW.approved_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.points_terms_keep() IS
$$Trigger: rules and other terms of points are drafted, approved as they were drafted by somebody who had no hand in them, not for days that are over unless a version says why, and stay as they are; a superuser approves his own (积分条款双人复核). The owner is bound too. Errors: KH004, 55000.$$;
REVOKE EXECUTE ON FUNCTION crm.points_terms_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_terms_keep() TO crm_owner; -- who makes the triggers

-- A customer's request ids are of all programmes, names of rules of one.
CREATE FUNCTION crm.points_rule_name() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NEW.named IS NULL THEN
        NEW.named := coalesce((SELECT o.named FROM crm_data.points_rule o WHERE o.programme = NEW.programme AND o.rule = NEW.rule LIMIT 1),
                              (SELECT NEW.rule || '/' || NEW.version FROM crm_data.points_rule o WHERE o.rule = NEW.rule LIMIT 1), NEW.rule);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.points_rule_name() IS
$$Trigger: gives a rule the name by which requests call it, the same for all its versions: its own, or with a number where another programme had one of that name before (规则请求名).$$;
REVOKE EXECUTE ON FUNCTION crm.points_rule_name() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_rule_name() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.points_refuse_past(first_day date) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'point rules do not hold before they are approved' USING ERRCODE = 'object_not_in_prerequisite_state',
        DETAIL = format('It is to hold from %s on.', first_day), HINT = 'Draft it for a day to come; or say why it must be back-dated: crm.define_points_rule(backdated_for).';
END
$$;
COMMENT ON FUNCTION crm.points_refuse_past(date) IS 'Raise 55000: a version may not hold for days before its approval (拒绝追溯生效).';
REVOKE EXECUTE ON FUNCTION crm.points_refuse_past(date) FROM PUBLIC; -- a part of the trigger
GRANT EXECUTE ON FUNCTION crm.points_refuse_past(date) TO crm_owner;

-- -- elements -----------------------------------------------------------------------------

CREATE FUNCTION crm.record_points_element(customer crm.customer_code, kind text, source text, occurred_on date, amount numeric,
        category text DEFAULT 'general', facts jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    known crm_data.points_element;
BEGIN
    INSERT INTO crm_data.points_element (customer_code, kind, source, occurred_on, amount, category, facts)
    VALUES (customer, kind, source, occurred_on, amount, category, facts) ON CONFLICT ON CONSTRAINT points_element_pkey DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT * INTO known FROM crm_data.points_element e
     WHERE e.customer_code = customer AND e.kind = record_points_element.kind AND e.source = record_points_element.source;
    IF (known.occurred_on, known.amount, known.category, known.facts) IS DISTINCT FROM (occurred_on, amount, category, facts) THEN
        RAISE EXCEPTION 'this source was recorded with other facts' USING ERRCODE = 'KH014',
            DETAIL = format('%s %s.', kind, source), HINT = 'Take the points back with crm.points_reverse() and record the correction under a source of its own.';
    END IF;
    RETURN false;
END
$$;
ALTER FUNCTION crm.record_points_element(crm.customer_code, text, text, date, numeric, text, jsonb) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.record_points_element(crm.customer_code, text, text, date, numeric, text, jsonb) FROM PUBLIC; -- points come of it
GRANT EXECUTE ON FUNCTION crm.record_points_element(crm.customer_code, text, text, date, numeric, text, jsonb) TO crm_writer;
COMMENT ON FUNCTION crm.record_points_element(crm.customer_code, text, text, date, numeric, text, jsonb) IS
$$Record something that points are reckoned from, such as a bill that was paid or an event; false when it was recorded before (登记积分计算要素).
kind: what rules name; source: its id in the system that it comes from, once for each customer and kind; amount: for bills what was received, in yuan; facts: whatever else conditions ask for. Errors: KH014 when recorded with other facts, 23502, 23514.$$;

CREATE FUNCTION crm.points_collect_elements(programme text, period date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    first date := date_trunc('month', period::timestamp);
    last date := first + interval '1 month' - interval '1 day';
    kinds text[] := ARRAY(SELECT DISTINCT r.element FROM crm_data.points_rule r
                           WHERE r.programme = points_collect_elements.programme AND r.state = 'approved' AND r.valid_from <= last AND coalesce(r.valid_until, 'infinity') >= first);
    n bigint;
    made bigint := 0;
BEGIN
    IF 'purchase' = ANY (kinds) THEN
        INSERT INTO crm_data.points_element (customer_code, kind, source, occurred_on, amount, category, facts)
        SELECT p.customer_code, 'purchase', CASE WHEN octet_length(p.order_no) <= 100 THEN p.order_no ELSE md5(p.order_no) END, p.purchased_on, p.amount, 'general',
               jsonb_build_object('product', p.product, 'quantity', p.quantity, 'currency', p.currency, 'channel', p.channel)
          FROM crm_data.purchase p WHERE p.purchased_on BETWEEN first AND last AND p.amount > 0
            ON CONFLICT ON CONSTRAINT points_element_pkey DO NOTHING;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    IF 'tenure' = ANY (kinds) THEN
        -- One a month, for whoever is with us all month.
        INSERT INTO crm_data.points_element (customer_code, kind, source, occurred_on, amount, category, facts)
        SELECT c.customer_code, 'tenure', to_char(last, 'YYYY-MM'), last, 1, 'general', '{}'
          FROM crm_data.customer c WHERE c.lifecycle_state IN ('registered', 'active', 'dormant') AND c.registered_at < first
            ON CONFLICT ON CONSTRAINT points_element_pkey DO NOTHING;
        GET DIAGNOSTICS n = ROW_COUNT;
        made := made + n;
    END IF;
    RETURN made;
END
$$;
ALTER FUNCTION crm.points_collect_elements(text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_collect_elements(text, date) FROM PUBLIC; -- points come of it
GRANT EXECUTE ON FUNCTION crm.points_collect_elements(text, date) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_collect_elements(text, date) IS
$$Make the elements of a month from purchases and tenure, once each; gives how many are new (采集积分计算要素).
Only of kinds that a rule of the programme asks for. Bills and events are recorded by crm.record_points_element(). A part of crm.points_accrue().$$;

-- -- accrual ------------------------------------------------------------------------------

-- The earnings of some customers, reckoned all at once and posted by one call.
CREATE FUNCTION crm.points_accrue_customers(programme text, period date, customers crm.customer_code[], as_of date) RETURNS bigint
    -- A batch is a small part of every table, so each look-up goes by index, however small they are yet.
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_material = off
    AS $$
DECLARE
    ops crm.points_ruled_op[];
    made bigint;
BEGIN
    WITH due AS (
        SELECT e.customer_code, e.root, e.kind, e.source, e.occurred_on, r.version, r.rule, r.condition, r.formula, r.multiplier, r.rounding,
               r.cap_day, r.cap_month, r.cap_year, r.cap_number, r.cap_number_per, t.class,
               points_last_day(t.life, t.life_length, t.life_until, e.occurred_on) AS expires_on,
               format('accrual:%s:%s:%s', r.named, e.kind, e.source) AS request_id,
               e.facts
          FROM crm.points_element_facts e
          JOIN crm_data.points_rule r ON r.programme = points_accrue_customers.programme AND r.element = e.kind AND r.state = 'approved' AND r.valid_from <= e.occurred_on
           AND coalesce(r.valid_until, 'infinity') >= e.occurred_on
          JOIN crm_data.points_type t ON t.programme = r.programme AND t.type = r.type
         WHERE e.period = points_accrue_customers.period AND e.customer_code = ANY (customers)
           AND NOT EXISTS (SELECT FROM crm_data.points_rule n WHERE n.programme = r.programme AND n.rule = r.rule AND n.state = 'approved'
                              AND n.valid_from > r.valid_from AND n.valid_from <= e.occurred_on)
           AND NOT EXISTS (SELECT FROM crm_data.points_earning x
                            WHERE x.customer_code = e.customer_code AND x.programme = r.programme
                              AND x.request_id = format('accrual:%s:%s:%s', r.named, e.kind, e.source))),
    exact AS (
        SELECT d.*, trunc(points_formula(d.formula, d.facts) * d.multiplier, 10) AS exact
          FROM due d WHERE d.condition IS NULL OR points_condition(d.condition, d.facts)),
    carried AS (
        -- The first takes what all records of the customer had over, whole points of it too.
        SELECT x.*, CASE WHEN x.rounding = 'carry' THEN
                    CASE WHEN row_number() OVER w = 1 THEN coalesce(m.remainder, 0)
                         ELSE mod(coalesce(m.remainder, 0) + sum(greatest(x.exact, 0)) OVER w - greatest(x.exact, 0), 1) END END AS carry_in
          FROM exact x
         CROSS JOIN LATERAL (SELECT sum(p.remainder) AS remainder FROM crm_data.points_remainder p
                              WHERE x.rounding = 'carry' AND p.programme = points_accrue_customers.programme AND p.rule = x.rule
                                AND p.customer_code IN (SELECT o.customer_code FROM crm_data.customer o WHERE o.survivor_code = x.root UNION ALL SELECT x.root)) m
         WHERE x.exact IS NOT NULL
        WINDOW w AS (PARTITION BY x.root, x.rule ORDER BY x.occurred_on, x.kind, x.source, x.customer_code ROWS UNBOUNDED PRECEDING)),
    whole AS (
        SELECT c.*, points_award(c.rounding, greatest(c.exact, 0), c.carry_in)::bigint AS raw
          FROM carried c),
    -- What earlier earnings use of the caps: what was not taken back of them since. An
    -- earning keeps what it found here, so that it is reckoned anew as it was, whatever is taken back
    -- later. Those of this run are summed on top of it below.
    counted AS (
        SELECT w.*, coalesce(u.day, 0) AS used_day, coalesce(u.month, 0) AS used_month, coalesce(u.year, 0) AS used_year,
               coalesce(u.number, 0) + count(*) FILTER (WHERE w.raw > 0)
                   OVER (PARTITION BY w.root, w.rule, date_trunc(coalesce(w.cap_number_per, 'year'), w.occurred_on)
                         ORDER BY w.occurred_on, w.kind, w.source, w.customer_code ROWS UNBOUNDED PRECEDING) - (w.raw > 0)::int AS number_before
          FROM whole w
         CROSS JOIN LATERAL (
               SELECT sum(n.points) FILTER (WHERE p.occurred_on = w.occurred_on) AS day,
                      sum(n.points) FILTER (WHERE date_trunc('month', p.occurred_on) = date_trunc('month', w.occurred_on)) AS month,
                      sum(n.points) AS year,
                      count(*) FILTER (WHERE p.raw > 0 AND (n.points > 0 OR p.points = 0) AND date_trunc(coalesce(w.cap_number_per, 'year'), p.occurred_on)
                                                                                          = date_trunc(coalesce(w.cap_number_per, 'year'), w.occurred_on)) AS number
                 FROM crm_data.points_earning p
                 LEFT JOIN crm_data.points_reversal v ON v.customer_code = p.customer_code AND v.request_id = p.request_id
                CROSS JOIN LATERAL (SELECT p.points - coalesce(v.reversed, 0) AS points) n
                WHERE coalesce(w.cap_day, w.cap_month, w.cap_year, w.cap_number) IS NOT NULL
                  AND p.customer_code IN (SELECT o.customer_code FROM crm_data.customer o WHERE o.survivor_code = w.root UNION ALL SELECT w.root)
                  AND p.programme = points_accrue_customers.programme AND p.rule = w.rule
                  AND extract(year FROM p.occurred_on) = extract(year FROM w.occurred_on)) u),
    -- Room under each cap, null where there is none; least() passes over nulls.
    numbered AS (
        SELECT c.*, CASE WHEN c.number_before >= c.cap_number THEN 0 ELSE c.raw END AS g0,
               CASE WHEN c.cap_day IS NOT NULL THEN greatest(c.cap_day - c.used_day, 0) END AS day_room,
               CASE WHEN c.cap_month IS NOT NULL THEN greatest(c.cap_month - c.used_month, 0) END AS month_room,
               CASE WHEN c.cap_year IS NOT NULL THEN greatest(c.cap_year - c.used_year, 0) END AS year_room FROM counted c),
    by_day AS (
        SELECT n.*, least(n.day_room, sum(n.g0) OVER w) - least(n.day_room, sum(n.g0) OVER w - n.g0) AS g1
          FROM numbered n WINDOW w AS (PARTITION BY n.root, n.rule, n.occurred_on ORDER BY n.kind, n.source, n.customer_code ROWS UNBOUNDED PRECEDING)),
    by_month AS (
        SELECT n.*, least(n.month_room, sum(n.g1) OVER w) - least(n.month_room, sum(n.g1) OVER w - n.g1) AS g2
          FROM by_day n WINDOW w AS (PARTITION BY n.root, n.rule, date_trunc('month', n.occurred_on) ORDER BY n.occurred_on, n.kind, n.source, n.customer_code ROWS UNBOUNDED PRECEDING)),
    by_year AS (
        SELECT n.*, least(n.year_room, sum(n.g2) OVER w) - least(n.year_room, sum(n.g2) OVER w - n.g2) AS points
          FROM by_month n WINDOW w AS (PARTITION BY n.root, n.rule, date_trunc('year', n.occurred_on) ORDER BY n.occurred_on, n.kind, n.source, n.customer_code ROWS UNBOUNDED PRECEDING)),
    granted AS (
        SELECT g.*, g.used_day + sum(g.points) OVER (PARTITION BY g.root, g.rule, g.occurred_on ORDER BY g.kind, g.source, g.customer_code ROWS UNBOUNDED PRECEDING) - g.points AS day_before,
               g.used_month + sum(g.points) OVER (PARTITION BY g.root, g.rule, date_trunc('month', g.occurred_on) ORDER BY g.occurred_on, g.kind, g.source, g.customer_code ROWS UNBOUNDED PRECEDING) - g.points AS month_before,
               g.used_year + sum(g.points) OVER (PARTITION BY g.root, g.rule, date_trunc('year', g.occurred_on) ORDER BY g.occurred_on, g.kind, g.source, g.customer_code ROWS UNBOUNDED PRECEDING) - g.points AS year_before
          FROM by_year g),
    kept AS (
        INSERT INTO crm_data.points_earning AS k (customer_code, request_id, programme, rule, rule_version, kind, source, occurred_on, expires_on, class, facts, exact,
                                            carried_in, raw, day_before, month_before, year_before, number_before, points, business_date)
        SELECT g.customer_code, g.request_id, points_accrue_customers.programme, g.rule, g.version, g.kind, g.source, g.occurred_on, g.expires_on, g.class, g.facts, g.exact,
               g.carry_in, g.raw, g.day_before, g.month_before, g.year_before, g.number_before, g.points, as_of FROM granted g
        RETURNING k.*),
    -- What is over is the survivor's; what his other records had or lack of it is moved.
    gains AS (
        SELECT coalesce(c.survivor_code, k.customer_code) AS root, k.customer_code, k.rule, sum(greatest(k.exact, 0) - k.raw) AS gain
          FROM kept k LEFT JOIN crm_data.customer c ON c.customer_code = k.customer_code WHERE k.carried_in IS NOT NULL GROUP BY 1, 2, 3),
    over AS (
        SELECT x.root, x.rule, x.customer_code, coalesce(max(p.remainder), 0) + sum(x.gain) AS amount
          FROM (SELECT * FROM gains
                 UNION ALL SELECT root, root, rule, 0 FROM gains
                 UNION ALL SELECT r.root, o.customer_code, r.rule, 0 FROM (SELECT DISTINCT root, rule FROM gains) r
                             JOIN crm_data.customer o ON o.survivor_code = r.root
                             JOIN crm_data.points_remainder q ON q.customer_code = o.customer_code AND q.programme = points_accrue_customers.programme AND q.rule = r.rule) x
          LEFT JOIN crm_data.points_remainder p ON p.customer_code = x.customer_code AND p.programme = points_accrue_customers.programme AND p.rule = x.rule
         GROUP BY 1, 2, 3),
    remainders AS (
        INSERT INTO crm_data.points_remainder AS m (customer_code, programme, rule, remainder, moved)
        SELECT o.customer_code, points_accrue_customers.programme, o.rule, o.kept, o.amount - o.kept
          FROM (SELECT y.*, CASE WHEN y.customer_code = y.root THEN sum(y.amount) OVER (PARTITION BY y.root, y.rule) ELSE 0 END AS kept FROM over y) o
            ON CONFLICT ON CONSTRAINT points_remainder_pkey DO UPDATE SET remainder = excluded.remainder, moved = m.moved + excluded.moved),
    used_rules AS (
        UPDATE crm_data.points_rule r SET used_at = now() WHERE r.used_at IS NULL AND r.version IN (SELECT k.rule_version FROM kept k))
    SELECT array_agg(ROW(k.request_id, as_of, 'earn', k.customer_code, NULL, k.programme, k.points, k.expires_on, nullif(k.class, ''), NULL, k.rule_version)::crm.points_ruled_op
                     ORDER BY k.customer_code, k.occurred_on, k.request_id) FILTER (WHERE k.points > 0), count(*)
      INTO ops, made FROM kept k;
    IF ops IS NOT NULL THEN
        -- What was past its last day before it was posted is refused, and says so.
        UPDATE crm_data.points_earning k SET status = a.status
          FROM points_post_ruled(ops) WITH ORDINALITY a (request_id, status, available, held, debt, breakdown, n)
         WHERE a.status NOT IN ('ok', 'replay') AND k.customer_code = (ops[a.n]).customer AND k.programme = points_accrue_customers.programme AND k.request_id = a.request_id;
    END IF;
    RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION crm.points_accrue_customers(text, date, crm.customer_code[], date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_accrue_customers(text, date, crm.customer_code[], date) TO crm_owner;
COMMENT ON FUNCTION crm.points_accrue_customers(text, date, crm.customer_code[], date) IS
'Reckon and post what some customers earned in a month and were not given yet; gives the number of earnings (积分批量累积). A part of crm.points_accrue().';

CREATE FUNCTION crm.points_accrue_begin(programme text, period date, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    job bigint;
BEGIN
    IF period <> date_trunc('month', period::timestamp)::date OR period > as_of THEN
        RAISE EXCEPTION 'the period of an accrual is a month that has begun' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('Given: %s.', period), HINT = 'Give its first day.';
    END IF;
    IF NOT EXISTS (SELECT FROM crm_data.points_rule r WHERE r.programme = points_accrue_begin.programme AND r.state = 'approved') THEN
        RAISE EXCEPTION 'this points programme has no rules' USING ERRCODE = 'no_data_found', HINT = 'crm.define_points_rule() makes one.';
    END IF;
    PERFORM points_collect_elements(programme, period);
    INSERT INTO crm_data.job AS j (kind, subject, total)
    VALUES ('points accrual', format('%s %s', programme, to_char(period, 'YYYY-MM')),
            (SELECT count(DISTINCT e.customer_code::text) FROM crm_data.points_element e WHERE e.period = points_accrue_begin.period))
    RETURNING j.job_id INTO job;
    RETURN job;
END
$$;
ALTER FUNCTION crm.points_accrue_begin(text, date, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_accrue_begin(text, date, date) FROM PUBLIC; -- points come of it
GRANT EXECUTE ON FUNCTION crm.points_accrue_begin(text, date, date) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_accrue_begin(text, date, date) IS 'Collect the elements of a month and open a job; gives its number (开始积分累积). A part of crm.points_accrue(). Errors: 22023, P0002.';

CREATE FUNCTION crm.points_accrue_batch(programme text, period date, as_of date, after crm.customer_code, size integer, job bigint) RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    customers crm.customer_code[];
    earning crm.customer_code[];
BEGIN
    -- Caps and remainders of a customer are reckoned by one run at a time.
    PERFORM pg_advisory_xact_lock(hashtextextended('crm.points_accrue ' || programme, 0));
    customers := ARRAY(SELECT DISTINCT e.customer_code FROM crm_data.points_element e
                        WHERE e.period = points_accrue_batch.period AND (after IS NULL OR e.customer_code > after)
                        ORDER BY e.customer_code LIMIT size);
    -- All records of a customer at once, for caps and remainders are his. Arrears stop the accrual;
    -- it is made up by the next run after they are paid.
    WITH record AS (
        SELECT DISTINCT coalesce(m.customer_code, c.code) AS code, coalesce(m.survivor_code, c.code) AS root
          FROM unnest(customers) c (code) LEFT JOIN crm_data.customer k ON k.customer_code = c.code LEFT JOIN crm_data.customer m ON m.survivor_code = k.survivor_code)
    SELECT array_agg(r.code) INTO earning FROM record r
     WHERE r.root NOT IN (SELECT o.root FROM record o JOIN crm_data.points_standing s ON s.customer_code = o.code WHERE s.arrears)
       AND NOT EXISTS (SELECT FROM crm_data.points_standing s WHERE s.customer_code IN (r.code, r.root) AND s.left_on IS NOT NULL);
    PERFORM points_accrue_customers(programme, period, earning, as_of);
    UPDATE crm_data.job j SET done = j.done + cardinality(customers), updated_at = clock_timestamp(), pid = pg_backend_pid(),
           state = CASE WHEN cardinality(customers) < size THEN 'done' ELSE 'running' END WHERE j.job_id = job;
    RETURN CASE WHEN cardinality(customers) = size THEN customers[size] END;
END
$$;
ALTER FUNCTION crm.points_accrue_batch(text, date, date, crm.customer_code, integer, bigint) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_accrue_batch(text, date, date, crm.customer_code, integer, bigint) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_accrue_batch(text, date, date, crm.customer_code, integer, bigint) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_accrue_batch(text, date, date, crm.customer_code, integer, bigint) IS
'Accrue for so many customers after the given one; gives the last of them, null at the end (积分累积一批). A part of crm.points_accrue().';

CREATE PROCEDURE crm.points_accrue(programme text, period date, as_of date DEFAULT crm.company_today(), size integer DEFAULT 2000)
    LANGUAGE plpgsql AS $$
DECLARE
    job bigint;
    reached crm.customer_code;
BEGIN
    PERFORM crm.require_batch_size(size);
    job := crm.points_accrue_begin(programme, period, as_of);
    COMMIT;
    LOOP
        reached := crm.points_accrue_batch(programme, period, as_of, reached, size, job);
        COMMIT;
        EXIT WHEN reached IS NULL;
    END LOOP;
    -- What merged records had earned is their survivors'.
    CALL crm.points_merge_follow(as_of);
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.points_accrue(text, date, date, integer) FROM PUBLIC; -- moves points
GRANT EXECUTE ON PROCEDURE crm.points_accrue(text, date, date, integer) TO crm_data_admin, crm_admin;
COMMENT ON PROCEDURE crm.points_accrue(text, date, date, integer) IS
$$Give the points of a month: elements from purchases and tenure, rules by the day of each element, one posting each (积分按月累积).
period is the first day of the month, as_of the business date. Commits per batch of customers; killed, or called again for elements that came late, it gives what was not given yet and nothing twice: a posting's request id is made of its source. Customers in arrears are passed over until they have paid. Progress: crm.job_progress. Errors: 22023, P0002, 2D000 inside a transaction block.$$;

-- -- a version before it holds ---------------------------------------------------------------

-- One step of a customer and rule: what an exact amount gives, after what was given before. Null is where nothing is reckoned.
CREATE FUNCTION crm.points_rule_step(version jsonb, occurred_on date, facts jsonb, before jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    rule CONSTANT crm_data.points_rule := jsonb_populate_record(NULL::crm_data.points_rule, version);
    exact CONSTANT numeric := CASE WHEN rule.condition IS NULL OR points_condition(rule.condition, facts) THEN trunc(points_formula(rule.formula, facts) * rule.multiplier, 10) END;
    -- What is known of the day, month and year of the step before holds in the same ones only.
    last_day CONSTANT date := (before ->> 'day')::date;
    in_day CONSTANT bigint := CASE WHEN last_day = occurred_on THEN (before ->> 'in_day')::bigint ELSE 0 END;
    in_month CONSTANT bigint := CASE WHEN date_trunc('month', last_day::timestamp) = date_trunc('month', occurred_on::timestamp) THEN (before ->> 'in_month')::bigint ELSE 0 END;
    in_year CONSTANT bigint := CASE WHEN date_trunc('year', last_day::timestamp) = date_trunc('year', occurred_on::timestamp) THEN (before ->> 'in_year')::bigint ELSE 0 END;
    number CONSTANT bigint := CASE WHEN date_trunc(coalesce(rule.cap_number_per, 'year'), last_day::timestamp) = date_trunc(coalesce(rule.cap_number_per, 'year'), occurred_on::timestamp)
                                   THEN (before ->> 'number')::bigint ELSE 0 END;
    carried CONSTANT numeric := CASE rule.rounding WHEN 'carry' THEN coalesce((before ->> 'carried')::numeric, 0) END;
    raw bigint;
    points bigint;
BEGIN
    IF exact IS NULL THEN
        RETURN before - 'points';
    END IF;
    raw := points_award(rule.rounding, greatest(exact, 0), carried);
    points := CASE WHEN number >= rule.cap_number THEN 0 ELSE greatest(least(raw, rule.cap_day - in_day, rule.cap_month - in_month, rule.cap_year - in_year), 0) END;
    RETURN jsonb_build_object('points', points, 'day', occurred_on, 'in_day', in_day + points, 'in_month', in_month + points, 'in_year', in_year + points,
                              'number', number + (raw > 0)::int, 'carried', greatest(exact, 0) + coalesce(carried, 0) - raw);
END
$$;
COMMENT ON FUNCTION crm.points_rule_step(jsonb, date, jsonb, jsonb) IS
$$What a version of a rule gives for an element after those before it: an object with points, and what rounding and caps must know for the next; without points where it gives nothing (规则逐笔试算). A part of crm.points_rule_dry_run().$$;
REVOKE EXECUTE ON FUNCTION crm.points_rule_step(jsonb, date, jsonb, jsonb) FROM PUBLIC; -- a part of the dry run
GRANT EXECUTE ON FUNCTION crm.points_rule_step(jsonb, date, jsonb, jsonb) TO crm_owner;

CREATE FUNCTION crm.points_rule_dry_run_elements(version integer, from_on date, until_on date, sample integer DEFAULT 10000)
    RETURNS TABLE (customer_code crm.customer_code, source text, occurred_on date, in_force_version integer, recorded bigint, in_force bigint, proposed bigint)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
DECLARE
    tried crm_data.points_rule;
    others crm_data.points_rule[];
    held crm_data.points_rule;
    element record;
    root crm.customer_code;
    held_state jsonb;
    tried_state jsonb;
BEGIN
    SELECT r.* INTO tried FROM crm_data.points_rule r WHERE r.version = points_rule_dry_run_elements.version;
    IF tried.version IS NULL THEN
        PERFORM points_no_draft(version);
    END IF;
    SELECT array_agg(r ORDER BY r.valid_from DESC) INTO others FROM crm_data.points_rule r
     WHERE r.programme = tried.programme AND r.rule = tried.rule AND r.version <> tried.version AND r.state = 'approved' AND r.valid_from <= until_on;
    FOR element IN
        WITH chosen AS (
            -- The same sample each time, spread over all customers.
            SELECT x.root FROM (SELECT DISTINCT coalesce(c.survivor_code, e.customer_code) AS root FROM crm_data.points_element e LEFT JOIN crm_data.customer c ON c.customer_code = e.customer_code
                                 WHERE e.period BETWEEN date_trunc('month', from_on::timestamp)::date AND until_on AND e.occurred_on BETWEEN from_on AND until_on
                                   AND (e.kind = tried.element OR e.kind IN (SELECT o.element FROM unnest(others) o))) x
             ORDER BY hashtext(x.root::text), x.root LIMIT sample),
        record AS MATERIALIZED (SELECT s.root AS code FROM chosen s UNION SELECT m.customer_code FROM chosen s JOIN crm_data.customer m ON m.survivor_code = s.root)
        SELECT f.*, k.points FROM record s
          JOIN crm.points_element_facts f ON f.customer_code = s.code AND f.occurred_on BETWEEN from_on AND until_on AND f.period BETWEEN date_trunc('month', from_on::timestamp)::date AND until_on
           AND (f.kind = tried.element OR f.kind IN (SELECT o.element FROM unnest(others) o))
          LEFT JOIN crm_data.points_earning k ON k.customer_code = f.customer_code AND k.programme = tried.programme AND k.request_id = format('accrual:%s:%s:%s', tried.named, f.kind, f.source)
         ORDER BY f.root, f.occurred_on, f.kind, f.source, f.customer_code
    LOOP
        IF element.root IS DISTINCT FROM root THEN
            root := element.root;
            held_state := '{}';
            tried_state := '{}';
        END IF;
        -- The latest that had begun says it, unless it has ended.
        SELECT o.* INTO held FROM unnest(others) o WHERE o.valid_from <= element.occurred_on ORDER BY o.valid_from DESC LIMIT 1;
        IF held.valid_until < element.occurred_on OR held.element <> element.kind THEN
            held := NULL;
        END IF;
        held_state := CASE WHEN held.version IS NULL THEN held_state - 'points' ELSE crm.points_rule_step(to_jsonb(held), element.occurred_on, element.facts, held_state) END;
        tried_state := CASE WHEN tried.element <> element.kind THEN tried_state - 'points' ELSE crm.points_rule_step(to_jsonb(tried), element.occurred_on, element.facts, tried_state) END;
        customer_code := element.customer_code;
        source := element.source;
        occurred_on := element.occurred_on;
        in_force_version := held.version;
        recorded := element.points;
        in_force := (held_state ->> 'points')::bigint;
        proposed := (tried_state ->> 'points')::bigint;
        RETURN NEXT;
    END LOOP;
END
$$;
ALTER FUNCTION crm.points_rule_dry_run_elements(integer, date, date, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.points_rule_dry_run_elements(integer, date, date, integer) IS
$$Try a version of a point rule on the elements that a sample of customers recorded in a period, as if it had held: of each what was given, what the version in force that day gives, and what this one would give; nothing is posted (积分规则试运行明细).
version: as crm.define_points_rule() gave it, best with a first day to come; sample: how many customers, the same each time, null for all. Null: nothing by this rule. in_force and proposed are reckoned alike, caps and remainders from the first day of the period, arrears and what was taken back not asked for; elements are those that were collected or recorded already. Errors: 42704 no such version.$$;
REVOKE EXECUTE ON FUNCTION crm.points_rule_dry_run_elements(integer, date, date, integer) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.points_rule_dry_run_elements(integer, date, date, integer) TO crm_data_admin;

CREATE FUNCTION crm.points_rule_dry_run(version integer, from_on date, until_on date, sample integer DEFAULT 10000)
    RETURNS TABLE (rule text, in_force_version integer, elements bigint, customers bigint, recorded_earnings bigint, recorded numeric,
                   in_force_earnings bigint, in_force numeric, proposed_earnings bigint, proposed numeric, difference numeric, more bigint, less bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT (SELECT r.rule FROM crm_data.points_rule r WHERE r.version = $1), d.in_force_version, count(*), count(DISTINCT d.customer_code::text), count(d.recorded), coalesce(sum(d.recorded), 0),
           count(d.in_force), coalesce(sum(d.in_force), 0), count(d.proposed), coalesce(sum(d.proposed), 0), coalesce(sum(d.proposed), 0) - coalesce(sum(d.in_force), 0),
           count(*) FILTER (WHERE coalesce(d.proposed, 0) > coalesce(d.in_force, 0)), count(*) FILTER (WHERE coalesce(d.proposed, 0) < coalesce(d.in_force, 0))
      FROM crm.points_rule_dry_run_elements($1, $2, $3, $4) d GROUP BY d.in_force_version ORDER BY d.in_force_version $$;
COMMENT ON FUNCTION crm.points_rule_dry_run(integer, date, date, integer) IS
$$Try a version of a point rule on recorded elements, summed by the version in force: how many elements and customers, earnings and points that were recorded, that the version in force gives, that this one would give, the difference, and how many elements would earn more or less; nothing is posted (积分规则试运行).
As crm.points_rule_dry_run_elements(). Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.points_rule_dry_run(integer, date, date, integer) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.points_rule_dry_run(integer, date, date, integer) TO crm_data_admin;

-- -- the proof: what was given, reckoned anew ------------------------------------------------

CREATE FUNCTION crm.points_recompute(customer crm.customer_code DEFAULT NULL, request_id text DEFAULT NULL)
    RETURNS TABLE (customer_code crm.customer_code, request_id text, rule_version integer, recorded bigint, recomputed bigint, journalled bigint, posted_version integer)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT k.customer_code, k.request_id, k.rule_version, k.points,
           CASE WHEN r.condition IS NOT NULL AND NOT points_condition(r.condition, k.facts) THEN NULL
                WHEN k.number_before >= r.cap_number THEN 0
                ELSE greatest(least(points_award(r.rounding, greatest(trunc(points_formula(r.formula, k.facts) * r.multiplier, 10), 0), k.carried_in)::bigint,
                                    r.cap_day - k.day_before, r.cap_month - k.month_before, r.cap_year - k.year_before), 0) END,
           j.amount, j.rule_version
      FROM crm_data.points_earning k
      LEFT JOIN crm_data.points_rule r ON r.version = k.rule_version
      LEFT JOIN crm_data.points_journal j ON j.customer_code = k.customer_code AND j.request_id = k.request_id
     WHERE ($1 IS NULL OR k.customer_code = $1) AND ($2 IS NULL OR k.request_id = $2) $$;
ALTER FUNCTION crm.points_recompute(crm.customer_code, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_recompute(crm.customer_code, text) FROM PUBLIC; -- reads every account
GRANT EXECUTE ON FUNCTION crm.points_recompute(crm.customer_code, text) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_recompute(crm.customer_code, text) IS
$$Each earning by a rule as it was recorded, as its input and rule version give it now, and as it stands in the journal (积分重算).
They are the same, but that an earning of no points has no entry. Of one customer and request, or of all.$$;

CREATE FUNCTION crm.points_rule_audit(customer crm.customer_code DEFAULT NULL)
    RETURNS TABLE (invariant text, customer_code crm.customer_code, programme text, detail text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT 'rule_replay'::text, c.customer_code, k.programme,
           format('request %s by version %s: recorded %s, recomputed %s, journalled %s by version %s', c.request_id, c.rule_version, c.recorded, c.recomputed, c.journalled, c.posted_version)
      FROM points_recompute(customer) c JOIN crm_data.points_earning k ON k.customer_code = c.customer_code AND k.request_id = c.request_id
     WHERE c.recorded IS DISTINCT FROM c.recomputed
        OR (coalesce(c.journalled, 0), coalesce(c.posted_version, 0)) IS DISTINCT FROM (CASE WHEN k.status = 'ok' THEN c.recorded ELSE 0 END, CASE WHEN k.status = 'ok' AND c.recorded > 0 THEN c.rule_version ELSE 0 END);
    RETURN QUERY
    SELECT 'rule_replay'::text, j.customer_code, j.programme, format('request %s names version %s, but no earning is recorded', j.request_id, j.rule_version)
      FROM crm_data.points_journal j
     WHERE j.rule_version IS NOT NULL AND (customer IS NULL OR j.customer_code = customer)
       AND NOT EXISTS (SELECT FROM crm_data.points_earning k WHERE k.customer_code = j.customer_code AND k.request_id = j.request_id);
    -- All that was reckoned exactly is given or still carried.
    RETURN QUERY
    SELECT 'remainder'::text, m.customer_code, m.programme, format('rule %s: reckoned %s, given before caps %s, carried %s, moved %s', m.rule, k.exact, k.raw, m.remainder, m.moved)
      FROM crm_data.points_remainder m,
           LATERAL (SELECT coalesce(sum(greatest(p.exact, 0)), 0) AS exact, coalesce(sum(p.raw), 0) AS raw FROM crm_data.points_earning p
                     WHERE p.customer_code = m.customer_code AND p.programme = m.programme AND p.rule = m.rule AND p.carried_in IS NOT NULL) k
     WHERE (customer IS NULL OR m.customer_code = customer) AND k.exact IS DISTINCT FROM k.raw + m.remainder + m.moved;
    RETURN QUERY
    SELECT 'remainder'::text, NULL::crm.customer_code, m.programme, format('rule %s: %s was moved from or to nobody', m.rule, sum(m.moved))
      FROM crm_data.points_remainder m WHERE customer IS NULL GROUP BY m.programme, m.rule HAVING sum(m.moved) <> 0;
END
$$;
ALTER FUNCTION crm.points_rule_audit(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_rule_audit(crm.customer_code) FROM PUBLIC; -- reads every account
GRANT EXECUTE ON FUNCTION crm.points_rule_audit(crm.customer_code) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_rule_audit(crm.customer_code) IS
'What does not agree between rules, recorded earnings and the journal: rule_replay, remainder (积分规则核对). A part of crm.points_audit().';
