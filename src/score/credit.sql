-- credit: three models side by side, the grade that counts, limits within policy, warnings.

-- -- 5C, 5P, 6A --------------------------------------------------------------------------

CREATE FUNCTION crm.credit_factors() RETURNS TABLE (framework text, factor text, label_zh text, label_en text, as_5c text)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('5C', 'character',      '品格',     'character: the will to pay',                'character'),
    ('5C', 'capacity',       '能力',     'capacity: the ability to pay',              'capacity'),
    ('5C', 'capital',        '资本',     'capital: financial strength',               'capital'),
    ('5C', 'collateral',     '担保品',   'collateral: what secures the debt',         'collateral'),
    ('5C', 'conditions',     '环境状况', 'conditions: trade, law and economy',        'conditions'),
    ('5P', 'people',         '人的因素', 'people: the will to pay',                   'character'),
    ('5P', 'payment',        '还款因素', 'payment: the ability to pay',               'capacity'),
    ('5P', 'purpose',        '目的因素', 'purpose: use of funds, and debts',          'capital'),
    ('5P', 'protection',     '保障因素', 'protection: guarantees',                    'collateral'),
    ('5P', 'perspective',    '展望因素', 'perspective: trade, law, development',      'conditions'),
    ('6A', 'economic',       '经济因素', 'economic aspects: market and economy',      'conditions'),
    ('6A', 'technical',      '技术因素', 'technical aspects: equipment and process',  'capacity'),
    ('6A', 'managerial',     '管理因素', 'managerial aspects: who manages, and how',  'character'),
    ('6A', 'organisational', '组织因素', 'organisational aspects: structure, duties', 'character'),
    ('6A', 'commercial',     '商业因素', 'commercial aspects: supply and sales',      'capacity'),
    ('6A', 'financial',      '财务因素', 'financial aspects: accounts and funds',     'capital') $$;
COMMENT ON FUNCTION crm.credit_factors() IS
$$The factors of the three credit models, each with the 5C factor that it answers to (信用评价因素).
5P answers to 5C one by one, as REQUIREMENTS CRD-04 gives it; of 6A several aspects share a factor, and none is collateral.$$;

CREATE FUNCTION crm.credit_template(framework text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH item (n, framework, factor, input, zh, en, edges, points, missing) AS (VALUES
        (1, '5C', 'character',      'overdue_days',       '逾期天数',     'days overdue',        '{1,31,91}'::float8[],           '{15,10,5,0}'::int[], 8),
        (2, '5C', 'character',      'integrity',          '诚信',         'integrity',           NULL,                            '{10,5,0}',           3),
        (3, '5C', 'capacity',       'current_ratio',      '流动比率',     'current ratio',       '{1,1.5,2}',                     '{0,6,10,12}',        3),
        (4, '5C', 'capacity',       'profit_margin',      '净利率',       'profit margin',       '{0,0.05,0.15}',                 '{0,5,8,10}',         2),
        (5, '5C', 'capital',        'debt_ratio',         '资产负债率',   'debt ratio',          '{0.4,0.6,0.8}',                 '{15,10,5,0}',        4),
        (6, '5C', 'capital',        'registered_capital', '注册资本',     'registered capital',  '{1000000,10000000}',            '{3,6,10}',           2),
        (7, '5C', 'collateral',     'collateral_cover',   '担保覆盖率',   'cover by collateral', '{0.5,1}',                       '{0,8,15}',           0),
        (8, '5C', 'conditions',     'industry_outlook',   '行业前景',     'outlook of the trade', NULL,                           '{13,7,0}',           4),
        (1, '5P', 'people',         'overdue_days',       '逾期天数',     'days overdue',        '{1,31,91}',                     '{15,10,5,0}',        8),
        (2, '5P', 'people',         'integrity',          '诚信',         'integrity',           NULL,                            '{10,5,0}',           3),
        (3, '5P', 'purpose',        'use_of_funds',       '资金用途',     'use of funds',        NULL,                            '{15,8,0}',           4),
        (4, '5P', 'purpose',        'debt_ratio',         '资产负债率',   'debt ratio',          '{0.4,0.6,0.8}',                 '{10,7,3,0}',         3),
        (5, '5P', 'payment',        'current_ratio',      '流动比率',     'current ratio',       '{1,1.5,2}',                     '{0,6,10,12}',        3),
        (6, '5P', 'payment',        'profit_margin',      '净利率',       'profit margin',       '{0,0.05,0.15}',                 '{0,5,8,10}',         2),
        (7, '5P', 'protection',     'collateral_cover',   '担保覆盖率',   'cover by guarantees', '{0.5,1}',                       '{0,8,15}',           0),
        (8, '5P', 'perspective',    'industry_outlook',   '行业前景',     'outlook of the trade', NULL,                           '{13,7,0}',           4),
        (1, '6A', 'economic',       'industry_outlook',   '行业前景',     'outlook of the trade', NULL,                           '{15,8,0}',           5),
        (2, '6A', 'technical',      'technology',         '技术水平',     'technology',          NULL,                            '{15,8,0}',           5),
        (3, '6A', 'managerial',     'management',         '管理水平',     'management',          NULL,                            '{15,8,0}',           5),
        (4, '6A', 'managerial',     'overdue_days',       '逾期天数',     'days overdue',        '{1,31,91}',                     '{5,3,1,0}',          2),
        (5, '6A', 'organisational', 'organisation',       '组织结构',     'organisation',        NULL,                            '{10,5,0}',           3),
        (6, '6A', 'commercial',     'revenue_growth',     '收入增长率',   'growth of revenue',   '{0,0.1}',                       '{0,6,10}',           2),
        (7, '6A', 'commercial',     'market_position',    '市场地位',     'market position',     NULL,                            '{10,5,0}',           3),
        (8, '6A', 'financial',      'debt_ratio',         '资产负债率',   'debt ratio',          '{0.4,0.6,0.8}',                 '{10,7,3,0}',         3),
        (9, '6A', 'financial',      'current_ratio',      '流动比率',     'current ratio',       '{1,1.5,2}',                     '{0,6,8,10}',         3))
    SELECT jsonb_build_object('model', 'credit.' || lower($1), 'purpose', 'credit.' || lower($1), 'domain', 'credit', 'framework', $1,
               'label_zh', '信用评分 ' || $1, 'label_en', 'Credit score ' || $1, 'scale_low', 0, 'scale_high', 100, 'valid_months', 12,
               'grades', jsonb_build_array(jsonb_build_object('grade', 'A', 'lower', 80, 'label_zh', '优', 'label_en', 'good'),
                                           jsonb_build_object('grade', 'B', 'lower', 65, 'label_zh', '良', 'label_en', 'fair'),
                                           jsonb_build_object('grade', 'C', 'lower', 50, 'label_zh', '中', 'label_en', 'weak'),
                                           jsonb_build_object('grade', 'D', 'lower', 0, 'label_zh', '差', 'label_en', 'poor')),
               'characteristics', jsonb_agg(jsonb_build_object('characteristic', i.input, 'factor', i.factor, 'label_zh', i.zh, 'label_en', i.en,
                   'kind', CASE WHEN i.edges IS NULL THEN 'category' ELSE 'numeric' END, 'is_manual', i.edges IS NULL OR i.input = 'collateral_cover',
                   'bins', CASE WHEN i.edges IS NULL
                       THEN jsonb_build_array(jsonb_build_object('members', '["good"]'::jsonb, 'points', i.points[1]),
                                jsonb_build_object('members', '["fair"]'::jsonb, 'points', i.points[2]), jsonb_build_object('members', '["poor"]'::jsonb, 'points', i.points[3]))
                       ELSE (SELECT jsonb_agg(jsonb_build_object('lower', i.edges[b - 1], 'upper', i.edges[b], 'points', i.points[b]) ORDER BY b)
                               FROM generate_series(1, cardinality(i.points)) b) END
                       || jsonb_build_object('kind', 'missing', 'points', i.missing)) ORDER BY i.n))
      FROM item i WHERE i.framework = credit_template.framework
    HAVING count(*) > 0 $$;
COMMENT ON FUNCTION crm.credit_template(text) IS
$$A definition to begin with for 5C, 5P or 6A, to be changed and given to crm.draft_score_model() (信用模型模板).
An expert's points, 100 in all, in no way fitted: judgements are good, fair or poor, recorded by crm.judge(); ratios come from financial reports. Null for another framework.$$;

-- -- what is recorded -----------------------------------------------------------------------

CREATE FUNCTION crm.record_credit_data(customer crm.customer_code, kind text, data jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    unknown text;
BEGIN
    PERFORM crm.score_require('credit');
    IF kind NOT IN ('legal_profile', 'ownership_share', 'key_manager', 'financial_report', 'external_rating', 'credit_exposure', 'qualification_check') THEN
        RAISE EXCEPTION 'no kind of credit data "%"', kind USING ERRCODE = 'invalid_parameter_value',
            HINT = 'legal_profile, ownership_share, key_manager, financial_report, external_rating, credit_exposure or qualification_check.';
    END IF;
    SELECT string_agg(k, ', ') INTO unknown FROM jsonb_object_keys(data) k
     WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('crm_data.' || kind) AND a.attnum > 0 AND a.attname = k);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'unknown fields in credit data "%"', kind USING ERRCODE = 'undefined_column', DETAIL = unknown,
            HINT = 'crm.dictionary lists the fields of each table.';
    END IF;
    -- Who records it and for whom is not the data's to say.
    CASE kind
    WHEN 'legal_profile' THEN
        IF EXISTS (SELECT FROM crm_data.legal_profile p WHERE p.customer_code = customer) THEN
            PERFORM crm.require_no_hold(customer, 'profile');
        END IF;
        DELETE FROM crm_data.legal_profile p WHERE p.customer_code = customer;
        INSERT INTO crm_data.legal_profile (customer_code, legal_form, registered_capital, currency, established_on, registered_years, business_scope, industry, structure)
        SELECT customer, r.legal_form, r.registered_capital, coalesce(r.currency, 'CNY'), r.established_on, r.registered_years, r.business_scope, r.industry, r.structure FROM jsonb_populate_record(NULL::crm_data.legal_profile, data) r;
    WHEN 'ownership_share' THEN
        INSERT INTO crm_data.ownership_share (customer_code, owner_no, owner_name, percent)
        SELECT customer, r.owner_no, r.owner_name, r.percent FROM jsonb_populate_record(NULL::crm_data.ownership_share, data) r;
    WHEN 'key_manager' THEN
        INSERT INTO crm_data.key_manager (customer_code, manager_no, name, post)
        SELECT customer, r.manager_no, r.name, r.post FROM jsonb_populate_record(NULL::crm_data.key_manager, data) r;
    WHEN 'financial_report' THEN
        INSERT INTO crm_data.financial_report (customer_code, period_end, months, currency, assets, liabilities, equity, current_assets, current_liabilities, revenue, net_profit, source)
        SELECT customer, r.period_end, coalesce(r.months, 12), coalesce(r.currency, 'CNY'), r.assets, r.liabilities, r.equity, r.current_assets, r.current_liabilities, r.revenue, r.net_profit, r.source FROM jsonb_populate_record(NULL::crm_data.financial_report, data) r;
    WHEN 'external_rating' THEN
        INSERT INTO crm_data.external_rating (customer_code, agency, reference, rating, score, rated_on, valid_until)
        SELECT customer, r.agency, r.reference, r.rating, r.score, r.rated_on, r.valid_until FROM jsonb_populate_record(NULL::crm_data.external_rating, data) r;
    WHEN 'credit_exposure' THEN
        INSERT INTO crm_data.credit_exposure (customer_code, as_of, outstanding, overdue, overdue_days, currency, source)
        SELECT customer, r.as_of, r.outstanding, coalesce(r.overdue, 0), coalesce(r.overdue_days, 0), coalesce(r.currency, 'CNY'), r.source FROM jsonb_populate_record(NULL::crm_data.credit_exposure, data) r;
        PERFORM crm.credit_limit_reached(customer, (data ->> 'as_of')::date, coalesce(data ->> 'currency', 'CNY'));
    WHEN 'qualification_check' THEN
        INSERT INTO crm_data.qualification_check (customer_code, checked_on, qualified, able, evidence)
        SELECT customer, r.checked_on, r.qualified, r.able, r.evidence FROM jsonb_populate_record(NULL::crm_data.qualification_check, data) r;
    END CASE;
END
$$;
ALTER FUNCTION crm.record_credit_data(crm.customer_code, text, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_credit_data(crm.customer_code, text, jsonb) IS
$$Record credit data of a customer: an object of the fields of the table that kind names (登记信用资料).
kind: legal_profile (replaces the one before), ownership_share, key_manager, financial_report (assets = liabilities + equity), external_rating, credit_exposure, qualification_check. Names of owners and managers are encrypted, so that who records them holds crm_writer as well.
Errors: 42501, 22023, 42703, 23502, 23505, 23514, KH011 when a profile under legal hold would be replaced.$$;
REVOKE EXECUTE ON FUNCTION crm.record_credit_data(crm.customer_code, text, jsonb) FROM PUBLIC; -- writes credit data
GRANT EXECUTE ON FUNCTION crm.record_credit_data(crm.customer_code, text, jsonb) TO crm_credit;

CREATE FUNCTION crm.ownership_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM FROM crm_data.customer c WHERE c.customer_code = NEW.customer_code FOR NO KEY UPDATE;
    IF (SELECT coalesce(sum(s.percent), 0) FROM crm_data.ownership_share s WHERE s.customer_code = NEW.customer_code AND s.owner_no <> NEW.owner_no) + NEW.percent > 100 THEN
        RAISE EXCEPTION 'shares come to more than 100 percent' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.ownership_keep() IS 'Trigger: the shares of a customer''s owners come to at most 100 percent (股权合计检查). Errors: 23514.';
REVOKE EXECUTE ON FUNCTION crm.ownership_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.ownership_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.require_qualification(customer crm.customer_code, as_of date DEFAULT crm.company_today(), months integer DEFAULT 12) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NOT coalesce((SELECT q.qualified AND q.able FROM crm_data.qualification_check q
                      WHERE q.customer_code = ANY (crm.merge_members(crm.resolve(customer))) AND q.checked_on BETWEEN (as_of - make_interval(months => months))::date AND as_of
                      ORDER BY q.checked_on DESC LIMIT 1), false) THEN
        RAISE EXCEPTION 'customer % has no valid check of qualification', customer USING ERRCODE = 'KH015',
            DETAIL = format('Within %s months before %s.', months, as_of),
            HINT = 'crm.record_credit_data(customer, ''qualification_check'', ...) records one.';
    END IF;
END
$$;
ALTER FUNCTION crm.require_qualification(crm.customer_code, date, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.require_qualification(crm.customer_code, date, integer) IS
$$Raise KH015 unless the customer was found legally qualified and able to perform in the last months (资格审查).
To be called before a first agreement or a sale on credit.$$;
REVOKE EXECUTE ON FUNCTION crm.require_qualification(crm.customer_code, date, integer) FROM PUBLIC; -- tells of credit data
GRANT EXECUTE ON FUNCTION crm.require_qualification(crm.customer_code, date, integer) TO crm_credit, crm_writer;

-- What is owed is told record by record, by whoever bills it; a customer owes what all of his records owe.
CREATE FUNCTION crm.credit_exposure_of(customer crm.customer_code, as_of date) RETURNS TABLE (outstanding numeric, overdue numeric, overdue_days integer, currency text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED ROWS 1 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT DISTINCT ON (x.customer_code) x.outstanding, x.overdue, x.overdue_days, x.currency::text FROM crm_data.credit_exposure x
     WHERE x.customer_code = ANY (crm.merge_members(customer)) AND x.as_of <= credit_exposure_of.as_of ORDER BY x.customer_code, x.as_of DESC $$;
COMMENT ON FUNCTION crm.credit_exposure_of(crm.customer_code, date) IS
'The latest exposure of each record for which a customer stands, as of a day (信用敞口明细).';
REVOKE EXECUTE ON FUNCTION crm.credit_exposure_of(crm.customer_code, date) FROM PUBLIC; -- reads credit data
GRANT EXECUTE ON FUNCTION crm.credit_exposure_of(crm.customer_code, date) TO crm_owner;

CREATE FUNCTION crm.credit_features(customer crm.customer_code, as_of date) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_strip_nulls(
               coalesce((SELECT jsonb_build_object('registered_capital', CASE WHEN p.currency = 'CNY' THEN p.registered_capital END, 'established_days', as_of - p.established_on, 'legal_form', p.legal_form)
                           FROM crm_data.legal_profile p WHERE p.customer_code = ANY (crm.merge_members(customer))
                          ORDER BY p.customer_code <> customer, p.recorded_at DESC LIMIT 1), '{}')
               || coalesce((SELECT to_jsonb(f) - ARRAY['customer_code', 'period_end', 'months'] || jsonb_build_object('report_age_days', as_of - f.period_end)
                              FROM crm.financial_ratio f WHERE f.customer_code = ANY (crm.merge_members(customer)) AND f.period_end <= as_of
                             ORDER BY f.period_end DESC, f.months DESC, f.customer_code <> customer LIMIT 1), '{}')
               || coalesce((SELECT jsonb_build_object('overdue_days', max(e.overdue_days), 'overdue', sum(e.overdue) FILTER (WHERE e.currency = 'CNY'),
                                'outstanding', sum(e.outstanding) FILTER (WHERE e.currency = 'CNY'), 'exposure_other_currency', nullif(count(*) FILTER (WHERE e.currency <> 'CNY'), 0))
                              FROM crm.credit_exposure_of(customer, as_of) e), '{}')
               || coalesce((SELECT jsonb_build_object('external_rating', x.score) FROM crm_data.external_rating x
                             WHERE x.customer_code = ANY (crm.merge_members(customer)) AND credit_features.as_of BETWEEN x.rated_on AND x.valid_until ORDER BY x.rating_no DESC LIMIT 1), '{}')) $$;
COMMENT ON FUNCTION crm.credit_features(crm.customer_code, date) IS
$$What credit models can ask of a customer, as of a day, from all records for which he stands (信用特征).
registered_capital (CNY), established_days, legal_form; the ratios of the latest report and report_age_days; overdue (CNY), outstanding (CNY): sums of the records' latest exposures, overdue_days: the longest; exposure_other_currency: how many exposures are in another currency, which no amount here holds; external_rating (0 to 100). What is not known is not there.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_features(crm.customer_code, date) FROM PUBLIC; -- reads credit data
GRANT EXECUTE ON FUNCTION crm.credit_features(crm.customer_code, date) TO crm_owner;

-- -- the grade that counts ------------------------------------------------------------------------

CREATE FUNCTION crm.credit_standing(customer crm.customer_code, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (purpose text, model text, version integer, score float8, computed_grade text, grade text, effective_score float8, request_no bigint, valid_until date)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 3 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require('credit');
    SELECT r.purpose, r.model, r.version, r.score, r.grade, coalesce(q.wanted, r.grade),
           CASE WHEN q.wanted IS NULL OR q.wanted = r.grade THEN r.score ELSE g.lower END, q.request_no, least(r.valid_until, q.valid_until)
      FROM (SELECT DISTINCT ON (x.purpose) x.* FROM crm_data.score_result x
             WHERE x.customer_code = coalesce(crm.resolve(customer), customer) AND x.domain = 'credit' AND x.as_of <= credit_standing.as_of AND x.valid_until >= credit_standing.as_of
             ORDER BY x.purpose, x.as_of DESC, x.result_id DESC) r
      LEFT JOIN LATERAL (SELECT y.wanted, y.request_no, y.valid_until FROM crm_data.score_request y
                          WHERE y.customer_code = r.customer_code AND y.kind = 'grade' AND y.subject = r.purpose AND y.state = 'approved'
                            AND credit_standing.as_of BETWEEN y.valid_from AND y.valid_until ORDER BY y.request_no DESC LIMIT 1) q ON true
      LEFT JOIN crm_data.score_grade g ON g.model = r.model AND g.version = r.version AND g.grade = q.wanted
     ORDER BY 7 NULLS FIRST, 1 $$;
ALTER FUNCTION crm.credit_standing(crm.customer_code, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_standing(crm.customer_code, date) IS
$$Grades of a customer by each credit model that has a valid result, the weakest first, which is the one that limits follow (信用等级).
computed_grade is the model's, grade what an approved override (request_no) made of it; effective_score is then the lower end of that grade. Errors: 42501 without crm_credit.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_standing(crm.customer_code, date) FROM PUBLIC; -- credit data
GRANT EXECUTE ON FUNCTION crm.credit_standing(crm.customer_code, date) TO crm_credit;

CREATE FUNCTION crm.credit_contributions(customer crm.customer_code, result bigint)
    RETURNS TABLE (framework text, factor text, as_5c text, characteristic text, input text, is_manual boolean, points integer, reference integer, lost integer, reason text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require((SELECT r.domain FROM crm_data.score_result r WHERE r.customer_code = customer AND r.result_id = result));
    SELECT m.framework, c.factor, f.as_5c, c.characteristic, r.inputs ->> c.input, c.is_manual, p.points, b.most, b.most - p.points,
           CASE crm.lang() WHEN 'zh' THEN c.label_zh ELSE c.label_en END
      FROM crm_data.score_result r
      JOIN crm_data.score_model m ON m.model = r.model AND m.version = r.version
      JOIN crm_data.score_characteristic c ON c.model = r.model AND c.version = r.version
      JOIN unnest(r.points) WITH ORDINALITY p (points, position) ON p.position = (
           SELECT count(*) FROM crm_data.score_characteristic x WHERE x.model = c.model AND x.version = c.version AND x.position <= c.position)
      CROSS JOIN LATERAL (SELECT coalesce(c.reference_points, max(y.points * c.weight)) AS most FROM crm_data.score_bin y
                           WHERE y.model = c.model AND y.version = c.version AND y.characteristic = c.characteristic) b
      LEFT JOIN crm.credit_factors() f ON f.framework = m.framework AND f.factor = c.factor
     WHERE r.customer_code = customer AND r.result_id = result
     ORDER BY b.most - p.points DESC, c.position $$;
ALTER FUNCTION crm.credit_contributions(crm.customer_code, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_contributions(crm.customer_code, bigint) IS
$$Why a result is what it is: points of each characteristic, its factor, the 5C factor that this answers to, and points lost, the greatest loss first (得分构成).
Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_contributions(crm.customer_code, bigint) FROM PUBLIC; -- reads results
GRANT EXECUTE ON FUNCTION crm.credit_contributions(crm.customer_code, bigint) TO crm_data_admin, crm_credit;

-- -- policy and limits ------------------------------------------------------------------------------

CREATE FUNCTION crm.credit_policy_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.proposed_by := session_user;
        NEW.approved_by := NULL;
        NEW.approved_at := NULL;
        RETURN NEW;
    END IF;
    IF OLD.approved_by IS NOT NULL OR TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'approved_by' - 'approved_at' <> to_jsonb(OLD) - 'approved_by' - 'approved_at' THEN
        RAISE EXCEPTION 'credit policy of grade % from % must not be changed', OLD.grade, OLD.valid_from USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Propose one that is valid from a later day.';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    PERFORM crm.score_require_other('a credit policy', ARRAY[OLD.proposed_by]);
    NEW.approved_by := session_user;
    NEW.approved_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.credit_policy_keep() IS
$$Trigger: a row of policy is proposed by one and approved by another, and is never changed afterwards (信用政策保护). Errors: KH004, 55000.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_policy_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.credit_policy_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.propose_credit_policy(grade text, valid_from date, limit_amount numeric, temporary_limit numeric DEFAULT 0, payment_days integer DEFAULT 0,
                                          deposit_percent numeric DEFAULT 0, review_months integer DEFAULT 12, currency text DEFAULT 'CNY') RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('credit');
    INSERT INTO crm_data.credit_policy (grade, valid_from, limit_amount, temporary_limit, payment_days, deposit_percent, review_months, currency)
    VALUES (grade, valid_from, limit_amount, temporary_limit, payment_days, deposit_percent, review_months, currency);
END
$$;
ALTER FUNCTION crm.propose_credit_policy(text, date, numeric, numeric, integer, numeric, integer, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.propose_credit_policy(text, date, numeric, numeric, integer, numeric, integer, text) IS
$$Propose what a grade allows from a day on: limit, temporary addition, days of payment, deposit, months between reviews (拟定信用政策).
It holds once somebody else approves it. Errors: 42501, 23505, 23514.$$;
REVOKE EXECUTE ON FUNCTION crm.propose_credit_policy(text, date, numeric, numeric, integer, numeric, integer, text) FROM PUBLIC; -- writes policy
GRANT EXECUTE ON FUNCTION crm.propose_credit_policy(text, date, numeric, numeric, integer, numeric, integer, text) TO crm_credit;

CREATE FUNCTION crm.approve_credit_policy(grade text, valid_from date) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('credit');
    UPDATE crm_data.credit_policy p SET approved_by = session_user WHERE p.grade = approve_credit_policy.grade AND p.valid_from = approve_credit_policy.valid_from;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no credit policy of grade % from %', grade, valid_from USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
ALTER FUNCTION crm.approve_credit_policy(text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.approve_credit_policy(text, date) IS 'Approve a proposed policy of somebody else''s (批准信用政策). Errors: KH004, 55000 approved already, P0002, 42501.';
REVOKE EXECUTE ON FUNCTION crm.approve_credit_policy(text, date) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.approve_credit_policy(text, date) TO crm_credit;

CREATE FUNCTION crm.credit_limit_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    policy record;
    asked boolean;
    why text;
BEGIN
    NEW.granted_by := session_user;
    NEW.granted_at := now();
    -- Two at once would each see that there was none before.
    PERFORM FROM crm_data.customer c WHERE c.customer_code = NEW.customer_code FOR NO KEY UPDATE;
    SELECT s.grade INTO NEW.grade FROM crm.credit_standing(NEW.customer_code, NEW.valid_from) s LIMIT 1;
    SELECT p.* INTO policy FROM crm_data.credit_policy p
     WHERE p.grade = NEW.grade AND p.valid_from <= NEW.valid_from AND p.approved_by IS NOT NULL AND p.currency = NEW.currency
     ORDER BY p.valid_from DESC LIMIT 1;
    NEW.policy_from := policy.valid_from;
    asked := EXISTS (SELECT FROM crm_data.score_request q
                WHERE q.customer_code = NEW.customer_code AND q.request_no = NEW.request_no AND q.state = 'approved' AND q.kind = 'limit'
                  AND (q.wanted, q.subject, q.valid_from, q.valid_until) = (NEW.kind, NEW.currency, NEW.valid_from, NEW.valid_until)
                  AND q.amount IS NOT DISTINCT FROM NEW.amount);
    why := CASE
        WHEN asked THEN NULL
        WHEN NEW.kind = 'not_controlled' THEN 'A customer without limit is an exception.'
        WHEN policy.grade IS NULL THEN 'There is no valid grade, or no policy for it.'
        WHEN NEW.kind = 'long_term' AND NEW.amount > policy.limit_amount THEN format('Grade %s allows %s %s.', NEW.grade, policy.limit_amount, policy.currency)
        WHEN NEW.kind = 'long_term' AND NEW.valid_until > (NEW.valid_from + make_interval(months => policy.review_months))::date
            THEN format('Grade %s is to be reviewed after %s months.', NEW.grade, policy.review_months)
        WHEN NEW.kind = 'temporary' AND NEW.amount > policy.temporary_limit THEN format('Grade %s allows %s %s for a time.', NEW.grade, policy.temporary_limit, policy.currency)
        WHEN NEW.kind = 'temporary' AND EXISTS (SELECT FROM crm_data.credit_limit l WHERE l.customer_code = NEW.customer_code AND l.kind = 'temporary'
                                                   AND daterange(l.valid_from - 30, l.valid_until + 30, '[]') && daterange(NEW.valid_from, NEW.valid_until, '[]'))
            THEN 'There is another temporary limit within 30 days.' END;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'this credit limit needs an approved request' USING ERRCODE = 'KH003', DETAIL = why,
            HINT = 'crm.request_score_change(customer, ''limit'', ...), decided by somebody else.';
    END IF;
    IF (NEW.amount > 0 OR NEW.amount IS NULL) AND (SELECT c.kind FROM crm_data.customer c WHERE c.customer_code = NEW.customer_code) = 'organization' THEN
        PERFORM crm.require_qualification(NEW.customer_code, NEW.valid_from);
    END IF;
    NEW.request_no := CASE WHEN asked THEN NEW.request_no END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.credit_limit_keep() IS
$$Trigger: a limit stays within the policy of the customer's weakest grade, or is exactly what an approved request asked for (额度政策检查).
An organisation must have been found qualified and able within the year. The owner is bound too. Errors: KH003, KH015, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_limit_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.credit_limit_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.grant_credit_limit(customer crm.customer_code, kind text, amount numeric, cause text, valid_until date,
                                       valid_from date DEFAULT crm.company_today(), currency text DEFAULT 'CNY') RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM crm.score_require('credit');
    INSERT INTO crm_data.credit_limit (customer_code, kind, amount, currency, valid_from, valid_until, cause)
    VALUES (coalesce(crm.resolve(customer), customer), kind, amount, currency, valid_from, valid_until, cause) RETURNING limit_no INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.grant_credit_limit(crm.customer_code, text, numeric, text, date, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.grant_credit_limit(crm.customer_code, text, numeric, text, date, date, text) IS
$$Grant a limit within the policy of the customer's grade: long_term, or temporary for at most 7 days on top of it (授予信用额度).
The newest long-term limit that is valid counts; 0 takes it back. Errors: KH003 beyond policy, KH015 an organisation without a valid check of qualification, 23514 a temporary limit of more than 7 days, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.grant_credit_limit(crm.customer_code, text, numeric, text, date, date, text) FROM PUBLIC; -- writes limits
GRANT EXECUTE ON FUNCTION crm.grant_credit_limit(crm.customer_code, text, numeric, text, date, date, text) TO crm_credit;

CREATE FUNCTION crm.credit_limit_from_request(customer crm.customer_code, request bigint) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.credit_limit (customer_code, kind, amount, currency, valid_from, valid_until, cause, request_no)
    SELECT q.customer_code, q.wanted, q.amount, q.subject, q.valid_from, q.valid_until, q.reason, q.request_no
      FROM crm_data.score_request q WHERE q.customer_code = customer AND q.request_no = request $$;
COMMENT ON FUNCTION crm.credit_limit_from_request(crm.customer_code, bigint) IS 'Grant what an approved request asked for (按申请授信). A part of crm.decide_score_change().';
REVOKE EXECUTE ON FUNCTION crm.credit_limit_from_request(crm.customer_code, bigint) FROM PUBLIC; -- writes limits
GRANT EXECUTE ON FUNCTION crm.credit_limit_from_request(crm.customer_code, bigint) TO crm_owner;

CREATE FUNCTION crm.credit_available(customer crm.customer_code, as_of date DEFAULT crm.company_today(), currency text DEFAULT 'CNY') RETURNS numeric
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.score_require('credit');
    SELECT CASE WHEN bool_or(l.kind = 'not_controlled') THEN 'Infinity'::numeric
                ELSE coalesce((array_agg(l.amount ORDER BY l.limit_no DESC) FILTER (WHERE l.kind = 'long_term'))[1], 0)
                     + coalesce(max(l.amount) FILTER (WHERE l.kind = 'temporary'), 0)
                     - coalesce((SELECT sum(e.outstanding) FROM crm.credit_exposure_of(crm.resolve(customer), credit_available.as_of) e
                                  WHERE e.currency = credit_available.currency), 0) END
      FROM crm_data.credit_limit l
     WHERE l.customer_code = crm.resolve(customer) AND credit_available.as_of BETWEEN l.valid_from AND l.valid_until AND l.currency = credit_available.currency
       -- What rests on a grade falls with it; what was approved by itself stands until its own last day.
       AND (l.request_no IS NOT NULL OR EXISTS (SELECT FROM crm.credit_standing(customer, credit_available.as_of))) $$;
ALTER FUNCTION crm.credit_available(crm.customer_code, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_available(crm.customer_code, date, text) IS
$$What a customer may still owe: the newest valid long-term limit and the valid temporary one, less what all his records owe in this currency (可用额度).
A limit that was given within policy counts only while the customer has a valid grade; one of an approved request until its own last day.
Of a merged record: of the one that stands for it. Negative when more is owed than allowed; Infinity when not controlled. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_available(crm.customer_code, date, text) FROM PUBLIC; -- credit data
GRANT EXECUTE ON FUNCTION crm.credit_available(crm.customer_code, date, text) TO crm_credit;

-- -- warnings -----------------------------------------------------------------------------------------

CREATE FUNCTION crm.credit_measures(customer crm.customer_code, as_of date) RETURNS TABLE (measure text, value float8, previous float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED ROWS 15 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH report AS (SELECT f.*, row_number() OVER (ORDER BY f.period_end DESC, f.months DESC) AS n FROM crm.financial_ratio f
                     WHERE f.customer_code = ANY (crm.merge_members(customer)) AND f.period_end <= as_of),
    result AS (SELECT r.purpose, r.model, r.version, r.grade, r.score, row_number() OVER (PARTITION BY r.purpose ORDER BY r.as_of DESC, r.result_id DESC) AS n
                 FROM crm_data.score_result r WHERE r.customer_code = customer AND r.domain = 'credit' AND r.as_of <= credit_measures.as_of),
    graded AS (SELECT g.purpose, g.n, (SELECT count(*) FROM crm_data.score_grade x WHERE x.model = g.model AND x.version = g.version AND x.lower < y.lower)::float8 AS rank
                 FROM result g JOIN crm_data.score_grade y ON y.model = g.model AND y.version = g.version AND y.grade = g.grade WHERE g.n <= 2)
    SELECT k.key, (k.value #>> '{}')::float8, (SELECT (to_jsonb(p) ->> k.key)::float8 FROM report p WHERE p.n = 2)
      FROM jsonb_each(crm.credit_features(customer, as_of)) k WHERE jsonb_typeof(k.value) = 'number'
    UNION ALL
    (SELECT 'credit_score', a.score, b.score FROM result a LEFT JOIN result b ON b.purpose = a.purpose AND b.n = 2
      WHERE a.n = 1 ORDER BY a.score - b.score LIMIT 1)
    UNION ALL
    -- Of each currency by itself; the one that is used most.
    SELECT 'limit_used', max((e.outstanding / nullif(l.amount, 0))::float8), NULL
      FROM (SELECT x.currency, sum(x.outstanding) AS outstanding FROM crm.credit_exposure_of(customer, as_of) x GROUP BY x.currency) e
      JOIN (SELECT y.currency::text, sum(y.amount) AS amount FROM (SELECT DISTINCT ON (z.currency, z.kind) z.currency, z.amount FROM crm_data.credit_limit z
             WHERE z.customer_code = customer AND credit_measures.as_of BETWEEN z.valid_from AND z.valid_until ORDER BY z.currency, z.kind, z.limit_no DESC) y GROUP BY y.currency) l
        ON l.currency = e.currency
    HAVING max((e.outstanding / nullif(l.amount, 0))::float8) IS NOT NULL
    UNION ALL
    -- A step of the grade is as many grades as lie below it.
    (SELECT 'grade_rank', a.rank, b.rank FROM graded a LEFT JOIN graded b ON b.purpose = a.purpose AND b.n = 2 WHERE a.n = 1 ORDER BY a.rank - b.rank LIMIT 1)
    UNION ALL
    -- Who was given credit and never showed a report has one that is as old as his credit.
    SELECT 'report_age_days', as_of - min(l.valid_from), NULL FROM crm_data.credit_limit l JOIN crm_data.customer c ON c.customer_code = l.customer_code AND c.kind = 'organization'
     WHERE l.customer_code = customer AND l.valid_from <= as_of AND NOT EXISTS (SELECT FROM report) HAVING count(*) > 0 $$;
COMMENT ON FUNCTION crm.credit_measures(crm.customer_code, date) IS
$$What warnings look at: the features of credit with those of the report before, credit_score and grade_rank (the result that fell most, and the one before), limit_used (of the currency that is used most), report_age_days (预警指标).$$;
REVOKE EXECUTE ON FUNCTION crm.credit_measures(crm.customer_code, date) FROM PUBLIC; -- reads credit data
GRANT EXECUTE ON FUNCTION crm.credit_measures(crm.customer_code, date) TO crm_owner;

CREATE FUNCTION crm.credit_warnings_met(codes crm.customer_code[], version integer, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, rule text, value float8, previous float8, severity text)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT c.code, r.rule, m.value, m.previous, r.severity
      FROM unnest(codes) c (code), crm.credit_measures(c.code, as_of) m
      JOIN crm_data.credit_warning_rule r ON r.version = credit_warnings_met.version AND r.measure = m.measure AND r.active
     WHERE CASE r.comparison WHEN 'above' THEN m.value > r.threshold WHEN 'below' THEN m.value < r.threshold
                             WHEN 'rises_by' THEN m.value - m.previous >= r.threshold ELSE m.previous - m.value >= r.threshold END $$;
ALTER FUNCTION crm.credit_warnings_met(crm.customer_code[], integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_warnings_met(crm.customer_code[], integer, date) IS 'The rules of a version of warnings whose thresholds or trends customers meet (预警判定).';
REVOKE EXECUTE ON FUNCTION crm.credit_warnings_met(crm.customer_code[], integer, date) FROM PUBLIC; -- reads credit data

CREATE FUNCTION crm.credit_warn(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held CONSTANT integer := crm.rule_version('warning', as_of);
    raised bigint;
BEGIN
    PERFORM crm.score_require('credit');
    INSERT INTO crm_data.credit_warning (customer_code, rule, rule_version, as_of, value, previous, severity)
    SELECT m.customer_code, m.rule, held, credit_warn.as_of, m.value, m.previous, m.severity FROM crm.credit_warnings_met(codes, held, credit_warn.as_of) m
       -- One that is open is not raised again each day.
     WHERE NOT EXISTS (SELECT FROM crm_data.credit_warning w WHERE w.customer_code = m.customer_code AND w.rule = m.rule AND w.closed_at IS NULL)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS raised = ROW_COUNT;
    RETURN raised;
END
$$;
ALTER FUNCTION crm.credit_warn(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_warn(crm.customer_code[], date) IS
$$Raise the warnings whose thresholds or trends are met; returns how many are new (信用预警).
Rules are rows of credit_warning_rule, of the version that holds on the day: a measure of crm.credit_features(), credit_score, grade_rank, report_age_days or limit_used; above, below, or since the value before rises_by, falls_by. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_warn(crm.customer_code[], date) FROM PUBLIC; -- writes warnings
GRANT EXECUTE ON FUNCTION crm.credit_warn(crm.customer_code[], date) TO crm_credit;

CREATE FUNCTION crm.credit_reassess(codes crm.customer_code[], as_of date, lead_days integer DEFAULT 30) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    opened bigint;
BEGIN
    PERFORM crm.score_require('credit');
    INSERT INTO crm_data.follow_up (customer_code, domain, action, subject, opened_on, due_on, owner_unit)
    SELECT c.customer_code, 'credit', 'reassess', r.purpose, credit_reassess.as_of, r.valid_until, c.owner_unit
      FROM unnest(codes) x (code) JOIN crm_data.customer c ON c.customer_code = x.code
     CROSS JOIN LATERAL (SELECT DISTINCT ON (y.purpose) y.purpose, y.valid_until FROM crm_data.score_result y
                          WHERE y.customer_code = x.code AND y.domain = 'credit' AND y.as_of <= credit_reassess.as_of
                          ORDER BY y.purpose, y.as_of DESC, y.result_id DESC) r
     WHERE r.valid_until <= credit_reassess.as_of + lead_days
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS opened = ROW_COUNT;
    RETURN opened;
END
$$;
ALTER FUNCTION crm.credit_reassess(crm.customer_code[], date, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.credit_reassess(crm.customer_code[], date, integer) IS
$$Put on the work list whose credit grade lapses within so many days, or has lapsed: action reassess, due on the last day of the grade; a new result closes it; returns how many are new (信用重评任务). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.credit_reassess(crm.customer_code[], date, integer) FROM PUBLIC; -- writes the work list
GRANT EXECUTE ON FUNCTION crm.credit_reassess(crm.customer_code[], date, integer) TO crm_credit;

CREATE FUNCTION crm.credit_limit_reached(customer crm.customer_code, as_of date, currency text) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    who CONSTANT crm.customer_code := crm.resolve(customer);
    left_over CONSTANT numeric := crm.credit_available(who, as_of, currency);
BEGIN
    -- Once for each time that it is reached: not while it stays so.
    IF left_over <= 0 AND crm.credit_available(who, as_of - 1, currency) > 0 THEN
        PERFORM crm.emit_event(who, 'credit', 'credit.limit_reached', jsonb_build_object('as_of', as_of, 'currency', currency, 'available', left_over));
    END IF;
END
$$;
COMMENT ON FUNCTION crm.credit_limit_reached(crm.customer_code, date, text) IS
$$Write the event credit.limit_reached when a customer may owe nothing more since this day (额度用尽事件). A part of crm.record_credit_data().$$;
REVOKE EXECUTE ON FUNCTION crm.credit_limit_reached(crm.customer_code, date, text) FROM PUBLIC; -- writes events
GRANT EXECUTE ON FUNCTION crm.credit_limit_reached(crm.customer_code, date, text) TO crm_owner;

CREATE FUNCTION crm.close_credit_warning(customer crm.customer_code, rule text, note text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    closed bigint;
BEGIN
    PERFORM crm.score_require('credit');
    UPDATE crm_data.credit_warning w SET closed_by = session_user, closed_at = now(), closing_note = note
     WHERE w.customer_code = customer AND w.rule = close_credit_warning.rule AND w.closed_at IS NULL;
    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;
ALTER FUNCTION crm.close_credit_warning(crm.customer_code, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.close_credit_warning(crm.customer_code, text, text) IS 'Close an open warning with a note of what was done; returns how many (关闭预警). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.close_credit_warning(crm.customer_code, text, text) FROM PUBLIC; -- writes warnings
GRANT EXECUTE ON FUNCTION crm.close_credit_warning(crm.customer_code, text, text) TO crm_credit;

CREATE PROCEDURE crm.credit_watch(as_of date DEFAULT NULL, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    codes crm.customer_code[];
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    as_of := COALESCE(as_of, crm.company_today());
    job := crm.score_job_begin('credit watch', as_of::pg_catalog.text, crm.score_population(NULL));
    COMMIT;
    LOOP
        codes := crm.score_codes(codes[pg_catalog.cardinality(codes)], batch_size);
        EXIT WHEN codes IS NULL;
        PERFORM crm.credit_warn(codes, as_of);
        PERFORM crm.credit_reassess(codes, as_of);
        PERFORM crm.score_job_step(job, pg_catalog.cardinality(codes));
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.credit_watch(date, integer) IS
$$Raise credit warnings for all customers, and put on the work list whose grade lapses within 30 days, in batches that commit (信用监控). Called again, it raises what is new. Progress: crm.job_progress. Errors: 42501.$$;
REVOKE EXECUTE ON PROCEDURE crm.credit_watch(date, integer) FROM PUBLIC; -- writes warnings
GRANT EXECUTE ON PROCEDURE crm.credit_watch(date, integer) TO crm_credit;
