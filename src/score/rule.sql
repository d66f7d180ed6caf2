-- rule: what the room goes by is rows, and this is how people change them.

CREATE FUNCTION crm.define_score_rule(kind text, rule jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    what CONSTANT text := define_score_rule.kind;
    unknown text;
BEGIN
    PERFORM crm.score_require(CASE what WHEN 'credit_warning_rule' THEN 'credit' ELSE 'general' END);
    SELECT string_agg(k, ', ') INTO unknown FROM jsonb_object_keys(define_score_rule.rule) k
     WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('crm_data.' || quote_ident(what)) AND a.attnum > 0 AND a.attname = k);
    IF unknown IS NOT NULL OR what <> ALL (ARRAY['credit_warning_rule', 'churn_rule', 'class_rule', 'class_action', 'level_scheme', 'level_def', 'service_commitment', 'quality_field', 'quality_weight', 'quality_source']) THEN
        RAISE EXCEPTION 'no such rule of kind "%"', what USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Unknown: ' || coalesce(unknown, what),
            HINT = 'A kind is a table of rules, a rule an object of its columns: crm.dictionary lists them.';
    END IF;
    CASE what
    WHEN 'credit_warning_rule' THEN
        INSERT INTO crm_data.credit_warning_rule (rule, measure, comparison, threshold, severity, active, label_zh, label_en)
        SELECT n.rule, n.measure, n.comparison, n.threshold, n.severity, n.active, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.credit_warning_rule, coalesce((SELECT to_jsonb(x) FROM crm_data.credit_warning_rule x WHERE x.rule = define_score_rule.rule ->> 'rule'), '{"active": true}') || define_score_rule.rule) n
            ON CONFLICT (rule) DO UPDATE SET (measure, comparison, threshold, severity, active, label_zh, label_en) = (excluded.measure, excluded.comparison, excluded.threshold, excluded.severity, excluded.active, excluded.label_zh, excluded.label_en);
    WHEN 'churn_rule' THEN
        INSERT INTO crm_data.churn_rule (rule, measure, pattern, days, comparison, threshold, weight, active, label_zh, label_en)
        SELECT n.rule, n.measure, n.pattern, n.days, n.comparison, n.threshold, n.weight, n.active, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.churn_rule, coalesce((SELECT to_jsonb(x) FROM crm_data.churn_rule x WHERE x.rule = define_score_rule.rule ->> 'rule'), '{"days": 90, "comparison": "at_least", "active": true}') || define_score_rule.rule) n
            ON CONFLICT (rule) DO UPDATE SET (measure, pattern, days, comparison, threshold, weight, active, label_zh, label_en) = (excluded.measure, excluded.pattern, excluded.days, excluded.comparison, excluded.threshold, excluded.weight, excluded.active, excluded.label_zh, excluded.label_en);
    WHEN 'class_rule' THEN
        INSERT INTO crm_data.class_rule (scheme, class, sort, feature, lower, upper, label_zh, label_en)
        SELECT n.scheme, n.class, n.sort, n.feature, n.lower, n.upper, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.class_rule, coalesce((SELECT to_jsonb(x) FROM crm_data.class_rule x WHERE x.scheme = define_score_rule.rule ->> 'scheme' AND x.class = define_score_rule.rule ->> 'class'), '{}') || define_score_rule.rule) n
            ON CONFLICT (scheme, class) DO UPDATE SET (sort, feature, lower, upper, label_zh, label_en) = (excluded.sort, excluded.feature, excluded.lower, excluded.upper, excluded.label_zh, excluded.label_en);
    WHEN 'class_action' THEN
        INSERT INTO crm_data.class_action (scheme, class, action, every_days, label_zh, label_en)
        SELECT n.scheme, n.class, n.action, n.every_days, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.class_action, coalesce((SELECT to_jsonb(x) FROM crm_data.class_action x WHERE x.scheme = define_score_rule.rule ->> 'scheme' AND x.class = define_score_rule.rule ->> 'class' AND x.action = define_score_rule.rule ->> 'action'), '{}') || define_score_rule.rule) n
            ON CONFLICT (scheme, class, action) DO UPDATE SET (every_days, label_zh, label_en) = (excluded.every_days, excluded.label_zh, excluded.label_en);
    WHEN 'level_scheme' THEN
        INSERT INTO crm_data.level_scheme (scheme, applies_to, unit, feature, valid_months, notice_days, min_tenure_days, label_zh, label_en)
        SELECT n.scheme, n.applies_to, n.unit, n.feature, n.valid_months, n.notice_days, n.min_tenure_days, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.level_scheme, coalesce((SELECT to_jsonb(x) FROM crm_data.level_scheme x WHERE x.scheme = define_score_rule.rule ->> 'scheme'), '{"valid_months": 12, "notice_days": 30, "min_tenure_days": 180}') || define_score_rule.rule) n
            ON CONFLICT (scheme) DO UPDATE SET (applies_to, unit, feature, valid_months, notice_days, min_tenure_days, label_zh, label_en) = (excluded.applies_to, excluded.unit, excluded.feature, excluded.valid_months, excluded.notice_days, excluded.min_tenure_days, excluded.label_zh, excluded.label_en);
    WHEN 'level_def' THEN
        INSERT INTO crm_data.level_def (scheme, level, rank, minimum, credit_minimum, points_level, label_zh, label_en)
        SELECT n.scheme, n.level, n.rank, n.minimum, n.credit_minimum, n.points_level, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.level_def, coalesce((SELECT to_jsonb(x) FROM crm_data.level_def x WHERE x.scheme = define_score_rule.rule ->> 'scheme' AND x.level = define_score_rule.rule ->> 'level'), '{}') || define_score_rule.rule) n
            ON CONFLICT (scheme, level) DO UPDATE SET (rank, minimum, credit_minimum, points_level, label_zh, label_en) = (excluded.rank, excluded.minimum, excluded.credit_minimum, excluded.points_level, excluded.label_zh, excluded.label_en);
    WHEN 'service_commitment' THEN
        INSERT INTO crm_data.service_commitment (scheme, level, commitment, target, unit, label_zh, label_en)
        SELECT n.scheme, n.level, n.commitment, n.target, n.unit, n.label_zh, n.label_en FROM jsonb_populate_record(NULL::crm_data.service_commitment, coalesce((SELECT to_jsonb(x) FROM crm_data.service_commitment x WHERE x.scheme = define_score_rule.rule ->> 'scheme' AND x.level = define_score_rule.rule ->> 'level' AND x.commitment = define_score_rule.rule ->> 'commitment'), '{}') || define_score_rule.rule) n
            ON CONFLICT (scheme, level, commitment) DO UPDATE SET (target, unit, label_zh, label_en) = (excluded.target, excluded.unit, excluded.label_zh, excluded.label_en);
    WHEN 'quality_field' THEN
        INSERT INTO crm_data.quality_field (kind, field, required, weight, half_life_days, due_days)
        SELECT n.kind, n.field, n.required, n.weight, n.half_life_days, n.due_days FROM jsonb_populate_record(NULL::crm_data.quality_field, coalesce((SELECT to_jsonb(x) FROM crm_data.quality_field x WHERE x.kind = define_score_rule.rule ->> 'kind' AND x.field = define_score_rule.rule ->> 'field'), '{"required": false, "weight": 1, "due_days": 30}') || define_score_rule.rule) n
            ON CONFLICT (kind, field) DO UPDATE SET (required, weight, half_life_days, due_days) = (excluded.required, excluded.weight, excluded.half_life_days, excluded.due_days);
    WHEN 'quality_weight' THEN
        INSERT INTO crm_data.quality_weight (dimension, weight)
        SELECT n.dimension, n.weight FROM jsonb_populate_record(NULL::crm_data.quality_weight, coalesce((SELECT to_jsonb(x) FROM crm_data.quality_weight x WHERE x.dimension = define_score_rule.rule ->> 'dimension'), '{}') || define_score_rule.rule) n
            ON CONFLICT (dimension) DO UPDATE SET weight = excluded.weight;
    WHEN 'quality_source' THEN
        INSERT INTO crm_data.quality_source (channel, reliability)
        SELECT n.channel, n.reliability FROM jsonb_populate_record(NULL::crm_data.quality_source, coalesce((SELECT to_jsonb(x) FROM crm_data.quality_source x WHERE x.channel = define_score_rule.rule ->> 'channel'), '{}') || define_score_rule.rule) n
            ON CONFLICT (channel) DO UPDATE SET reliability = excluded.reliability;
    END CASE;
END
$$;
ALTER FUNCTION crm.define_score_rule(text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.define_score_rule(text, jsonb) IS
$$Add a row to a table of rules, or change the one with its key; what is not given stays as it is (定义规则).
kind: credit_warning_rule, churn_rule, class_rule, class_action, level_scheme, level_def, service_commitment, quality_field, quality_weight, quality_source. A rule that should no longer hold: active false where there is such a column. What was found by it stays.
Errors: 42501, 22023, 23502, 23514, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.define_score_rule(text, jsonb) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.define_score_rule(text, jsonb) TO crm_data_admin, crm_credit;
