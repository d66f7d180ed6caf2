-- Proves: a version of a score model is edited only as a draft, approved only by somebody who
-- did not edit it, and never changed afterwards, by its owner neither; one version is active
-- for a purpose; results are what the version makes of their inputs, and come out again to
-- the bit; who has no role reads and scores nothing; and credit is for credit management alone.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_credit_one', 'crm_test_credit_two', 'crm_test_data_one', 'crm_test_data_two', 'crm_test_nobody'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_credit TO crm_test_credit_one, crm_test_credit_two;
    GRANT crm_data_admin TO crm_test_data_one, crm_test_data_two;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
BEGIN;
SELECT no_plan();
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'individual', c, '2024-01-01' FROM crm.next_customer_codes(3, '2024-01-01') c;
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, channel)
SELECT 'CUST202401010001', 'o' || n, date '2025-06-01' + 30 * n, 'line', 1, 100, 'store' FROM generate_series(1, 6) n;

-- -- a draft ----------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
CREATE TEMPORARY TABLE definition AS SELECT '{"model": "trial", "scale_low": 0, "scale_high": 50, "characteristics": [
    {"characteristic": "recency", "input": "recency_days", "bins": [{"upper": 90, "points": 30}, {"lower": 90, "upper": 365, "points": 10}, {"lower": 365, "points": 0}]},
    {"characteristic": "orders", "input": "purchases_12m", "bins": [{"upper": 1, "points": 0}, {"lower": 1, "points": 20}, {"kind": "missing", "points": 5}]}],
    "grades": [{"grade": "A", "lower": 60}, {"grade": "B", "lower": 0}]}'::jsonb AS d;
GRANT SELECT ON definition TO PUBLIC;
SELECT is((SELECT draft_score_model(d) FROM definition), 1, 'a first version');
SELECT is((score_columns('trial', 10, 2)).total, 50, 'a draft can be tried');
SELECT is((score_columns('trial', NULL, NULL)).total, 5, 'what no bin is for has the fewest points');
SELECT is((SELECT draft_score_model(score_model_definition('trial', 1) || '{"note": "same"}')), 2, 'what is read can be drafted again');
SELECT is((SELECT score_model_definition('trial', 2) - 'note'), (SELECT score_model_definition('trial', 1)), 'and is the same');
SELECT lives_ok($$SELECT discard_score_model('trial', 2)$$, 'a draft is discarded');
SELECT throws_ok($$SELECT draft_score_model(d || '{"domain": "credit"}') FROM definition$$, '42501', NULL, 'the data department makes no credit models');
SELECT throws_ok($$SELECT approve_score_model('trial', 1)$$, 'KH004', NULL, 'who made it does not approve it');
SELECT throws_ok($$SELECT activate_score_model('trial', 1)$$, 'KH006', NULL, 'a draft does not become active');
SELECT throws_ok($$SELECT approve_score_model('trial', 9)$$, '42704', NULL, 'no such version');
SELECT throws_ok($$SELECT * FROM score_customer('CUST202401010001', 'trial')$$, '42704', NULL, 'nor does a draft score customers');

-- -- attacks of the owner on a draft: who edits becomes an editor ----------------------------

SET SESSION AUTHORIZATION crm_test_data_two;
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
SELECT throws_ok($$INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en, state) VALUES ('x', 1, 'x', 'x', 'x', 'active')$$, '55000', NULL, 'a version is not born active');
SELECT throws_ok($$INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en, approved_by) VALUES ('x', 1, 'x', 'x', 'x', 'me')$$, '55000', NULL, 'nor approved');
UPDATE crm_data.score_model SET edited_by = '{}' WHERE model = 'trial';
RESET ROLE;
SELECT is((SELECT edited_by FROM crm_data.score_model WHERE model = 'trial'), ARRAY['crm_test_data_one', session_user]::name[], 'the list of editors cannot be emptied, and grows');
SELECT throws_ok($$UPDATE crm_data.score_model SET state = 'approved', edited_by = '{}' WHERE model = 'trial'$$, 'KH004', NULL, 'an editor, superuser or not, does not approve');
UPDATE crm_data.score_bin SET points = 29 WHERE model = 'trial' AND points = 30;
SELECT is((score_columns('trial', 10, 2)).total, 49, 'a changed draft is compiled anew');
UPDATE crm_data.score_bin SET points = 30 WHERE model = 'trial' AND points = 29;

-- A model with a gap is not approved.
UPDATE crm_data.score_bin SET upper = 80 WHERE model = 'trial' AND upper = 90;
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok($$SELECT approve_score_model('trial', 1)$$, '22023', NULL, 'a card with a gap is not approved');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.score_bin SET upper = 90 WHERE model = 'trial' AND upper = 80;

-- -- approved, active: fixed for everybody ------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok($$SELECT approve_score_model('trial', 1)$$, 'a second person approves');
SELECT throws_ok($$SELECT * FROM score_customer('CUST202401010001', 'trial')$$, '42704', NULL, 'approved is not active');
SELECT lives_ok($$SELECT activate_score_model('trial', 1)$$, 'and puts it to work');
SELECT throws_ok($$SELECT discard_score_model('trial', 1)$$, '55000', NULL, 'what was approved stays');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), code, NULL, statement)
  FROM (VALUES ($$UPDATE crm_data.score_model SET scale_high = 10$$, '55000'), ($$UPDATE crm_data.score_model SET version = 7$$, '55000'),
               ($$UPDATE crm_data.score_model SET state = 'draft'$$, 'KH006'), ($$UPDATE crm_data.score_model SET approved_by = 'x'$$, '55000'),
               ($$UPDATE crm_data.score_model SET state = 'retired', base_points = 1$$, '55000'),
               ($$DELETE FROM crm_data.score_model$$, '55000'), ($$TRUNCATE crm_data.score_model CASCADE$$, '42501'),
               ($$UPDATE crm_data.score_bin SET points = 0$$, '55000'), ($$DELETE FROM crm_data.score_bin$$, '55000'), ($$TRUNCATE crm_data.score_bin$$, '42501'),
               ($$INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, points) VALUES ('trial', 1, 'recency', 9, 'missing', 100)$$, '55000'),
               ($$UPDATE crm_data.score_characteristic SET weight = 2$$, '55000'), ($$DELETE FROM crm_data.score_characteristic$$, '55000'),
               ($$UPDATE crm_data.score_grade SET lower = 1 WHERE grade = 'A'$$, '55000')) v (statement, code);
RESET ROLE;

-- -- results ---------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_one;
SELECT results_eq($$SELECT total, score, grade, reasons, points, inputs FROM score_customer('CUST202401010001', 'trial', '2025-12-31')$$,
    $$VALUES (50, 100::float8, 'A', '{}'::text[], '{30,20}'::int[], '{"recency_days": 33, "purchases_12m": 6}'::jsonb)$$, 'a customer who buys');
SELECT results_eq($$SELECT total, score, grade, reasons, points FROM score_customer('CUST202401010002', 'trial', '2025-12-31')$$,
    $$VALUES (0, 0::float8, 'B', '{recency,orders}'::text[], '{0,0}'::int[])$$, 'a customer who does not, and why');
SELECT results_eq($$SELECT total FROM score_customer('CUST202401010001', 'trial', '2026-06-01')$$, 'VALUES (30)', 'as of another day');
SELECT is((SELECT count(*) FROM score_result WHERE rescore(customer_code, result_id)), 3::bigint, 'every result comes out again from what was recorded');
SELECT throws_ok($$SELECT * FROM score_customer('CUST209901010001', 'trial')$$, 'P0002', NULL, 'nobody is not scored');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('SET LOCAL ROLE crm_owner; %s', statement), '42501', NULL, statement)
  FROM unnest(ARRAY['UPDATE crm_data.score_result SET total = 1', 'DELETE FROM crm_data.score_result', 'TRUNCATE crm_data.score_result']) statement;
RESET ROLE;
INSERT INTO crm_data.score_result (customer_code, model, version, as_of, inputs, points, total, score, grade, reasons, purpose, domain, valid_until, scored_by)
VALUES ('CUST202401010003', 'trial', 1, '2026-01-01', '{"recency_days": 400}', '{99}', 99, 99, 'A', '{}', 'x', 'x', '2099-01-01', 'somebody');
SELECT results_eq($$SELECT total, grade, purpose, scored_by FROM crm_data.score_result WHERE customer_code = 'CUST202401010003'$$,
    format($$VALUES (5, 'B', 'trial', %L::name)$$, session_user), 'a result that is made up becomes what the inputs give');
SELECT throws_ok($$INSERT INTO crm_data.score_result (customer_code, model, version, as_of, inputs) VALUES ('CUST202401010003', 'trial', 1, '2026-01-01', '[1]')$$, '22023', NULL, 'inputs are an object');

-- -- the next version ---------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_data_two;
SELECT is(copy_score_model('trial', 1), 2, 'a copy is the next draft');
SELECT throws_ok($$SELECT approve_score_model('trial', 2)$$, 'KH004', NULL, 'who copied it does not approve it');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok($$SELECT approve_score_model('trial', 2), activate_score_model('trial', 2)$$, 'another does');
SELECT results_eq($$SELECT version, state FROM score_model WHERE model = 'trial' ORDER BY 1$$, $$VALUES (1, 'retired'), (2, 'active')$$, 'and the first is retired in the same act');
SELECT is((SELECT bool_and(rescore(customer_code, result_id)) FROM score_result), true, 'results of a retired version still come out again');
SELECT throws_ok($$SELECT activate_score_model('trial', 1)$$, 'KH006', NULL, 'what is retired stays retired');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$INSERT INTO crm_data.score_result (customer_code, model, version, as_of, inputs) VALUES ('CUST202401010003', 'trial', 1, '2026-01-01', '{}')$$, '55000', NULL, 'a retired version scores nobody');
INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en) VALUES ('other', 1, 'trial', 'x', 'x');
INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, label_zh, label_en) VALUES ('other', 1, 'a', 1, 'a', 'numeric', 'a', 'a');
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, points) VALUES ('other', 1, 'a', 1, 'range', 1);
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT approve_score_model('other', 1);
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$UPDATE crm_data.score_model SET state = 'active' WHERE model = 'other'$$, '23505', NULL, 'two models are not active for one purpose');

-- -- who may ------------------------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_nobody;
SELECT throws_ok(statement, '42501', NULL, statement)
  FROM unnest(ARRAY['SELECT * FROM crm.score_result', 'SELECT * FROM crm.score_model', 'SELECT * FROM crm.score_bin', 'SELECT * FROM crm.score_judgement',
      $$SELECT * FROM score_customer('CUST202401010001', 'trial')$$, $$SELECT score_columns('trial', 1, 1)$$, $$SELECT score_inputs('trial', '{}')$$,
      $$SELECT score_total('trial', 1, 1)$$, $$SELECT score_span('trial')$$, $$SELECT draft_score_model('{}')$$, $$SELECT score_model_definition('trial', 1)$$,
      $$SELECT rescore('CUST202401010001', 1)$$, $$CALL score_customers('trial')$$, $$SELECT * FROM score_features(ARRAY['CUST202401010001'::customer_code], '2026-01-01', true)$$,
      'SELECT * FROM crm_report.score_distribution', 'SELECT * FROM crm_report.credit_exposure']) statement;
SET SESSION AUTHORIZATION crm_test_credit_one;
SELECT is((SELECT count(*) FROM score_result), 0::bigint, 'credit management does not see what is not credit');
SELECT throws_ok($$SELECT * FROM score_customer('CUST202401010001', 'trial')$$, '42501', NULL, 'nor score for it');
SELECT throws_ok($$SELECT judge('CUST202401010001', 'share', '0.5', 'seen', '2027-01-01')$$, '42501', NULL, 'nor judge');
SELECT is((SELECT bool_and(n IS NOT NULL) FROM unnest(ARRAY[judge('CUST202401010001', 'integrity', '"good"', 'references', '2099-01-01', 'credit')]) n), true, 'but judges credit');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT is((SELECT count(*) FROM score_judgement), 0::bigint, 'which the data department does not see');
SELECT throws_ok($$SELECT judge('CUST202401010001', 'share', '0.5', '  ', '2027-01-01')$$, '23514', NULL, 'a judgement needs evidence');
SELECT throws_ok($$SELECT judge('CUST202401010001', 'share', '[1]', 'seen', '2027-01-01')$$, '23514', NULL, 'and a single value');

-- -- bad input -------------------------------------------------------------------------------------------------

SELECT throws_ok(statement, code, NULL, statement)
  FROM (VALUES ($$SELECT score_columns('none', 1)$$, '42704'), ($$SELECT score_columns('trial@9', 1, 2)$$, '42704'), ($$SELECT score_columns(NULL, 1, 2)$$, '22004'),
               ($$SELECT score_columns('trial', 1)$$, '22023'), ($$SELECT score_columns('trial', 1, 2, 3)$$, '22023'), ($$SELECT score_columns('trial', 1, current_date)$$, '42804'),
               ($$SELECT score_columns('trial', 'x', 1)$$, '22P02'), ($$SELECT score_columns('trial', VARIADIC ARRAY[1.0])$$, '22023'),
               ($$SELECT score_columns('trial', VARIADIC NULL::float8[])$$, '22023'), ($$SELECT score_row('trial', t) FROM (VALUES (1)) t (recency_days)$$, '42703'),
               ($$SELECT score_inputs('trial', '{"recency_days": [1]}')$$, '22023'), ($$SELECT score_inputs('trial', '{"recency_days": "x"}')$$, '22P02'),
               ($$SELECT draft_score_model('{"model": "bad name"}')$$, '23514'), ($$SELECT draft_score_model('{"model": "m", "scale_low": 5, "scale_high": 5}')$$, '23514'),
               ($$SELECT draft_score_model('{"model": "m", "characteristics": [{"characteristic": "a", "bins": [{"points": 1, "lower": "NaN"}]}]}')$$, '23514'),
               ($$SELECT draft_score_model('{"model": "m", "characteristics": [{"characteristic": "a", "bins": [{"points": null}]}]}')$$, '23502')) v (statement, code);
SELECT is((score_columns('trial', 'NaN'::float8, 'Infinity'::float8)).points, '{0,20}'::int[], 'NaN is missing, and an infinity lies in the outer bin');
SELECT is((score_row('trial', t)).points, (score_columns('trial@2', 89.5, 0)).points, 'by row as by column')
  FROM (VALUES (0::smallint, 'other', 89.5::numeric)) t (purchases_12m, unused, recency_days);
SELECT is((score_columns('trial', VARIADIC ARRAY['89', '0'])).total, score_total('trial', 89, 0), 'by array as by column');

SELECT * FROM finish();
ROLLBACK;
