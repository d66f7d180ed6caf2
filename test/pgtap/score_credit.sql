-- Proves: three credit models side by side on one scale, the weakest grade counting; an override
-- only by a request that somebody else approved; limits within policy or exactly as approved;
-- a temporary limit at most 7 days, and not one after the other; policy in four eyes; warnings
-- on thresholds and trends, once; assets = liabilities + equity; and nobody else sees any of it.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_credit_one', 'crm_test_credit_two', 'crm_test_credit_three', 'crm_test_data_one', 'crm_test_nobody'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_credit, crm_writer TO crm_test_credit_one, crm_test_credit_two, crm_test_credit_three;
    GRANT crm_data_admin TO crm_test_data_one;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
BEGIN;
SELECT no_plan();
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'organization', c, '2024-01-01' FROM crm.next_customer_codes(2, '2024-01-01') c;
\set firm '''CUST202401010001'''

-- -- three models -----------------------------------------------------------------------

SELECT is((SELECT count(*) FROM credit_factors() WHERE as_5c NOT IN (SELECT factor FROM credit_factors() WHERE framework = '5C')), 0::bigint, 'every factor answers to one of 5C');
SELECT results_eq($$SELECT factor, as_5c FROM credit_factors() WHERE framework = '5P' ORDER BY 1$$,
    $$VALUES ('payment', 'capacity'), ('people', 'character'), ('perspective', 'conditions'), ('protection', 'collateral'), ('purpose', 'capital')$$, '5P as in the requirements');
SELECT is(credit_template('7X'), NULL, 'no other framework');
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT is((SELECT sum(draft_score_model(credit_template(f))) FROM unnest(ARRAY['5C', '5P', '6A']) f), 3::bigint, 'three drafts');
SELECT results_eq($$SELECT model, lowest, highest FROM unnest(ARRAY['credit.5c', 'credit.5p', 'credit.6a']) model, score_span(model)$$,
    $$VALUES ('credit.5c', 2, 100), ('credit.5p', 0, 100), ('credit.6a', 0, 100)$$, 'each gives up to 100');
SELECT is(draft_score_model(credit_template('5C') || '{"model": "stray", "framework": "6A"}'), 1, 'factors of another framework');
SET SESSION AUTHORIZATION crm_test_credit_two;
SELECT throws_ok($$SELECT approve_score_model('stray', 1)$$, '22023', NULL, 'are not approved');
SELECT lives_ok($$SELECT approve_score_model('credit.' || f, 1), activate_score_model('credit.' || f, 1) FROM unnest(ARRAY['5c', '5p', '6a']) f$$, 'approved and active, side by side');

-- -- what is known --------------------------------------------------------------------------

SELECT lives_ok($$SELECT record_credit_data('CUST202401010001', kind, data) FROM (VALUES
    ('financial_report', '{"period_end": "2024-12-31", "assets": 1000, "liabilities": 350, "equity": 650, "current_assets": 400, "current_liabilities": 200, "revenue": 900, "net_profit": 90, "source": "audited"}'::jsonb),
    ('financial_report', '{"period_end": "2025-12-31", "assets": 1000, "liabilities": 550, "equity": 450, "current_assets": 420, "current_liabilities": 200, "revenue": 990, "net_profit": 30, "source": "audited"}'),
    ('legal_profile', '{"legal_form": "limited company", "registered_capital": 5000000, "established_on": "2015-05-05", "business_scope": "wholesale"}'),
    ('credit_exposure', '{"as_of": "2026-01-05", "outstanding": 1000, "overdue": 100, "overdue_days": 40, "source": "billing"}'),
    ('external_rating', '{"agency": "Synthetic Ratings", "reference": "SR-1", "rating": "AA", "score": 88, "rated_on": "2025-06-01", "valid_until": "2026-05-31"}'),
    ('qualification_check', '{"checked_on": "2025-12-01", "qualified": true, "able": true, "evidence": "licence seen"}'),
    ('ownership_share', '{"owner_no": 1, "owner_name": "Synthetic Holding", "percent": 60}')) v (kind, data)$$, 'credit data is recorded');
SELECT throws_ok(format('SELECT record_credit_data(''CUST202401010001'', %L, %L)', kind, data), code, NULL, why)
  FROM (VALUES ('financial_report', '{"period_end": "2023-12-31", "assets": 1000, "liabilities": 350, "equity": 600, "source": "x"}', '23514', 'assets = liabilities + equity'),
               ('financial_report', '{"period_end": "2023-12-31", "assets": 1000, "liabilities": 350, "equity": 650}', '23502', 'a report has a source'),
               ('ownership_share', '{"owner_no": 2, "owner_name": "Another", "percent": 40.01}', '23514', 'shares come to 100 percent at most'),
               ('credit_limit', '{"amount": 1}', '22023', 'limits are not recorded as data'), ('legal_profile', '{"nonsense": 1}', '42703', 'unknown fields'),
               ('external_rating', '{"agency": "a", "reference": "r", "rating": "x", "rated_on": "2026-01-02", "valid_until": "2026-01-01"}', '23514', 'a rating does not end before it begins')) v (kind, data, code, why);
SELECT results_eq($$SELECT round(debt_ratio::numeric, 3), round(current_ratio::numeric, 2), round(revenue_growth::numeric, 3), round(profit_growth::numeric, 3) FROM financial_ratio ORDER BY period_end$$,
    $$VALUES (0.35, 2.00, NULL, NULL), (0.55, 2.10, 0.1, -0.667)$$, 'ratios are reckoned');
SELECT lives_ok($$SELECT require_qualification('CUST202401010001', '2026-06-01')$$, 'checked within a year');
SELECT throws_ok($$SELECT require_qualification('CUST202401010001', '2026-12-02')$$, 'KH015', NULL, 'a check grows old');
SELECT throws_ok($$SELECT require_qualification('CUST202401010002', '2026-01-01')$$, 'KH015', NULL, 'no check at all');
SELECT is(n > 0, true, 'judged with evidence') FROM judge('CUST202401010001', 'integrity', '"good"', 'three references', '2026-12-31', 'credit', '2026-01-01') n;
SELECT is(n > 0, true, 'judged with evidence') FROM judge('CUST202401010001', 'industry_outlook', '"good"', 'trade report', '2026-12-31', 'credit', '2026-01-01') n;

-- -- grades -----------------------------------------------------------------------------------

SELECT results_eq($$SELECT model, total, grade FROM (VALUES ('credit.5c'), ('credit.5p'), ('credit.6a')) m (model), score_customer('CUST202401010001', model, '2026-01-10')$$,
    $$VALUES ('credit.5c', 61, 'C'), ('credit.5p', 56, 'C'), ('credit.6a', 59, 'C')$$, 'three scores on one scale');
SELECT is((SELECT purpose FROM credit_standing('CUST202401010001', '2026-01-10') LIMIT 1), 'credit.5p', 'the weakest counts');
SELECT is_empty($$SELECT * FROM credit_standing('CUST202401010001', '2027-01-11')$$, 'a score ends with its validity');
SELECT is((SELECT sum(points)::integer FROM credit_contributions('CUST202401010001', (SELECT max(result_id) FROM score_result WHERE model = 'credit.5p'))), 56, 'contributions come to the total');
SELECT results_eq($$SELECT characteristic, as_5c, is_manual FROM credit_contributions('CUST202401010001', (SELECT max(result_id) FROM score_result WHERE model = 'credit.5p')) LIMIT 2$$,
    $$VALUES ('collateral_cover', 'collateral', true), ('use_of_funds', 'capital', true)$$, 'and say what cost most');

-- -- an override, only approved ------------------------------------------------------------------

SELECT request_score_change('CUST202401010001', 'grade', 'credit.5p', 'B', NULL, '2026-06-30', 'letter of credit', 'bank letter', '2026-01-10') AS request \gset
SELECT is((SELECT grade FROM credit_standing('CUST202401010001', '2026-01-10') WHERE purpose = 'credit.5p'), 'C', 'a request alone changes nothing');
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'KH004', NULL, 'one''s own request is not approved');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), '42501', NULL, 'nor by the data department');
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
SELECT throws_ok($$UPDATE crm_data.score_request SET wanted = 'A'$$, 'KH006', NULL, 'the owner does not change what was asked');
SELECT throws_ok($$DELETE FROM crm_data.score_request$$, '42501', NULL, 'nor remove it');
INSERT INTO crm_data.score_request (customer_code, kind, domain, subject, wanted, valid_from, valid_until, reason, evidence, state, requested_by, decided_by)
VALUES ('CUST202401010001', 'grade', 'credit', 'credit.5p', 'A', '2026-01-01', '2026-12-31', 'x', 'x', 'approved', 'somebody', 'somebody');
SELECT is((SELECT state || requested_by FROM crm_data.score_request WHERE reason = 'x'), 'requested' || session_user, 'an insert as approved is a request like any other');
RESET ROLE;
SELECT throws_ok($$UPDATE crm_data.score_request SET state = 'approved' WHERE reason = 'x'$$, 'KH004', NULL, 'which its maker does not approve, superuser or not');
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, false)', :request), '23502', NULL, 'a rejection says why');
SELECT lives_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'another decides');
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, false, ''no'')', :request), 'KH006', NULL, 'once');
SELECT results_eq($$SELECT computed_grade, grade, effective_score FROM credit_standing('CUST202401010001', '2026-01-10') WHERE purpose = 'credit.5p'$$,
    $$VALUES ('C', 'B', 65::float8)$$, 'what the model said stays beside it');
SELECT is((SELECT grade FROM credit_standing('CUST202401010001', '2026-07-01') WHERE purpose = 'credit.5p'), 'C', 'an override ends');

-- -- policy -----------------------------------------------------------------------------------------

SELECT lives_ok($$SELECT propose_credit_policy(g, '2026-01-01', l, l / 10, 30) FROM (VALUES ('A', 100000), ('B', 50000), ('C', 10000), ('D', 0)) v (g, l)$$, 'a policy is proposed');
SELECT throws_ok($$SELECT approve_credit_policy('A', '2026-01-01')$$, 'KH004', NULL, 'not approved by who proposed it');
SELECT throws_ok($$SELECT grant_credit_limit('CUST202401010001', 'long_term', 1, 'trade', '2026-12-31', '2026-01-11')$$, 'KH003', NULL, 'and not in force before');
SET SESSION AUTHORIZATION crm_test_credit_two;
SELECT lives_ok($$SELECT approve_credit_policy(g, '2026-01-01') FROM unnest(ARRAY['A', 'B', 'C', 'D']) g$$, 'approved by another');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '55000', NULL, statement)
  FROM unnest(ARRAY['UPDATE crm_data.credit_policy SET limit_amount = 999999', 'DELETE FROM crm_data.credit_policy']) statement;
RESET ROLE;

-- -- limits ------------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_credit_two;
SELECT throws_ok(format('SELECT grant_credit_limit(%L, %s)', 'CUST202401010001', arguments), code, NULL, why)
  FROM (VALUES ($$'long_term', 10000.01, 'trade', '2026-12-31', '2026-01-11'$$, 'KH003', 'beyond the weakest grade'),
               ($$'long_term', 10000, 'trade', '2027-02-01', '2026-01-11'$$, 'KH003', 'beyond the next review'),
               ($$'long_term', 10000, 'trade', '2026-12-31', '2026-01-11', 'USD'$$, 'KH003', 'no policy in that currency'),
               ($$'temporary', 1001, 'urgent', '2026-01-17', '2026-01-11'$$, 'KH003', 'beyond what is allowed for a time'),
               ($$'temporary', 500, 'urgent', '2026-01-18', '2026-01-11'$$, '23514', 'for more than 7 days'),
               ($$'not_controlled', 1, 'friend', '2026-12-31', '2026-01-11'$$, 'KH003', 'without limit'),
               ($$'long_term', -1, 'trade', '2026-12-31', '2026-01-11'$$, '23514', 'below nothing'),
               ($$'long_term', 'NaN', 'trade', '2026-12-31', '2026-01-11'$$, 'KH003', 'no number')) v (arguments, code, why);
SELECT throws_ok($$SELECT grant_credit_limit('CUST202401010002', 'long_term', 1, 'trade', '2026-12-31', '2026-01-11')$$, 'KH003', NULL, 'no grade, no limit');
SELECT lives_ok($$SELECT grant_credit_limit('CUST202401010001', 'long_term', 10000, 'trade', '2026-12-31', '2026-01-11')$$, 'within policy');
SELECT lives_ok($$SELECT grant_credit_limit('CUST202401010001', 'temporary', 1000, 'urgent', '2026-01-17', '2026-01-11')$$, 'seven days');
SELECT throws_ok($$SELECT grant_credit_limit('CUST202401010001', 'temporary', 1000, 'urgent', '2026-01-24', '2026-01-18')$$, 'KH003', NULL, 'not one after the other');
SELECT throws_ok(format($$SELECT request_score_change('CUST202401010001', 'limit', 'CNY', %L, 9000, %L, 'urgent', 'letter', '2026-01-11')$$, wanted, until), '23514', NULL, 'nor is asked for ' || what)
  FROM (VALUES ('temporary', '2026-01-18', 'for longer'), ('eternal', '2026-01-17', 'under another name')) v (wanted, until, what);
SELECT is(credit_available('CUST202401010001', '2026-01-12'), 10000.00, '10000 + 1000 - 1000');
SELECT is(credit_available('CUST202401010001', '2026-01-18'), 9000.00, 'after the seventh day');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '42501', NULL, statement)
  FROM unnest(ARRAY['UPDATE crm_data.credit_limit SET amount = 999999', 'DELETE FROM crm_data.credit_limit',
      $$INSERT INTO crm_data.credit_limit (customer_code, kind, amount, valid_from, valid_until, cause) VALUES ('CUST202401010001', 'long_term', 1, '2026-01-01', '2026-12-31', 'x')$$]) statement;
RESET ROLE;
SELECT throws_ok($$INSERT INTO crm_data.credit_limit (customer_code, kind, amount, valid_from, valid_until, cause, grade, policy_from) VALUES ('CUST202401010001', 'long_term', 20000, '2026-01-12', '2026-12-31', 'x', 'A', '2026-01-01')$$,
    'KH003', NULL, 'a superuser''s plain insert stays within the true grade');
SET SESSION AUTHORIZATION crm_test_credit_two;
SELECT request_score_change('CUST202401010001', 'limit', 'CNY', 'long_term', 20000, '2026-12-31', 'large order', 'order 7', '2026-01-20') AS request \gset
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT lives_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'a limit beyond policy, approved');
SELECT is(credit_available('CUST202401010001', '2026-01-20'), 19000.00, 'takes effect');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format($$INSERT INTO crm_data.credit_limit (customer_code, kind, amount, valid_from, valid_until, cause, request_no) VALUES ('CUST202401010001', 'long_term', 20001, '2026-01-20', '2026-12-31', 'x', %s)$$, :request),
    'KH003', NULL, 'and not one cent more');
SELECT is((SELECT limit_amount FROM crm_data.credit_policy WHERE grade = 'C'), 10000.00, 'the policy stays');

-- -- warnings ---------------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT is(credit_warn(ARRAY['CUST202401010001', 'CUST202401010002']::customer_code[], '2026-01-21'), 3::bigint, 'three rules are met');
SELECT results_eq($$SELECT rule, round(value::numeric, 2), round(previous::numeric, 2) FROM credit_warning ORDER BY 1$$,
    $$VALUES ('debt_rising', 0.55, 0.35), ('margin_falling', 0.03, 0.10), ('overdue', 40.00, NULL)$$, 'a threshold and two trends');
SELECT is(credit_warn(ARRAY['CUST202401010001']::customer_code[], '2026-01-22'), 0::bigint, 'not again while they are open');
SELECT is(close_credit_warning('CUST202401010001', 'overdue', 'paid in part'), 1::bigint, 'one is closed');
SELECT is(credit_warn(ARRAY['CUST202401010001']::customer_code[], '2026-01-23'), 1::bigint, 'and raised again if it still holds');
SELECT is((SELECT total FROM (SELECT record_credit_data('CUST202401010001', 'credit_exposure', '{"as_of": "2026-01-24", "outstanding": 19500, "overdue": 9000, "overdue_days": 95, "source": "billing"}')) x,
    score_customer('CUST202401010001', 'credit.5c', '2026-01-24')), 56, 'the next score is lower');

-- -- what is reached, what lapses, who has no limit -----------------------------------------------------------------

SELECT record_credit_data('CUST202401010001', 'credit_exposure', d::jsonb) FROM unnest(ARRAY['{"as_of": "2026-01-30", "outstanding": 20000, "source": "billing"}',
    '{"as_of": "2026-02-01", "outstanding": 20500, "source": "billing"}', '{"as_of": "2026-02-02", "outstanding": 100, "currency": "USD", "source": "billing"}']) d;
SELECT results_eq($$SELECT customer_code::text, kind, payload FROM take_events('credit')$$,
    $$VALUES ('CUST202401010001', 'credit.limit_reached', '{"as_of": "2026-01-30", "available": 0.00, "currency": "CNY"}'::jsonb)$$, 'that the limit is reached is told once');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT f -> 'outstanding', f -> 'exposure_other_currency' FROM credit_features('CUST202401010001', '2026-02-02') f$$, $$VALUES (NULL::jsonb, '1'::jsonb)$$, 'dollars are not taken for yuan');
SELECT is((SELECT value FROM credit_measures('CUST202401010001', '2026-02-01') WHERE measure = 'limit_used'), 20500 / 20000.0::float8, 'a limit is used by what is owed in its currency');
SELECT is_empty($$SELECT * FROM credit_measures('CUST202401010001', '2026-02-02') WHERE measure = 'limit_used'$$, 'and by nothing else');
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT is(credit_reassess(ARRAY['CUST202401010001']::customer_code[], '2026-06-01'), 0::bigint, 'nothing lapses yet');
SELECT is(credit_reassess(ARRAY['CUST202401010001']::customer_code[], '2027-01-05'), 3::bigint, 'but half a year later');
SELECT results_eq($$SELECT subject, due_on, action, closed_on FROM follow_up ORDER BY 1$$, $$VALUES ('credit.5c', date '2027-01-24', 'reassess', NULL::date), ('credit.5p', '2027-01-10', 'reassess', NULL), ('credit.6a', '2027-01-10', 'reassess', NULL)$$,
    'grades that lapse are on the work list');
SELECT is(credit_reassess(ARRAY['CUST202401010001']::customer_code[], '2027-01-06'), 0::bigint, 'once');
SELECT score_customer('CUST202401010001', 'credit.5p', '2027-01-10') \gset _
SELECT is((SELECT array_agg(subject) FROM follow_up WHERE closed_on = '2027-01-10'), ARRAY['credit.5p'], 'a new result closes its own');
SET SESSION AUTHORIZATION crm_test_credit_two;
SELECT throws_ok(format($$SELECT request_score_change('CUST202401010001', 'limit', 'CNY', 'not_controlled', NULL, %L, 'collection order', 'order 9', '2026-02-01')$$, v), '23514', NULL, 'without limit, until ' || v)
  FROM unnest(ARRAY['infinity', '2027-03-01']) v;
SELECT request_score_change('CUST202401010001', 'limit', 'CNY', 'not_controlled', NULL, '2026-06-30', 'collection order', 'order 9', '2026-02-01') AS request \gset
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'KH004', NULL, 'not by who asked');
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT lives_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'the first agrees');
SELECT is(credit_available('CUST202401010001', '2026-02-01'), -500.00, 'which is not enough');
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'KH004', NULL, 'nor twice the same');
SET SESSION AUTHORIZATION crm_test_credit_three;
SELECT lives_ok(format('SELECT decide_score_change(''CUST202401010001'', %s, true)', :request), 'the second does');
SELECT is(credit_available('CUST202401010001', '2026-02-01'), 'Infinity'::numeric, 'and it is so');
SELECT is(credit_available('CUST202401010001', '2026-07-01') < 'Infinity', true, 'for its time');
SELECT results_eq($$SELECT seconded_by, decided_by FROM score_request WHERE wanted = 'not_controlled'$$, $$VALUES ('crm_test_credit_one'::name, 'crm_test_credit_three'::name)$$, 'both stand there');
SELECT is((SELECT missing FROM legal_profile_completeness WHERE customer_code = 'CUST202401010001') && ARRAY['registered_capital'], false, 'how much of the profile is known');

-- -- who may -----------------------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
SELECT is((SELECT count(*) FROM score_result), 0::bigint, 'the data department sees no credit scores');
SELECT throws_ok(statement, '42501', NULL, statement)
  FROM unnest(ARRAY['SELECT * FROM crm.credit_limit', 'SELECT * FROM crm.financial_report', 'SELECT * FROM crm.financial_ratio', 'SELECT * FROM crm.credit_warning',
      'SELECT * FROM crm_report.credit_exposure', $$SELECT * FROM credit_standing('CUST202401010001')$$, $$SELECT credit_available('CUST202401010001')$$,
      $$SELECT * FROM score_customer('CUST202401010001', 'credit.5c')$$, $$SELECT * FROM credit_contributions('CUST202401010001', 1)$$, $$CALL credit_watch()$$,
      $$SELECT grant_credit_limit('CUST202401010001', 'long_term', 1, 'x', '2026-12-31')$$, $$SELECT credit_features('CUST202401010001', '2026-01-01')$$]) statement;
SET SESSION AUTHORIZATION crm_test_nobody;
SELECT throws_ok(statement, '42501', NULL, statement)
  FROM unnest(ARRAY['SELECT * FROM crm.credit_limit', $$SELECT record_credit_data('CUST202401010001', 'legal_profile', '{}')$$, $$SELECT request_score_change('CUST202401010001', 'grade', 'x', 'A', NULL, '2026-12-31', 'x', 'x')$$,
      $$SELECT decide_score_change('CUST202401010001', 1, true)$$, $$SELECT propose_credit_policy('A', '2026-01-01', 1)$$, $$SELECT require_qualification('CUST202401010001')$$]) statement;
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT isnt_empty('SELECT * FROM crm_report.score_distribution', 'credit management reads its reports');
SELECT isnt_empty('SELECT * FROM crm_report.credit_exposure', 'exposure by grade');
SELECT isnt_empty('SELECT * FROM crm_report.score_override WHERE state = ''approved''', 'and exceptions');

SELECT * FROM finish();
ROLLBACK;
