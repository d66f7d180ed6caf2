-- Proves: the four dimensions of data quality are reckoned from the fields that are looked at,
-- age and the reliability of the source; issues have an owner and a day, are opened once and
-- closed when they are put right; a run that was broken off goes on; trend per unit and author;
-- they come again, are given to somebody, escalate when they are late, those of key customers
-- first; a value is believed as far as its source and its age go; no weight, age or absence makes
-- a division by nothing; and the stability of a model against its development sample is the index of its definition.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_data_one', 'crm_test_data_two', 'crm_test_nobody'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_data_admin TO crm_test_data_one, crm_test_data_two;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT no_plan();
-- One complete and fresh, one old, one whose data contradicts itself, one empty.
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at, updated_at, owner_unit, channel)
SELECT c, 'individual', c, '2024-01-01', CASE WHEN c = 'CUST202401010002' THEN '2024-01-01' ELSE '2025-12-31' END::timestamptz,
       CASE WHEN c < 'CUST202401010003' THEN 'north' ELSE 'south' END, CASE WHEN c = 'CUST202401010003' THEN 'partner' ELSE 'counter' END
  FROM crm.next_customer_codes(4, '2024-01-01') c;
INSERT INTO crm_data.individual (customer_code, name, sex, birth_date, occupation)
SELECT c::customer_code, '王小明'::person_name, 'M', CASE WHEN c = 'CUST202401010003' THEN '2025-01-01' ELSE '1990-01-01' END::date, 'clerk' FROM unnest(ARRAY['CUST202401010001', 'CUST202401010002', 'CUST202401010003']) c;
INSERT INTO crm_data.identity_document (customer_code, document_no, kind, number, valid_until, verified_at)
SELECT c::customer_code, 1, 'passport', ('E' || right(c, 8))::id_number, CASE WHEN c = 'CUST202401010003' THEN '2025-06-30' ELSE '2030-01-01' END::date, CASE WHEN c = 'CUST202401010001' THEN timestamptz '2025-12-31' END
  FROM unnest(ARRAY['CUST202401010001', 'CUST202401010002', 'CUST202401010003']) c;
INSERT INTO crm_data.document_claim (number_token, kind, customer_code) SELECT number_token, kind, customer_code FROM crm_data.identity_document;
INSERT INTO crm_data.contact_point (customer_code, contact_no, phone, verified_at) SELECT c::customer_code, 1, ('1381234000' || right(c, 1))::phone, CASE WHEN c = 'CUST202401010001' THEN timestamptz '2025-12-31' END
  FROM unnest(ARRAY['CUST202401010001', 'CUST202401010002', 'CUST202401010003']) c;
INSERT INTO crm_data.contact_point (customer_code, contact_no, email) VALUES ('CUST202401010001', 2, 'someone@example.com');
INSERT INTO crm_data.address (customer_code, address_no, division, detail, valid_during) VALUES ('CUST202401010001', 1, '110101', '北京市东城区某某路1号', '[2024-01-01,)');
\set all 'ARRAY[''CUST202401010001'', ''CUST202401010002'', ''CUST202401010003'', ''CUST202401010004'']::customer_code[]'

SET SESSION AUTHORIZATION crm_test_data_one;
SELECT results_eq(format($$SELECT right(customer_code::text, 1), round(accuracy::numeric, 3), round(completeness::numeric, 3), round(consistency::numeric, 3), round(timeliness::numeric, 3), round(score::numeric, 3)
        FROM quality_of(%s, '2025-12-31') ORDER BY 1$$, :'all'),
    $$VALUES ('1', 0.970, 1.000, 1.000, 1.000, 0.991), ('2', 0.950, 0.875, 1.000, 0.710, 0.890), ('3', 0.525, 0.875, 0.917, 1.000, 0.803), ('4', 0.000, 0.000, 0.000, 0.000, 0.000)$$, 'four dimensions');
CALL assess_quality('2025-12-31', 2);
SELECT is((SELECT count(*) FROM quality_score), 4::bigint, 'all are assessed, in batches');
SELECT results_eq($$SELECT right(customer_code::text, 1), field, reason, due_on, owner_unit FROM quality_issue ORDER BY 1, 2$$,
    $$VALUES ('2', 'phone', 'stale', date '2026-01-30', 'north'), ('3', 'birth_date', 'inconsistent', '2026-01-30', 'south'), ('3', 'document', 'invalid', '2026-01-30', 'south'),
             ('4', 'document', 'missing', '2026-01-30', 'south'), ('4', 'name', 'missing', '2026-01-30', 'south'), ('4', 'phone', 'missing', '2026-01-30', 'south')$$, 'issues with owner and day');
CALL assess_quality('2025-12-31');
SELECT is((SELECT count(*) FROM quality_score), 4::bigint, 'a second run for the day adds nothing');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.contact_point SET verified_at = '2026-01-10' WHERE customer_code = 'CUST202401010002';
DELETE FROM crm_data.quality_score WHERE customer_code > 'CUST202401010002';
SET SESSION AUTHORIZATION crm_test_data_one;
CALL assess_quality('2025-12-31');
SELECT is((SELECT count(*) FROM quality_score), 4::bigint, 'a run that was broken off is finished');
CALL assess_quality('2026-01-31');
SELECT results_eq($$SELECT right(customer_code::text, 1), field, closed_on FROM quality_issue WHERE closed_on IS NOT NULL$$, $$VALUES ('2', 'phone', date '2026-01-31')$$, 'what was put right is closed');
SELECT is((SELECT count(*) FROM quality_issue), 7::bigint, 'what is still wrong is not found twice, and what has grown old meanwhile is new');
SELECT results_eq($$SELECT as_of, owner_unit, customers, round(completeness::numeric, 3) FROM crm_report.quality_trend ORDER BY 1, 2$$,
    $$VALUES (date '2025-12-31', 'north', 2::bigint, 0.938), ('2025-12-31', 'south', 2, 0.438), ('2026-01-31', 'north', 2, 0.938), ('2026-01-31', 'south', 2, 0.438)$$, 'trend by unit');
SELECT results_eq($$SELECT owner_unit, sum(open)::int, sum(closed_late)::int FROM crm_report.quality_backlog GROUP BY 1 ORDER BY 1$$, $$VALUES ('north', 1, 1), ('south', 5, 0)$$, 'backlog by unit');
SELECT is((SELECT count(*) FROM job_progress WHERE kind = 'quality' AND state = 'done'), 4::bigint, 'runs are to be seen');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.quality_weight SET weight = 10 WHERE dimension = 'accuracy';
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT cmp_ok((SELECT score FROM quality_of(ARRAY['CUST202401010003'::customer_code], '2025-12-31')), '<', 0.6::float8, 'weights are rows');

-- -- how far a value is believed ----------------------------------------------------------

RESET SESSION AUTHORIZATION;
UPDATE crm_data.quality_weight SET weight = 0.3 WHERE dimension = 'accuracy';
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT results_eq($$SELECT field, grade, round(confidence::numeric, 4), round(reliability::numeric, 2), round(freshness::numeric, 4), verify FROM field_confidence('CUST202401010003', '2025-12-31') WHERE field IN ('document', 'phone', 'occupation')$$,
    $$VALUES ('document', 'D', 0.0000, 0.70, 1.0000, true), ('occupation', 'B', 0.7, 0.7, 1, false), ('phone', 'B', 0.7, 0.7, 1, false)$$, 'what came through a partner is believed less, what is not valid not at all');
RESET SESSION AUTHORIZATION;
SELECT record_field_source('CUST202401010003', 'phone', 'other', 0.9, '2025-12-31'), record_field_source('CUST202401010003', 'occupation', 'somebody', 0.6, '2023-12-31');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT results_eq($$SELECT field, grade, round(confidence::numeric, 4), round(reliability::numeric, 3), round(freshness::numeric, 4), verify FROM field_confidence('CUST202401010003', '2026-01-01') WHERE field IN ('phone', 'occupation')$$,
    $$VALUES ('occupation', 'D', 0.2246, 0.450, 0.4991, true), ('phone', 'C', 0.6737, 0.675, 0.9981, false)$$, 'a value of its own source goes by that, its confidence and its day, not by the record''s');
SELECT lives_ok($$SELECT set_quality_policy('verify_below', 0.68)$$, 'the bar is a row');
SELECT isnt(quality_check('CUST202401010003', '2026-02-01'), NULL, 'one customer is assessed at once');
SELECT results_eq($$SELECT field, reason FROM quality_issue WHERE customer_code = 'CUST202401010003' AND found_on = '2026-02-01' ORDER BY 1$$, $$VALUES ('occupation', 'stale'), ('phone', 'doubtful')$$, 'what is not believed enough is to be verified');
SELECT is((SELECT low_confidence FROM customer_assessment WHERE customer_code = 'CUST202401010003'), '{birth_date,document,occupation,phone}', 'and marked in the view');
SELECT is((customer_card('CUST202401010003') -> 'assessment' -> 'low_confidence')::text, '["birth_date", "document", "occupation", "phone"]', 'and on the card');
SELECT throws_ok($$SELECT set_quality_policy('verify_below', 'NaN')$$, '23514', NULL, 'no bar is not a number');

-- -- issues: given to somebody, escalated, closed, found again --------------------------------

SELECT is(quality_assign('CUST202401010003', 'phone', 'crm_test_data_two', '2026-02-10'), 1::bigint, 'somebody is to see to it, and until when');
SELECT throws_ok($$SELECT quality_assign('CUST202401010003', 'email', 'crm_test_data_two')$$, 'P0002', NULL, 'only what is open');
SELECT quality_check('CUST202401010003', '2026-02-10');
SELECT is((SELECT escalated_on FROM quality_issue WHERE customer_code = 'CUST202401010003' AND field = 'phone'), NULL, 'on its day it is not late');
SELECT quality_check('CUST202401010003', '2026-02-11'), quality_check('CUST202401010003', '2026-02-12');
SELECT results_eq($$SELECT owner::text = 'crm_test_data_two', due_on, escalated_on FROM quality_issue WHERE customer_code = 'CUST202401010003' AND field = 'phone' AND closed_on IS NULL$$, $$VALUES (true, date '2026-02-10', date '2026-02-11')$$, 'the day after it is escalated, once');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.contact_point SET verified_at = '2026-02-12' WHERE customer_code = 'CUST202401010003';
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT quality_check('CUST202401010003', '2026-02-13');
SELECT is((SELECT closed_on FROM quality_issue WHERE customer_code = 'CUST202401010003' AND field = 'phone'), date '2026-02-13', 'verified, it is closed');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.contact_point SET verified_at = NULL WHERE customer_code = 'CUST202401010003';
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT quality_check('CUST202401010003', '2026-02-14');
SELECT results_eq($$SELECT found_on, times, escalated_on, owner FROM quality_issue WHERE customer_code = 'CUST202401010003' AND field = 'phone' AND closed_on IS NULL$$, $$VALUES (date '2026-02-14', 2, NULL::date, NULL::name)$$, 'wrong again, it is found for the second time');
RESET SESSION AUTHORIZATION;
INSERT INTO crm_data.customer_class (customer_code, scheme, rule_version, since, class) VALUES ('CUST202401010004', 'value', 1, '2026-01-01', 'high'), ('CUST202401010003', 'value', 1, '2026-01-01', 'medium');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT is((SELECT string_agg(DISTINCT right(customer_code::text, 1) || is_key_customer, ',') FROM (SELECT * FROM quality_worklist ORDER BY place LIMIT 3) w), '4true', 'key customers come first');
SELECT results_eq($$SELECT right(customer_code::text, 1), field, task FROM quality_worklist WHERE customer_code = 'CUST202401010003' ORDER BY field$$,
    $$VALUES ('3', 'birth_date', 'correct'), ('3', 'document', 'correct'), ('3', 'occupation', 'verify'), ('3', 'phone', 'verify')$$, 'with what is to be done');
SELECT results_eq($$SELECT month, found::int, found_again::int, closed::int, closed_in_time::int, escalated::int FROM crm_report.quality_progress WHERE owner_unit = 'south' AND month = '2026-02-01'$$,
    $$VALUES (date '2026-02-01', 2, 1, 1, 0, 1)$$, 'progress by month and unit');
SELECT set_quality_policy('verify_below', 0.4);
-- A thousand half-lives, nobody at all, a kind of which nothing is looked at, and a day without end.
SELECT define_score_rule('quality_field', '{"kind": "individual", "field": "phone", "half_life_days": 1}');
SELECT is((SELECT timeliness BETWEEN 0 AND 1 FROM quality_of(ARRAY['CUST202401010001'::customer_code], '2099-01-01')), true, 'what is older than a thousand half-lives is worth nothing, and no error');
SELECT is((SELECT count(*) FROM quality_of('{}', '2026-01-01')), 0::bigint, 'nobody has no quality');
SELECT is(quality_check('CUST202401019999', '2026-01-01'), NULL, 'nor has who is not there');
SELECT throws_ok($$SELECT quality_check('CUST202401010001', 'infinity')$$, '22008', NULL, 'a day is a day');
RESET SESSION AUTHORIZATION;
DELETE FROM crm_data.customer_class WHERE scheme = 'value';
SET SESSION AUTHORIZATION crm_test_data_one;

-- -- stability -----------------------------------------------------------------------------

SELECT is(draft_score_model('{"model": "band", "scale_high": 4, "band_edges": [1, 3], "band_shares": [0.25, 0.5, 0.25], "characteristics": [
    {"characteristic": "orders", "input": "purchases_total", "bins": [{"upper": 1, "points": 0}, {"lower": 1, "upper": 3, "points": 2}, {"lower": 3, "points": 4}]}]}'), 1, 'a model with its development sample');
SELECT throws_ok($$SELECT draft_score_model('{"model": "band2", "band_edges": [1, 3], "band_shares": [1]}')$$, '23514', NULL, 'bands and shares fit');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT lives_ok($$SELECT approve_score_model('band', 1), activate_score_model('band', 1)$$, 'approved');
RESET SESSION AUTHORIZATION;
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, channel)
SELECT 'CUST202401010001'::customer_code, 'a' || n, date '2025-01-01', 'line', 1, 1, 'store' FROM generate_series(1, 5) n
UNION ALL SELECT 'CUST202401010002', 'b', '2025-01-01', 'line', 1, 1, 'store';
SET SESSION AUTHORIZATION crm_test_data_one;
CALL score_customers('band', '2025-12-31');
SELECT results_eq($$SELECT band, expected, actual, customers FROM crm_report.score_band ORDER BY band$$,
    $$VALUES (1, 0.25::float8, 0.5::float8, 2::bigint), (2, 0.5, 0.25, 1), (3, 0.25, 0.25, 1)$$, 'shares expected and actual');
SELECT is((SELECT stability_index FROM crm_report.score_stability), 0.25 * ln(2::float8) - 0.25 * ln(0.5::float8), 'the index is the sum of its definition');
SELECT is((SELECT advice FROM crm_report.score_stability), 'act', 'and says what to do');
RESET SESSION AUTHORIZATION;
DELETE FROM crm_data.purchase WHERE order_no LIKE 'a%';
SET SESSION AUTHORIZATION crm_test_data_one;
CALL score_customers('band', '2026-01-31');
SELECT cmp_ok((SELECT stability_index FROM crm_report.score_stability WHERE as_of = '2026-01-31'), '<', 10::float8, 'an empty band gives a number');
SELECT results_eq($$SELECT month, sum(customers)::int FROM crm_report.score_migration GROUP BY 1$$, $$SELECT date '2026-01-01', 4 WHERE false$$, 'without grades nobody migrates');
RESET SESSION AUTHORIZATION;
DELETE FROM crm_data.quality_field WHERE kind = 'group';
INSERT INTO crm_data.customer (customer_code, kind, survivor_code) VALUES ('CUST202401010099', 'group', 'CUST202401010099');
SELECT is((SELECT count(*) FROM quality_of(ARRAY['CUST202401010099'::customer_code], '2026-01-01')), 0::bigint, 'where nothing is looked at nothing is said');
SET SESSION AUTHORIZATION crm_test_nobody;
SELECT throws_ok(statement, '42501', NULL, statement)
  FROM unnest(ARRAY['SELECT * FROM crm.quality_issue', 'SELECT * FROM crm.quality_score', 'SELECT * FROM crm_report.quality_trend', 'CALL assess_quality()',
      $$SELECT * FROM quality_of('{}', '2026-01-01')$$, $$SELECT * FROM quality_facts('{}', '2026-01-01')$$]) statement;

SELECT * FROM finish();
