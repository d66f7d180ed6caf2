-- behaviour: signs of leaving, classes, levels.

-- -- churn --------------------------------------------------------------------------------

CREATE FUNCTION crm.churn_measures(codes crm.customer_code[], as_of date) RETURNS TABLE (customer_code crm.customer_code, rule text, value float8, evidence jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH known AS (SELECT f.customer_code, f.features FROM crm.score_features(codes, as_of, false) f),
    counted AS (
        SELECT c.survivor_code AS customer_code, r.rule, count(*)::float8 AS value,
               jsonb_build_object('interactions', jsonb_agg(i.interaction_id ORDER BY i.happened_at), 'last_at', max(i.happened_at)) AS evidence
          FROM crm_data.customer c JOIN crm_data.interaction i ON i.customer_code = c.customer_code
          JOIN crm_data.churn_rule r ON r.measure = 'interactions' AND r.active AND concat_ws(' ', i.subject, i.outcome) ~* r.pattern
         WHERE c.survivor_code = ANY (codes) AND i.happened_at > as_of - r.days AND i.happened_at < as_of + 1
         GROUP BY c.survivor_code, r.rule)
    SELECT k.customer_code, r.rule, m.value, jsonb_build_object(r.measure, m.value)
      FROM known k CROSS JOIN crm_data.churn_rule r
      CROSS JOIN LATERAL (SELECT CASE r.measure
               WHEN 'consumption_ratio' THEN (k.features ->> 'amount_3m')::float8 / nullif((k.features ->> 'amount_before_3m')::float8, 0)
               WHEN 'interval_ratio' THEN (k.features ->> 'recency_days')::float8
                    / nullif(((k.features ->> 'trade_days')::float8 - (k.features ->> 'recency_days')::float8) / nullif((k.features ->> 'repeat_days')::float8, 0), 0)
               ELSE CASE jsonb_typeof(k.features -> r.measure) WHEN 'number' THEN (k.features ->> r.measure)::float8 END END AS value) m
     WHERE r.active AND r.measure NOT IN ('interactions', 'noted')
       AND CASE r.comparison WHEN 'at_least' THEN m.value >= r.threshold ELSE m.value <= r.threshold END
    UNION ALL
    SELECT n.customer_code, n.rule, n.value, n.evidence FROM counted n JOIN crm_data.churn_rule r ON r.rule = n.rule
     WHERE CASE r.comparison WHEN 'at_least' THEN n.value >= r.threshold ELSE n.value <= r.threshold END $$;
ALTER FUNCTION crm.churn_measures(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_measures(crm.customer_code[], date) IS
$$Signs of leaving that the rules find as of a day, with evidence (流失信号计算).
consumption_ratio: CNY of 90 days by that of the 90 before; interval_ratio: days since the last purchase by the customer's own average interval.$$;
REVOKE EXECUTE ON FUNCTION crm.churn_measures(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.churn_detect(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    found_now bigint;
BEGIN
    PERFORM crm.score_require('churn');
    INSERT INTO crm_data.churn_signal (customer_code, as_of, rule, value, evidence)
    SELECT m.customer_code, churn_detect.as_of, m.rule, m.value, m.evidence FROM crm.churn_measures(codes, churn_detect.as_of) m
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS found_now = ROW_COUNT;
    RETURN found_now;
END
$$;
ALTER FUNCTION crm.churn_detect(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_detect(crm.customer_code[], date) IS 'Keep the signs of leaving as of a day; returns how many are new (流失信号登记). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.churn_detect(crm.customer_code[], date) FROM PUBLIC; -- writes signals
GRANT EXECUTE ON FUNCTION crm.churn_detect(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.note_churn_signal(customer crm.customer_code, rule text, evidence jsonb, as_of date DEFAULT crm.company_today()) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('churn');
    IF NOT EXISTS (SELECT FROM crm_data.churn_rule r WHERE r.rule = note_churn_signal.rule AND r.measure = 'noted' AND r.active) THEN
        RAISE EXCEPTION 'no churn rule "%" whose signs are noted', rule USING ERRCODE = 'undefined_object',
            HINT = 'crm.churn_rule lists the rules; those of measure noted are found elsewhere.';
    END IF;
    INSERT INTO crm_data.churn_signal (customer_code, as_of, rule, value, evidence)
    VALUES (customer, as_of, rule, 1, evidence) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
ALTER FUNCTION crm.note_churn_signal(crm.customer_code, text, jsonb, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.note_churn_signal(crm.customer_code, text, jsonb, date) IS
$$Note a sign of leaving that was found elsewhere, such as an agreement that ends; false when it is there already (登记外部流失信号). Errors: 42501, 42704, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.note_churn_signal(crm.customer_code, text, jsonb, date) FROM PUBLIC; -- writes signals
GRANT EXECUTE ON FUNCTION crm.note_churn_signal(crm.customer_code, text, jsonb, date) TO crm_data_admin;

CREATE FUNCTION crm.churn_risks(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, risk float8, rule_risk float8, model_risk float8, evidence jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require('churn');
    SELECT c.customer_code, greatest(coalesce(s.risk, 0), m.risk), coalesce(s.risk, 0), m.risk,
           jsonb_strip_nulls(jsonb_build_object('signals', s.evidence, 'model', m.evidence))
      FROM unnest(codes) c (customer_code)
     CROSS JOIN LATERAL (SELECT array_agg(x.customer_code) AS members FROM crm_data.customer x WHERE x.survivor_code = c.customer_code) n
      LEFT JOIN LATERAL (
          SELECT 1 - exp(sum(ln(1 - x.weight))) AS risk,
                 jsonb_agg(jsonb_build_object('rule', x.rule, 'found', x.as_of, 'weight', x.weight, 'value', x.value, 'evidence', x.evidence) ORDER BY x.weight DESC, x.rule) AS evidence
            FROM (SELECT DISTINCT ON (g.rule) g.rule, g.as_of, g.value, g.evidence, r.weight
                    FROM crm_data.churn_signal g JOIN crm_data.churn_rule r ON r.rule = g.rule AND r.active
                   -- What was noted of a merged record nobody can reckon anew for the survivor.
                   WHERE (g.customer_code = c.customer_code OR r.measure = 'noted') AND g.customer_code = ANY (n.members) AND g.as_of BETWEEN churn_risks.as_of - 30 AND churn_risks.as_of
                   ORDER BY g.rule, g.as_of DESC) x) s ON true
      LEFT JOIN LATERAL (
          SELECT 1 - y.score / 100 AS risk, jsonb_build_object('model', y.model, 'version', y.version, 'score', y.score, 'reasons', to_jsonb(y.reasons)) AS evidence
            FROM crm_data.score_result y
           WHERE y.customer_code = c.customer_code AND y.purpose = 'churn' AND y.as_of <= churn_risks.as_of AND y.valid_until >= churn_risks.as_of
           ORDER BY y.as_of DESC, y.result_id DESC LIMIT 1) m ON true $$;
ALTER FUNCTION crm.churn_risks(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_risks(crm.customer_code[], date) IS
$$Risk of leaving, 0 to 1, with what it rests on (流失风险).
rule_risk: 1 - product of (1 - weight) over the rules with a sign in the last 30 days; model_risk: 1 - score/100 of the latest valid result for the purpose churn, null without one; risk: the greater. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.churn_risks(crm.customer_code[], date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.churn_risks(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.churn_risk(customer crm.customer_code, as_of date DEFAULT crm.company_today(), OUT risk float8, OUT rule_risk float8, OUT model_risk float8, OUT evidence jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT r.risk, r.rule_risk, r.model_risk, r.evidence FROM crm.churn_risks(ARRAY[coalesce(crm.resolve(customer), customer)], as_of) r $$;
COMMENT ON FUNCTION crm.churn_risk(crm.customer_code, date) IS 'Risk of leaving of one customer: crm.churn_risks() (流失风险). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.churn_risk(crm.customer_code, date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.churn_risk(crm.customer_code, date) TO crm_data_admin;

CREATE FUNCTION crm.loyalty_template() RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_build_object('model', 'loyalty', 'purpose', 'loyalty', 'domain', 'loyalty', 'label_zh', '忠诚度指数', 'label_en', 'Loyalty index', 'valid_months', 3,
        'grades', '[{"grade":"high","lower":70},{"grade":"medium","lower":40},{"grade":"low","lower":0}]'::jsonb,
        'characteristics', (
            SELECT jsonb_agg(jsonb_build_object('characteristic', i.input, 'label_zh', i.zh, 'label_en', i.en, 'is_manual', i.input IN ('recommendation', 'share'),
                       'bins', (SELECT jsonb_agg(jsonb_build_object('lower', i.edges[b - 1], 'upper', i.edges[b], 'points', i.points[b]) ORDER BY b)
                                  FROM generate_series(1, cardinality(i.points)) b) || jsonb_build_object('kind', 'missing', 'points', 0)) ORDER BY i.n)
              FROM (VALUES (1, 'repeat_days',    '重复购买', 'repeat purchase',          '{1,3,8}'::float8[], '{0,10,20,30}'::int[]),
                           (2, 'tenure_days',    '在网时长', 'tenure',                   '{180,730,1825}',    '{0,8,14,20}'),
                           (3, 'share',          '份额',     'share of spending with us, 0 to 1', '{0.3,0.6}', '{0,10,20}'),
                           (4, 'recommendation', '推荐意愿', 'would recommend, 0 to 10', '{7,9}',             '{0,8,15}'),
                           (5, 'response_rate',  '响应率',   'response to contacts',     '{0.2,0.5}',         '{0,8,15}')) i (n, input, zh, en, edges, points))) $$;
COMMENT ON FUNCTION crm.loyalty_template() IS
$$A definition of a loyalty index to begin with, for crm.draft_score_model(): repeat purchase, tenure, share, recommendation, response (忠诚度模型模板).
share and recommendation are recorded by crm.judge(). Its results, 0 to 100, are the index with its history.$$;

CREATE FUNCTION crm.partner_template() RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_build_object('model', 'partner', 'purpose', 'partner', 'domain', 'partner', 'label_zh', '合作伙伴能力评价', 'label_en', 'Capability of trade partners',
        'applies_to', '["organization","group"]'::jsonb, 'grades', '[{"grade":"A","lower":80},{"grade":"B","lower":60},{"grade":"C","lower":0}]'::jsonb,
        'characteristics', (
            SELECT jsonb_agg(jsonb_build_object('characteristic', i.input, 'label_zh', i.zh, 'label_en', i.en, 'is_manual', true, 'weight', i.weight, 'bins', '[
                       {"upper":2,"points":0},{"lower":2,"upper":3,"points":1},{"lower":3,"upper":4,"points":2},{"lower":4,"upper":5,"points":3},{"lower":5,"points":4},
                       {"kind":"missing","points":0}]'::jsonb) ORDER BY i.n)
              FROM (VALUES (1, 'initiative', '积极性', 'initiative', 3), (2, 'funds', '资金', 'funds', 3), (3, 'distribution', '分销能力', 'distribution', 3),
                           (4, 'storage', '仓储与车辆', 'storage and vehicles', 2), (5, 'reputation', '信誉', 'reputation', 3), (6, 'social_relations', '社会关系', 'social relations', 1),
                           (7, 'sales_management', '销售管理', 'sales management', 3), (8, 'network', '网络', 'network', 2), (9, 'promotion', '促销能力', 'promotion', 2),
                           (10, 'after_sales', '售后服务', 'after-sales service', 2), (11, 'relation_to_us', '与本公司关系', 'relation to us', 1)) i (n, input, zh, en, weight))) $$;
COMMENT ON FUNCTION crm.partner_template() IS
$$A definition for the evaluation of trade partners to begin with: eleven weighted criteria, each judged 1 to 5 with evidence by crm.judge() (合作伙伴评价模板).$$;

-- -- classes ----------------------------------------------------------------------------------

CREATE FUNCTION crm.behaviour_features(codes crm.customer_code[], as_of date) RETURNS TABLE (customer_code crm.customer_code, features jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT f.customer_code, f.features || jsonb_build_object('churn_risk', k.risk)
           || coalesce((SELECT jsonb_object_agg('score.' || x.purpose, x.score)
                          FROM (SELECT DISTINCT ON (r.purpose) r.purpose, r.score FROM crm_data.score_result r
                                 WHERE r.customer_code = f.customer_code AND r.domain <> 'credit' AND r.as_of <= behaviour_features.as_of AND r.valid_until >= behaviour_features.as_of
                                 ORDER BY r.purpose, r.as_of DESC, r.result_id DESC) x), '{}')
      FROM crm.score_features(codes, as_of, false) f JOIN crm.churn_risks(codes, as_of) k ON k.customer_code = f.customer_code $$;
ALTER FUNCTION crm.behaviour_features(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.behaviour_features(crm.customer_code[], date) IS
$$What classes and levels can ask of customers: crm.score_features(), churn_risk, and score.PURPOSE for each latest valid result but those of credit (分类特征). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.behaviour_features(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.class_of(scheme text, features jsonb, OUT class text, OUT value float8)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT r.class, x.value
      FROM crm_data.class_rule r
      LEFT JOIN LATERAL (SELECT (features ->> r.feature)::float8 AS value WHERE jsonb_typeof(features -> r.feature) = 'number') x ON true
     WHERE r.scheme = class_of.scheme
       AND (r.feature IS NULL OR x.value IS NOT NULL AND (r.lower IS NULL OR x.value >= r.lower) AND (r.upper IS NULL OR x.value < r.upper))
     ORDER BY r.sort LIMIT 1 $$;
COMMENT ON FUNCTION crm.class_of(text, jsonb) IS 'The class that the first fitting rule of a scheme gives, and the value that it looked at (分类判定).';

CREATE FUNCTION crm.classify(codes crm.customer_code[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM crm.score_require('value');
    PERFORM FROM crm_data.class_rule r WHERE r.scheme = classify.scheme;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no classes of scheme "%"', scheme USING ERRCODE = 'undefined_object';
    END IF;
    WITH fresh AS (
        SELECT f.customer_code, c.class, c.value FROM crm.behaviour_features(codes, classify.as_of) f, crm.class_of(classify.scheme, f.features) c
         WHERE c.class IS NOT NULL),
    moved AS (
        SELECT n.*, o.class AS class_before, o.since FROM fresh n
          LEFT JOIN crm_data.customer_class o ON o.customer_code = n.customer_code AND o.scheme = classify.scheme AND o.until IS NULL
         WHERE o.class IS DISTINCT FROM n.class AND (o.since IS NULL OR o.since < classify.as_of)),
    closed AS (
        UPDATE crm_data.customer_class k SET until = classify.as_of - 1 FROM moved m
         WHERE k.customer_code = m.customer_code AND k.scheme = classify.scheme AND k.since = m.since RETURNING 1)
    INSERT INTO crm_data.customer_class (customer_code, scheme, since, class, class_before, value)
    SELECT m.customer_code, classify.scheme, classify.as_of, m.class, m.class_before, m.value FROM moved m;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
ALTER FUNCTION crm.classify(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.classify(crm.customer_code[], text, date) IS
$$Give customers the class that a scheme's rules say as of a day; a change ends the row before and begins another; returns how many changed (客户分类).
Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.classify(crm.customer_code[], text, date) FROM PUBLIC; -- writes classes
GRANT EXECUTE ON FUNCTION crm.classify(crm.customer_code[], text, date) TO crm_data_admin;

-- -- levels -------------------------------------------------------------------------------------

CREATE FUNCTION crm.level_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    before record;
    wanted record;
    why text;
BEGIN
    NEW.changed_by := session_user;
    NEW.changed_at := now();
    PERFORM FROM crm_data.customer c WHERE c.customer_code = NEW.customer_code FOR NO KEY UPDATE;
    SELECT d.rank, d.minimum, s.valid_months INTO wanted FROM crm_data.level_def d JOIN crm_data.level_scheme s ON s.scheme = d.scheme
     WHERE d.scheme = NEW.scheme AND d.level = NEW.level;
    NEW.rank := wanted.rank;
    SELECT l.* INTO before FROM crm_data.customer_level l WHERE l.customer_code = NEW.customer_code AND l.scheme = NEW.scheme ORDER BY l.valid_from DESC LIMIT 1;
    IF NEW.cause = 'approved' THEN
        IF NOT EXISTS (SELECT FROM crm_data.score_request q WHERE q.customer_code = NEW.customer_code AND q.request_no = NEW.request_no AND q.state = 'approved'
                          AND (q.kind, q.subject, q.wanted, q.valid_from, q.valid_until) = ('level', NEW.scheme, NEW.level, NEW.valid_from, NEW.valid_until)) THEN
            RAISE EXCEPTION 'this level needs an approved request' USING ERRCODE = 'KH003',
                HINT = 'crm.request_score_change(customer, ''level'', ...), decided by somebody else.';
        END IF;
        RETURN NEW;
    END IF;
    NEW.request_no := NULL;
    NEW.valid_until := (NEW.valid_from + make_interval(months => wanted.valid_months))::date - 1;
    why := CASE WHEN NEW.value IS NULL OR NEW.value < wanted.minimum THEN format('Level %s begins at %s.', NEW.level, wanted.minimum)
                WHEN NEW.valid_from <= before.valid_from THEN format('There is a level from %s.', before.valid_from)
                WHEN NEW.valid_from <= before.valid_until AND NEW.rank <= before.rank THEN format('Until %s it only rises.', before.valid_until) END;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'level % is not the customer''s to have now', NEW.level USING ERRCODE = 'KH006', DETAIL = why,
            HINT = 'Up at once, down only after the last day; anything else is asked for by crm.request_score_change().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.level_keep() IS
$$Trigger: a level rises at once, falls only after its last day, and is otherwise exactly what an approved request asked for (等级变更规则).
The owner is bound too. Errors: KH003, KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.level_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.level_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.level_from_request(customer crm.customer_code, request bigint) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.customer_level (customer_code, scheme, valid_from, level, rank, valid_until, cause, request_no)
    SELECT q.customer_code, q.subject, q.valid_from, q.wanted, 0, q.valid_until, 'approved', q.request_no
      FROM crm_data.score_request q WHERE q.customer_code = customer AND q.request_no = request $$;
COMMENT ON FUNCTION crm.level_from_request(crm.customer_code, bigint) IS 'Give the level that an approved request asked for (按申请定级). A part of crm.decide_score_change().';
REVOKE EXECUTE ON FUNCTION crm.level_from_request(crm.customer_code, bigint) FROM PUBLIC; -- writes levels
GRANT EXECUTE ON FUNCTION crm.level_from_request(crm.customer_code, bigint) TO crm_owner;

CREATE FUNCTION crm.level_proposals(codes crm.customer_code[], scheme text, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, level text, rank smallint, value float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT f.customer_code, d.level, d.rank, x.value
      FROM crm.behaviour_features(codes, as_of) f
      JOIN crm_data.level_scheme s ON s.scheme = level_proposals.scheme AND (s.applies_to IS NULL OR f.features ->> 'kind' = ANY (s.applies_to))
      JOIN crm_data.customer c ON c.customer_code = f.customer_code AND (s.unit IS NULL OR c.owner_unit = s.unit)
     CROSS JOIN LATERAL (SELECT (f.features ->> s.feature)::float8 AS value) x
     CROSS JOIN LATERAL (SELECT v.level, v.rank FROM crm_data.level_def v
                          WHERE v.scheme = s.scheme AND v.minimum <= x.value
                            AND (v.credit_minimum IS NULL OR v.credit_minimum <= (
                                SELECT min(y.score) FROM (SELECT DISTINCT ON (r.purpose) r.score FROM crm_data.score_result r
                                 WHERE r.customer_code = f.customer_code AND r.domain = 'credit' AND r.as_of <= level_proposals.as_of AND r.valid_until >= level_proposals.as_of
                                 ORDER BY r.purpose, r.as_of DESC, r.result_id DESC) y))
                          ORDER BY v.rank DESC LIMIT 1) d
     WHERE (f.features ->> 'tenure_days')::integer >= s.min_tenure_days $$;
ALTER FUNCTION crm.level_proposals(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) IS
$$The highest level whose minimum a customer's value reaches, and whose least credit score his weakest valid one reaches; none before the least tenure (等级测算). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) TO crm_data_admin;

CREATE FUNCTION crm.assess_level(codes crm.customer_code[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM crm.score_require('value');
    PERFORM FROM crm_data.level_scheme s WHERE s.scheme = assess_level.scheme;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no level scheme "%"', scheme USING ERRCODE = 'undefined_object';
    END IF;
    WITH said AS MATERIALIZED (
        SELECT p.*, o.level AS level_before, o.rank AS rank_before, o.valid_until, o.valid_from, s.notice_days
          FROM crm.level_proposals(codes, assess_level.scheme, assess_level.as_of) p
          JOIN crm_data.level_scheme s ON s.scheme = assess_level.scheme
          LEFT JOIN LATERAL (SELECT l.level, l.rank, l.valid_until, l.valid_from FROM crm_data.customer_level l
                              WHERE l.customer_code = p.customer_code AND l.scheme = assess_level.scheme ORDER BY l.valid_from DESC LIMIT 1) o ON true),
    made AS (
        INSERT INTO crm_data.customer_level (customer_code, scheme, valid_from, level, rank, valid_until, cause, value)
        SELECT d.customer_code, assess_level.scheme, assess_level.as_of, d.level, d.rank, assess_level.as_of, 'assessed', d.value FROM said d
         WHERE d.level_before IS NULL OR assess_level.as_of > d.valid_from AND (d.rank > d.rank_before OR assess_level.as_of > d.valid_until)
        RETURNING customer_code),
    noted AS (
        INSERT INTO crm_data.level_notice (customer_code, scheme, due_on, kind, level_from, level_to, noted_on)
        SELECT d.customer_code, assess_level.scheme, CASE WHEN d.rank > coalesce(d.rank_before, 0) THEN assess_level.as_of ELSE d.valid_until + 1 END,
               CASE WHEN d.rank > coalesce(d.rank_before, 0) THEN 'upgrade' ELSE 'downgrade' END, d.level_before, d.level, assess_level.as_of
          FROM said d
         WHERE d.rank > d.rank_before AND assess_level.as_of > d.valid_from
            OR d.rank < d.rank_before AND d.valid_until BETWEEN assess_level.as_of AND assess_level.as_of + d.notice_days
            ON CONFLICT DO NOTHING)
    SELECT count(*) INTO changed FROM made;
    RETURN changed;
END
$$;
ALTER FUNCTION crm.assess_level(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.assess_level(crm.customer_code[], text, date) IS
$$Assess the levels of customers as of a day: up at once, down or again after the last day; returns how many rows of levels were made (等级评定).
level_notice says who rose, and, so many days ahead as the scheme says, who will fall. Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.assess_level(crm.customer_code[], text, date) FROM PUBLIC; -- writes levels
GRANT EXECUTE ON FUNCTION crm.assess_level(crm.customer_code[], text, date) TO crm_data_admin;

CREATE PROCEDURE crm.assess_behaviour(as_of date DEFAULT NULL, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    codes crm.customer_code[];
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    as_of := COALESCE(as_of, crm.company_today());
    job := crm.score_job_begin('behaviour', as_of::pg_catalog.text, crm.score_population(NULL));
    COMMIT;
    LOOP
        codes := crm.score_codes(codes[pg_catalog.cardinality(codes)], batch_size);
        EXIT WHEN codes IS NULL;
        PERFORM crm.churn_detect(codes, as_of);
        PERFORM crm.classify(codes, s.scheme, as_of) FROM crm.class_schemes() s;
        PERFORM crm.assess_level(codes, s.scheme, as_of) FROM crm.level_schemes() s;
        PERFORM crm.score_job_step(job, pg_catalog.cardinality(codes));
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.assess_behaviour(date, integer) IS
$$Find signs of leaving, classify, and assess levels, for all customers in batches that commit (行为评估).
Called again for the same day it changes nothing that is done. Progress: crm.job_progress. Errors: 42501.$$;
REVOKE EXECUTE ON PROCEDURE crm.assess_behaviour(date, integer) FROM PUBLIC; -- writes classes and levels
GRANT EXECUTE ON PROCEDURE crm.assess_behaviour(date, integer) TO crm_data_admin;

CREATE FUNCTION crm.class_schemes() RETURNS TABLE (scheme text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT DISTINCT r.scheme FROM crm_data.class_rule r ORDER BY 1 $$;
ALTER FUNCTION crm.class_schemes() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.class_schemes() IS 'The schemes of classes that have rules (分类方案).';
REVOKE EXECUTE ON FUNCTION crm.class_schemes() FROM PUBLIC; -- a part of crm.assess_behaviour()
GRANT EXECUTE ON FUNCTION crm.class_schemes() TO crm_data_admin;
CREATE FUNCTION crm.level_schemes() RETURNS TABLE (scheme text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT s.scheme FROM crm_data.level_scheme s ORDER BY 1 $$;
ALTER FUNCTION crm.level_schemes() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.level_schemes() IS 'The schemes of levels (等级方案).';
REVOKE EXECUTE ON FUNCTION crm.level_schemes() FROM PUBLIC; -- a part of crm.assess_behaviour()
GRANT EXECUTE ON FUNCTION crm.level_schemes() TO crm_data_admin;
