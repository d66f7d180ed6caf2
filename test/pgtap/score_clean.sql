-- Proves: rules propose corrections and change nothing; a run is approved by another than who
-- began it, as it was looked at; applying leaves alone what changed since and undoing gives back
-- exactly what was; what was derived bears its source; issues close with the correction; personal
-- values are shown nowhere; and nobody, the owner included, turns an approved run into another.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_data_one', 'crm_test_data_two', 'crm_test_quality_reader', 'crm_test_nobody'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_data_admin TO crm_test_data_one, crm_test_data_two;
    GRANT crm_reader TO crm_test_quality_reader;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT no_plan();
-- A resident number of a region, birth date and order, with its check digit: odd orders are men's.
CREATE FUNCTION pg_temp.resident(region text, birth text, serial text) RETURNS text LANGUAGE sql AS $$
    SELECT d || substr('10X98765432', 1 + (SELECT sum(substr(d, i, 1)::int * (2 ^ (18 - i))::int) FROM generate_series(1, 17) i)::int % 11, 1)
      FROM (SELECT region || birth || serial) x (d) $$;
CREATE FUNCTION pg_temp.c(n integer) RETURNS customer_code LANGUAGE sql IMMUTABLE AS $$ SELECT ('CUST20240101' || lpad(n::text, 4, '0'))::crm.customer_code $$;
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at, updated_at, owner_unit)
SELECT c, CASE WHEN c < pg_temp.c(8) THEN 'individual' ELSE 'organization' END, c, '2024-01-01', '2025-12-01', 'north' FROM next_customer_codes(10, '2024-01-01') c;
-- 1: birth date and sex that his number contradicts; 2: agrees; 3: nothing noted; 4: two numbers that differ; 5, 6: a passport.
INSERT INTO crm_data.individual (customer_code, name, sex, birth_date, nationality, occupation) VALUES
    (pg_temp.c(1), '王小明', 'F', '1990-01-02', 'cn', E'\uFF33\uFF41\uFF4C\uFF45\uFF53  clerk '), (pg_temp.c(2), '李小红', 'F', '1985-05-05', 'CN', 'driver'),
    (pg_temp.c(3), '赵小强', NULL, NULL, 'CN', 'IT业'), (pg_temp.c(4), '孙小美', 'F', '1970-01-01', 'CN', NULL),
    (pg_temp.c(5), '周小军', 'M', '1960-06-06', 'CN', 'cook'), (pg_temp.c(6), '吴小兰', 'F', '1961-06-06', 'CN', 'cook '), (pg_temp.c(7), '郑小平', 'M', '1980-08-08', 'CN', 'baker');
INSERT INTO crm_data.identity_document (customer_code, document_no, kind, number) VALUES
    (pg_temp.c(1), 1, 'resident_id', pg_temp.resident('110101', '19910203', '001')::id_number), (pg_temp.c(2), 1, 'resident_id', pg_temp.resident('110101', '19850505', '002')::id_number),
    (pg_temp.c(3), 1, 'resident_id', pg_temp.resident('110101', '19750707', '003')::id_number),
    (pg_temp.c(4), 1, 'resident_id', pg_temp.resident('110101', '19700101', '004')::id_number), (pg_temp.c(4), 2, 'resident_id', pg_temp.resident('110101', '19710101', '005')::id_number),
    (pg_temp.c(5), 1, 'passport', 'E12345678'), (pg_temp.c(8), 1, 'uscc', '91350100M000100Y43');
INSERT INTO crm_data.document_claim (number_token, kind, customer_code) SELECT number_token, kind, customer_code FROM crm_data.identity_document;
INSERT INTO crm_data.organization (customer_code, name, uscc, industry) VALUES (pg_temp.c(8), E'\u3000某某贸易有限公司 ', NULL, '零售'), (pg_temp.c(9), '另一有限公司', NULL, NULL);
INSERT INTO crm_data.address (customer_code, address_no, division, detail, valid_during) VALUES
    (pg_temp.c(1), 1, '110103', '北京市崇文区某某路1号', '[2024-01-01,)'), (pg_temp.c(1), 2, '110103', '北京市崇文区某某路2号', '[2000-01-01,2005-01-01)'),
    (pg_temp.c(2), 1, NULL, '广东省广州市天河区某某路3号', '[2024-01-01,)');
INSERT INTO crm_data.contact_point (customer_code, contact_no, phone, is_preferred, verified_at) VALUES
    (pg_temp.c(2), 1, '13812340001', true, NULL), (pg_temp.c(2), 2, '13812340002', true, '2025-01-01');
SELECT record_field_source(pg_temp.c(1), 'sex', 'partner', 0.5, '2025-06-01');

SET SESSION AUTHORIZATION crm_test_data_one;
CALL assess_quality('2026-01-01');
SELECT set_eq($$SELECT field, reason FROM quality_issue WHERE customer_code = pg_temp.c(1) AND reason = 'inconsistent'$$,
    $$VALUES ('birth_date', 'inconsistent'), ('sex', 'inconsistent'), ('address', 'inconsistent')$$, 'what the identity number contradicts, and a division that is no more, are issues');

-- -- preview -------------------------------------------------------------------------------------

SELECT is(define_cleaning_rule('{"rule": "occupation_list", "field": "individual.occupation", "method": "map", "map": {"IT业": "software"}, "confidence": 0.9, "sort": 0}'), 1, 'a rule is a row');
SELECT throws_ok($$SELECT define_cleaning_rule('{"rule": "x", "field": "individual.name", "method": "fold"}')$$, '22023', NULL, 'of a field that can be cleaned');
SELECT throws_ok($$CALL cleaning_preview(NULL, ARRAY['no_such_rule'])$$, 'P0002', NULL, 'rules are named');
CALL cleaning_preview(NULL, NULL, '2026-01-01', 3);
SELECT run_id AS run, seen FROM cleaning_run \gset
SELECT results_eq('SELECT right(customer_code::text, 2), field, entry::int, before, after, rule, state FROM cleaning_proposal ORDER BY 1, 2, 3', $$VALUES
    ('01', 'address.division', 1, '110103', '110101', 'division_successor', 'proposed'),
    ('01', 'individual.birth_date', 0, '1990', '1991', 'birth_date_by_identity', 'proposed'),
    ('01', 'individual.nationality', 0, 'cn', 'CN', 'nationality_capitals', 'proposed'),
    ('01', 'individual.occupation', 0, E'\uFF33\uFF41\uFF4C\uFF45\uFF53  clerk ', 'Sales clerk', 'occupation_spelling', 'proposed'),
    ('01', 'individual.sex', 0, 'F', 'M', 'sex_by_identity', 'proposed'),
    ('02', 'address.division', 1, NULL, '440106', 'division_by_address', 'proposed'),
    ('02', 'contact_point.is_preferred', 1, 'true', 'false', 'one_preferred_contact', 'proposed'),
    ('03', 'individual.birth_date', 0, NULL, '1975', 'birth_date_by_identity', 'proposed'),
    ('03', 'individual.occupation', 0, 'IT业', 'software', 'occupation_list', 'proposed'),
    ('03', 'individual.sex', 0, NULL, 'M', 'sex_by_identity', 'proposed'),
    ('06', 'individual.occupation', 0, 'cook ', 'cook', 'occupation_spelling', 'proposed'),
    ('08', 'organization.name', 0, E'\u3000某某贸易有限公司 ', '某某贸易有限公司', 'organization_name_spelling', 'proposed'),
    ('08', 'organization.uscc', 0, NULL, '91350100M000100Y43', 'credit_code_by_document', 'proposed')$$,
    'every rule finds what it is for; two numbers that differ, former addresses and what is right give nothing');
SELECT is((SELECT string_agg(rule || ' ' || proposals || ' ' || examples[1], '; ' ORDER BY rule) FROM cleaning_summary(:run, 1) WHERE rule LIKE '%identity'),
    'birth_date_by_identity 2 CUST202401010001: 1990 → 1991; sex_by_identity 2 CUST202401010001: F → M', 'counts and masked examples');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM crm_data.individual WHERE birth_date = '1990-01-02' AND sex = 'F' AND nationality = 'cn'), 1::bigint, 'nothing was changed');

SET SESSION AUTHORIZATION crm_test_data_one;
-- -- decision ------------------------------------------------------------------------------------

SELECT throws_ok(format('CALL cleaning_apply(%s)', :run), 'KH003', NULL, 'nothing is applied that was not approved');
SELECT throws_ok(format('SELECT cleaning_step(%s, 10, true)', :run), 'KH003', NULL, 'nor by a part of it');
SELECT throws_ok(format('SELECT cleaning_approve(%s, %L)', :run, :'seen'), 'KH004', NULL, 'who began it does not approve it');
SELECT throws_ok(format('SELECT cleaning_reject(%s, '' '')', :run), '22023', NULL, 'a rejection says why');
SELECT is(cleaning_reject(:run, 'he moved', customer => pg_temp.c(2)), 2::bigint, 'those of a customer are rejected');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok(format('SELECT cleaning_approve(%s, %L)', :run, :'seen'), 'KH014', NULL, 'what was looked at is not what is there now');
SELECT seen FROM cleaning_run \gset
SELECT lives_ok(format('SELECT cleaning_approve(%s, %L, %L)', :run, :'seen', 'looked at all'), 'a second person approves');
SELECT throws_ok(format('SELECT cleaning_reject(%s, %L)', :run, 'late'), 'KH006', NULL, 'and what is approved is not decided again');
SELECT is((SELECT string_agg(DISTINCT state, ',' ORDER BY state) FROM cleaning_proposal), 'approved,rejected', 'which the proposals show');
RESET SESSION AUTHORIZATION;

-- -- the owner, and with him everybody, is bound -----------------------------------------------------

SET ROLE crm_owner;
SELECT throws_ok(statement, state, NULL, statement) FROM (VALUES
    ($$UPDATE crm_data.cleaning_proposal SET after = 'X' WHERE field = 'individual.occupation'$$, 'KH006'),
    ($$UPDATE crm_data.cleaning_proposal SET after_sealed = crm.cleaning_seal(field, '1999-09-09') WHERE field = 'individual.birth_date'$$, 'KH006'),
    ($$UPDATE crm_data.cleaning_proposal SET state = 'proposed' WHERE state = 'rejected'$$, 'KH006'),
    ($$UPDATE crm_data.cleaning_proposal SET source_before = '{"source": "verified"}'$$, 'KH006'),
    ($$INSERT INTO crm_data.cleaning_proposal (customer_code, run_id, field, rule, version, confidence, after) SELECT 'CUST202401010005', run_id, 'individual.occupation', 'occupation_spelling', 1, 1, 'X' FROM crm_data.cleaning_run$$, 'KH006'),
    ($$UPDATE crm_data.cleaning_run SET digest = '\x00'$$, 'KH006'), ($$UPDATE crm_data.cleaning_run SET rules = '[]'$$, 'KH006'), ($$UPDATE crm_data.cleaning_run SET state = 'proposed'$$, 'KH006'),
    ($$INSERT INTO crm_data.cleaning_run (as_of, rules, state) VALUES ('2026-01-01', '[]', 'approved')$$, 'KH006'),
    ($$DELETE FROM crm_data.cleaning_proposal$$, '42501'), ($$TRUNCATE crm_data.cleaning_proposal$$, '42501'), ($$DELETE FROM crm_data.cleaning_run$$, '42501'), ($$DELETE FROM crm_data.cleaning_rule$$, '42501'),
    ($$UPDATE crm_data.cleaning_rule SET map = '{"IT业": "nothing"}' WHERE rule = 'occupation_list'$$, '42501')) v (statement, state);
RESET ROLE;
-- Whoever can switch the guards off still leaves a digest behind that does not fit.
BEGIN;
ALTER TABLE crm_data.cleaning_proposal DISABLE TRIGGER content_stays;
UPDATE crm_data.cleaning_proposal SET after = 'X' WHERE field = 'individual.occupation' AND customer_code = pg_temp.c(6);
ALTER TABLE crm_data.cleaning_proposal ENABLE TRIGGER content_stays;
SELECT throws_ok(format('SELECT cleaning_start(%s)', :run), 'KH014', NULL, 'a proposal that was changed past the guards stops the run');
ROLLBACK;

-- -- apply -------------------------------------------------------------------------------------------

-- Somebody corrects 6 himself; 3 gets another document, so that the ground of his sex is another.
UPDATE crm_data.individual SET occupation = 'chef' WHERE customer_code = pg_temp.c(6);
UPDATE crm_data.identity_document SET number = pg_temp.resident('110101', '19750707', '004')::id_number WHERE customer_code = pg_temp.c(3);
SET SESSION AUTHORIZATION crm_test_data_one;
CALL cleaning_apply(:run, 2);
SELECT results_eq($$SELECT right(customer_code::text, 2), field, state, reason FROM cleaning_proposal WHERE state <> 'applied' ORDER BY 1, 2$$, $$VALUES
    ('02', 'address.division', 'rejected', 'he moved'), ('02', 'contact_point.is_preferred', 'rejected', 'he moved'),
    ('03', 'individual.sex', 'stale', 'its ground changed'), ('06', 'individual.occupation', 'stale', 'its value changed')$$, 'what changed since is left alone, and reported');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT i.sex::text, i.birth_date, i.nationality::text, i.occupation, a.division::text, (SELECT division::text FROM crm_data.address WHERE customer_code = i.customer_code AND address_no = 2)
                      FROM crm_data.individual i JOIN crm_data.address a ON a.customer_code = i.customer_code AND a.address_no = 1 WHERE i.customer_code = pg_temp.c(1)$$,
    $$VALUES ('M', date '1991-02-03', 'CN', 'Sales clerk', '110101', '110103')$$, 'the rest is as proposed');
SELECT results_eq($$SELECT sex::text, birth_date, occupation FROM crm_data.individual WHERE customer_code IN (pg_temp.c(3), pg_temp.c(6)) ORDER BY customer_code$$,
    $$VALUES (NULL, date '1975-07-07', 'software'), ('F', '1961-06-06', 'chef')$$, 'and nobody''s change was written over');
SELECT is((SELECT name || uscc::text FROM crm_data.organization WHERE customer_code = pg_temp.c(8)), '某某贸易有限公司91350100M000100Y43', 'organisations too');
SELECT results_eq($$SELECT right(customer_code::text, 2), field, source, confidence, recorded_on, recorded_by = 'crm_test_data_one' FROM crm_data.field_source ORDER BY 1, 2$$, $$VALUES
    ('01', 'birth_date', 'cleaning', 0.98, date '2026-01-01', true), ('01', 'sex', 'cleaning', 0.98, '2026-01-01', true),
    ('03', 'birth_date', 'cleaning', 0.98, '2026-01-01', true), ('08', 'uscc', 'cleaning', 0.95, '2026-01-01', true)$$,
    'values that are others bear their source; values that are only written otherwise keep theirs');
SELECT set_eq($$SELECT field FROM crm_data.quality_issue WHERE customer_code = pg_temp.c(1) AND reason = 'inconsistent' AND closed_on = company_today()$$,
    $$VALUES ('birth_date'), ('sex'), ('address')$$, 'issues are closed with the correction');
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT throws_ok(format('CALL cleaning_apply(%s)', :run), 'KH006', NULL, 'a run is applied once');
SELECT is((SELECT string_agg(kind || ' ' || state || ' ' || done || '/' || total, ', ' ORDER BY job_id) FROM job_progress WHERE kind LIKE 'cleaning%'), 'cleaning preview done 10/10, cleaning done 5/5', 'progress is to be seen');
SELECT is((SELECT string_agg(rule || ' ' || state || ' ' || proposals, ', ' ORDER BY rule, state) FROM crm_report.cleaning_outcome WHERE rule LIKE '%identity'),
    'birth_date_by_identity applied 2, sex_by_identity applied 1, sex_by_identity stale 1', 'the outcome is reported');

-- -- undo --------------------------------------------------------------------------------------------

SELECT throws_ok(format('CALL cleaning_undo(%s, %L)', :run, ''), '22023', NULL, 'undoing says why');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.individual SET occupation = 'manager' WHERE customer_code = pg_temp.c(1);
SELECT record_field_source(pg_temp.c(3), 'birth_date', 'counter', 1, '2026-01-05');
SET SESSION AUTHORIZATION crm_test_data_one;
CALL cleaning_undo(:run, 'the list was wrong', 1);
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT i.sex::text, i.birth_date, i.nationality::text, i.occupation, a.division::text FROM crm_data.individual i JOIN crm_data.address a ON a.customer_code = i.customer_code AND a.address_no = 1
                     WHERE i.customer_code = pg_temp.c(1)$$, $$VALUES ('F', date '1990-01-02', 'cn', 'manager', '110103')$$, 'each value is what it was, but for what was changed since');
SELECT results_eq($$SELECT sex::text, birth_date, occupation FROM crm_data.individual WHERE customer_code = pg_temp.c(3)$$, $$VALUES (NULL::text, NULL::date, 'IT业')$$, 'nothing where nothing was');
SELECT is((SELECT name || coalesce(uscc::text, '-') FROM crm_data.organization WHERE customer_code = pg_temp.c(8)), E'\u3000某某贸易有限公司 -', 'to the blank');
SELECT results_eq($$SELECT right(customer_code::text, 2), field, source, confidence, recorded_on FROM crm_data.field_source ORDER BY 1, 2$$, $$VALUES
    ('01', 'sex', 'partner', 0.5, date '2025-06-01'), ('03', 'birth_date', 'counter', 1, '2026-01-05')$$, 'sources too, but for those noted since');
SELECT results_eq($$SELECT right(customer_code::text, 2), field, reason FROM crm.cleaning_proposal WHERE state = 'conflict'$$, $$VALUES ('01', 'individual.occupation', 'its value changed')$$, 'conflicts are reported');
SELECT set_eq($$SELECT field, times FROM crm_data.quality_issue WHERE customer_code = pg_temp.c(1) AND reason = 'inconsistent' AND closed_on IS NULL$$,
    $$VALUES ('birth_date', 2), ('sex', 2), ('address', 2)$$, 'what is wrong again is an issue again, for the second time');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok(format('CALL cleaning_undo(%s, %L)', :run, 'again'), 'KH006', NULL, 'once only');

-- -- a row that its table refuses stops nobody else -----------------------------------------------------

CALL cleaning_preview(NULL, ARRAY['nationality_capitals', 'occupation_spelling'], '2026-01-01');
SELECT max(run_id) AS run FROM cleaning_run \gset
SELECT seen FROM cleaning_run WHERE run_id = :run \gset
SET SESSION AUTHORIZATION crm_test_data_one;
SELECT lives_ok(format('SELECT cleaning_approve(%s, %L)', :run, :'seen'), 'the other way round');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.individual SET occupation = 'baker ' WHERE customer_code = pg_temp.c(7);
ALTER TABLE crm_data.individual ADD CONSTRAINT no_capitals CHECK (nationality <> 'CN') NOT VALID;
SET SESSION AUTHORIZATION crm_test_data_one;
CALL cleaning_apply(:run);
SELECT results_eq(format('SELECT right(customer_code::text, 2), state, reason FROM cleaning_proposal WHERE run_id = %s ORDER BY 1', :run), $$VALUES ('01', 'stale', 'refused: 23514')$$, 'the refusal is noted');
RESET SESSION AUTHORIZATION;
ALTER TABLE crm_data.individual DROP CONSTRAINT no_capitals;

-- -- merged customers: a correction is of the record''s own row ------------------------------------------

SELECT lives_ok($$SELECT merge(pg_temp.c(5), pg_temp.c(7), '{"occupation": "survivor"}', 'one person')$$, 'two become one');
SET SESSION AUTHORIZATION crm_test_data_one;
CALL cleaning_preview(NULL, ARRAY['occupation_spelling', 'merged_values'], '2026-01-01');
SELECT max(run_id) AS run FROM cleaning_run \gset
SELECT results_eq(format('SELECT customer_code, survivor_code, field, after FROM cleaning_proposal WHERE run_id = %s', :run),
    $$VALUES (pg_temp.c(7), pg_temp.c(5), 'individual.occupation', 'baker')$$, 'the merged record''s own value is proposed, under its code');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.customer SET golden = '{"sex": "CUST202401010007"}' WHERE customer_code = pg_temp.c(5);
UPDATE crm_data.individual SET sex = NULL, nationality = NULL WHERE customer_code = pg_temp.c(5);
SET SESSION AUTHORIZATION crm_test_data_one;
CALL cleaning_preview(NULL, ARRAY['merged_values'], '2026-01-01');
SELECT max(run_id) AS run FROM cleaning_run \gset
SELECT seen FROM cleaning_run WHERE run_id = :run \gset
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT cleaning_approve(:run, :'seen');
CALL cleaning_apply(:run);
RESET SESSION AUTHORIZATION;
SELECT is((SELECT golden FROM crm_data.customer WHERE customer_code = pg_temp.c(5)), '{"sex": "CUST202401010007", "nationality": "CUST202401010007"}'::jsonb, 'a value that is missing is that of the merged record, by survivorship');

-- -- rights: nobody else, and no personal value anywhere ---------------------------------------------------

RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM crm.cleaning_proposal p WHERE p::text ~ '1990-01-02|1991-02-03|1975-07-07|\d{17}'), 0::bigint, 'no birth date and no number in proposals');
SELECT is((SELECT count(*) FROM crm_data.cleaning_proposal p WHERE p::text ~ '1990-01-02|1991-02-03|1975-07-07|crm1:'), 0::bigint, 'nor in their table, nor envelopes');
SELECT is((SELECT count(*) FROM crm_data.job j WHERE j::text ~ '1990|1991'), 0::bigint, 'nor in the log of runs');
SELECT is((SELECT count(*) FROM crm_data.cleaning_proposal p WHERE p.after_sealed IS NOT NULL AND p.after_sealed::text = '***'), 2::bigint, 'they are sealed');
SET SESSION AUTHORIZATION crm_test_data_two;
SELECT throws_ok(statement, '42501', NULL, statement) FROM unnest(ARRAY[
    $$SELECT crm.cleaning_open(field, after_sealed) FROM crm_data.cleaning_proposal$$, $$SELECT reveal(after_sealed, 'to know') FROM crm_data.cleaning_proposal WHERE after_sealed IS NOT NULL$$,
    $$SELECT crm.cleaning_seal('individual.birth_date', '1990-01-01')$$, $$SELECT * FROM crm.cleaning_find(ARRAY[pg_temp.c(1)], 'birth_date_by_identity', 1, '2026-01-01')$$,
    $$SELECT crm.quality_identity(d.number) FROM crm.customer_document d$$, $$SELECT crm.quality_credit_code(d.number) FROM crm.customer_document d$$, $$SELECT crm.quality_division(a.detail) FROM crm.customer_address a$$,
    $$SELECT crm.cleaning_write(1, ARRAY[pg_temp.c(1)], 'individual.sex', true)$$, $$SELECT crm.cleaning_write_each(1, ARRAY[pg_temp.c(1)], 'individual.sex', true)$$,
    $$SELECT crm.cleaning_source(1, ARRAY[pg_temp.c(1)], 'individual.sex', false)$$, $$SELECT crm.cleaning_hold(1, '{applied}')$$, $$SELECT crm.quality_keep(ARRAY[pg_temp.c(1)], '2026-01-01')$$,
    $$DELETE FROM crm_data.cleaning_proposal$$, $$UPDATE crm_data.cleaning_run SET state = 'approved'$$, $$INSERT INTO crm_data.cleaning_rule (rule, version, field, method, confidence, label_zh, label_en) VALUES ('x', 1, 'individual.sex', 'identity', 1, 'x', 'x')$$]) statement;
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
SELECT throws_ok($$SELECT crm.cleaning_open('individual.sex', after_sealed) FROM crm_data.cleaning_proposal WHERE after_sealed IS NOT NULL$$, '42501', NULL, 'a seal for one field is none for another');
RESET ROLE;
SELECT throws_ok($$SELECT crm.cleaning_open('individual.birth_date', 'anything'::crm.private_text)$$, '42501', NULL, 'and what others encrypted is not opened');
SET SESSION AUTHORIZATION crm_test_quality_reader;
SELECT throws_ok(statement, '42501', NULL, 'reader: ' || statement) FROM unnest(ARRAY['SELECT * FROM crm.cleaning_proposal', 'SELECT * FROM crm.cleaning_run', 'SELECT * FROM crm.quality_worklist',
    'CALL crm.cleaning_preview()', 'CALL crm.cleaning_apply(1)', $$CALL crm.cleaning_undo(1, 'why')$$, 'SELECT crm.cleaning_approve(1, ''x'')', 'SELECT crm.cleaning_reject(1, ''x'')',
    $$SELECT crm.define_cleaning_rule('{}')$$, $$SELECT crm.retire_cleaning_rule('x')$$, 'SELECT * FROM crm.cleaning_summary(1)', $$SELECT * FROM crm.field_confidence('CUST202401010001')$$,
    $$SELECT crm.quality_check('CUST202401010001')$$, $$SELECT crm.quality_assign('CUST202401010001', 'sex', NULL)$$, $$SELECT crm.set_quality_policy('verify_below', 0)$$]) statement;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(f.field, ', ') FROM cleaning_fields() f JOIN crm_data.field_policy p ON p.object = split_part(f.field, '.', 1) AND p.field = split_part(f.field, '.', 2)
            WHERE f.is_personal <> (p.sensitivity = 'sensitive')), NULL, 'what is sealed is what the dictionary calls sensitive');
SELECT is((SELECT count(*) FROM cleaning_fields() f JOIN crm_data.field_policy p ON p.object = split_part(f.field, '.', 1) AND p.field = split_part(f.field, '.', 2)), (SELECT count(*) FROM cleaning_fields()), 'and every field is in it');

SELECT * FROM finish();
