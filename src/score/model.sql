-- model: a score model from its definition to its retirement.

-- -- who may ------------------------------------------------------------------------

CREATE FUNCTION crm.score_require(domain text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    wanted CONSTANT name := CASE domain WHEN 'credit' THEN 'crm_credit' ELSE 'crm_data_admin' END;
    -- Inside a function of the owner's the setting still says as whom the session acts.
    caller CONSTANT name := CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END;
BEGIN
    IF NOT pg_has_role(caller, wanted, 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for scores of domain "%"', domain USING ERRCODE = 'insufficient_privilege',
            HINT = format('This is for members of %s.', wanted);
    END IF;
END
$$;
COMMENT ON FUNCTION crm.score_require(text) IS
$$Raise 42501 unless the caller works with scores of this domain: crm_credit for credit, crm_data_admin for the others (评分权限检查).$$;

-- -- drafts -------------------------------------------------------------------------

CREATE FUNCTION crm.draft_score_model(definition jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    name text := definition ->> 'model';
    fresh integer;
BEGIN
    PERFORM crm.score_require(coalesce(definition ->> 'domain', 'general'));
    -- Two drafts at once get two numbers.
    PERFORM pg_advisory_xact_lock(hashtext('crm.score_model'), hashtext(name));
    SELECT coalesce(max(m.version), 0) + 1 INTO fresh FROM crm_data.score_model m WHERE m.model = name;
    INSERT INTO crm_data.score_model (model, version, purpose, domain, framework, label_zh, label_en, base_points, scale_low, scale_high,
                                      valid_months, applies_to, method, target, base_score, base_odds, pdo, band_edges, band_shares, copied_from, note)
    SELECT name, fresh, coalesce(d.purpose, name), coalesce(d.domain, 'general'), d.framework, coalesce(d.label_zh, name), coalesce(d.label_en, name),
           coalesce(d.base_points, 0), coalesce(d.scale_low, 0), coalesce(d.scale_high, 100), coalesce(d.valid_months, 12), d.applies_to, d.method,
           d.target, d.base_score, d.base_odds, d.pdo, d.band_edges, d.band_shares, d.copied_from, d.note
      FROM jsonb_to_record(definition) d (purpose text, domain text, framework text, label_zh text, label_en text, base_points integer,
           scale_low integer, scale_high integer, valid_months smallint, applies_to text[], method text, target text, base_score float8,
           base_odds float8, pdo float8, band_edges float8[], band_shares float8[], copied_from integer, note text);
    INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, factor, is_manual, weight, reference_points,
                                               reason_code, label_zh, label_en, guidance_zh, guidance_en, coefficient, information_value)
    SELECT name, fresh, c.characteristic, e.n, coalesce(c.input, c.characteristic), coalesce(c.kind, 'numeric'), c.factor, coalesce(c.is_manual, false),
           coalesce(c.weight, 1), c.reference_points, c.reason_code, coalesce(c.label_zh, c.characteristic), coalesce(c.label_en, c.characteristic),
           c.guidance_zh, c.guidance_en, c.coefficient, c.information_value
      FROM jsonb_array_elements(definition -> 'characteristics') WITH ORDINALITY e (item, n),
           jsonb_to_record(e.item) c (characteristic text, input text, kind text, factor text, is_manual boolean, weight smallint, reference_points integer,
               reason_code text, label_zh text, label_en text, guidance_zh text, guidance_en text, coefficient float8, information_value float8);
    INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, lower, upper, members, points, woe, goods, bads, reason_code, reason_zh, reason_en)
    SELECT name, fresh, e.item ->> 'characteristic', x.n, coalesce(b.kind, CASE WHEN b.members IS NULL THEN 'range' ELSE 'values' END),
           b.lower, b.upper, b.members, b.points, b.woe, b.goods, b.bads, b.reason_code, b.reason_zh, b.reason_en
      FROM jsonb_array_elements(definition -> 'characteristics') e (item),
           jsonb_array_elements(e.item -> 'bins') WITH ORDINALITY x (item, n),
           jsonb_to_record(x.item) b (kind text, lower float8, upper float8, members text[], points integer, woe float8, goods float8, bads float8,
               reason_code text, reason_zh text, reason_en text);
    INSERT INTO crm_data.score_grade (model, version, grade, lower, label_zh, label_en)
    SELECT name, fresh, g.grade, g.lower, coalesce(g.label_zh, g.grade), coalesce(g.label_en, g.grade)
      FROM jsonb_to_recordset(definition -> 'grades') g (grade text, lower float8, label_zh text, label_en text);
    RETURN fresh;
END
$$;
ALTER FUNCTION crm.draft_score_model(jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.draft_score_model(jsonb) IS
$$Begin a new version of a score model from its definition; returns its number (起草评分模型).
An object: model, purpose (default the model's name), domain (credit, churn, loyalty, value, partner, general), framework (5C, 5P, 6A), label_zh, label_en, base_points, scale_low and scale_high (totals that are 0 and 100), valid_months, applies_to; characteristics: a list of characteristic, input, kind (numeric, category), factor, is_manual, weight, reason_code, labels, guidance and bins: lower up to but without upper, or members, or kind missing or other, with points and reason texts; grades: grade and lower, on 0 to 100. crm.score_model_definition() gives the same form.
Errors: 42501; those of the tables' rules: 23502, 23505, 23514, 22P02.$$;
REVOKE EXECUTE ON FUNCTION crm.draft_score_model(jsonb) FROM PUBLIC; -- writes models
GRANT EXECUTE ON FUNCTION crm.draft_score_model(jsonb) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_model_definition(model text, version integer) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_strip_nulls(to_jsonb(m) - ARRAY['version', 'state', 'edited_by', 'created_at', 'approved_by', 'approved_at', 'activated_by', 'activated_at', 'retired_by', 'retired_at']
           || jsonb_build_object(
               'characteristics', (SELECT jsonb_agg(to_jsonb(c) - ARRAY['model', 'version', 'position'] || jsonb_build_object('bins',
                                          (SELECT jsonb_agg(to_jsonb(b) - ARRAY['model', 'version', 'characteristic', 'bin'] ORDER BY b.bin) FROM crm_data.score_bin b
                                            WHERE b.model = c.model AND b.version = c.version AND b.characteristic = c.characteristic)) ORDER BY c.position)
                                     FROM crm_data.score_characteristic c WHERE c.model = m.model AND c.version = m.version),
               'grades', (SELECT jsonb_agg(to_jsonb(g) - ARRAY['model', 'version'] ORDER BY g.lower DESC)
                            FROM crm_data.score_grade g WHERE g.model = m.model AND g.version = m.version)))
      FROM crm_data.score_model m WHERE m.model = score_model_definition.model AND m.version = score_model_definition.version $$;
ALTER FUNCTION crm.score_model_definition(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_model_definition(text, integer) IS
$$A version as one object, in the form that crm.draft_score_model() reads (模型定义). Null when there is none.$$;
REVOKE EXECUTE ON FUNCTION crm.score_model_definition(text, integer) FROM PUBLIC; -- tells of the model
GRANT EXECUTE ON FUNCTION crm.score_model_definition(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_model_held(model text, version integer) RETURNS text
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held record;
BEGIN
    SELECT m.domain, m.purpose INTO held FROM crm_data.score_model m
     WHERE m.model = score_model_held.model AND m.version = score_model_held.version FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no version % of score model "%"', version, model USING ERRCODE = 'undefined_object',
            HINT = 'crm.score_model lists the versions.';
    END IF;
    PERFORM crm.score_require(held.domain);
    RETURN held.purpose;
END
$$;
ALTER FUNCTION crm.score_model_held(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_model_held(text, integer) IS
$$Lock a version and check that the caller may manage it; returns its purpose (锁定模型版本). A part of the functions below. Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.score_model_held(text, integer) FROM PUBLIC; -- locks
GRANT EXECUTE ON FUNCTION crm.score_model_held(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.copy_score_model(model text, version integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_model_held(model, version);
    RETURN crm.draft_score_model(crm.score_model_definition(model, version) || jsonb_build_object('copied_from', version));
END
$$;
ALTER FUNCTION crm.copy_score_model(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.copy_score_model(text, integer) IS
$$Begin a new draft that is the same as a version; returns its number (复制为新版本). Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.copy_score_model(text, integer) FROM PUBLIC; -- writes models
GRANT EXECUTE ON FUNCTION crm.copy_score_model(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.discard_score_model(model text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_model_held(model, version);
    DELETE FROM crm_data.score_model m WHERE m.model = discard_score_model.model AND m.version = discard_score_model.version;
END
$$;
ALTER FUNCTION crm.discard_score_model(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.discard_score_model(text, integer) IS
$$Remove a draft; a version that was approved stays (删除草稿). Errors: 42704, 42501, 55000.$$;
REVOKE EXECUTE ON FUNCTION crm.discard_score_model(text, integer) FROM PUBLIC; -- writes models
GRANT EXECUTE ON FUNCTION crm.discard_score_model(text, integer) TO crm_data_admin, crm_credit;

-- -- approved, active, retired ---------------------------------------------------------

CREATE FUNCTION crm.approve_score_model(model text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    stray text;
BEGIN
    PERFORM crm.score_model_held(model, version);
    SELECT string_agg(c.characteristic, ', ') INTO stray
      FROM crm_data.score_model m JOIN crm_data.score_characteristic c ON c.model = m.model AND c.version = m.version
      LEFT JOIN crm.credit_factors() f ON f.framework = m.framework AND f.factor = c.factor
     WHERE m.model = approve_score_model.model AND m.version = approve_score_model.version AND m.framework IS NOT NULL AND f.factor IS NULL;
    IF stray IS NOT NULL THEN
        RAISE EXCEPTION 'characteristics without a factor of the framework' USING ERRCODE = 'invalid_parameter_value', DETAIL = stray,
            HINT = 'crm.credit_factors() lists the factors of 5C, 5P and 6A.';
    END IF;
    UPDATE crm_data.score_model m SET state = 'approved' WHERE m.model = approve_score_model.model AND m.version = approve_score_model.version;
END
$$;
ALTER FUNCTION crm.approve_score_model(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.approve_score_model(text, integer) IS
$$Approve a draft that others made; from then on it is never changed (批准评分模型).
Errors: KH004 when the caller edited it, KH006 when it is no draft, 22023 when it cannot be applied, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.approve_score_model(text, integer) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.approve_score_model(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.activate_score_model(model text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_purpose text;
BEGIN
    -- One at a time for a purpose, taken before the rows are read: the second retires the first.
    SELECT m.purpose INTO its_purpose FROM crm_data.score_model m WHERE m.model = activate_score_model.model AND m.version = activate_score_model.version;
    PERFORM pg_advisory_xact_lock(hashtext('crm.score_purpose'), hashtext(its_purpose));
    PERFORM crm.score_model_held(model, version);
    UPDATE crm_data.score_model m SET state = 'retired' WHERE m.purpose = its_purpose AND m.state = 'active'
       AND (m.model, m.version) <> (activate_score_model.model, activate_score_model.version);
    UPDATE crm_data.score_model m SET state = 'active' WHERE m.model = activate_score_model.model AND m.version = activate_score_model.version;
END
$$;
ALTER FUNCTION crm.activate_score_model(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.activate_score_model(text, integer) IS
$$Put an approved version to work for its purpose; the one that was active is retired in the same act (启用评分模型).
Errors: KH006 when it is not approved, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.activate_score_model(text, integer) FROM PUBLIC; -- changes what scores customers
GRANT EXECUTE ON FUNCTION crm.activate_score_model(text, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.retire_score_model(model text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_model_held(model, version);
    UPDATE crm_data.score_model m SET state = 'retired' WHERE m.model = retire_score_model.model AND m.version = retire_score_model.version;
END
$$;
ALTER FUNCTION crm.retire_score_model(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.retire_score_model(text, integer) IS
$$Take a version out of work; its results stay, and can be reckoned again (停用评分模型). Errors: KH006, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.retire_score_model(text, integer) FROM PUBLIC; -- changes what scores customers
GRANT EXECUTE ON FUNCTION crm.retire_score_model(text, integer) TO crm_data_admin, crm_credit;
