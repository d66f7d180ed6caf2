-- Proves: nobody fits or applies a model by being PUBLIC; the data department does, but
-- only on tables that it may read itself; a fitted model is a draft that whoever fitted it
-- cannot approve; the levels of many characteristics together are bounded; and statistics on one's own data need no right at all.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
CREATE ROLE crm_test_modeller;
GRANT crm_data_admin TO crm_test_modeller;
CREATE ROLE crm_test_stranger;
CREATE TABLE own (id integer PRIMARY KEY, late boolean, age integer, city text);
INSERT INTO own SELECT g, g % 7 < CASE WHEN g % 50 < 20 THEN 4 ELSE 1 END, 20 + g % 50, 'c' || g % 3 FROM generate_series(1, 700) g;
CREATE TABLE secret AS SELECT * FROM own;
GRANT SELECT ON own TO crm_test_modeller, crm_test_stranger;

SET LOCAL ROLE crm_test_stranger;
SELECT throws_ok($$CALL scorecard_fit('theirs', 'own', 'late')$$, '42501', NULL, 'PUBLIC makes no model');
SELECT throws_ok($$SELECT * FROM score_table('ours', 'own')$$, '42501', NULL, 'nor applies one');
SELECT throws_ok($$SELECT scorecard_store('x', 'y', 1, 1, 1, NULL)$$, '42501', NULL, 'nor writes one');
SELECT throws_ok($$SELECT * FROM score_inputs('ours')$$, '42501', NULL, 'nor reads one');
SELECT cmp_ok((SELECT roc_auc(late, -age) FROM own), '>', 0.5::float8, 'but statistics on what one may read are free');
SELECT throws_ok($$SELECT * FROM rfm_score('secret', 'city', 'age', 'id', '2026-01-01')$$, '42703', NULL, 'the types of columns are looked at first');
SELECT throws_ok($$SELECT scorecard_solve('SELECT late, age::float8 FROM secret', '{age}', 600, 19, 50)$$, '42501', NULL, 'a query runs with the caller''s rights');

RESET ROLE;
SET LOCAL ROLE crm_test_modeller;
SELECT lives_ok($$CALL scorecard_fit('ours', 'own', 'late')$$, 'the data department fits');
SELECT throws_ok($$CALL scorecard_fit('ours', 'secret', 'late')$$, '42501', NULL, 'but not what it may not read');
SELECT is((SELECT count(*) FROM score_table('ours', 'own')), 700::bigint, 'and applies it');
SELECT throws_ok($$SELECT * FROM score_table('ours', 'secret')$$, '42501', NULL, 'to what it may read');
SELECT throws_ok($$CALL scorecard_fit('our model', 'own', 'late')$$, '23514', NULL, 'a model has a name without blanks');

RESET ROLE;
SELECT is((SELECT state FROM crm_data.score_model WHERE model = 'ours'), 'draft', 'it is a draft');
SELECT throws_ok($$UPDATE crm_data.score_model SET state = 'approved' WHERE model = 'ours'$$, 'KH004', NULL, 'that another must approve');
SELECT is((SELECT count(*) FROM crm_data.score_model), 1::bigint, 'refused fits left nothing');

-- Of many characteristics each has coarser levels: 29 of numbers with 32 and one of 50 values are more than 768, so each has 25.
SELECT format('CREATE TABLE many AS SELECT i AS id, (hashint4(i) & 63) < i %% 50 AS late, ''v'' || i %% 50 AS town, %s FROM generate_series(1, 2000) i',
              string_agg(format('(hashint4(i * 31 + %s) & 65535)::float8 AS c%s', n, n), ', ')) FROM generate_series(1, 29) n \gexec
ALTER TABLE many ADD PRIMARY KEY (id);
SELECT lives_ok($$CALL scorecard_fit('many', 'many', 'late')$$, 'thirty characteristics');
SELECT lives_ok($$CALL scorecard_fit('few', 'many', 'late', ARRAY['town', 'c1', 'c2']::name[])$$, 'three of them');
SELECT results_eq($$SELECT model, sum(cardinality(members)) FROM crm_data.score_bin WHERE characteristic = 'town' GROUP BY 1 ORDER BY 1$$, $$VALUES ('few', 50::bigint), ('many', 24)$$,
    'the values of the one: the 24 most frequent and the rest, where three have all');
SELECT cmp_ok((SELECT sum(n) FROM (SELECT characteristic, count(*) + coalesce(sum(greatest(cardinality(members) - 1, 0)), 0) AS n FROM crm_data.score_bin WHERE model = 'many' GROUP BY 1) x), '<=', 768::numeric, 'all together');
SELECT * FROM finish();
ROLLBACK;
