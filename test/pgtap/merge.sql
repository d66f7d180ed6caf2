-- Proves: what a merge shows and what it refuses, each reason by its SQLSTATE; values by source,
-- age, reliability and by hand, with where they come from; approval by a second person above a
-- value, of exactly what was seen; decisions that two are different hold for ever; relations never
-- lead to oneself; what changed meanwhile is told when a merge is undone; every table with
-- customer codes has a rule, and a new one without is found; and only the data department may.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SET LOCAL crm.lang = 'en';
CREATE ROLE crm_test_merge_reader LOGIN IN ROLE crm_reader;
CREATE ROLE crm_test_merge_writer LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_merge_one LOGIN IN ROLE crm_data_admin;
CREATE ROLE crm_test_merge_two LOGIN IN ROLE crm_data_admin;
CREATE TEMP TABLE c (label text PRIMARY KEY, code crm.customer_code);
GRANT ALL ON c TO PUBLIC;
CREATE FUNCTION pg_temp.c(l text) RETURNS crm.customer_code LANGUAGE sql STABLE AS $$ SELECT code FROM c WHERE label = l $$;
CREATE FUNCTION pg_temp.new(l text, fields jsonb, channel text DEFAULT 'counter') RETURNS void LANGUAGE sql AS
    $$ INSERT INTO c SELECT l, crm.register_customer(fields, channel, day => '2021-05-06', accept_suspected => true) $$;
SELECT count(pg_temp.new(l, f, ch)) FROM (VALUES
    ('a', '{"kind": "individual", "name": "张三丰", "phone": "13800138000", "document_number": "11010519491231002X", "occupation": "教师"}'::jsonb, 'online'),
    ('b', '{"kind": "individual", "name": "张君宝", "phone": "13900139000", "email": "junbao@example.com", "occupation": "医师"}', 'counter'),
    ('d', '{"kind": "individual", "name": "李四", "phone": "13700137000", "document_number": "110105200001010024"}', 'counter'),
    ('e', '{"kind": "individual", "name": "王五", "phone": "13600136000"}', 'counter'),
    ('f', '{"kind": "individual", "name": "赵六", "phone": "13500135000"}', 'counter'),
    ('o', '{"kind": "organization", "name": "北京示例科技有限公司", "phone": "010-62345678", "industry": "软件"}', 'counter'),
    ('p', '{"kind": "organization", "name": "北京示例公司", "phone": "010-62345679", "legal_representative": "王小明"}', 'import'),
    ('g', '{"kind": "group", "name": "示例集团"}', 'counter')) v (l, f, ch) \gset _

-- 1. rules for every table
SELECT is((SELECT array_agg(f::text) FROM crm.merge_rule_faults() f), NULL, 'every table with customer codes says what a merge does with it');
SELECT cmp_ok(count(*), '>', 15::bigint, 'and these are many') FROM crm_data.merge_rule;
CREATE TABLE crm_data.forgotten (customer_code crm.customer_code, n integer);
GRANT SELECT ON crm_data.forgotten TO crm_owner;
SELECT is(array_agg(relation), '{forgotten}', 'a new table without a rule is found') FROM crm.merge_rule_faults();
INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES ('forgotten', 'pointer', 'so it says');
SELECT matches(string_agg(relation || ' ' || fault, ';'), '^forgotten is joined through the pointer', 'nor is it enough to say pointer where no view follows it') FROM crm.merge_rule_faults();
CREATE VIEW crm.forgotten_view AS SELECT k.survivor_code AS customer_code, f.n FROM crm_data.forgotten f JOIN crm_data.customer k ON k.customer_code = f.customer_code;
SELECT is(count(*), 0::bigint, 'with the view it is') FROM crm.merge_rule_faults();
INSERT INTO crm_data.forgotten VALUES (pg_temp.c('a'), 1);
SELECT is(crm.merge_census(ARRAY[pg_temp.c('a')]) #> ARRAY[pg_temp.c('a')::text, 'forgotten', '0'], '1', 'a merge counts its rows from now on');
DROP TABLE crm_data.forgotten CASCADE;
SELECT is(array_agg(relation), '{forgotten}', 'a rule without a table is found') FROM crm.merge_rule_faults();
DELETE FROM crm_data.merge_rule WHERE relation = 'forgotten';
SELECT is(crm.merge_census(ARRAY[pg_temp.c('a')]) #> ARRAY[pg_temp.c('a')::text, 'forgotten'], NULL, 'and without a rule no more');
DROP FUNCTION crm.merge_census(crm.customer_code[]);
UPDATE crm_data.merge_rule SET reason = reason WHERE relation = 'customer';
SELECT ok(NOT has_function_privilege('public', 'crm.merge_census(crm.customer_code[])', 'EXECUTE'), 'made anew, it is not everybody''s');
SELECT throws_ok($$INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES ('x', 'moves', 'x')$$, '23514', NULL, 'what moves needs its functions');

-- 2. what is refused
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c(s), pg_temp.c(l)), state, NULL, why) FROM (VALUES
    ('a', 'a', '22023', 'with itself'), ('a', 'o', 'KH006', 'a person with an organisation'), ('a', 'd', 'KH006', 'two different identity cards'),
    ('a', NULL, '22004', 'with nobody')) v (s, l, state, why);
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), 'CUST209901010001'), 'P0002', NULL, 'with one who is not there');
SELECT throws_ok(format('SELECT crm.merge(%L, %L, %L)', pg_temp.c('a'), pg_temp.c('b'), ch), '22023', NULL, 'a choice of ' || ch)
  FROM unnest(ARRAY['{"shoe_size": "loser"}', '{"name": "nobody"}', '{"name": 7}', '{"kind": "loser"}', '{"name": null}']) ch;
SELECT throws_ok(format('SELECT crm.merge(%L, %L, %L)', pg_temp.c('a'), pg_temp.c('b'), '[]'), '22004', NULL, 'choices that are a list');
SELECT throws_ok(format('SELECT crm.merge(%L, %L, expected => %L)', pg_temp.c('a'), pg_temp.c('b'), 'another version'), 'KH014', NULL, 'of another version');
RESET SESSION AUTHORIZATION;
UPDATE crm_data.customer SET lifecycle_state = 'archived' WHERE customer_code = pg_temp.c('e');
UPDATE crm_data.customer SET lifecycle_state = 'erased' WHERE customer_code = pg_temp.c('f');
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), pg_temp.c('e')), 'KH010', NULL, 'an archived one');
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), pg_temp.c('f')), 'KH006', NULL, 'an erased one');
SELECT is(string_agg(part || ' ' || item, ',' ORDER BY item), 'objection documents', 'the preview says so, and does not raise') FROM crm.merge_preview(pg_temp.c('a'), pg_temp.c('d')) WHERE part = 'objection';
SELECT is(string_agg(item, ',' ORDER BY item), 'archived,kinds', 'all objections at once') FROM crm.merge_preview(pg_temp.c('o'), pg_temp.c('e')) WHERE part = 'objection';
RESET SESSION AUTHORIZATION;
UPDATE crm_data.customer SET lifecycle_state = 'registered' WHERE customer_code IN (pg_temp.c('e'), pg_temp.c('f'));
SELECT is(count(*), 0::bigint, 'what was refused left no trace') FROM crm_data.merge;

-- 3. whose value is shown
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT result AS version FROM crm.merge_preview(pg_temp.c('a'), pg_temp.c('b')) WHERE part = 'version' \gset
SELECT is(array_agg(format('%s %s', item, result) ORDER BY item), ARRAY['email j***@example.com', 'occupation 医师', 'phone 139****9000'], 'the preview: a counter is believed more than a web form')
  FROM crm.merge_preview(pg_temp.c('a'), pg_temp.c('b')) WHERE part = 'field' AND item IN ('occupation', 'phone', 'email');
SELECT matches(why, 'chosen by hand', 'and what is chosen by hand') FROM crm.merge_preview(pg_temp.c('a'), pg_temp.c('b'), '{"phone": "survivor"}') WHERE item = 'phone';
SELECT crm.merge(pg_temp.c('a'), pg_temp.c('b'), '{"phone": "survivor"}', 'the same person', expected => :'version') AS ab \gset
SELECT is(ROW(phone, email, occupation, document_kind)::text, '(138****8000,j***@example.com,医师,resident_id)', 'the golden record') FROM crm.customer_view WHERE customer_code = pg_temp.c('a');
SELECT is(golden ->> 'occupation' || ' ' || coalesce(golden ->> 'phone', 'own'), pg_temp.c('b') || ' own', 'says whose value it is') FROM crm.customer_view WHERE customer_code = pg_temp.c('a');
SELECT is(crm.customer_card(pg_temp.c('b')) ->> 'asked_for', pg_temp.c('b')::text, 'the loser''s card is the survivor''s and says so');
SELECT is(crm.resolve(pg_temp.c('b')), pg_temp.c('a'), 'its code leads there');
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c(s), pg_temp.c(l)), 'KH006', NULL, why) FROM (VALUES
    ('a', 'b', 'merged already'), ('b', 'a', 'nor the other way round'), ('b', 'e', 'nor as a survivor')) v (s, l, why);
SET SESSION AUTHORIZATION crm_test_merge_writer;
SELECT lives_ok(format('SELECT crm.record_field_source(%L, %L, %L, 1, %L)', pg_temp.c('a'), 'occupation', 'verified', crm.company_today()), 'a value is verified');
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(occupation, '教师', 'and is shown at once') FROM crm.customer_view WHERE customer_code = pg_temp.c('a');
SET SESSION AUTHORIZATION crm_test_merge_writer;
SELECT throws_ok(format('SELECT crm.record_field_source(%L, %L, %L)', pg_temp.c('a'), 'shoe_size', 'verified'), '22023', NULL, 'no field without a rule');
SELECT lives_ok(format('SELECT crm.record_field_source(%L, %L, %L, 1, %L)', pg_temp.c('a'), 'occupation', 'verified', '1990-01-01'), 'verified long ago');
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(occupation, '医师', 'trust decays') FROM crm.customer_view WHERE customer_code = pg_temp.c('a');
-- a choice between two says nothing about a third
SELECT crm.merge(pg_temp.c('e'), pg_temp.c('a'), '{}', 'again') AS ea \gset
SELECT is(phone::text, '136****6000', 'the third, of the same trust as the chosen one or more, shows its own') FROM crm.customer_view WHERE customer_code = pg_temp.c('e');
SELECT is(count(*) FILTER (WHERE what = 'merged') || ' ' || count(*) FILTER (WHERE what = 'registered'), '2 3', 'how he came to be who he is') FROM crm.explain_customer(pg_temp.c('b'));
SELECT is(crm.merge_members(pg_temp.c('e')), ARRAY(SELECT code FROM c WHERE label IN ('a', 'b', 'e') ORDER BY code), 'all his records');

SELECT is(array_agg(format('%s %s', field, finding) ORDER BY step), ARRAY['customer two customers', 'name differs', 'phone differs'],
          'why two are not the same, without a value') FROM crm.explain_match(pg_temp.c('d'), pg_temp.c('f'));
SELECT matches(string_agg(field || ' ' || finding, ';' ORDER BY step), '^customer one customer: ' || pg_temp.c('e') || ';.*occupation differs', 'and of records that are one')
  FROM crm.explain_match(pg_temp.c('a'), pg_temp.c('b'));
SELECT throws_ok(format('SELECT * FROM crm.explain_match(%L, %L)', pg_temp.c('a'), other), state, NULL, 'not ' || why) FROM (VALUES
    (pg_temp.c('a')::text, '22023', 'with itself'), ('CUST209901010001', 'P0002', 'with one who is not there')) v (other, state, why);

-- 4. undone, in the other order, with what changed meanwhile
SELECT crm.record_purchase(pg_temp.c('b'), 'later', '2026-01-01', 'tea', 1, 10) AS bought \gset
SELECT is(crm.record_purchase(pg_temp.c('a'), 'later', '2026-01-01', 'tea', 1, 10), false, 'an order is recorded once, by whatever code');
SELECT is(crm.unmerge_preview(:ab) -> 'merged_on', jsonb_build_array(jsonb_build_object('merge', :ea, 'survivor', pg_temp.c('e'), 'loser', pg_temp.c('a'))), 'later merges that stay');
SELECT is(crm.unmerge_preview(:ea) #>> '{changed,0,table}' || ' ' || (crm.unmerge_preview(:ea) #>> '{changed,0,customer}'), 'purchase ' || pg_temp.c('e'), 'and what was added, and to whom');
SELECT throws_ok(format('SELECT crm.unmerge(%s, %L)', :ab, ' '), '22023', NULL, 'not without a reason');
SELECT throws_ok('SELECT crm.unmerge(999999, ''x'')', 'P0002', NULL, 'no such merge');
SELECT is(jsonb_typeof(crm.unmerge(:ab, 'two persons', is_different => true)), 'object', 'undone, though it was merged on');
SELECT throws_ok(format('SELECT crm.unmerge(%s, %L)', :ab, 'x'), 'P0002', NULL, 'once');
SELECT is(crm.resolve(pg_temp.c('b')) || ' ' || crm.resolve(pg_temp.c('a')), pg_temp.c('b') || ' ' || pg_temp.c('e'), 'each where it belongs');
SELECT is(ROW(lifecycle_state, phone, occupation)::text, '(registered,139****9000,医师)', 'as it was') FROM crm.customer_view WHERE customer_code = pg_temp.c('b');
SELECT crm.unmerge(:ea, 'undone') AS report \gset
SELECT is(ROW(lifecycle_state, phone, occupation, golden)::text, '(registered,138****8000,教师,)', 'and the other') FROM crm.customer_view WHERE customer_code = pg_temp.c('a');
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), pg_temp.c('b')), 'KH006', NULL, 'decided to be different: not again');
SELECT is(undone_by || ' ' || undone_why, 'crm_test_merge_one two persons', 'who undid it and why') FROM crm.merge_history WHERE merge_id = :ab;
RESET SESSION AUTHORIZATION;
UPDATE crm_data.merge SET undone_at = NULL, undone_by = NULL, undone_why = NULL, merged_on = crm.company_today() - 1096 WHERE merge_id = :ea;
SELECT throws_ok(format('SELECT crm.unmerge(%s, %L)', :ea, 'too late'), 'KH007', NULL, 'beyond the period');
UPDATE crm_data.merge SET undone_at = now(), undone_by = 'x', undone_why = 'x' WHERE merge_id = :ea;
SET SESSION AUTHORIZATION crm_test_merge_one;
-- kinds and documents by choice; an organisation's fields
SELECT lives_ok(format('SELECT crm.unmerge(crm.merge(%L, %L, %L), %L)', pg_temp.c('o'), pg_temp.c('e'), '{"kind": "survivor"}', 'x'), 'kinds that differ, chosen');
SELECT lives_ok(format('SELECT crm.unmerge(crm.merge(%L, %L, %L), %L)', pg_temp.c('a'), pg_temp.c('d'), '{"document": "loser"}', 'x'), 'documents that differ, chosen');
SELECT lives_ok(format('SELECT crm.unmerge(crm.merge(%L, %L, %L), %L)', pg_temp.c('p'), pg_temp.c('o'), '{"name": "survivor"}', 'x'), 'a choice is undone with its merge');
SELECT crm.merge(pg_temp.c('p'), pg_temp.c('o')) AS po \gset
SELECT is(ROW(name, industry, legal_representative)::text, '(北京示例科技有限公司,软件,王**)', 'an organisation: the counter''s name, what only one has') FROM crm.customer_view WHERE customer_code = pg_temp.c('p');
SELECT is((SELECT array_agg(x) FROM crm.customer_search('organization_name', '北京示例公司') x), ARRAY[pg_temp.c('p')], 'found by either name');

-- 5. points move with their lots and come back
RESET SESSION AUTHORIZATION;
SELECT crm.points_earn(customer => pg_temp.c('e'), programme => 'main', request_id => 'e1', amount => 100, expires_on => '2099-12-31') \gset _
SELECT crm.points_earn(customer => pg_temp.c('f'), programme => 'main', request_id => 'f1', amount => 50, expires_on => '2098-12-31') \gset _
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT crm.merge(pg_temp.c('e'), pg_temp.c('f')) AS ef \gset
SELECT is(array_agg(state::text ORDER BY customer_code), '{"{50@2098-12-31, 100@2099-12-31}","{}"}', 'all lots are the survivor''s') FROM crm.points_account WHERE customer_code IN (pg_temp.c('e'), pg_temp.c('f'));
RESET SESSION AUTHORIZATION;
SELECT crm.points_redeem(customer => pg_temp.c('e'), programme => 'main', request_id => 'r1', amount => 120) \gset _
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(crm.unmerge(:ef, 'points') ->> 'points_owed', '20', 'what he spent of the other''s he owes, and the report says so');
SELECT is(array_agg(state::text ORDER BY customer_code), '{"{debt 20}","{50@2098-12-31}"}', 'the other has exactly his lots') FROM crm.points_account WHERE customer_code IN (pg_temp.c('e'), pg_temp.c('f'));

-- 6. a second person above a value
SELECT crm.record_purchase(pg_temp.c('d'), 'big', '2026-01-01', 'car', 1, 200000) AS r \gset
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('d'), pg_temp.c('f')), 'KH003', NULL, 'above the value: not alone');
SELECT is(item, 'amount', 'the preview says why') FROM crm.merge_preview(pg_temp.c('d'), pg_temp.c('f')) WHERE part = 'approval';
SELECT throws_ok(format('SELECT crm.merge_request(%L, %L)', pg_temp.c('d'), pg_temp.c('f')), '22023', NULL, 'a request needs a reason');
SELECT crm.merge_request(pg_temp.c('d'), pg_temp.c('f'), '{"name": "loser"}', 'the same') AS req \gset
SELECT throws_ok(format('SELECT crm.merge_request(%L, %L, reason => %L)', pg_temp.c('d'), pg_temp.c('f'), 'x'), '23505', NULL, 'asked for once');
SELECT throws_ok(format('SELECT crm.merge_approve(%s)', :req), 'KH004', NULL, 'nobody approves his own');
SET SESSION AUTHORIZATION crm_test_merge_two;
SELECT crm.record_interaction(pg_temp.c('d'), '2026-02-01 12:00+08', 'phone', 'inbound', 'later') AS n \gset
SELECT throws_ok(format('SELECT crm.merge_approve(%s)', :req), 'KH014', NULL, 'changed since it was asked for');
SELECT lives_ok(format('SELECT crm.merge_reject(%s, %L)', :req, 'look again'), 'rejected');
SELECT throws_ok(format('SELECT crm.merge_approve(%s)', :req), 'P0002', NULL, 'then it is over');
SELECT throws_ok(format('SELECT crm.merge_reject(%s, %L)', :req, 'x'), 'P0002', NULL, 'for rejecting as well');
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT crm.merge_request(pg_temp.c('d'), pg_temp.c('f'), '{"name": "loser"}', 'the same') AS req \gset
SET SESSION AUTHORIZATION crm_test_merge_two;
SELECT crm.merge_approve(:req, 'yes') AS df \gset
SELECT is(ROW(merged_by, approved_by, reason)::text, '(crm_test_merge_two,crm_test_merge_two,"the same")', 'approved and carried out') FROM crm.merge_history WHERE merge_id = :df;
SELECT is(state || ' ' || (measures ->> 'amount'), 'approved 200000.00', 'with what made it necessary') FROM crm.merge_request WHERE request_id = :req;
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('UPDATE crm_data.merge_request SET requested_by = decided_by WHERE request_id = %s', :req), '23514', NULL, 'not even the owner makes it two eyes');
SELECT throws_ok('DELETE FROM crm_data.merge', '23001', NULL, 'nor removes a merge');

-- 7. suspected duplicates
SET SESSION AUTHORIZATION crm_test_merge_writer;
SELECT crm.duplicate_suspect(pg_temp.c('a'), pg_temp.c('e'), 'staff', 0.7, '["same street"]') AS ae \gset
SELECT is(crm.duplicate_suspect(pg_temp.c('e'), pg_temp.c('a'), 'model', 0.6, '["weaker"]'), :ae::bigint, 'one case for a pair, in either order');
SELECT is(crm.duplicate_suspect(pg_temp.c('d'), pg_temp.c('f')), NULL, 'none for one customer');
SELECT throws_ok(format('SELECT crm.duplicate_suspect(%L, %L)', pg_temp.c('a'), pg_temp.c('a')), '22023', NULL, 'nobody is his own duplicate');
SELECT throws_ok(format('SELECT crm.duplicate_suspect(%L, %L)', pg_temp.c('a'), 'CUST209901010001'), 'P0002', NULL, 'nor of nobody');
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(ROW(name, other_name, state, score, source, reasons, evidence ->> 'phone', owner)::text, '(张**,王*,open,0.7,staff,"[""same street""]",differs,)', 'on the work list, masked, with the better reasons') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT is(due_on, crm.company_today() + 14, 'with a date') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT lives_ok(format('SELECT crm.duplicate_assign(%s, %L, %L)', :ae, 'crm_test_merge_two', '2020-01-01'), 'given to somebody');
SELECT is(owner || ' ' || is_overdue, 'crm_test_merge_two true', 'who is late') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT throws_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'perhaps', 'x'), '22023', NULL, 'three decisions');
SELECT throws_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'different', ''), '22023', NULL, 'with a reason');
SELECT throws_ok('SELECT crm.duplicate_decide(999999, ''different'', ''x'')', 'P0002', NULL, 'on a case');
SELECT lives_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'different', 'twins'), 'decided');
SELECT is(crm.duplicate_suspect(pg_temp.c('a'), pg_temp.c('e'), 'model', 0.99), :ae::bigint, 'suspected again, surer');
SELECT is(count(*), 0::bigint, 'stays decided') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT is(count(*), 1::bigint, 'and is told to the engine') FROM crm.duplicate_cannot_link WHERE customer_code = least(pg_temp.c('a'), pg_temp.c('e')) AND other_code = greatest(pg_temp.c('a'), pg_temp.c('e'));
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), pg_temp.c('e')), 'KH006', NULL, 'no merge');
SELECT crm.merge(pg_temp.c('b'), pg_temp.c('e')) AS be \gset
SELECT throws_ok(format('SELECT crm.merge(%L, %L)', pg_temp.c('b'), pg_temp.c('a')), 'KH006', NULL, 'nor round the corner');
SELECT is(crm.unmerge(:be, 'x') IS NOT NULL, true, 'undone');
SELECT lives_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'open', 'not so sure'), 'taken back');
SELECT crm.merge(pg_temp.c('a'), pg_temp.c('e'), reason => 'sure') AS ae_merge \gset
SELECT is(count(*), 0::bigint, 'merged: off the list') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT throws_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'different', 'x'), 'KH006', NULL, 'different, but merged');
SELECT is(crm.unmerge(:ae_merge, 'x') IS NOT NULL, true, 'undone');
SELECT is(state, 'open', 'open again') FROM crm.duplicate_worklist WHERE case_id = :ae;
SELECT lives_ok(format('SELECT crm.duplicate_decide(%s, %L, %L, %L)', :ae, 'related', 'colleagues', 'household'), 'related, not merged');

SET SESSION AUTHORIZATION crm_test_merge_writer;
SELECT pg_temp.new('a2', '{"kind": "individual", "name": "张三丰", "phone": "138 0013 8000"}') \gset _
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(array_agg(ROW(customer_code, other_code, source, score, reasons)::text), ARRAY[ROW(pg_temp.c('a'), pg_temp.c('a2'), 'intake', 0.9, '["same person_name", "same phone"]'::jsonb)::text],
          'registered on somebody''s word: on the work list') FROM crm.duplicate_worklist WHERE other_code = pg_temp.c('a2');

-- from the engine: here a function of its name that finds three pairs
RESET SESSION AUTHORIZATION;
DO $$ BEGIN
    IF to_regproc('crm.match_pairs') IS NOT NULL THEN
        ALTER EXTENSION crm DROP FUNCTION crm.match_pairs(text, float8);
        DROP FUNCTION crm.match_pairs(text, float8) CASCADE;
    END IF;
END $$;
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT throws_ok($$SELECT crm.duplicate_collect('people')$$, '55000', NULL, 'without an engine nothing is collected');
RESET SESSION AUTHORIZATION;
CREATE TABLE public.people AS SELECT * FROM c;
GRANT SELECT ON public.people TO crm_owner;
CREATE FUNCTION crm.match_pairs(model text, threshold float8 DEFAULT NULL) RETURNS TABLE (id_l text, id_r text, match_weight float8, match_probability float8)
    LANGUAGE sql AS $$ SELECT a.code::text, b.code::text, 7.25, p FROM (VALUES ('b', 'a2', 0.97), ('a2', 'e', 0.2), ('b', 'a', 0.99)) v (l, r, p)
                        JOIN public.people a ON a.label = l JOIN public.people b ON b.label = r $$;
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT is(crm.duplicate_collect('people'), 1::bigint, 'what is likely and not decided');
SELECT is(crm.duplicate_collect('people'), 0::bigint, 'once');
SELECT is(reasons, '["match weight 7.3 bits"]', 'with its reason') FROM crm.duplicate_worklist WHERE source = 'people';

-- 8. relations
SELECT is(array_agg(format('%s %s', label, other_code)), ARRAY['same household ' || pg_temp.c('e')], 'from one end') FROM crm.customer_relation WHERE customer_code = pg_temp.c('a');
SELECT is(array_agg(format('%s %s', label, other_code)), ARRAY['same household ' || pg_temp.c('a')], 'and from the other') FROM crm.customer_relation WHERE customer_code = pg_temp.c('e');
SELECT is(crm.relate(pg_temp.c('e'), pg_temp.c('a'), 'household'), false, 'a symmetric one is stored once');
SELECT is(crm.relate(pg_temp.c('a'), pg_temp.c('b'), 'guardian'), true, 'a directed one');
SELECT is(label, 'ward of', 'has an inverse') FROM crm.customer_relation WHERE customer_code = pg_temp.c('b') AND kind = 'guardian';
SELECT is(crm.relate(pg_temp.c('b'), pg_temp.c('e'), 'related'), true, 'a third') ;
SELECT throws_ok(format('SELECT crm.relate(%L, %L)', pg_temp.c('a'), pg_temp.c('a')), '23514', NULL, 'nobody to himself');
SELECT throws_ok(format('SELECT crm.relate(%L, %L, %L)', pg_temp.c('a'), pg_temp.c('b'), 'friend'), '23503', NULL, 'of no kind');
SELECT throws_ok(format('SELECT crm.relate(%L, %L)', pg_temp.c('a'), 'CUST209901010001'), '23503', NULL, 'to nobody');
SELECT lives_ok(format('SELECT crm.duplicate_decide(%s, %L, %L)', :ae, 'open', 'x'), 'no longer kept apart');
SELECT crm.merge(pg_temp.c('a'), pg_temp.c('e')) AS ae2 \gset
SELECT is(array_agg(format('%s %s', kind, other_code) ORDER BY kind), ARRAY['guardian ' || pg_temp.c('b'), 'related ' || pg_temp.c('b')], 'merged: no relation to himself, the others of both') FROM crm.customer_relation WHERE customer_code = pg_temp.c('a');
SELECT is(crm.relate(pg_temp.c('b'), pg_temp.c('a'), 'related'), false, 'what the merged one had is there already');
SELECT is(crm.unmerge(:ae2, 'x') IS NOT NULL, true, 'undone');
SELECT is(count(*), 2::bigint, 'both are back') FROM crm.customer_relation WHERE customer_code = pg_temp.c('a');
SELECT is(crm.unrelate(pg_temp.c('e'), pg_temp.c('a'), 'household'), true, 'ended from its other end');
SELECT is(valid_until, crm.company_today(), 'and kept as history') FROM crm.customer_relation WHERE customer_code = pg_temp.c('a') AND kind = 'household';

-- 9. nobody else
CREATE TEMP TABLE forbidden AS SELECT * FROM (VALUES
    ('merge', format('SELECT crm.merge(%L, %L)', pg_temp.c('a'), pg_temp.c('b'))), ('preview', format('SELECT * FROM crm.merge_preview(%L, %L)', pg_temp.c('a'), pg_temp.c('b'))),
    ('unmerge', 'SELECT crm.unmerge(1, ''x'')'), ('preview of undoing', 'SELECT crm.unmerge_preview(1)'), ('request', format('SELECT crm.merge_request(%L, %L)', pg_temp.c('a'), pg_temp.c('b'))),
    ('approval', 'SELECT crm.merge_approve(1)'), ('rejection', 'SELECT crm.merge_reject(1, ''x'')'), ('decision', 'SELECT crm.duplicate_decide(1, ''same'', ''x'')'),
    ('assignment', 'SELECT crm.duplicate_assign(1, ''x'')'), ('collecting', 'SELECT crm.duplicate_collect(''x'')'), ('work list', 'SELECT * FROM crm.duplicate_worklist'), ('history', 'SELECT * FROM crm.merge_history'),
    ('requests', 'SELECT * FROM crm.merge_request'), ('explanation', format('SELECT * FROM crm.explain_customer(%L)', pg_temp.c('a'))), ('fields', 'SELECT * FROM crm.customer_field'),
    ('evidence', format('SELECT crm.duplicate_evidence(%L, %L)', pg_temp.c('a'), pg_temp.c('b'))), ('golden record', format('SELECT crm.golden_refresh(%L)', pg_temp.c('a'))),
    ('carrying out', format('SELECT crm.merge_carry_out(%L, %L, ''{}'', NULL, NULL)', pg_temp.c('a'), pg_temp.c('b'))), ('balances', 'SELECT crm.merge_balances(1, true)'),
    ('locks', format('SELECT crm.lock_customers(ARRAY[%L::crm.customer_code])', pg_temp.c('a'))), ('census', format('SELECT crm.merge_census(ARRAY[%L::crm.customer_code])', pg_temp.c('a'))),
    ('table', 'UPDATE crm_data.customer SET survivor_code = customer_code'), ('policy', 'UPDATE crm_data.merge_policy SET threshold = NULL'), ('relations', 'SELECT * FROM crm.customer_relation')) v (what, statement);
GRANT SELECT ON forbidden TO PUBLIC;
SET SESSION AUTHORIZATION crm_test_merge_reader;
SELECT throws_ok(statement, '42501', NULL, 'a reader: no ' || what) FROM forbidden;
SELECT throws_ok(format('SELECT crm.duplicate_suspect(%L, %L)', pg_temp.c('a'), pg_temp.c('b')), '42501', NULL, 'a reader suspects nobody');
SET SESSION AUTHORIZATION crm_test_merge_writer;
SELECT throws_ok(statement, '42501', NULL, 'a writer: no ' || what) FROM forbidden;
SET SESSION AUTHORIZATION crm_test_merge_one;
SELECT throws_ok(statement, '42501', NULL, 'the data department itself: no ' || what || ' but through the functions') FROM forbidden
 WHERE what IN ('fields', 'carrying out', 'balances', 'locks', 'census', 'table', 'policy');
SELECT throws_ok($$UPDATE crm_data.merge SET undone_at = now()$$, '42501', NULL, 'nor the history');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(a::text) FROM crm.points_audit() a), NULL, 'the ledger of points is sound');
SELECT is(array_agg(statement), NULL, 'every refusal has words')
  FROM (SELECT r.reason AS statement FROM crm.merge_refusals() r WHERE r.message IS NULL OR r.hint IS NULL) x;
SELECT * FROM finish();
ROLLBACK;
