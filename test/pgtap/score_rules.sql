-- Proves: rules of classes, levels, churn, warnings and dormancy are versions with a first and a
-- last day; a version is tried on customers before it holds, approved only by somebody who did
-- not edit it, for no day that is over unless it says why, and then changed by nobody, the owner included; what is found bears the version
-- that found it. The value of a month is kept once, with its scores. A class opens work with a day, a dormant customer has a reason with evidence,
-- a level its assessment, its promises and an event for other systems; profit counts costs and
-- never adds two currencies.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_credit_one', 'crm_test_data_one', 'crm_test_data_two'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_credit TO crm_test_credit_one;
    GRANT crm_data_admin TO crm_test_data_one, crm_test_data_two;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT no_plan();
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at, owner_unit)
SELECT c, 'individual', c, '2024-01-01', 'north' FROM crm.next_customer_codes(4, '2024-01-01') c;
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, currency, channel) VALUES
    ('CUST202401010001', 'a', '2025-12-01', 'line', 1, 12000, 'CNY', 'store'), ('CUST202401010001', 'u', '2025-12-01', 'line', 1, 900, 'USD', 'store'),
    ('CUST202401010002', 'b', '2025-11-01', 'line', 1, 5000, 'CNY', 'store'), ('CUST202401010003', 'c', '2025-10-15', 'line', 1, 300, 'CNY', 'store');
INSERT INTO crm_data.interaction (customer_code, happened_at, channel, direction, subject) VALUES
    ('CUST202401010002', '2026-01-10', 'phone', 'inbound', '资费太贵'), ('CUST202401010003', '2026-01-10', 'phone', 'inbound', 'Complaint about a bill');

-- -- versions ------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
CALL assess_behaviour('2025-12-31');
SELECT is(draft_rules('class.value', '2026-02-01', backdated_for => 'last year is assessed again'), 2, 'a draft');
SELECT is((SELECT count(*) FROM class_rule WHERE scheme = 'value' AND version = 2) + (SELECT count(*) FROM class_action WHERE scheme = 'value' AND version = 2),
          (SELECT count(*) FROM class_rule WHERE scheme = 'value' AND version = 1) + (SELECT count(*) FROM class_action WHERE scheme = 'value' AND version = 1), 'holds what held');
SELECT define_score_rule('class_rule', '{"scheme": "value", "class": "high", "lower": 4000, "condition": "purchases_total < 2 or amount_12m > 10000"}');
SELECT define_score_rule('class_rule', '{"scheme": "value", "class": "medium", "lower": 2000, "upper": 4000}');
SELECT throws_ok(format('SELECT define_score_rule(''class_rule'', %L)', rule), code, NULL, rule)
  FROM (VALUES ('{"scheme": "value", "class": "high", "condition": "amount_12m >"}', '42601'), ('{"scheme": "value", "class": "high", "version": 1}', '22023'),
               ('{"scheme": "value", "class": "high", "rule_set": "churn"}', '22023'), ('{"scheme": "nothing", "class": "high"}', '55000'), ('{"class": "high"}', '22023')) v (rule, code);
SELECT results_eq($$SELECT recorded, in_force, proposed, customers FROM rule_dry_run('class.value', 2, 100, '2025-12-31')$$,
    $$VALUES ('high', 'high', 'high', 1::bigint), ('low', 'low', 'low', 2), ('medium', 'medium', 'high', 1)$$, 'who would move from where to where');
SELECT results_eq($$SELECT right(customer_code::text, 1), in_force, proposed FROM rule_dry_run_customers('class.value', 2, NULL, '2025-12-31') WHERE in_force <> proposed$$,
    $$VALUES ('2', 'medium', 'high')$$, 'and who that is');
SELECT is((SELECT sum(customers) FROM rule_dry_run('class.value', 2, 2, '2025-12-31')), 2::numeric, 'on a sample');
SELECT is_empty($$SELECT * FROM customer_class WHERE rule_version = 2$$, 'nothing is kept');
SELECT throws_ok($$SELECT approve_rules('class.value', 2)$$, 'KH004', NULL, 'who edited it does not approve it');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok($$SELECT approve_rules('class.value', 2)$$, 'another does');
SELECT throws_ok(statement, code, NULL, statement)
  FROM (VALUES ($$SELECT approve_rules('class.value', 2)$$, '55000'), ($$SELECT discard_rules('class.value', 2)$$, '55000'), ($$SELECT approve_rules('class.value', 9)$$, '42704'),
               ($$SELECT define_score_rule('class_rule', '{"scheme": "value", "class": "high", "lower": 1}')$$, '55000'),
               ($$SELECT drop_score_rule('class_rule', '{"scheme": "value", "class": "high"}')$$, '55000'), ($$SELECT draft_rules('nonsense', '2026-01-01')$$, '23514'),
               ($$SELECT * FROM rule_dry_run('class.value', 7)$$, '42704'), ($$SELECT * FROM rule_dry_run('warning', 1)$$, '42501'), ($$SELECT draft_rules('warning', '2026-01-01')$$, '42501')) v (statement, code);
SELECT is(draft_rules('class.empty', '2026-01-01'), 1, 'a new set begins empty');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT throws_ok($$SELECT approve_rules('class.empty', 1)$$, '22023', NULL, 'and is not approved so');
SELECT define_score_rule('class_rule', '{"scheme": "empty", "class": "x", "sort": 1, "label_zh": "甲", "label_en": "x"}');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok($$SELECT approve_rules('class.empty', 1)$$, 'KH004', NULL, 'who drafted it is an editor');
SELECT lives_ok($$SELECT discard_rules('class.empty', 1)$$, 'a draft can be discarded');
SELECT is(draft_rules('dormancy', company_today() - 1), 2, 'rules for a day that is over');
SELECT is(draft_rules('dormancy', company_today()), 3, 'and for today');
SELECT throws_ok($$SELECT draft_rules('dormancy', company_today() - 1, backdated_for => ' ')$$, '23514', NULL, 'a reason says something');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT throws_ok($$SELECT approve_rules('dormancy', 2)$$, '55000', 'rules do not hold before they are approved', 'are not approved without a reason');
SELECT is(rule_version('dormancy', company_today()), 1, 'and do not hold');
SELECT lives_ok($$SELECT approve_rules('dormancy', 3)$$, 'those of today are');
SELECT is(rule_version('dormancy', company_today() - 1) || ' ' || rule_version('dormancy', company_today()), '1 3', 'each day by what was approved then');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), code, NULL, 'the owner back-dates: ' || statement)
  FROM (VALUES ('UPDATE crm_data.rule_set SET state = ''approved'', edited_by = ''{}'' WHERE rule_set = ''dormancy'' AND version = 2', '55000'),
               ('UPDATE crm_data.rule_set SET state = ''approved'', backdated_for = ''because'' WHERE rule_set = ''dormancy'' AND version = 2', '55000'),
               ('UPDATE crm_data.rule_set SET state = ''approved'', valid_from = ''2999-01-01'' WHERE rule_set = ''dormancy'' AND version = 2', '55000'),
               ('UPDATE crm_data.rule_set SET valid_from = ''2001-01-01'' WHERE rule_set = ''dormancy'' AND version = 3', '55000')) v (statement, code);
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok($$SELECT discard_rules('dormancy', 2)$$, 'it goes');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), code, NULL, 'the owner: ' || statement)
  FROM (VALUES ('UPDATE crm_data.class_rule SET lower = 1 WHERE version = 1', '55000'), ('DELETE FROM crm_data.churn_rule', '55000'), ('TRUNCATE crm_data.service_commitment', '42501'),
               ('INSERT INTO crm_data.churn_rule (version, rule, measure, threshold, weight, label_zh, label_en) VALUES (1, ''x'', ''noted'', 1, 0.1, ''x'', ''x'')', '55000'),
               ('UPDATE crm_data.rule_set SET valid_until = ''2026-01-01''', '55000'), ('DELETE FROM crm_data.rule_set', '55000'), ('TRUNCATE crm_data.rule_set CASCADE', '42501'),
               ('UPDATE crm_data.credit_warning_rule SET threshold = 1', '55000')) v (statement, code);
RESET ROLE;
SET ROLE crm_owner;
INSERT INTO crm_data.rule_set (rule_set, version, state, valid_from, approved_by) VALUES ('churn', 5, 'approved', '2020-01-01', 'somebody');
SELECT results_eq($$SELECT state, approved_by FROM crm_data.rule_set WHERE rule_set = 'churn' AND version = 5$$, $$VALUES ('draft', NULL::name)$$, 'nor does he make an approved one');
DELETE FROM crm_data.rule_set WHERE version = 5;
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT is(rule_version('class.value', '2026-01-31') || ' ' || rule_version('class.value', '2026-02-01'), '1 2', 'each day has its version');
SELECT is(rule_version('class.value', '1999-01-01'), NULL, 'or none');
SELECT is(classify(ARRAY['CUST202401010002'::customer_code], 'value', '2026-01-31'), 0::bigint, 'the day before');
SELECT is(classify(ARRAY['CUST202401010002'::customer_code], 'value', '2026-02-01'), 1::bigint, 'the first day');
SELECT results_eq($$SELECT class, rule_version FROM customer_class WHERE customer_code = 'CUST202401010002' AND scheme = 'value' ORDER BY since$$, $$VALUES ('medium', 1), ('high', 2)$$, 'and which version it was');
SELECT is(draft_rules('churn', '2026-03-01', '2026-03-31', backdated_for => 'a trial'), 2, 'rules for a month');
SELECT define_score_rule('churn_rule', '{"rule": "complaints", "threshold": 1}');
SELECT is(drop_score_rule('churn_rule', '{"rule": "interval_exceeded"}'), true, 'a rule leaves the draft');
SELECT is(drop_score_rule('churn_rule', '{"rule": "interval_exceeded"}'), false, 'once');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT approve_rules('churn', 2);
SELECT is(rule_version('churn', '2026-03-31') || ' ' || rule_version('churn', '2026-04-01'), '2 1', 'after its last day the one before holds again');
SELECT is((SELECT proposed FROM rule_dry_run_customers('churn', 2, NULL, '2026-01-31') WHERE customer_code = 'CUST202401010003'), 'complaints, consumption_halved', 'signs, by rule');
SELECT is(draft_rules('level.star', '2026-06-01', backdated_for => 'a trial'), 2, 'levels');
SELECT define_score_rule('level_def', '{"scheme": "star", "level": "2", "minimum": 200}');
SELECT define_score_rule('service_commitment', '{"scheme": "star", "level": "4", "commitment": "complaint_answer", "target": 12}');
SELECT results_eq($$SELECT recorded, proposed, customers FROM rule_dry_run('level.star', 2, NULL, '2025-12-31') WHERE recorded IS DISTINCT FROM proposed$$, $$VALUES ('1', '2', 1::bigint)$$, 'of levels too');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT approve_rules('level.star', 2);
SELECT is(draft_score_model('{"model": "care", "characteristics": [{"characteristic": "a", "input": "purchases_total", "bins": [{"upper": 1, "points": 0}, {"lower": 1, "points": 60}]}],
    "grades": [{"grade": "A", "lower": 50}, {"grade": "B", "lower": 0}]}'), 1, 'a model');
SELECT results_eq($$SELECT proposed, customers FROM rule_dry_run('model.care', 1, NULL, '2025-12-31')$$, $$VALUES ('A', 3::bigint), ('B', 1)$$, 'which is tried the same way');

-- -- why customers sleep, and what is done ----------------------------------------------------

SELECT is(classify(ARRAY['CUST202401010002', 'CUST202401010003']::customer_code[], 'activity', '2026-03-01'), 2::bigint, 'two fall asleep');
SELECT results_eq($$SELECT right(customer_code::text, 1), reason, found_by, evidence -> 'interactions' IS NOT NULL FROM customer_dormancy ORDER BY 1$$,
    $$VALUES ('2', 'price', 'rule', true), ('3', 'complaint', 'rule', true)$$, 'with the reason found, and its evidence');
SELECT is(record_dormancy_reason('CUST202401010003', 'moved', 'said so on the phone', '2026-03-05') > 0, true, 'a person knows better');
SELECT results_eq($$SELECT reason, found_by, recorded_by FROM customer_dormancy WHERE customer_code = 'CUST202401010003' ORDER BY entry_no$$,
    $$VALUES ('complaint', 'rule', 'crm_test_data_two'::name), ('moved', 'person', 'crm_test_data_two')$$, 'and both stand');
SELECT throws_ok(statement, code, NULL, statement)
  FROM (VALUES ($$SELECT record_dormancy_reason('CUST202401010001', 'moved', 'x', '2026-03-05')$$, 'P0002'), ($$SELECT record_dormancy_reason('CUST202401010003', 'nonsense', 'x', '2026-03-05')$$, '23503'),
               ($$SELECT record_dormancy_reason('CUST202401010003', 'moved', ' ', '2026-03-05')$$, '23514')) v (statement, code);
SELECT results_eq($$SELECT right(customer_code::text, 1), action, subject, opened_on, due_on, owner_unit FROM follow_up WHERE subject LIKE 'activity.dormant' ORDER BY 1$$,
    $$VALUES ('2', 'wake_up', 'activity.dormant', date '2026-03-01', date '2026-03-15', 'north'), ('3', 'wake_up', 'activity.dormant', '2026-03-01', '2026-03-15', 'north')$$, 'they are to be woken, by a day');
SELECT is((SELECT count(*) FROM follow_up WHERE action = 'trial'), 1::bigint, 'who never bought is offered a trial');
SELECT is((SELECT count(*) FROM follow_up WHERE action = 'cross_sell'), 0::bigint, 'who was active from the first is no news');
SELECT is(classify(ARRAY['CUST202401010002', 'CUST202401010003']::customer_code[], 'activity', '2026-03-01'), 0::bigint, 'again: nothing');
SELECT is((SELECT count(*) FROM follow_up WHERE action = 'wake_up'), 2::bigint, 'nor to do');
SELECT follow_up_no AS no FROM follow_up WHERE customer_code = 'CUST202401010003' AND action = 'wake_up' \gset
SELECT lives_ok(format('SELECT assign_follow_up(''CUST202401010003'', %s, ''ming'')', :no), 'it is somebody''s');
SELECT is((SELECT owner FROM follow_up_due WHERE follow_up_no = :no AND days_overdue > 0), 'ming'::name, 'overdue, and whose');
SELECT lives_ok(format('SELECT close_follow_up(''CUST202401010003'', %s, ''comes back in May'')', :no), 'done');
SELECT throws_ok(format('SELECT close_follow_up(''CUST202401010003'', %s, ''again'')', :no), 'P0002', NULL, 'once');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '42501', NULL, 'the owner: ' || statement)
  FROM unnest(ARRAY['UPDATE crm_data.follow_up SET outcome = ''comes back in June'' WHERE closed_on IS NOT NULL', 'UPDATE crm_data.follow_up SET closed_on = NULL, closed_by = NULL, outcome = NULL WHERE closed_on IS NOT NULL',
    'UPDATE crm_data.follow_up SET owner = ''me'' WHERE closed_on IS NOT NULL', 'UPDATE crm_data.follow_up SET action = ''sleep'' WHERE closed_on IS NULL', 'UPDATE crm_data.follow_up SET opened_on = ''2001-01-01'' WHERE closed_on IS NULL',
    'INSERT INTO crm_data.follow_up (customer_code, action, subject, opened_on, due_on, closed_on, closed_by, outcome) VALUES (''CUST202401010003'', ''x'', ''x'', ''2026-01-01'', ''2026-01-01'', ''2026-01-01'', ''ming'', ''done'')']) statement;
RESET ROLE;
BEGIN;
SET LOCAL ROLE crm_owner;
UPDATE crm_data.follow_up SET closed_on = '2026-03-01', closed_by = 'somebody_else', outcome = 'x' WHERE customer_code = 'CUST202401010002' AND action = 'wake_up';
RESET ROLE;
SELECT is((SELECT closed_by FROM crm_data.follow_up WHERE customer_code = 'CUST202401010002' AND action = 'wake_up'), session_user, 'who closed it is who did');
ROLLBACK;
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT is(classify(ARRAY['CUST202401010001']::customer_code[], 'value', '2026-02-10'), 0::bigint, 'high value still');
SELECT results_eq($$SELECT action, due_on FROM follow_up WHERE customer_code = 'CUST202401010001' AND subject = 'value.high'$$, $$VALUES ('contact', date '2026-01-30')$$, 'a contact is due');
RESET SESSION AUTHORIZATION;
INSERT INTO crm_data.interaction (customer_code, happened_at, channel, direction, subject) VALUES ('CUST202401010001', '2026-02-12', 'phone', 'outbound', 'visit');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT is(classify(ARRAY['CUST202401010001']::customer_code[], 'value', '2026-03-05'), 0::bigint, 'after somebody spoke to him');
SELECT results_eq($$SELECT due_on, outcome FROM follow_up WHERE customer_code = 'CUST202401010001' AND subject = 'value.high' ORDER BY follow_up_no$$,
    $$VALUES (date '2026-01-30', 'contacted'), ('2026-03-14', NULL)$$, 'it is closed, and the next is due thirty days later');

-- -- levels -------------------------------------------------------------------------------------

SELECT results_eq($$SELECT l.level, l.rule_version, a.inputs, a.level FROM customer_level l JOIN level_assessment a ON a.customer_code = l.customer_code AND a.assessment_no = l.assessment_no
    WHERE l.customer_code = 'CUST202401010001'$$, $$VALUES ('4', 1, '{"amount_12m": 12000}'::jsonb, '4')$$, 'a level has its assessment');
SELECT results_eq($$SELECT commitment, target, unit, level FROM service_commitments('CUST202401010001', '2026-01-01')$$, $$VALUES ('complaint_answer', 24::numeric, 'hour', '4')$$, 'and its promises');
SELECT is(service_deadline('CUST202401010001', 'complaint_answer', '2026-01-01 08:00+08'), '2026-01-02 08:00+08'::timestamptz, 'a deadline');
SELECT is(service_deadline('CUST202401010001', 'complaint_answer', '2026-06-02 08:00+08'), '2026-06-02 20:00+08'::timestamptz, 'by the version of the day');
SELECT is(service_deadline('CUST202401010002', 'complaint_answer', '2026-01-01 08:00+08'), NULL, 'not for everybody');
SELECT is(assess_level(ARRAY['CUST202401010002']::customer_code[], 'star', '2026-01-02'), 0::bigint, 'nothing new');

-- A level gives benefits, so many times.
SELECT results_eq($$SELECT benefit, quantity, per, used, remaining, valid_until, level FROM benefit_left('CUST202401010001', '2026-01-10')$$,
    $$VALUES ('airport_lounge', 4, 'year', 0::bigint, 4::bigint, date '2026-12-30', '4')$$, 'benefits of the level, until it ends');
SELECT is_empty($$SELECT * FROM benefit_left('CUST202401010003', '2026-01-10')$$, 'not of every level');
SELECT throws_ok($$SELECT benefit_use('CUST202401010003', 'airport_lounge', 'r0', '2026-01-10')$$, '55000', NULL, 'nor to be used');
SELECT is(benefit_use('CUST202401010001', 'airport_lounge', 'r1', '2026-01-10'), 3::bigint, 'used once');
SELECT is(benefit_use('CUST202401010001', 'airport_lounge', 'r1', '2026-01-10'), 3::bigint, 'the same request is one use');
SELECT throws_ok($$SELECT benefit_use('CUST202401010001', 'airport_lounge', 'r1', '2026-01-11')$$, 'KH014', NULL, 'for one day');
SELECT results_eq($$SELECT benefit_use('CUST202401010001', 'airport_lounge', r, '2026-02-10') FROM unnest(ARRAY['r2', 'r3', 'r4']) r$$, $$VALUES (2::bigint), (1), (0)$$, 'and to the last');
SELECT throws_ok($$SELECT benefit_use('CUST202401010001', 'airport_lounge', 'r5', '2026-02-10')$$, '55000', NULL, 'but not beyond');
SELECT is(benefit_use('CUST202401010001', 'airport_lounge', 'r4', '2026-02-10'), 0::bigint, 'what was recorded is told again');
SELECT throws_ok($$SELECT benefit_use('CUST202401010001', 'airport_lounge', 'r9', '2999-01-01')$$, '22023', NULL, 'a day to come');
SELECT throws_ok(format($$SELECT benefit_use('CUST202401010001', 'airport_lounge', %L, '2026-02-10')$$, r), code, NULL, 'request ' || left(r, 5)) FROM (VALUES ('', '55000'), (repeat('x', 101), '55000')) v (r, code);
SELECT results_eq($$SELECT used, remaining FROM benefit_left('CUST202401010001', '2026-03-01')$$, $$VALUES (4::bigint, 0::bigint)$$, 'left-over');
SELECT throws_ok($$INSERT INTO crm_data.benefit_used (customer_code, benefit, request_id, use_no, used_on, scheme, rule_version, level) VALUES ('CUST202401010001', 'airport_lounge', 'x', 9, '2026-02-10', 'star', 1, '4')$$,
    '42501', NULL, 'nobody writes past the function');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE %s', statement), code, NULL, statement)
  FROM (VALUES ('crm_reader; SELECT crm.benefit_use(''CUST202401010001'', ''airport_lounge'', ''x'')', '42501'), ('crm_credit; SELECT * FROM crm.benefit_left(''CUST202401010001'')', '42501'),
               ('crm_owner; UPDATE crm_data.benefit_used SET used_on = ''2025-01-01''', '42501'), ('crm_owner; DELETE FROM crm_data.benefit_used', '42501'), ('crm_owner; TRUNCATE crm_data.benefit_used', '42501'),
               ('crm_owner; UPDATE crm_data.benefit_entitlement SET quantity = 99 WHERE version = 1', '55000'), ('crm_owner; TRUNCATE crm_data.benefit_entitlement CASCADE', '42501')) v (statement, code);
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT request_score_change('CUST202401010002', 'level', 'star', '5', NULL, '2026-12-31', 'partner of ours', 'contract 12', '2026-03-01') AS request \gset
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT decide_score_change('CUST202401010002', :request, true);
SELECT results_eq($$SELECT kind, level_from, level_to FROM level_notice$$, $$VALUES ('upgrade', '3', '5')$$, 'what was given by hand is told as well');
SELECT results_eq($$SELECT customer_code::text, kind, payload ->> 'level_to' FROM take_events('general', 10)$$, $$VALUES ('CUST202401010002', 'level.notice', '5')$$, 'as an event');
SELECT is_empty($$SELECT * FROM take_events('general', 10)$$, 'which is taken once');
SELECT throws_ok($$SELECT * FROM take_events('credit')$$, '42501', NULL, 'credit''s are not for all');
SELECT throws_ok($$SELECT * FROM take_events('general', 0)$$, '22023', NULL, 'a batch of none');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '42501', NULL, 'the owner: ' || statement)
  FROM unnest(ARRAY['DELETE FROM crm_data.event_outbox', 'UPDATE crm_data.event_outbox SET payload = ''{}''', 'DELETE FROM crm_data.customer_dormancy', 'UPDATE crm_data.level_assessment SET value = 0', 'DELETE FROM crm_data.follow_up']) statement;
RESET ROLE;

-- As after a merge: what the other record used counts, and its request is known.
UPDATE crm_data.customer SET survivor_code = 'CUST202401010002', lifecycle_state = 'merged' WHERE customer_code = 'CUST202401010001';
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT results_eq($$SELECT used, remaining FROM benefit_left('CUST202401010002', '2026-03-01') WHERE benefit = 'airport_lounge'$$, $$VALUES (4::bigint, 8::bigint)$$, 'merged records count together');
SELECT is(benefit_use('CUST202401010001', 'airport_lounge', 'r1', '2026-01-10'), 0::bigint, 'the survivor knows the other''s request, and had no such level then');
SELECT is(min(benefit_use('CUST202401010001', 'airport_lounge', 'm' || n, '2026-03-01')), 0::bigint, 'both use what is left') FROM generate_series(1, 8) n;
SELECT is((SELECT count(*) FROM benefit_used WHERE customer_code = 'CUST202401010002'), 8::bigint, 'for the survivor');
SELECT throws_ok(format($$SELECT benefit_use(%L, 'airport_lounge', 'm9', '2026-03-01')$$, c), '55000', NULL, 'and nothing more: ' || c) FROM unnest(ARRAY['CUST202401010001', 'CUST202401010002']) c;
SELECT is((SELECT remaining FROM benefit_left('CUST202401010002', '2026-03-01') WHERE benefit = 'emergency_restart'), 2::bigint, 'another benefit by itself');
SELECT is(benefit_use('CUST202401010002', 'emergency_restart', 'e1', '2026-03-01'), 1::bigint, 'by the month');
SELECT is((SELECT remaining FROM benefit_left('CUST202401010002', '2026-04-01') WHERE benefit = 'emergency_restart'), 2::bigint, 'and the next month anew');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.customer SET survivor_code = customer_code, lifecycle_state = 'registered' WHERE customer_code = 'CUST202401010001';

-- -- profit ---------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok($$SELECT record_cost('CUST202401010001', k, '2025-12-05', a, 'books', k) FROM (VALUES ('product_cost', 4000), ('service_cost', 500), ('investment', 300), ('bad_debt', 200)) v (k, a)$$, 'costs');
SELECT throws_ok($$SELECT record_cost('CUST202401010001', 'bad_debt', '2025-12-05', 1, 'books', 'bad_debt')$$, '23505', NULL, 'the same entry twice');
SELECT throws_ok($$SELECT record_cost('CUST202401010001', 'weather', '2025-12-05', 1, 'books', 'x')$$, '23514', NULL, 'another kind');
SELECT lives_ok($$SELECT record_cost('CUST202401010003', 'service_cost', '2025-12-05', 400, 'books', '1')$$, 'a costly one');
SELECT results_eq($$SELECT right(customer_code::text, 1), revenue, contribution, class FROM customer_profit('2025-01-01', '2025-12-31') ORDER BY 1$$,
    $$VALUES ('1', 12000.00, 7000.00, 'A'), ('2', 5000.00, 5000.00, 'A'), ('3', 300.00, -100.00, 'C')$$, 'contribution in one currency, by class');
SELECT results_eq($$SELECT right(customer_code::text, 1), contribution FROM customer_profit('2025-01-01', '2025-12-31', 'USD')$$, $$VALUES ('1', 900.00)$$, 'the other by itself');
SELECT results_eq($$SELECT currency, class, customers, contribution FROM crm_report.profit_abc ORDER BY 1, 2$$, $$VALUES ('CNY', 'A', 2::bigint, 12000.00), ('CNY', 'C', 1, -100.00), ('USD', 'A', 1, 900.00)$$, 'as in the report');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT features -> 'other_currency' || (features -> 'amount_total') FROM score_features(ARRAY['CUST202401010001'::customer_code], '2025-12-31', false)), '[1, 12000.00]'::jsonb, 'features say what they leave out');

-- -- the month's value -------------------------------------------------------------------------------

SELECT results_eq($$SELECT right(customer_code::text, 1), month, as_of, class, rule_version, value, r_score::int, f_score::int, m_score::int, c_score::int, value_score, recency_days, purchases, amount, contribution, lifetime_value
    FROM value_snapshot ORDER BY 1$$,
    $$VALUES ('1', date '2025-12-01', date '2025-12-31', 'high', 1, 12000::float8, 5, 2, 5, 5, 81.25::float8, 30, 2, 12000.00, 12000.00, NULL::numeric),
             ('2', '2025-12-01', '2025-12-31', 'medium', 1, 5000, 4, 2, 4, 4, 62.5, 60, 1, 5000.00, 5000.00, NULL),
             ('3', '2025-12-01', '2025-12-31', 'low', 1, NULL, 4, 2, 1, 2, 31.25, 77, 1, 300.00, 300.00, NULL),
             ('4', '2025-12-01', '2025-12-31', 'low', 1, NULL, NULL, 1, 1, 1, 0, NULL, 0, 0, 0, NULL)$$, 'class, rules and the scores that led to it');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok($$SELECT record_cost('CUST202401010002', 'service_cost', '2025-12-20', 6000, 'books', 'dear')$$, 'he turns out to be dear');
SELECT judge('CUST202401010001', 'lifetime_value', '30000', 'reckoned over three years', '2026-12-31', 'value', '2026-01-01');
CALL assess_behaviour('2025-12-31');
SELECT is((SELECT count(*) FROM value_snapshot), 4::bigint, 'the same month again: nothing');
SELECT results_eq($$SELECT class, c_score FROM value_snapshot WHERE customer_code = 'CUST202401010002'$$, $$VALUES ('medium', 4::smallint)$$, 'and what it said stays');
CALL assess_behaviour('2026-01-05');
CALL assess_behaviour('2026-01-25');
SELECT results_eq($$SELECT right(customer_code::text, 1), as_of, class, c_score::int, contribution, lifetime_value FROM value_snapshot WHERE month = '2026-01-01' ORDER BY 1$$,
    $$VALUES ('1', date '2026-01-05', 'high', 4, 7000.00, 30000::numeric), ('2', '2026-01-05', 'low', 1, -1000.00, NULL), ('3', '2026-01-05', 'low', 1, -100.00, NULL), ('4', '2026-01-05', 'low', 1, 0, NULL)$$,
    'the next month: who costs more than he brings is of low value');
SELECT results_eq($$SELECT month, class, customers, entered, contribution, lifetime_value FROM crm_report.value_segments ORDER BY 1, 2$$,
    $$VALUES (date '2025-12-01', 'high', 1::bigint, 1::bigint, 12000.00, NULL::numeric), ('2025-12-01', 'low', 2, 2, 300.00, NULL), ('2025-12-01', 'medium', 1, 1, 5000.00, NULL),
             ('2026-01-01', 'high', 1, 0, 7000.00, 30000), ('2026-01-01', 'low', 3, 1, -1100.00, NULL)$$, 'as in the report');
SELECT is(draft_rules('class.value', '2026-08-01'), 3, 'scores are rules: a draft');
SELECT define_score_rule('class_score', '{"scheme": "value", "score": "m_score", "edges": [100, 200], "weight": 3}');
SELECT define_score_rule('class_rule', '{"scheme": "value", "class": "high", "feature": "value_score", "lower": 70, "condition": null}');
SELECT define_score_rule('class_rule', '{"scheme": "value", "class": "medium", "feature": "value_score", "lower": 50, "upper": 70, "condition": null}');
SELECT results_eq($$SELECT right(customer_code::text, 1), proposed FROM rule_dry_run_customers('class.value', 3, NULL, '2025-12-31') ORDER BY 1$$,
    $$VALUES ('1', 'high'), ('2', 'medium'), ('3', 'medium'), ('4', 'low')$$, 'which classes can go by, and a dry run tries');
SELECT throws_ok(format('SELECT define_score_rule(''class_score'', %L)', rule), '23514', NULL, rule)
  FROM (VALUES ('{"scheme": "value", "score": "m_score", "edges": [200, 100]}'), ('{"scheme": "value", "score": "m_score", "edges": [1, null]}'), ('{"scheme": "value", "score": "m_score", "edges": []}'),
               ('{"scheme": "value", "score": "m_score", "weight": 0}'), ('{"scheme": "value", "score": "drop table", "feature": "x", "edges": [1], "label_zh": "x", "label_en": "x"}')) v (rule);
SELECT throws_ok('INSERT INTO crm_data.value_snapshot (customer_code, month, as_of, class, rule_version, purchases, amount, contribution) VALUES (''CUST202401010001'', ''2026-02-01'', ''2026-02-01'', ''high'', 1, 0, 0, 0)',
                 '42501', NULL, 'nobody else writes it');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), code, NULL, 'the owner: ' || statement)
  FROM (VALUES ('UPDATE crm_data.value_snapshot SET class = ''high''', '42501'), ('DELETE FROM crm_data.value_snapshot', '42501'), ('TRUNCATE crm_data.value_snapshot', '42501'),
               ('UPDATE crm_data.class_score SET weight = 9 WHERE version = 1', '55000'), ('DELETE FROM crm_data.class_score WHERE version = 1', '55000'), ('TRUNCATE crm_data.class_score', '42501')) v (statement, code);
RESET ROLE;

-- -- partners ---------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
SELECT draft_score_model(partner_template());
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT approve_score_model('partner', 1), activate_score_model('partner', 1);
SELECT judge('CUST202401010001', (SELECT input FROM score_characteristic WHERE model = 'partner' AND position = 1), '4', 'yearly talk', '2026-12-31', 'general', '2026-01-01');
SELECT results_eq($$SELECT judged, evaluator, evidence, valid_from FROM partner_evaluation('CUST202401010001', '2026-06-01') WHERE judged IS NOT NULL$$,
    $$VALUES ('4'::jsonb, 'crm_test_data_two'::name, 'yearly talk', date '2026-01-01')$$, 'criteria, evaluator, evidence, period');
SELECT is((SELECT count(*) FROM partner_evaluation('CUST202401010001', '2026-06-01')), 11::bigint, 'all criteria');
SELECT is_empty($$SELECT * FROM partner_evaluation('CUST202401010001', '2027-06-01') WHERE judged IS NOT NULL$$, 'a judgement has its period');

-- -- stability of each input ----------------------------------------------------------------------

SELECT is(draft_score_model('{"model": "drift", "characteristics": [
    {"characteristic": "bought", "input": "purchases_total", "bins": [{"upper": 1, "points": 0, "goods": 40, "bads": 10}, {"lower": 1, "points": 30, "goods": 45, "bads": 5}]},
    {"characteristic": "spent", "input": "amount_total", "weight": 2, "bins": [{"upper": 1000, "points": 0, "goods": 50, "bads": 10}, {"lower": 1000, "upper": 4000, "points": 0, "goods": 10, "bads": 5}, {"lower": 4000, "points": 20, "goods": 24, "bads": 1}]},
    {"characteristic": "judged", "input": "nothing", "bins": [{"points": 5}]}]}'), 1, 'a model with the shares of its sample');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT approve_score_model('drift', 1), activate_score_model('drift', 1);
CALL score_customers('drift', '2025-12-31');
-- Of four customers three bought, where half were expected; two spent much, where a quarter was: (0.75 - 0.5) ln 1.5 - 0.25 ln 0.5; 0.25 ln 2 - 0.25 ln (0.5 / 0.75).
SELECT results_eq($$SELECT characteristic, round(stability_index::numeric, 6), advice, customers FROM crm_report.characteristic_stability WHERE model = 'drift' ORDER BY 1$$,
    $$VALUES ('bought', 0.274653, 'act', 4::bigint), ('spent', 0.274653, 'act', 4)$$, 'which input drifted; bins of the same points are one');
SELECT * FROM finish();
