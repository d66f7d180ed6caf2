-- score: models that are applied, and how a version becomes one.

-- -- applying a model --------------------------------------------------------------

CREATE TYPE crm.scored AS (total integer, points integer[], reasons text[]);
COMMENT ON TYPE crm.scored IS 'What a score model says of one customer (评分结果).';
COMMENT ON COLUMN crm.scored.total IS 'Base points and points of all characteristics together (总分).';
COMMENT ON COLUMN crm.scored.points IS 'Points of each characteristic, in the order of their positions (各项得分).';
COMMENT ON COLUMN crm.scored.reasons IS 'Codes of up to four characteristics that lost most points, the greatest loss first (扣分原因代码).';

CREATE FUNCTION crm.score_columns(model text, VARIADIC "any") RETURNS crm.scored
    AS 'MODULE_PATHNAME', 'crm_score_columns' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION crm.score_columns(text, "any") IS
$$Score one row: a value for each characteristic, in the order of their positions (按列评分).
model: a name, which means its active version, else the latest that is not retired; or name@version. Numbers of any type, booleans, or text; text of a numeric characteristic is read as a number. Null and NaN are missing: the bin of what is missing, or the fewest points of the characteristic; a value in no list has the bin of others, or that of what is missing. An array of all values: VARIADIC array.
Reasons: points lost against the characteristic's reference points, which are the most that it can give unless set; equal losses in order of position. Nothing is recorded.
Errors: 42704 no such model, 22023 another number of values or a model with gaps, 42804 a type that is no number, 22P02, 22004.$$;
REVOKE EXECUTE ON FUNCTION crm.score_columns(text, "any") FROM PUBLIC; -- who can try values learns the model
CREATE FUNCTION crm.score_total(model text, VARIADIC "any") RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_score_total' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION crm.score_total(text, "any") IS 'The total of crm.score_columns() alone (总分). Errors: as there.';
REVOKE EXECUTE ON FUNCTION crm.score_total(text, "any") FROM PUBLIC; -- who can try values learns the model
CREATE FUNCTION crm.score_row(model text, "row" record) RETURNS crm.scored
    AS 'MODULE_PATHNAME', 'crm_score_row' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION crm.score_row(text, record) IS
$$Score one row whose columns bear the names of the model's inputs (按行评分).
SELECT id, crm.score_row('model', t) FROM t. Other columns are passed over; a null row gives null. All else as crm.score_columns(), which is faster. Errors: as there, and 42703 when a column is missing.$$;
REVOKE EXECUTE ON FUNCTION crm.score_row(text, record) FROM PUBLIC; -- who can try values learns the model
CREATE FUNCTION crm.score_inputs(model text, inputs jsonb) RETURNS crm.scored
    AS 'MODULE_PATHNAME', 'crm_score_inputs' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION crm.score_inputs(text, jsonb) IS
$$Score an object of values by the names of the model's inputs, as results keep them (按输入评分).
What is not in the object is missing; other members are passed over. All else as crm.score_columns(). Errors: as there, and 22023 for what is no single value.$$;
REVOKE EXECUTE ON FUNCTION crm.score_inputs(text, jsonb) FROM PUBLIC; -- who can try values learns the model
CREATE FUNCTION crm.score_span(model text, OUT version integer, OUT lowest integer, OUT highest integer)
    AS 'MODULE_PATHNAME', 'crm_score_span' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.score_span(text) IS
$$Version that a model's name stands for, its least and its greatest total (分值范围).
Errors: 42704 no such model; 22023 when it cannot be applied, with the reason.$$;
REVOKE EXECUTE ON FUNCTION crm.score_span(text) FROM PUBLIC; -- tells of the model
DO $grants$
BEGIN
    GRANT EXECUTE ON FUNCTION crm.score_columns(text, "any"), crm.score_total(text, "any"), crm.score_row(text, record),
        crm.score_inputs(text, jsonb), crm.score_span(text) TO crm_owner, crm_data_admin, crm_credit;
END
$grants$;

CREATE FUNCTION crm.score_changed() RETURNS trigger AS 'MODULE_PATHNAME', 'crm_score_changed' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.score_changed() IS 'Trigger: all sessions compile score models anew (评分模型变更).';
REVOKE EXECUTE ON FUNCTION crm.score_changed() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_changed() TO crm_owner; -- who makes the triggers

-- -- a version is changed while it is a draft, and never again -----------------------

CREATE FUNCTION crm.score_model_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    life CONSTANT text[] := ARRAY['state', 'approved_by', 'approved_at', 'activated_by', 'activated_at', 'retired_by', 'retired_at', 'edited_by'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR num_nonnulls(NEW.approved_by, NEW.approved_at, NEW.activated_by, NEW.retired_by) > 0 THEN
            PERFORM crm.score_refuse_change(NEW.model, NEW.version, 'A version begins as a draft.');
        END IF;
        NEW.edited_by := ARRAY[session_user]::name[];
        NEW.created_at := now();
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            PERFORM crm.score_refuse_change(OLD.model, OLD.version, 'Only a draft can be discarded.');
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.model <> OLD.model OR NEW.version <> OLD.version THEN
        PERFORM crm.score_refuse_change(OLD.model, OLD.version, 'Its name and number stay.');
    END IF;
    IF NEW.state = OLD.state AND OLD.state = 'draft' THEN
        NEW.edited_by := CASE WHEN session_user = ANY (OLD.edited_by) THEN OLD.edited_by ELSE OLD.edited_by || session_user END;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - life <> to_jsonb(OLD) - life OR NEW.state = OLD.state THEN
        PERFORM crm.score_refuse_change(OLD.model, OLD.version, 'It is no draft any more.');
    END IF;
    IF (OLD.state, NEW.state) NOT IN (('draft', 'approved'), ('approved', 'active'), ('active', 'retired'), ('approved', 'retired')) THEN
        RAISE EXCEPTION 'score model "%" version % cannot go from % to %', OLD.model, OLD.version, OLD.state, NEW.state
            USING ERRCODE = 'KH006', HINT = 'draft, approved, active, retired: in this order; crm.copy_score_model() begins a new version.';
    END IF;
    -- Who did it is what the session says, whatever the statement says.
    NEW.edited_by := OLD.edited_by;
    NEW.approved_by := OLD.approved_by; NEW.approved_at := OLD.approved_at;
    NEW.activated_by := OLD.activated_by; NEW.activated_at := OLD.activated_at;
    NEW.retired_by := NULL; NEW.retired_at := NULL;
    IF NEW.state = 'approved' THEN
        IF session_user = ANY (OLD.edited_by) THEN
            PERFORM crm.score_require_other('a score model', OLD.edited_by);
        END IF;
        PERFORM crm.score_span(OLD.model || '@' || OLD.version); -- that it can be applied
        NEW.approved_by := session_user; NEW.approved_at := now();
    ELSIF NEW.state = 'active' THEN
        NEW.activated_by := session_user; NEW.activated_at := now();
    ELSE
        NEW.retired_by := session_user; NEW.retired_at := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.score_model_keep() IS
$$Trigger: a version is edited only as a draft, approved only by somebody who did not edit it, and goes only forward (模型版本保护).
The owner is bound too. Errors: 55000, KH004, KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.score_model_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_model_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.score_refuse_change(model text, version integer, why text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'score model "%" version % must not be changed', model, version
        USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = why,
              HINT = 'crm.copy_score_model() begins a new version.';
END
$$;
COMMENT ON FUNCTION crm.score_refuse_change(text, integer, text) IS 'Raise 55000: the version of a model is fixed (拒绝修改模型).';

CREATE FUNCTION crm.score_require_other(what text, those name[]) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF session_user = ANY (those) THEN
        RAISE EXCEPTION 'a second person must approve %', what USING ERRCODE = 'KH004',
            DETAIL = format('%s took part in it.', session_user), HINT = 'Ask somebody who did not edit or request it.';
    END IF;
END
$$;
COMMENT ON FUNCTION crm.score_require_other(text, name[]) IS 'Raise KH004 when the session''s user is one of those who must not decide (四眼原则).';

CREATE FUNCTION crm.score_part_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    part record;
    held record;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.model, NEW.version) IS DISTINCT FROM (OLD.model, OLD.version) THEN
        PERFORM crm.score_refuse_change(OLD.model, OLD.version, 'Its parts stay with it.');
    END IF;
    part := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    -- Held until the end: an approval waits for who is still editing, and the other way round.
    SELECT m.state, m.edited_by INTO held FROM crm_data.score_model m
     WHERE m.model = part.model AND m.version = part.version FOR NO KEY UPDATE;
    IF held.state <> 'draft' THEN
        PERFORM crm.score_refuse_change(part.model, part.version, 'It is no draft any more.');
    END IF;
    IF session_user <> ALL (held.edited_by) THEN
        UPDATE crm_data.score_model m SET note = m.note WHERE m.model = part.model AND m.version = part.version;
    END IF;
    RETURN part;
END
$$;
COMMENT ON FUNCTION crm.score_part_keep() IS
$$Trigger: characteristics, bins and grades are edited only in a draft; who does so is one of its editors (模型明细保护). Errors: 55000.$$;
REVOKE EXECUTE ON FUNCTION crm.score_part_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_part_keep() TO crm_owner; -- who makes the triggers

CREATE FUNCTION crm.score_row_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege',
        HINT = 'What was found out stays; a newer row says what holds now.';
END
$$;
COMMENT ON FUNCTION crm.score_row_keep() IS 'Trigger: refuses UPDATE, DELETE or TRUNCATE (只增不改). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.score_row_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_row_keep() TO crm_owner; -- who makes the triggers
