-- behaviour: signs of leaving, classes, levels.

-- -- churn --------------------------------------------------------------------------------

CREATE FUNCTION crm.churn_measures(codes crm.customer_code[], known jsonb[], version integer, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, rule text, value float8, evidence jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off
    AS $$
    WITH counted AS (
        SELECT c.survivor_code AS customer_code, r.rule, count(*)::float8 AS value,
               jsonb_build_object('interactions', jsonb_agg(i.interaction_id ORDER BY i.happened_at), 'last_at', max(i.happened_at)) AS evidence
          FROM unnest(codes) x (code) JOIN crm_data.customer c ON c.survivor_code = x.code
          JOIN crm_data.interaction i ON i.customer_code = c.customer_code AND i.happened_at < as_of + 1
           AND i.happened_at > as_of - (SELECT max(w.days) FROM crm_data.churn_rule w WHERE w.version = churn_measures.version AND w.measure = 'interactions' AND w.active)
          JOIN crm_data.churn_rule r ON r.version = churn_measures.version AND r.measure = 'interactions' AND r.active
           AND i.happened_at > as_of - r.days AND concat_ws(' ', i.subject, i.outcome) ~* r.pattern
         GROUP BY c.survivor_code, r.rule)
    SELECT k.customer_code, r.rule, m.value, jsonb_build_object(r.measure, m.value)
      FROM unnest(codes, known) k (customer_code, features)
      JOIN crm_data.churn_rule r ON r.version = churn_measures.version AND r.active AND r.measure NOT IN ('interactions', 'noted')
     CROSS JOIN LATERAL (SELECT CASE r.measure
               WHEN 'consumption_ratio' THEN (k.features ->> 'amount_3m')::float8 / nullif((k.features ->> 'amount_before_3m')::float8, 0)
               WHEN 'interval_ratio' THEN (k.features ->> 'recency_days')::float8
                    / nullif(((k.features ->> 'trade_days')::float8 - (k.features ->> 'recency_days')::float8) / nullif((k.features ->> 'repeat_days')::float8, 0), 0)
               ELSE CASE jsonb_typeof(k.features -> r.measure) WHEN 'number' THEN (k.features ->> r.measure)::float8 END END AS value) m
     WHERE CASE r.comparison WHEN 'at_least' THEN m.value >= r.threshold ELSE m.value <= r.threshold END
       AND (r.condition IS NULL OR crm.points_condition(r.condition, k.features))
    UNION ALL
    SELECT n.customer_code, n.rule, n.value, n.evidence FROM counted n JOIN crm_data.churn_rule r ON r.rule = n.rule AND r.version = churn_measures.version
     WHERE CASE r.comparison WHEN 'at_least' THEN n.value >= r.threshold ELSE n.value <= r.threshold END $$;
ALTER FUNCTION crm.churn_measures(crm.customer_code[], jsonb[], integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_measures(crm.customer_code[], jsonb[], integer, date) IS
$$Signs of leaving that a version of the rules finds as of a day in customers whose features are known, with evidence (流失信号计算).
consumption_ratio: CNY of 90 days by that of the 90 before; interval_ratio: days since the last purchase by the customer's own average interval.$$;
REVOKE EXECUTE ON FUNCTION crm.churn_measures(crm.customer_code[], jsonb[], integer, date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.churn_keep(codes crm.customer_code[], known jsonb[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('churn', as_of);
    found_now bigint;
BEGIN
    PERFORM crm.score_require('churn');
    INSERT INTO crm_data.churn_signal (customer_code, as_of, rule, rule_version, value, evidence)
    SELECT m.customer_code, churn_keep.as_of, m.rule, held, m.value, m.evidence FROM crm.churn_measures(codes, known, held, churn_keep.as_of) m
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS found_now = ROW_COUNT;
    RETURN found_now;
END
$$;
ALTER FUNCTION crm.churn_keep(crm.customer_code[], jsonb[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_keep(crm.customer_code[], jsonb[], date) IS 'Keep the signs of leaving of customers whose features are known; returns how many are new (流失信号登记). A part of crm.assess_behaviour(). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.churn_keep(crm.customer_code[], jsonb[], date) FROM PUBLIC; -- writes signals

CREATE FUNCTION crm.churn_detect(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require('churn');
    SELECT coalesce(crm.churn_keep(array_agg(f.customer_code), array_agg(f.features), as_of), 0) FROM crm.score_features(codes, as_of, false) f $$;
ALTER FUNCTION crm.churn_detect(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.churn_detect(crm.customer_code[], date) IS 'Keep the signs of leaving as of a day; returns how many are new (流失信号登记). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.churn_detect(crm.customer_code[], date) FROM PUBLIC; -- writes signals
GRANT EXECUTE ON FUNCTION crm.churn_detect(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.note_churn_signal(customer crm.customer_code, rule text, evidence jsonb, as_of date DEFAULT crm.company_today()) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('churn', as_of);
BEGIN
    PERFORM crm.score_require('churn');
    IF NOT EXISTS (SELECT FROM crm_data.churn_rule r WHERE r.rule = note_churn_signal.rule AND r.version = held AND r.measure = 'noted' AND r.active) THEN
        RAISE EXCEPTION 'no churn rule "%" whose signs are noted', rule USING ERRCODE = 'undefined_object',
            HINT = 'crm.churn_rule lists the rules; those of measure noted are found elsewhere.';
    END IF;
    INSERT INTO crm_data.churn_signal (customer_code, as_of, rule, rule_version, value, evidence)
    VALUES (customer, as_of, rule, held, 1, evidence) ON CONFLICT DO NOTHING;
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
     CROSS JOIN (SELECT crm.rule_version('churn', churn_risks.as_of) AS held OFFSET 0) v
     CROSS JOIN LATERAL (SELECT array_agg(x.customer_code) AS members FROM crm_data.customer x WHERE x.survivor_code = c.customer_code) n
      LEFT JOIN LATERAL (
          SELECT 1 - exp(sum(ln(1 - x.weight))) AS risk,
                 jsonb_agg(jsonb_build_object('rule', x.rule, 'found', x.as_of, 'weight', x.weight, 'value', x.value, 'evidence', x.evidence) ORDER BY x.weight DESC, x.rule) AS evidence
            FROM (SELECT DISTINCT ON (g.rule) g.rule, g.as_of, g.value, g.evidence, r.weight
                    FROM crm_data.churn_signal g JOIN crm_data.churn_rule r ON r.rule = g.rule AND r.version = v.held AND r.active
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

CREATE FUNCTION crm.behaviour_features(codes crm.customer_code[], known jsonb[], as_of date) RETURNS TABLE (customer_code crm.customer_code, features jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_nestloop = off
    AS $$
    -- Both sides have a row for each customer; what is known of a batch's size would lead to comparing each with each.
    SELECT f.customer_code, f.features || jsonb_build_object('churn_risk', k.risk, 'contribution_12m', coalesce((f.features ->> 'amount_12m')::numeric, 0) - coalesce(o.cost, 0)) || coalesce(s.scores, '{}')
      FROM unnest(codes, known) f (customer_code, features) JOIN crm.churn_risks(codes, as_of) k ON k.customer_code = f.customer_code
      LEFT JOIN crm.behaviour_costs(codes, as_of) o ON o.customer_code = f.customer_code
      LEFT JOIN crm.behaviour_scores(codes, as_of) s ON s.customer_code = f.customer_code $$;
ALTER FUNCTION crm.behaviour_features(crm.customer_code[], jsonb[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.behaviour_features(crm.customer_code[], jsonb[], date) IS
$$What classes and levels can ask of customers: crm.score_features(), which are given, churn_risk, contribution_12m (amount_12m less what the customer cost in these 365 days, in CNY), and score.PURPOSE for each latest valid result but those of credit (分类特征). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.behaviour_features(crm.customer_code[], jsonb[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.behaviour_costs(codes crm.customer_code[], as_of date) RETURNS TABLE (customer_code crm.customer_code, cost numeric)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    SELECT m.survivor_code, sum(o.amount)
      FROM unnest(codes) c (code) JOIN crm_data.customer m ON m.survivor_code = c.code JOIN crm_data.customer_cost o ON o.customer_code = m.customer_code
     WHERE o.currency = 'CNY' AND o.incurred_on > as_of - 365 AND o.incurred_on <= as_of
     GROUP BY m.survivor_code $$;
ALTER FUNCTION crm.behaviour_costs(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.behaviour_costs(crm.customer_code[], date) IS 'What customers cost in the 365 days up to a day, in CNY, merged records with their survivor (近一年成本).';
REVOKE EXECUTE ON FUNCTION crm.behaviour_costs(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.behaviour_scores(codes crm.customer_code[], as_of date) RETURNS TABLE (customer_code crm.customer_code, scores jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    SELECT x.customer_code, jsonb_object_agg('score.' || x.purpose, x.score)
      FROM (SELECT DISTINCT ON (r.customer_code, r.purpose) r.customer_code, r.purpose, r.score
              FROM unnest(codes) c (code) JOIN crm_data.score_result r ON r.customer_code = c.code
             WHERE r.domain <> 'credit' AND r.as_of <= behaviour_scores.as_of AND r.valid_until >= behaviour_scores.as_of
             ORDER BY r.customer_code, r.purpose, r.as_of DESC, r.result_id DESC) x
     GROUP BY x.customer_code $$;
ALTER FUNCTION crm.behaviour_scores(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.behaviour_scores(crm.customer_code[], date) IS 'The latest valid score for each purpose but those of credit, of customers who have any (有效评分).';
REVOKE EXECUTE ON FUNCTION crm.behaviour_scores(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.class_edges_rise(edges float8[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT coalesce(bool_and(e.edge < e.after OR e.after IS NULL AND e.n = cardinality(edges)), false) AND array_position(edges, NULL) IS NULL AND 'NaN' <> ALL (edges)
            FROM (SELECT x.edge, x.n, lead(x.edge) OVER (ORDER BY x.n) AS after FROM unnest(edges) WITH ORDINALITY x (edge, n)) e $$;
COMMENT ON FUNCTION crm.class_edges_rise(float8[]) IS 'Whether each edge lies above the one before, and all are numbers (分界值递增).';

CREATE FUNCTION crm.class_scored(known jsonb[], scheme text, version integer) RETURNS jsonb[]
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM crm_data.class_score s WHERE s.scheme = class_scored.scheme AND s.version = class_scored.version) THEN
        RETURN known;
    END IF;
    RETURN (
        SELECT array_agg(k.features || x.scores ORDER BY k.n)
          FROM unnest(known) WITH ORDINALITY k (features, n)
         CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(p.score, p.points) FILTER (WHERE p.points IS NOT NULL)
                   || jsonb_build_object(class_scored.scheme || '_score', round(sum(p.weight * coalesce((p.points - 1)::float8 / cardinality(p.edges), 0) * 100)::numeric / sum(p.weight)::numeric, 2)) AS scores
              FROM (SELECT s.score, s.weight, s.edges,
                           CASE WHEN jsonb_typeof(k.features -> s.feature) = 'number' THEN
                                CASE WHEN s.is_falling THEN cardinality(s.edges) + 1 - width_bucket((k.features ->> s.feature)::float8, s.edges)
                                     ELSE 1 + width_bucket((k.features ->> s.feature)::float8, s.edges) END END AS points
                      FROM crm_data.class_score s WHERE s.scheme = class_scored.scheme AND s.version = class_scored.version) p) x);
END
$$;
ALTER FUNCTION crm.class_scored(jsonb[], text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.class_scored(jsonb[], text, integer) IS
$$Features of customers with the scores that a version of a scheme of classes reckons from them: each of its crm.class_score, from 1 up, and SCHEME_score, their weighted mean between 0, all at the least, and 100 (分类评分).
A feature that is not known gives no score, and counts as the least in the mean.$$;
REVOKE EXECUTE ON FUNCTION crm.class_scored(jsonb[], text, integer) FROM PUBLIC; -- a part of crm.classify()

CREATE FUNCTION crm.class_proposals(codes crm.customer_code[], known jsonb[], scheme text, version integer)
    RETURNS TABLE (customer_code crm.customer_code, class text, value float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    SELECT DISTINCT ON (k.n) k.customer_code, r.class, x.value
      FROM unnest(codes, crm.class_scored(known, scheme, version)) WITH ORDINALITY k (customer_code, features, n)
      JOIN crm_data.class_rule r ON r.scheme = class_proposals.scheme AND r.version = class_proposals.version
     CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(k.features -> r.feature) WHEN 'number' THEN (k.features -> r.feature)::float8 END AS value) x
     WHERE (r.feature IS NULL OR x.value IS NOT NULL AND (r.lower IS NULL OR x.value >= r.lower) AND (r.upper IS NULL OR x.value < r.upper))
       AND (r.condition IS NULL OR crm.points_condition(r.condition, k.features))
     ORDER BY k.n, r.sort $$;
ALTER FUNCTION crm.class_proposals(crm.customer_code[], jsonb[], text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.class_proposals(crm.customer_code[], jsonb[], text, integer) IS
$$The class that the first fitting rule of a version gives to customers whose features are known, and the value that it looked at (分类判定).$$;
REVOKE EXECUTE ON FUNCTION crm.class_proposals(crm.customer_code[], jsonb[], text, integer) FROM PUBLIC; -- a part of crm.classify()

CREATE FUNCTION crm.class_keep(codes crm.customer_code[], known jsonb[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('class.' || scheme, as_of);
    moved crm.customer_code[];
    classes text[];
    before text[];
    vals float8[];
    dormant crm.customer_code[];
BEGIN
    PERFORM crm.score_require('value');
    IF held IS NULL THEN
        RAISE EXCEPTION 'no classes of scheme "%" on %', scheme, as_of USING ERRCODE = 'undefined_object', HINT = 'crm.rule_set lists the sets of rules and when they hold.';
    END IF;
    -- By arrays and along keys: plans are kept while the table grows, and must not turn to reading all of it.
    SELECT array_agg(n.customer_code), array_agg(n.class), array_agg(n.value), array_agg(o.class), array_agg(n.customer_code) FILTER (WHERE r.asks_reason)
      INTO moved, classes, vals, before, dormant
      FROM crm.class_proposals(codes, known, scheme, held) n
      JOIN crm_data.class_rule r ON r.scheme = class_keep.scheme AND r.version = held AND r.class = n.class
      LEFT JOIN LATERAL (SELECT k.class, k.since FROM crm_data.customer_class k
                          WHERE k.customer_code = n.customer_code AND k.scheme = class_keep.scheme AND k.until IS NULL ORDER BY k.since DESC LIMIT 1) o ON true
     WHERE o.class IS DISTINCT FROM n.class AND (o.since IS NULL OR o.since < class_keep.as_of);
    IF moved IS NOT NULL THEN
        UPDATE crm_data.customer_class k SET until = class_keep.as_of - 1 WHERE k.customer_code = ANY (moved) AND k.scheme = class_keep.scheme AND k.until IS NULL;
        INSERT INTO crm_data.customer_class (customer_code, scheme, since, class, class_before, value, rule_version)
        SELECT m.code, class_keep.scheme, class_keep.as_of, m.class, m.class_before, m.value, held FROM unnest(moved, classes, before, vals) m (code, class, class_before, value);
    END IF;
    PERFORM crm.dormancy_find(dormant, as_of);
    PERFORM crm.strategy_open(codes, moved, scheme, held, as_of);
    RETURN coalesce(cardinality(moved), 0);
END
$$;
ALTER FUNCTION crm.class_keep(crm.customer_code[], jsonb[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.class_keep(crm.customer_code[], jsonb[], text, date) IS
$$Give classes to customers whose features are known; returns how many changed (客户分类登记). A part of crm.classify(). Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.class_keep(crm.customer_code[], jsonb[], text, date) FROM PUBLIC; -- writes classes

CREATE FUNCTION crm.classify(codes crm.customer_code[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    who crm.customer_code[];
    known jsonb[];
BEGIN
    PERFORM crm.score_require('value');
    SELECT k.who, k.known INTO who, known FROM crm.behaviour_known(codes, as_of) k;
    RETURN crm.class_keep(coalesce(who, '{}'), coalesce(known, '{}'), scheme, as_of);
END
$$;
ALTER FUNCTION crm.classify(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.classify(crm.customer_code[], text, date) IS
$$Give customers the class that the rules which hold on a day say; a change ends the row before and begins another, opens what the class asks for, and, for a class that asks for the reason, says which was found; returns how many changed (客户分类).
Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.classify(crm.customer_code[], text, date) FROM PUBLIC; -- writes classes
GRANT EXECUTE ON FUNCTION crm.classify(crm.customer_code[], text, date) TO crm_data_admin;

CREATE FUNCTION crm.behaviour_known(codes crm.customer_code[], as_of date, OUT who crm.customer_code[], OUT known jsonb[])
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    SELECT array_agg(f.customer_code), array_agg(f.features) INTO who, known FROM crm.score_features(codes, as_of, false) f;
    SELECT array_agg(f.customer_code), array_agg(f.features) INTO who, known FROM crm.behaviour_features(who, known, as_of) f;
END
$$;
ALTER FUNCTION crm.behaviour_known(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.behaviour_known(crm.customer_code[], date) IS 'All that classes and levels can ask of customers, reckoned once: their codes, and beside them crm.behaviour_features() (行为特征). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.behaviour_known(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.value_keep(codes crm.customer_code[], known jsonb[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    SET jit = off SET enable_nestloop = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('class.value', as_of);
    its_month CONSTANT date := date_trunc('month', as_of::timestamp)::date;
    fresh_codes crm.customer_code[];
    fresh jsonb[];
    kept bigint;
BEGIN
    PERFORM crm.score_require('value');
    SELECT array_agg(k.code ORDER BY k.n), array_agg(k.features ORDER BY k.n) INTO fresh_codes, fresh FROM unnest(codes, known) WITH ORDINALITY k (code, features, n)
     WHERE NOT EXISTS (SELECT FROM crm_data.value_snapshot v WHERE v.customer_code = ANY (codes) AND v.customer_code = k.code AND v.month = its_month);
    INSERT INTO crm_data.value_snapshot (customer_code, month, as_of, class, rule_version, value, r_score, f_score, m_score, c_score, value_score, recency_days, purchases, amount, contribution, lifetime_value)
    SELECT p.customer_code, its_month, value_keep.as_of, p.class, held, p.value, f.r_score, f.f_score, f.m_score, f.c_score, f.value_score, f.recency_days,
           coalesce(f.purchases_12m, 0), coalesce(f.amount_12m, 0), f.contribution_12m,
           CASE jsonb_typeof(k.features -> 'lifetime_value') WHEN 'number' THEN (k.features -> 'lifetime_value')::numeric END
      FROM crm.class_proposals(fresh_codes, fresh, 'value', held) p
      JOIN unnest(fresh_codes, crm.class_scored(fresh, 'value', held)) k (code, features) ON k.code = p.customer_code
     CROSS JOIN LATERAL jsonb_to_record(k.features) f (r_score smallint, f_score smallint, m_score smallint, c_score smallint, value_score float8,
                                                       recency_days integer, purchases_12m integer, amount_12m numeric, contribution_12m numeric)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS kept = ROW_COUNT;
    RETURN kept;
END
$$;
ALTER FUNCTION crm.value_keep(crm.customer_code[], jsonb[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.value_keep(crm.customer_code[], jsonb[], date) IS
$$Keep the value of customers whose features are known, with the scores that led to it, once a month: the first run of a month says it; returns how many were kept (价值快照). A part of crm.assess_behaviour(). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.value_keep(crm.customer_code[], jsonb[], date) FROM PUBLIC; -- writes snapshots

-- -- why customers sleep, and what is done for a class ------------------------------------------

CREATE FUNCTION crm.dormancy_reasons(codes crm.customer_code[], version integer, as_of date) RETURNS TABLE (customer_code crm.customer_code, reason text, evidence jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    SELECT DISTINCT ON (c.code) c.code, r.reason, x.evidence
      FROM unnest(codes) c (code)
      JOIN crm_data.dormancy_reason r ON r.version = dormancy_reasons.version
     CROSS JOIN LATERAL (
        SELECT jsonb_build_object('interactions', jsonb_agg(i.interaction_id ORDER BY i.happened_at), 'last_at', max(i.happened_at)) AS evidence
          FROM crm_data.customer m JOIN crm_data.interaction i ON i.customer_code = m.customer_code
         WHERE r.pattern IS NOT NULL AND m.survivor_code = c.code AND i.happened_at > as_of - r.days AND i.happened_at < as_of + 1
           AND concat_ws(' ', i.subject, i.outcome) ~* r.pattern HAVING count(*) > 0
        UNION ALL
        SELECT jsonb_build_object('signals', jsonb_agg(s.evidence ORDER BY s.as_of), 'last_on', max(s.as_of))
          FROM crm_data.customer m JOIN crm_data.churn_signal s ON s.customer_code = m.customer_code
         WHERE r.signal IS NOT NULL AND m.survivor_code = c.code AND s.rule = r.signal AND s.as_of > dormancy_reasons.as_of - r.days AND s.as_of <= dormancy_reasons.as_of HAVING count(*) > 0
        UNION ALL
        SELECT '{}' WHERE num_nonnulls(r.pattern, r.signal) = 0) x
     ORDER BY c.code, r.sort $$;
ALTER FUNCTION crm.dormancy_reasons(crm.customer_code[], integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.dormancy_reasons(crm.customer_code[], integer, date) IS
$$The first reason, in order, for which a version of the rules finds evidence: interactions by pattern, or signs of leaving, of the last days (休眠原因判定).$$;
REVOKE EXECUTE ON FUNCTION crm.dormancy_reasons(crm.customer_code[], integer, date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.dormancy_find(codes crm.customer_code[], as_of date) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.customer_dormancy (customer_code, since, reason, rule_version, found_by, evidence, recorded_by)
    SELECT d.customer_code, as_of, d.reason, v.held, 'rule', d.evidence, session_user
      FROM (SELECT crm.rule_version('dormancy', as_of) AS held) v CROSS JOIN LATERAL crm.dormancy_reasons(codes, v.held, as_of) d $$;
COMMENT ON FUNCTION crm.dormancy_find(crm.customer_code[], date) IS 'Keep why customers fell asleep, as the rules find it (休眠原因登记). A part of crm.classify().';
REVOKE EXECUTE ON FUNCTION crm.dormancy_find(crm.customer_code[], date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.dormancy_find(crm.customer_code[], date) TO crm_owner;

CREATE FUNCTION crm.record_dormancy_reason(customer crm.customer_code, reason text, evidence text, as_of date DEFAULT crm.company_today()) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    who CONSTANT crm.customer_code := coalesce(crm.resolve(customer), customer);
    asleep date;
    made bigint;
BEGIN
    PERFORM crm.score_require('value');
    SELECT max(d.since) INTO asleep FROM crm_data.customer_dormancy d WHERE d.customer_code = who AND d.since <= as_of;
    IF asleep IS NULL THEN
        RAISE EXCEPTION 'customer % was not found dormant', customer USING ERRCODE = 'no_data_found', HINT = 'A class whose rule asks for the reason is what finds it: crm.classify().';
    END IF;
    INSERT INTO crm_data.customer_dormancy (customer_code, since, reason, rule_version, found_by, evidence, recorded_by)
    VALUES (who, asleep, reason, crm.rule_version('dormancy', as_of), 'person', jsonb_build_object('note', evidence), session_user) RETURNING entry_no INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.record_dormancy_reason(crm.customer_code, text, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_dormancy_reason(crm.customer_code, text, text, date) IS
$$Record why a customer sleeps, as a person found out; it stands above what rules found, which stays (登记休眠原因).
reason: a code of crm.dormancy_reason; evidence: how it is known. Errors: P0002 not dormant, 23503 no such reason, 23514 without evidence, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.record_dormancy_reason(crm.customer_code, text, text, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.record_dormancy_reason(crm.customer_code, text, text, date) TO crm_data_admin;

CREATE FUNCTION crm.strategy_open(codes crm.customer_code[], moved crm.customer_code[], scheme text, version integer, as_of date) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- What the class before asked for is no longer to be done.
    UPDATE crm_data.follow_up f SET closed_on = strategy_open.as_of, closed_by = session_user, outcome = 'left the class'
     WHERE f.customer_code = ANY (moved) AND f.closed_on IS NULL AND f.domain = 'general' AND split_part(f.subject, '.', 1) = strategy_open.scheme;
    INSERT INTO crm_data.follow_up (customer_code, action, subject, opened_on, due_on, owner_unit)
    SELECT k.customer_code, a.action, k.scheme || '.' || k.class, strategy_open.as_of, strategy_open.as_of + a.due_days, c.owner_unit
      FROM unnest(moved) m (code)
     CROSS JOIN LATERAL (SELECT x.* FROM crm_data.customer_class x WHERE x.customer_code = m.code AND x.scheme = strategy_open.scheme AND x.since = strategy_open.as_of LIMIT 1) k
      JOIN crm_data.class_action a ON a.scheme = k.scheme AND a.version = strategy_open.version AND a.class = k.class AND a.every_days IS NULL
     CROSS JOIN LATERAL (SELECT x.owner_unit FROM crm_data.customer x WHERE x.customer_code = k.customer_code LIMIT 1) c
     WHERE k.class_before IS NOT NULL OR a.on_first
        ON CONFLICT DO NOTHING;
    PERFORM FROM crm_data.class_action a WHERE a.scheme = strategy_open.scheme AND a.version = strategy_open.version AND a.every_days IS NOT NULL;
    IF FOUND THEN
        PERFORM crm.strategy_repeat(codes, scheme, version, as_of);
    END IF;
END
$$;
COMMENT ON FUNCTION crm.strategy_open(crm.customer_code[], crm.customer_code[], text, integer, date) IS
$$Open what their class asks for: of those who moved what is done once, of all what is done regularly and falls due within its days (分类策略任务). A part of crm.classify().$$;
REVOKE EXECUTE ON FUNCTION crm.strategy_open(crm.customer_code[], crm.customer_code[], text, integer, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.strategy_open(crm.customer_code[], crm.customer_code[], text, integer, date) TO crm_owner;

CREATE FUNCTION crm.strategy_repeat(codes crm.customer_code[], scheme text, version integer, as_of date) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    -- A contact is made when somebody spoke to the customer; nobody need tell the list.
    UPDATE crm_data.follow_up f SET closed_on = strategy_repeat.as_of, closed_by = session_user, outcome = 'contacted'
     WHERE f.customer_code = ANY (codes) AND f.action = 'contact' AND f.closed_on IS NULL AND split_part(f.subject, '.', 1) = strategy_repeat.scheme
       AND EXISTS (SELECT FROM crm_data.customer m JOIN crm_data.interaction i ON i.customer_code = m.customer_code
                    WHERE m.survivor_code = f.customer_code AND i.direction = 'outbound' AND i.happened_at >= f.opened_on AND i.happened_at < strategy_repeat.as_of + 1);
    INSERT INTO crm_data.follow_up (customer_code, action, subject, opened_on, due_on, owner_unit)
    SELECT k.customer_code, a.action, k.scheme || '.' || k.class, strategy_repeat.as_of, d.due_on, w.owner_unit
      FROM unnest(codes) c (code)
      JOIN crm_data.customer_class k ON k.customer_code = c.code AND k.scheme = strategy_repeat.scheme AND k.until IS NULL
      JOIN crm_data.class_action a ON a.scheme = k.scheme AND a.version = strategy_repeat.version AND a.class = k.class AND a.every_days IS NOT NULL
      JOIN crm_data.customer w ON w.customer_code = k.customer_code
     CROSS JOIN LATERAL (
        SELECT greatest(k.since, max(i.happened_at)::date,
                        (SELECT max(f.closed_on) FROM crm_data.follow_up f WHERE f.customer_code = k.customer_code AND f.action = a.action AND f.subject = k.scheme || '.' || k.class AND f.outcome <> 'contacted')) + a.every_days AS due_on
          FROM crm_data.customer m JOIN crm_data.interaction i ON i.customer_code = m.customer_code
         WHERE m.survivor_code = k.customer_code AND i.direction = 'outbound' AND i.happened_at >= k.since AND i.happened_at < strategy_repeat.as_of + 1 AND a.action = 'contact') d
     -- Nobody is due who came in too late for it, or works through the interactions of a customer for nothing.
     WHERE k.since + a.every_days <= strategy_repeat.as_of + a.due_days AND d.due_on <= strategy_repeat.as_of + a.due_days
        ON CONFLICT DO NOTHING $$;
COMMENT ON FUNCTION crm.strategy_repeat(crm.customer_code[], text, integer, date) IS
$$Close contacts that were made, and open what is done regularly for a class when it falls due within the days that the action allows (定期回访任务). A part of crm.classify().$$;
REVOKE EXECUTE ON FUNCTION crm.strategy_repeat(crm.customer_code[], text, integer, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.strategy_repeat(crm.customer_code[], text, integer, date) TO crm_owner;

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
    -- crm.rule_version(), written out, since a call for each row would cost more than all the rest.
    SELECT r.version INTO NEW.rule_version FROM crm_data.rule_set r
     WHERE r.rule_set = 'level.' || NEW.scheme AND r.state = 'approved' AND r.valid_from <= NEW.valid_from AND (r.valid_until IS NULL OR r.valid_until >= NEW.valid_from)
     ORDER BY r.valid_from DESC, r.version DESC LIMIT 1;
    SELECT d.rank, d.minimum, s.valid_months INTO wanted FROM crm_data.level_def d JOIN crm_data.level_scheme s ON s.scheme = d.scheme AND s.version = d.version
     WHERE d.scheme = NEW.scheme AND d.version = NEW.rule_version AND d.level = NEW.level;
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
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    before record;
    made record;
BEGIN
    SELECT l.level, l.rank INTO before FROM crm_data.customer_level l JOIN crm_data.score_request q ON q.customer_code = l.customer_code AND q.subject = l.scheme
     WHERE q.customer_code = customer AND q.request_no = request ORDER BY l.valid_from DESC LIMIT 1;
    INSERT INTO crm_data.customer_level (customer_code, scheme, valid_from, level, rank, valid_until, cause, request_no, rule_version)
    SELECT q.customer_code, q.subject, q.valid_from, q.wanted, 0, q.valid_until, 'approved', q.request_no, 0
      FROM crm_data.score_request q WHERE q.customer_code = customer AND q.request_no = request
    RETURNING scheme, level, rank, valid_from, rule_version INTO made;
    INSERT INTO crm_data.level_notice (customer_code, scheme, rule_version, due_on, kind, level_from, level_to, noted_on)
    VALUES (customer, made.scheme, made.rule_version, made.valid_from, CASE WHEN made.rank < before.rank THEN 'downgrade' ELSE 'upgrade' END, before.level, made.level, crm.company_today())
        ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION crm.level_from_request(crm.customer_code, bigint) IS 'Give the level that an approved request asked for, with notice to the customer (按申请定级). A part of crm.decide_score_change().';
REVOKE EXECUTE ON FUNCTION crm.level_from_request(crm.customer_code, bigint) FROM PUBLIC; -- writes levels
GRANT EXECUTE ON FUNCTION crm.level_from_request(crm.customer_code, bigint) TO crm_owner;

CREATE FUNCTION crm.level_noticed() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.emit_event(n.customer_code, 'general', 'level.notice', jsonb_build_object('scheme', n.scheme, 'kind', n.kind, 'level_from', n.level_from, 'level_to', n.level_to, 'due_on', n.due_on))
       FROM fresh n;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.level_noticed() IS 'Trigger: a notice of a change of level goes out as an event (级别变更事件).';
REVOKE EXECUTE ON FUNCTION crm.level_noticed() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.level_noticed() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.level_proposals(codes crm.customer_code[], known jsonb[], scheme text, version integer, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, level text, rank smallint, value float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    SELECT DISTINCT ON (f.n) f.customer_code, v.level, v.rank, x.value
      FROM unnest(codes, known) WITH ORDINALITY f (customer_code, features, n)
      JOIN crm_data.level_scheme s ON s.scheme = level_proposals.scheme AND s.version = level_proposals.version AND (s.applies_to IS NULL OR f.features ->> 'kind' = ANY (s.applies_to))
       AND (s.unit IS NULL OR s.unit = (SELECT c.owner_unit FROM crm_data.customer c WHERE c.customer_code = f.customer_code))
     CROSS JOIN LATERAL (SELECT (f.features ->> s.feature)::float8 AS value) x
      JOIN crm_data.level_def v ON v.scheme = s.scheme AND v.version = s.version AND v.minimum <= x.value
       AND (v.credit_minimum IS NULL OR v.credit_minimum <= (
                SELECT min(y.score) FROM (SELECT DISTINCT ON (r.purpose) r.score FROM crm_data.score_result r
                 WHERE r.customer_code = f.customer_code AND r.domain = 'credit' AND r.as_of <= level_proposals.as_of AND r.valid_until >= level_proposals.as_of
                 ORDER BY r.purpose, r.as_of DESC, r.result_id DESC) y))
       AND (v.condition IS NULL OR crm.points_condition(v.condition, f.features))
     WHERE (f.features ->> 'tenure_days')::integer >= s.min_tenure_days
     ORDER BY f.n, v.rank DESC $$;
ALTER FUNCTION crm.level_proposals(crm.customer_code[], jsonb[], text, integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.level_proposals(crm.customer_code[], jsonb[], text, integer, date) IS
$$Of customers whose features are known the highest level of a version whose minimum the value reaches, whose least credit score the weakest valid one reaches, and whose condition holds; none before the least tenure (等级测算).$$;
REVOKE EXECUTE ON FUNCTION crm.level_proposals(crm.customer_code[], jsonb[], text, integer, date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.level_proposals(codes crm.customer_code[], scheme text, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, level text, rank smallint, value float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT p.* FROM crm.behaviour_known(codes, as_of) k CROSS JOIN LATERAL crm.level_proposals(k.who, k.known, scheme, crm.rule_version('level.' || scheme, as_of), as_of) p $$;
ALTER FUNCTION crm.level_proposals(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) IS
$$The level that customers would have by the rules that hold on a day (等级测算). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.level_proposals(crm.customer_code[], text, date) TO crm_data_admin;

CREATE FUNCTION crm.level_assess(codes crm.customer_code[], known jsonb[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    SET jit = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('level.' || scheme, as_of);
    changed bigint;
BEGIN
    PERFORM crm.score_require('value');
    IF held IS NULL THEN
        RAISE EXCEPTION 'no level scheme "%" on %', scheme, as_of USING ERRCODE = 'undefined_object', HINT = 'crm.rule_set lists the sets of rules and when they hold.';
    END IF;
    WITH said AS MATERIALIZED (
        SELECT p.*, o.level AS level_before, o.rank AS rank_before, o.valid_until, o.valid_from, s.notice_days, s.feature
          FROM crm.level_proposals(codes, known, scheme, held, as_of) p
          JOIN crm_data.level_scheme s ON s.scheme = level_assess.scheme AND s.version = held
          LEFT JOIN LATERAL (SELECT l.level, l.rank, l.valid_until, l.valid_from FROM crm_data.customer_level l
                              WHERE l.customer_code = p.customer_code AND l.scheme = level_assess.scheme ORDER BY l.valid_from DESC LIMIT 1) o ON true),
    assessed AS (
        INSERT INTO crm_data.level_assessment (customer_code, scheme, rule_version, as_of, inputs, value, level, assessed_by)
        SELECT d.customer_code, level_assess.scheme, held, level_assess.as_of, jsonb_build_object(d.feature, d.value), d.value, d.level, session_user FROM said d
         WHERE d.level_before IS NULL OR level_assess.as_of > d.valid_from AND (d.rank > d.rank_before OR level_assess.as_of > d.valid_until)
        RETURNING customer_code, assessment_no, value, level),
    made AS (
        INSERT INTO crm_data.customer_level (customer_code, scheme, valid_from, level, rank, valid_until, cause, value, assessment_no, rule_version)
        SELECT d.customer_code, level_assess.scheme, level_assess.as_of, d.level, 0, level_assess.as_of, 'assessed', d.value, d.assessment_no, held FROM assessed d
        RETURNING customer_code),
    noted AS (
        INSERT INTO crm_data.level_notice (customer_code, scheme, rule_version, due_on, kind, level_from, level_to, noted_on)
        SELECT d.customer_code, level_assess.scheme, held, CASE WHEN d.rank > coalesce(d.rank_before, 0) THEN level_assess.as_of ELSE d.valid_until + 1 END,
               CASE WHEN d.rank > coalesce(d.rank_before, 0) THEN 'upgrade' ELSE 'downgrade' END, d.level_before, d.level, level_assess.as_of
          FROM said d
         WHERE d.rank > d.rank_before AND level_assess.as_of > d.valid_from
            OR d.rank < d.rank_before AND d.valid_until BETWEEN level_assess.as_of AND level_assess.as_of + d.notice_days
            ON CONFLICT DO NOTHING)
    SELECT count(*) INTO changed FROM made;
    RETURN changed;
END
$$;
ALTER FUNCTION crm.level_assess(crm.customer_code[], jsonb[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.level_assess(crm.customer_code[], jsonb[], text, date) IS
$$Assess the levels of customers whose features are known; returns how many rows of levels were made (等级评定登记). A part of crm.assess_level(). Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.level_assess(crm.customer_code[], jsonb[], text, date) FROM PUBLIC; -- writes levels

CREATE FUNCTION crm.assess_level(codes crm.customer_code[], scheme text, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    who crm.customer_code[];
    known jsonb[];
BEGIN
    PERFORM crm.score_require('value');
    SELECT k.who, k.known INTO who, known FROM crm.behaviour_known(codes, as_of) k;
    RETURN crm.level_assess(coalesce(who, '{}'), coalesce(known, '{}'), scheme, as_of);
END
$$;
ALTER FUNCTION crm.assess_level(crm.customer_code[], text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.assess_level(crm.customer_code[], text, date) IS
$$Assess the levels of customers as of a day by the rules that hold on it: up at once, down or again after the last day; returns how many rows of levels were made (等级评定).
Each refers to its assessment, with what it rests on. level_notice, and an event level.notice, say who rose, and, so many days ahead as the scheme says, who will fall. Errors: 42501, 42704.$$;
REVOKE EXECUTE ON FUNCTION crm.assess_level(crm.customer_code[], text, date) FROM PUBLIC; -- writes levels
GRANT EXECUTE ON FUNCTION crm.assess_level(crm.customer_code[], text, date) TO crm_data_admin;

CREATE FUNCTION crm.service_commitments(customer crm.customer_code, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (commitment text, target numeric, unit text, scheme text, level text, label text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 5 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT DISTINCT ON (s.commitment, s.unit) s.commitment, s.target, s.unit, s.scheme, s.level, CASE crm.lang() WHEN 'zh' THEN s.label_zh ELSE s.label_en END
      FROM (SELECT DISTINCT ON (l.scheme) l.* FROM crm_data.customer_level l
             WHERE l.customer_code = coalesce(crm.resolve(customer), customer) AND l.valid_from <= as_of ORDER BY l.scheme, l.valid_from DESC) h
      JOIN crm_data.service_commitment s ON s.scheme = h.scheme AND s.version = crm.rule_version('level.' || h.scheme, as_of) AND s.level = h.level
     WHERE h.valid_until >= as_of
     -- Of two schemes the better promise: a time is better short, anything else is better great.
     ORDER BY s.commitment, s.unit, CASE WHEN s.unit IN ('minute', 'hour', 'day') THEN s.target ELSE -s.target END $$;
ALTER FUNCTION crm.service_commitments(crm.customer_code, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.service_commitments(crm.customer_code, date) IS
$$What a customer's valid levels promise him, by the rules that hold on the day: response times, managers, benefits (服务承诺).$$;
REVOKE EXECUTE ON FUNCTION crm.service_commitments(crm.customer_code, date) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.service_commitments(crm.customer_code, date) TO crm_data_admin, crm_writer, crm_reader;

CREATE FUNCTION crm.benefit_left(customer crm.customer_code, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (benefit text, quantity integer, per text, used bigint, remaining bigint, valid_until date, scheme text, rule_version integer, level text, label text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 5 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT e.benefit, e.quantity, e.per, u.used, greatest(e.quantity - u.used, 0), least(p.last_day, e.valid_until), e.scheme, e.version, e.level, CASE crm.lang() WHEN 'zh' THEN e.label_zh ELSE e.label_en END
      FROM (SELECT DISTINCT ON (x.benefit) x.*, h.valid_until
              FROM (SELECT DISTINCT ON (l.scheme) l.scheme, l.level, l.valid_until FROM crm_data.customer_level l
                     WHERE l.customer_code = coalesce(crm.resolve(customer), customer) AND l.valid_from <= as_of ORDER BY l.scheme, l.valid_from DESC) h
              JOIN crm_data.benefit_entitlement x ON x.scheme = h.scheme AND x.version = crm.rule_version('level.' || h.scheme, as_of) AND x.level = h.level
             WHERE h.valid_until >= as_of
             -- Of two schemes that which gives more.
             ORDER BY x.benefit, x.quantity * CASE x.per WHEN 'month' THEN 12 ELSE 1 END DESC, x.scheme) e
     CROSS JOIN LATERAL (SELECT date_trunc(e.per, as_of::timestamp)::date AS first_day, (date_trunc(e.per, as_of::timestamp) + ('1 ' || e.per)::interval - interval '1 day')::date AS last_day) p
     CROSS JOIN LATERAL (SELECT count(*) AS used FROM crm_data.customer m JOIN crm_data.benefit_used b ON b.customer_code = m.customer_code
                          WHERE m.survivor_code = coalesce(crm.resolve(customer), customer) AND b.benefit = e.benefit AND b.used_on BETWEEN p.first_day AND p.last_day) u
     ORDER BY e.benefit $$;
ALTER FUNCTION crm.benefit_left(crm.customer_code, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.benefit_left(crm.customer_code, date) IS
$$What benefits a customer's valid levels give on a day: how often in the calendar month or year, how often used in it, by all his merged records, and what is left until when (权益剩余).
Of two schemes that give the same benefit, the one that gives more counts.$$;
REVOKE EXECUTE ON FUNCTION crm.benefit_left(crm.customer_code, date) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.benefit_left(crm.customer_code, date) TO crm_data_admin, crm_writer, crm_reader;

CREATE FUNCTION crm.benefit_use(customer crm.customer_code, benefit text, request_id text, used_on date DEFAULT crm.company_today()) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    root crm.customer_code;
    known date;
    held record;
BEGIN
    -- Uses of one customer follow each other; whoever is merged meanwhile is looked for again.
    LOOP
        root := crm.resolve(customer);
        PERFORM FROM crm_data.customer c WHERE c.customer_code = root FOR NO KEY UPDATE;
        EXIT WHEN root IS NOT DISTINCT FROM crm.resolve(customer);
    END LOOP;
    SELECT b.used_on INTO known FROM crm_data.customer m JOIN crm_data.benefit_used b ON b.customer_code = m.customer_code
     WHERE m.survivor_code = root AND b.benefit = benefit_use.benefit AND b.request_id = benefit_use.request_id;
    IF known <> benefit_use.used_on THEN
        RAISE EXCEPTION 'this use was recorded with another day' USING ERRCODE = 'KH014', DETAIL = format('It was recorded for %s.', known), HINT = 'A use of its own has a request id of its own.';
    END IF;
    SELECT l.* INTO held FROM crm.benefit_left(root, used_on) l WHERE l.benefit = benefit_use.benefit;
    IF known IS NOT NULL THEN
        RETURN coalesce(held.remaining, 0);
    ELSIF used_on > crm.company_today() THEN
        RAISE EXCEPTION 'a benefit is not used before its day' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Given: %s.', used_on);
    ELSIF held.benefit IS NULL OR held.remaining = 0 THEN
        RAISE EXCEPTION 'nothing is left of benefit "%"', benefit USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = coalesce(format('Used %s of %s a %s.', held.used, held.quantity, held.per), 'No valid level gives it.'), HINT = 'crm.benefit_left() says what is left.';
    END IF;
    INSERT INTO crm_data.benefit_used (customer_code, benefit, request_id, use_no, used_on, scheme, rule_version, level)
    SELECT root, benefit_use.benefit, benefit_use.request_id, coalesce(max(b.use_no), 0) + 1, benefit_use.used_on, held.scheme, held.rule_version, held.level
      FROM crm_data.benefit_used b WHERE b.customer_code = root AND b.benefit = benefit_use.benefit;
    RETURN held.remaining - 1;
END
$$;
ALTER FUNCTION crm.benefit_use(crm.customer_code, text, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.benefit_use(crm.customer_code, text, text, date) IS
$$Record that a customer used a benefit of his level, once for each request id; returns how often he may still in that month or year (权益使用).
Never more than allowed, over all merged records and however many sessions; in transactions of repeatable read the later of two ends with 23505 and may be tried again.
Errors: 55000 nothing left or not entitled, KH014 recorded for another day, 22023 a day to come, 23514 a request id of more than 100 bytes.$$;
REVOKE EXECUTE ON FUNCTION crm.benefit_use(crm.customer_code, text, text, date) FROM PUBLIC; -- writes uses
GRANT EXECUTE ON FUNCTION crm.benefit_use(crm.customer_code, text, text, date) TO crm_data_admin, crm_writer;

CREATE FUNCTION crm.service_deadline(customer crm.customer_code, commitment text, begun_at timestamptz DEFAULT now()) RETURNS timestamptz
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT min(begun_at + s.target * CASE s.unit WHEN 'minute' THEN interval '1 minute' WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END)
      FROM crm.service_commitments(customer, (begun_at AT TIME ZONE current_setting('crm.timezone'))::date) s
     WHERE s.commitment = service_deadline.commitment AND s.unit IN ('minute', 'hour', 'day') $$;
COMMENT ON FUNCTION crm.service_deadline(crm.customer_code, text, timestamptz) IS
$$Until when a request that began at this time is to be answered, by what the customer was promised; null: nothing was (服务时限).$$;
REVOKE EXECUTE ON FUNCTION crm.service_deadline(crm.customer_code, text, timestamptz) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.service_deadline(crm.customer_code, text, timestamptz) TO crm_data_admin, crm_writer, crm_reader;

-- -- all of it -------------------------------------------------------------------------------------

CREATE FUNCTION crm.assess_behaviour_batch(codes crm.customer_code[], as_of date) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    who crm.customer_code[];
    known jsonb[];
BEGIN
    PERFORM crm.score_require('churn');
    -- Features are reckoned once; what is asked of them afterwards costs little.
    SELECT array_agg(f.customer_code), array_agg(f.features) INTO who, known FROM crm.score_features(codes, as_of, false) f;
    PERFORM crm.churn_keep(who, known, as_of);
    SELECT array_agg(f.customer_code), array_agg(f.features) INTO who, known FROM crm.behaviour_features(who, known, as_of) f;
    PERFORM crm.class_keep(who, known, s.scheme, as_of) FROM crm.rule_sets('class', as_of) s;
    PERFORM crm.value_keep(who, known, as_of);
    PERFORM crm.level_assess(who, known, s.scheme, as_of) FROM crm.rule_sets('level', as_of) s;
END
$$;
ALTER FUNCTION crm.assess_behaviour_batch(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.assess_behaviour_batch(crm.customer_code[], date) IS 'A batch of crm.assess_behaviour() (行为评估批次). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.assess_behaviour_batch(crm.customer_code[], date) FROM PUBLIC; -- writes classes and levels
GRANT EXECUTE ON FUNCTION crm.assess_behaviour_batch(crm.customer_code[], date) TO crm_data_admin;

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
        PERFORM crm.assess_behaviour_batch(codes, as_of);
        PERFORM crm.score_job_step(job, pg_catalog.cardinality(codes));
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.assess_behaviour(date, integer) IS
$$Find signs of leaving, classify, open what classes ask for, keep the month's value, and assess levels, for all customers in batches that commit (行为评估).
Called again for the same day it changes nothing that is done. Progress: crm.job_progress. Errors: 42501.$$;
REVOKE EXECUTE ON PROCEDURE crm.assess_behaviour(date, integer) FROM PUBLIC; -- writes classes and levels
GRANT EXECUTE ON PROCEDURE crm.assess_behaviour(date, integer) TO crm_data_admin;
