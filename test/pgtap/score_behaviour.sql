-- Proves: signs of leaving are found by rules, with evidence, and make a risk that a fitted
-- model can raise; classes are history, each change with what it was before; a level rises at
-- once, falls only after its last day and with notice ahead, and is given by hand only by an
-- approved request, its owner included; runs that are repeated change nothing.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_credit_one', 'crm_test_data_one', 'crm_test_data_two', 'crm_test_nobody'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_credit TO crm_test_credit_one;
    GRANT crm_data_admin TO crm_test_data_one, crm_test_data_two;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT no_plan();
-- Who buys each month, who stopped, who never bought, and a young one.
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'individual', c, CASE WHEN c = 'CUST202401010004' THEN '2025-12-01' ELSE '2024-01-01' END::timestamptz FROM crm.next_customer_codes(4, '2024-01-01') c;
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, channel)
SELECT 'CUST202401010001'::customer_code, 'a' || n, date '2025-01-15' + 30 * n, 'line', 1, 500, 'store' FROM generate_series(0, 11) n
UNION ALL SELECT 'CUST202401010002', 'b' || n, date '2025-01-15' + 30 * n, 'line', 1, 1000, 'store' FROM generate_series(0, 5) n
UNION ALL SELECT 'CUST202401010004', 'd', '2025-12-02', 'line', 1, 9000, 'store';
INSERT INTO crm_data.interaction (customer_code, happened_at, channel, direction, subject)
VALUES ('CUST202401010002', '2025-12-01', 'phone', 'inbound', 'Complaint about a bill'), ('CUST202401010002', '2025-12-10', 'phone', 'inbound', '投诉网速'),
       ('CUST202401010002', '2025-12-20', 'phone', 'inbound', '咨询销户流程'), ('CUST202401010001', '2025-12-20', 'phone', 'inbound', 'Complaint about a bill');
\set all 'ARRAY[''CUST202401010001'', ''CUST202401010002'', ''CUST202401010003'', ''CUST202401010004'']::customer_code[]'

-- -- churn -------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
CALL assess_behaviour('2025-12-31');
SELECT results_eq($$SELECT customer_code::text, rule, round(value::numeric, 2) FROM churn_signal ORDER BY 1, 2$$,
    $$VALUES ('CUST202401010002', 'complaints', 2.00), ('CUST202401010002', 'interval_exceeded', 6.67), ('CUST202401010002', 'leaving_asked', 1.00)$$, 'one customer shows signs');
SELECT is((SELECT round(risk::numeric, 4) FROM churn_risk('CUST202401010002', '2025-12-31')), 0.6850, '1 - 0.75 * 0.7 * 0.6');
SELECT is((SELECT jsonb_array_length(evidence -> 'signals') FROM churn_risk('CUST202401010002', '2025-12-31')), 3, 'with evidence');
SELECT is((SELECT evidence #>> '{signals,0,rule}' FROM churn_risk('CUST202401010002', '2025-12-31')), 'leaving_asked', 'the strongest first');
SELECT is((SELECT risk FROM churn_risk('CUST202401010001', '2025-12-31')), 0::float8, 'who buys does not');
SELECT is((SELECT risk FROM churn_risk('CUST202401010002', '2026-02-15')), 0::float8, 'signs grow old');
SELECT is(note_churn_signal('CUST202401010001', 'agreement_ends', '{"agreement": 7}', '2025-12-31'), true, 'a sign found elsewhere');
SELECT is(note_churn_signal('CUST202401010001', 'agreement_ends', '{"agreement": 7}', '2025-12-31'), false, 'is noted once');
SELECT throws_ok($$SELECT note_churn_signal('CUST202401010001', 'complaints', '{}')$$, '42704', NULL, 'what rules find is not noted by hand');
SELECT is((SELECT round(risk::numeric, 2) FROM churn_risk('CUST202401010001', '2025-12-31')), 0.20, 'and counts');
SELECT is(draft_score_model('{"model": "leave", "purpose": "churn", "domain": "churn", "characteristics": [{"characteristic": "recency", "input": "recency_days",
    "bins": [{"upper": 200, "points": 100}, {"lower": 200, "points": 20}, {"kind": "missing", "points": 50}]}]}'), 1, 'a model for the slot');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok($$SELECT approve_score_model('leave', 1), activate_score_model('leave', 1)$$, 'approved');
CALL score_customers('leave', '2025-12-31', 3);
SELECT is((SELECT count(*) FROM score_result), 4::bigint, 'for all');
CALL score_customers('leave', '2025-12-31');
SELECT is((SELECT count(*) FROM score_result), 4::bigint, 'it scores nobody twice for a day');
SELECT results_eq($$SELECT risk, rule_risk < 0.7, model_risk FROM churn_risk('CUST202401010002', '2025-12-31')$$, 'VALUES (0.8::float8, true, 0.8::float8)', 'the model raises the risk');

-- -- classes -----------------------------------------------------------------------------------

SELECT results_eq($$SELECT right(customer_code::text, 1), scheme, class FROM customer_class WHERE until IS NULL ORDER BY 1, 2$$,
    $$VALUES ('1', 'activity', 'active'), ('1', 'churn', 'low'), ('1', 'value', 'medium'), ('2', 'activity', 'dormant'), ('2', 'churn', 'high'), ('2', 'value', 'medium'),
             ('3', 'activity', 'potential'), ('3', 'churn', 'low'), ('3', 'value', 'low'), ('4', 'activity', 'active'), ('4', 'churn', 'low'), ('4', 'value', 'medium')$$, 'classes by the rules');
SELECT is(classify(:all, 'activity', '2025-12-31'), 0::bigint, 'the same day again changes nothing');
SELECT is(classify(:all, 'activity', '2026-07-01'), 3::bigint, 'half a year later three have moved');
SELECT results_eq($$SELECT since, class, class_before, until FROM customer_class WHERE customer_code = 'CUST202401010002' AND scheme = 'activity' ORDER BY since$$,
    $$VALUES (date '2025-12-31', 'dormant', NULL, date '2026-06-30'), ('2026-07-01', 'lost', 'dormant', NULL)$$, 'and the history says from what');
SELECT throws_ok($$SELECT classify('{}', 'nothing', '2026-07-01')$$, '42704', NULL, 'a scheme without rules');
SELECT results_eq($$SELECT class_before, class, sum(customers)::int FROM crm_report.class_migration WHERE scheme = 'activity' AND class_before IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2$$,
    $$VALUES ('active', 'dormant', 2), ('dormant', 'lost', 1)$$, 'as the report does');
SELECT results_eq($$SELECT right(customer_code::text, 1), due_on FROM contact_due WHERE scheme = 'value' ORDER BY 1$$, $$VALUES ('1', date '2026-03-31'), ('2', '2026-03-31'), ('4', '2026-03-31')$$, 'contacts fall due by class');

-- -- levels ---------------------------------------------------------------------------------------

SELECT results_eq($$SELECT right(customer_code::text, 1), level, valid_from, valid_until FROM customer_level ORDER BY 1$$,
    $$VALUES ('1', '3', date '2025-12-31', date '2026-12-30'), ('2', '3', '2025-12-31', '2026-12-30'), ('3', '1', '2025-12-31', '2026-12-30')$$, 'levels by value; none before the least tenure');
SELECT is(assess_level(:all, 'star', '2026-11-01'), 1::bigint, 'who comes of age gets one, and who spends less keeps his until its last day');
SELECT is_empty($$SELECT * FROM level_notice$$, 'and no notice so early');
SELECT is(assess_level(:all, 'star', '2026-12-10'), 0::bigint, 'before the last day');
SELECT results_eq($$SELECT right(customer_code::text, 1), kind, due_on, level_from, level_to, noted_on FROM level_notice ORDER BY 1$$,
    $$VALUES ('1', 'downgrade', date '2026-12-31', '3', '1', date '2026-12-10'), ('2', 'downgrade', '2026-12-31', '3', '1', '2026-12-10')$$, 'they are told ahead');
SELECT is(assess_level(:all, 'star', '2026-12-31'), 3::bigint, 'the day after the last day they fall, or begin again');
RESET SESSION AUTHORIZATION;
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, channel) VALUES ('CUST202401010001', 'big', '2027-01-05', 'line', 1, 25000, 'store');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT is(assess_level(:all, 'star', '2027-01-06'), 1::bigint, 'who spends rises at once');
SELECT results_eq($$SELECT level, valid_until FROM customer_level WHERE customer_code = 'CUST202401010001' ORDER BY valid_from DESC LIMIT 1$$, $$VALUES ('5', date '2028-01-05')$$, 'for a year');
SELECT is((SELECT count(*) FROM level_notice WHERE kind = 'upgrade'), 1::bigint, 'and is told');
SELECT is(assess_level(:all, 'star', '2027-01-06'), 0::bigint, 'again: nothing');
SELECT throws_ok($$SELECT assess_level('{}', 'nothing', '2026-07-01')$$, '42704', NULL, 'no such scheme');
SELECT is(draft_rules('level.star', '2027-01-06', backdated_for => 'the test''s clock'), 2, 'a version of the levels');
SELECT define_score_rule('level_def', '{"scheme": "star", "level": "5", "credit_minimum": 60}');
SELECT throws_ok($$SELECT approve_rules('level.star', 2)$$, 'KH004', NULL, 'not by who made it');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok($$SELECT approve_rules('level.star', 2)$$, 'but by another');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT results_eq($$SELECT level FROM level_proposals(ARRAY['CUST202401010001'::customer_code], 'star', '2027-01-06')$$, $$VALUES ('4')$$, 'a level can ask for a credit score');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; INSERT INTO crm_data.customer_level (customer_code, scheme, valid_from, level, rank, valid_until, cause, value, request_no, rule_version) VALUES (%s, 1)', row_values), code, NULL, why)
  FROM (VALUES ($$'CUST202401010001', 'star', '2027-06-01', '1', 9, '2099-01-01', 'assessed', 25000, NULL$$, 'KH006', 'the owner does not lower a level before its last day'),
               ($$'CUST202401010003', 'star', '2027-06-01', '5', 9, '2099-01-01', 'assessed', 0, NULL$$, 'KH006', 'nor give one whose minimum is not reached'),
               ($$'CUST202401010003', 'star', '2020-06-01', '5', 9, '2099-01-01', 'assessed', 99999, NULL$$, 'KH006', 'nor one before another'),
               ($$'CUST202401010003', 'star', '2027-06-01', '5', 9, '2099-01-01', 'approved', NULL, NULL$$, 'KH003', 'nor by hand without a request')) v (row_values, code, why);
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '42501', NULL, statement)
  FROM unnest(ARRAY['UPDATE crm_data.customer_level SET level = ''5''', 'DELETE FROM crm_data.customer_level', 'DELETE FROM crm_data.churn_signal', 'TRUNCATE crm_data.level_notice']) statement;
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT request_score_change('CUST202401010003', 'level', 'star', '4', NULL, '2027-12-31', 'partner of ours', 'contract 12', '2027-02-01') AS request \gset
SELECT throws_ok(format('SELECT decide_score_change(''CUST202401010003'', %s, true)', :request), 'KH004', NULL, 'one''s own request');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok(format('SELECT decide_score_change(''CUST202401010003'', %s, true)', :request), 'another decides');
SELECT results_eq($$SELECT level, cause, valid_until FROM customer_level WHERE customer_code = 'CUST202401010003' ORDER BY valid_from DESC LIMIT 1$$, $$VALUES ('4', 'approved', date '2027-12-31')$$, 'and the level holds until the day that was asked for');
SELECT is((SELECT count(*) FROM crm_report.level_migration WHERE cause = 'approved'), 1::bigint, 'the report tells them apart');
SELECT isnt_empty('SELECT * FROM crm_report.value_segment', 'segments');

-- -- loyalty -------------------------------------------------------------------------------------------

SELECT is(draft_score_model(loyalty_template()) + draft_score_model(partner_template()), 2, 'templates can be drafted');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok($$SELECT approve_score_model('loyalty', 1), activate_score_model('loyalty', 1), approve_score_model('partner', 1)$$, 'and approved');
SELECT is(judge('CUST202401010001', 'recommendation', '9', 'survey 3', '2099-01-01', 'general', '2025-01-01') > 0, true, 'would recommend');
SELECT results_eq($$SELECT total, grade, reasons FROM score_customer('CUST202401010001', 'loyalty', '2025-12-31')$$, $$VALUES (59, 'medium', '{share,response_rate,tenure_days}'::text[])$$, 'a loyalty index, and what it lacks');

-- -- rules are rows ----------------------------------------------------------------------------------------

SELECT throws_ok($$SELECT define_score_rule('churn_rule', '{"rule": "complaints", "weight": 0.9}')$$, '55000', NULL, 'not what was approved');
SELECT results_eq($$SELECT s, draft_rules(s, '2026-01-01', backdated_for => 'the test''s clock') FROM unnest(ARRAY['churn', 'class.value', 'level.star']) s$$, $$VALUES ('churn', 2), ('class.value', 2), ('level.star', 3)$$, 'drafts');
SELECT lives_ok(format('SELECT define_score_rule(%L, %L)', kind, rule), kind)
  FROM (VALUES ('churn_rule', '{"rule": "quiet", "measure": "recency_days", "threshold": 60, "weight": 0.1, "label_zh": "沉默", "label_en": "quiet"}'),
               ('churn_rule', '{"rule": "quiet", "weight": 0.2}'), ('class_rule', '{"scheme": "value", "class": "high", "lower": 20000}'),
               ('class_action', '{"scheme": "value", "class": "low", "action": "contact", "every_days": 365, "label_zh": "年度回访", "label_en": "once a year"}'),
               ('level_scheme', '{"scheme": "star", "notice_days": 45}'), ('level_def', '{"scheme": "star", "level": "5", "credit_minimum": null}'),
               ('service_commitment', '{"scheme": "star", "level": "3", "commitment": "complaint_answer", "target": 48, "unit": "hour", "label_zh": "投诉答复时限", "label_en": "answer"}'),
               ('quality_field', '{"kind": "individual", "field": "email", "weight": 2}'), ('quality_weight', '{"dimension": "accuracy", "weight": 0.4}'),
               ('quality_source', '{"channel": "partner", "reliability": 0.6}')) v (kind, rule);
SELECT results_eq($$SELECT measure, threshold, weight, days, active FROM churn_rule WHERE rule = 'quiet' AND version = 2$$, $$VALUES ('recency_days', 60::float8, 0.2::float8, 90, true)$$, 'what is not given stays');
SELECT is((SELECT upper || feature FROM class_rule WHERE scheme = 'value' AND class = 'medium' AND version = 2) || (SELECT lower FROM class_rule WHERE class = 'high' AND scheme = 'value' AND version = 2), '10000amount_12m20000', 'and so do other rules');
SELECT throws_ok(format('SELECT define_score_rule(%L, %L)', kind, rule), code, NULL, kind || ' ' || rule)
  FROM (VALUES ('churn_rule', '{"rule": "quiet", "weight": 1}', '23514'), ('churn_rule', '{"rule": "new"}', '23502'), ('churn_rule', '{"rule": "quiet", "nonsense": 1}', '22023'),
               ('score_model', '{"model": "x"}', '22023'), ('quality_field', '{"kind": "alien", "field": "x"}', '23514'), ('churn_rule', '{"rule": "quiet", "threshold": "NaN"}', '23514'),
               ('credit_warning_rule', '{"rule": "overdue", "threshold": 1000}', '42501')) v (kind, rule, code);

-- -- who may ----------------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT is(draft_rules('warning', '2026-01-01', backdated_for => 'the test''s clock'), 2, 'credit has its own rules');
SELECT lives_ok($$SELECT define_score_rule('credit_warning_rule', '{"rule": "overdue", "threshold": 45}')$$, 'and changes them');
SELECT throws_ok(statement, '42501', NULL, statement)
  FROM unnest(ARRAY[$$SELECT define_score_rule('churn_rule', '{"rule": "quiet", "weight": 0.9}')$$, 'SELECT * FROM crm.churn_signal', 'SELECT * FROM crm.customer_level', $$SELECT * FROM churn_risk('CUST202401010001')$$, 'CALL assess_behaviour()',
      $$SELECT classify('{}', 'value', '2026-01-01')$$, $$SELECT assess_level('{}', 'star', '2026-01-01')$$, 'SELECT * FROM crm_report.value_segment']) statement;

-- -- a request outlives a merge of its record, and grants nothing to a record that stands for nobody ------------------

RESET SESSION AUTHORIZATION;
SELECT register_customer('{"kind": "individual", "name": "东方合并", "phone": "13911110001"}') AS gone, register_customer('{"kind": "individual", "name": "东方合并", "phone": "13911110002"}') AS kept \gset
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT request_score_change(:'gone', 'level', 'star', '4', NULL, '2027-12-31', 'partner of ours', 'contract 13', '2027-02-01') AS request \gset
SELECT crm.merge(:'kept', :'gone', '{}', 'the same person') AS merged \gset
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok(format('SELECT decide_score_change(%L, %s, true)', :'gone', :request), 'KH006', NULL, 'is not approved');
SELECT is((SELECT count(*) FROM customer_level WHERE customer_code = :'gone' AND cause = 'approved'), 0::bigint, 'nothing was given');
SELECT lives_ok(format('SELECT decide_score_change(%L, %s, false, ''merged, ask anew'')', :'gone', :request), 'but rejected it can be');
SELECT request_score_change(:'gone', 'level', 'star', '4', NULL, '2027-12-31', 'partner of ours', 'contract 13', '2027-02-01') AS request \gset
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok(format('SELECT decide_score_change(%L, %s, true)', :'kept', :request), 'asked anew it is of the one that stands for it');
SELECT is((SELECT level FROM customer_level WHERE customer_code = :'kept' AND cause = 'approved'), '4', 'who has it');

SELECT * FROM finish();
