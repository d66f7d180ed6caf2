-- Proves: from a table to clusters by the names that the documentation gives; that a record
-- added makes the pairs that a run makes; that judgements bind; that models refuse who may
-- not read their source, and personal data who is no steward; that at rest nothing of it is
-- readable; and that bad input is an error in words or bounded work.
SELECT no_plan();
SET client_min_messages = warning;
SET search_path = public, crm;

-- Persons, each twice: once as typed, once with an error. Nobody is real.
CREATE FUNCTION pg_temp.person(n integer, again boolean) RETURNS TABLE (id text, name text, birth_date text, phone text, city text) LANGUAGE sql AS $$
    SELECT n || CASE WHEN again THEN 'b' ELSE 'a' END,
           (ARRAY['王','李','张','刘','陈','杨','赵','黄','周','吴'])[1 + n % 10] || (ARRAY['伟','芳','娜','敏','静','丽','强','磊','军','洋','勇','艳','杰','娟','涛','明','超','霞','平','刚'])[1 + n / 10 % 20]
               || CASE WHEN n % 3 = 0 THEN '' ELSE (ARRAY['华','国','红','玉'])[1 + n / 7 % 4] END || CASE WHEN again AND n % 5 = 0 THEN '先生' ELSE '' END,
           to_char(date '1950-01-01' + n * 53, CASE WHEN again THEN 'YYYY/MM/DD' ELSE 'YYYY-MM-DD' END),
           CASE WHEN again AND n % 7 = 0 THEN NULL ELSE '139' || lpad((n * 7919 % 100000000)::text, 8, '0') END,
           (ARRAY['杭州','北京','上海','广州'])[1 + n % 4] $$;
CREATE TABLE person AS SELECT p.* FROM generate_series(1, 600) n, pg_temp.person(n, false) p
    UNION ALL SELECT p.* FROM generate_series(1, 600, 3) n, pg_temp.person(n, true) p;
CREATE TABLE truth AS SELECT p.id, regexp_replace(p.id, '[ab]$', '') AS entity FROM person p;

-- -- the short way -----------------------------------------------------------------------------

SELECT match_model_create('m', 'person'::regclass, match_settings_suggest('person')) IS NOT NULL AS ok;
CALL match_run('m');
SELECT is((SELECT count(*) FROM match_clusters('m')), 800::bigint, 'every record has a cluster');
SELECT is((SELECT count(*) FROM match_clusters('m') k JOIN truth t ON t.id = k.id GROUP BY k.cluster_id HAVING count(DISTINCT t.entity) > 1 LIMIT 1), NULL, 'no cluster holds two persons');
SELECT cmp_ok((SELECT count(*) FROM match_clusters('m') a JOIN match_clusters('m') b ON a.cluster_id = b.cluster_id AND a.id < b.id), '>=', 198::bigint,
    'nearly all who are there twice are found');
SELECT cmp_ok((SELECT min(match_weight) FROM match_pairs('m', 5)), '>=', 5::float8, 'pairs above a weight');
SELECT is((SELECT max(abs(p.match_probability - 1 / (1 + power(2, -p.match_weight)))) < 1e-9 FROM match_pairs('m') p), true, 'probability is the weight''s');
CREATE TEMPORARY TABLE first_run AS SELECT * FROM match_clusters('m');
CALL match_run('m');
SELECT is_empty('SELECT id, cluster_id FROM match_clusters(''m'') EXCEPT SELECT id, cluster_id FROM first_run', 'a second run gives the same clusters the same numbers');
SELECT results_eq('SELECT DISTINCT kind, state FROM job_progress WHERE subject = ''m''', $$VALUES ('match', 'done')$$, 'runs show in crm.job_progress');
SELECT cmp_ok((SELECT sum(pairs) FROM count_comparisons_from_blocking_rule('m')), '>', 100::numeric, 'blocking rules are reported');
SELECT is((SELECT count(*) FROM match_parameters('m') WHERE m < 0 OR m > 1 OR u < 0 OR u > 1), 0::bigint, 'm and u are chances');
BEGIN;
CALL match_run('m', true);
ROLLBACK;
SELECT is_empty('SELECT id, cluster_id FROM match_clusters(''m'') EXCEPT SELECT id, cluster_id FROM first_run', 'a run inside a transaction goes with it');

-- -- one pair, one record ---------------------------------------------------------------------------

SELECT is((SELECT round((e.sum - s.match_weight)::numeric, 6) FROM score_pair('m', '3a', '6a') s, LATERAL (SELECT x.sum FROM explain_pair('m', '3a', '6a') x ORDER BY x.step DESC LIMIT 1) e),
    0::numeric, 'the steps of the explanation add up to the weight');
SELECT is((SELECT f.id FROM find_matches_to_new_records('m', '{"name": "李芳华先生", "birth_date": "1951-08-06", "phone": "139 0008 7109"}') f LIMIT 1), '11a', 'a new record finds its like, whatever the spelling');
SELECT is((SELECT jsonb_typeof(f.reasons) FROM find_matches_to_new_records('m', (SELECT to_jsonb(p) FROM person p WHERE p.id = '3a')) f LIMIT 1), 'array', 'with reasons');
SELECT throws_ok($$SELECT * FROM score_pair('m', 'nobody', '3a')$$, 'P0002', NULL, 'an id that is not known');
SELECT throws_ok($$SELECT * FROM find_matches_to_new_records('m', '[]')$$, '22023', NULL, 'a record is an object');

-- -- added one by one = all at once -------------------------------------------------------------------

CREATE TEMPORARY TABLE batch_pairs AS SELECT least(id_l, id_r) AS l, greatest(id_l, id_r) AS r FROM match_pairs('m', 0);
SELECT is((SELECT count(*) FROM (SELECT match_remove('m', p.id) AS done FROM person p WHERE p.id LIKE '%b' OFFSET 0) x WHERE done), 200::bigint, 'records are taken out');
SELECT is((SELECT count(*) FROM match_clusters('m')), 600::bigint, 'and are gone from the clusters');
SELECT is((SELECT count(match_insert('m', to_jsonb(p))) FROM person p WHERE p.id LIKE '%b'), 200::bigint, 'and come again one by one');
SELECT set_eq('SELECT least(id_l, id_r), greatest(id_l, id_r) FROM match_pairs(''m'', 0)', 'SELECT l, r FROM batch_pairs', 'with the pairs that the run made');
SELECT is_empty($$SELECT a.id, b.id FROM first_run a JOIN first_run b ON a.cluster_id = b.cluster_id AND a.id < b.id
                  EXCEPT SELECT a.id, b.id FROM match_clusters('m') a JOIN match_clusters('m') b ON a.cluster_id = b.cluster_id AND a.id < b.id$$, 'and in the clusters that it made');
SELECT throws_ok($$SELECT match_insert('m', '{"id": "3a", "name": "张"}')$$, '23505', NULL, 'an id comes once');
SELECT throws_ok($$SELECT match_insert('m', '{"name": "张"}')$$, '22004', NULL, 'and must be there');
SELECT ok(match_insert('m', '{"id": "new", "name": "欧阳修远", "birth_date": "1999-09-09"}') > (SELECT max(cluster_id) FROM first_run), 'who is like nobody gets a new number');
-- 1: two that a third holds together.
SELECT match_insert('m', '{"id": "left", "name": "司马相如", "phone": "13312345678"}') AS a, match_insert('m', '{"id": "right", "name": "司马相如", "birth_date": "1971-02-03"}') AS b \gset
SELECT match_insert('m', '{"id": "both", "name": "司马相如", "phone": "13312345678", "birth_date": "1971-02-03"}') AS c \gset
SELECT ok(:c <= least(:a, :b), 'the older number stays');
CREATE TRIGGER match AFTER INSERT OR UPDATE OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION match_follow('m');
INSERT INTO person VALUES ('t1', '司马相如', '1971-02-03', '13312345678', NULL);
SELECT is((SELECT count(*) FROM match_clusters('m') a JOIN match_clusters('m') b ON a.cluster_id = b.cluster_id WHERE a.id = 't1' AND b.id = 'both'), 1::bigint, 'a trigger keeps a model up');
UPDATE person SET name = '完全不同', birth_date = '1900-01-01', phone = NULL WHERE id = 't1';
SELECT is((SELECT count(*) FROM match_clusters('m') a JOIN match_clusters('m') b ON a.cluster_id = b.cluster_id WHERE a.id = 't1'), 1::bigint, 'through updates');
DELETE FROM person WHERE id = 't1';
SELECT is((SELECT count(*) FROM match_clusters('m') WHERE id = 't1'), 0::bigint, 'and deletes');
DROP TRIGGER match ON person;
CALL match_catch_up('m');
SELECT is_empty('SELECT * FROM match_missing(''m'')', 'catching up leaves nothing missing');

-- -- judgements ------------------------------------------------------------------------------------------

SELECT match_label('m', '3a', '6a', 'same');
SELECT match_label('m', '1b', '1a', 'different', 'father and son');
CALL match_run('m');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('3a', '6a')), 1::bigint, 'the same, said a person');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('1a', '1b')), 2::bigint, 'different for ever');
-- 2: they bind a record that comes later, in the words of a pair that the engine would judge otherwise.
SELECT match_remove('m', '1a'), match_remove('m', '3a') \gset gone_
SELECT match_insert('m', to_jsonb(p)) FROM person p WHERE p.id IN ('1a', '3a') \g /dev/null
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('1a', '1b')), 2::bigint, 'different, said of one who comes again');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('3a', '6a')), 1::bigint, 'the same, said of one who comes again');
SELECT match_label('m', 'twin1', 'twin2', 'different');
SELECT match_insert('m', '{"id": "twin1", "name": "诸葛子瑜", "phone": "13312345679", "birth_date": "1971-02-04"}') AS a,
       match_insert('m', '{"id": "twin2", "name": "诸葛子瑜", "phone": "13312345679", "birth_date": "1971-02-04"}') AS b \gset
SELECT isnt(:a, :b, 'two who are alike and judged different come to two clusters');
SELECT match_insert('m', '{"id": "twin3", "name": "诸葛子瑜", "phone": "13312345679", "birth_date": "1971-02-04"}') IN (:a, :b) AS joins \gset
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('twin1', 'twin2')), 2::bigint, 'and a third who is like both does not join them');
SELECT match_label('m', 'twin3', 'twin4', 'same');
SELECT match_insert('m', '{"id": "twin4", "name": "毫不相干", "phone": "18812345678", "birth_date": "1933-03-03"}') AS c \gset
SELECT is((SELECT cluster_id FROM match_clusters('m') WHERE id = 'twin3'), :c::bigint, 'the same by a person''s word alone');
SELECT match_label('m', 'twin1', 'twin5', 'same'), match_label('m', 'twin2', 'twin5', 'same') \g /dev/null
SELECT match_insert('m', '{"id": "twin5", "name": "诸葛子瑜", "phone": "13312345679", "birth_date": "1971-02-04"}') \g /dev/null
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('twin1', 'twin2')), 2::bigint, 'words that contradict each other: different has the last');
SELECT is((SELECT count(*) FROM match_clusters('m') WHERE id LIKE 'twin_'), 5::bigint, 'and nobody is lost on the way');
-- 3: what one record held together falls apart without it.
SELECT match_insert('m', '{"id": "arm", "name": "公孙大娘", "phone": "13300000001"}') AS a, match_insert('m', '{"id": "leg", "name": "毫无关系", "birth_date": "1961-05-06"}') AS b,
       match_insert('m', '{"id": "trunk", "name": "公孙大娘", "phone": "13300000001", "birth_date": "1961-05-06"}') AS c \gset
SELECT match_label('m', 'arm', 'trunk', 'same'), match_label('m', 'leg', 'trunk', 'same') \g /dev/null
SELECT match_remove('m', 'trunk') \g /dev/null
SELECT match_insert('m', '{"id": "trunk", "name": "公孙大娘", "phone": "13300000001", "birth_date": "1961-05-06"}') \g /dev/null
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('arm', 'leg', 'trunk')), 1::bigint, 'three are one');
SELECT match_remove('m', 'trunk') \g /dev/null
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('arm', 'leg')), 2::bigint, 'and two without the one that held them');
SELECT match_remove('m', x) FROM unnest(ARRAY['arm', 'leg', 'twin1', 'twin2', 'twin3', 'twin4', 'twin5']) x \g /dev/null
-- 4: a row that changed under its id is judged anew by catching up.
UPDATE person SET name = '完全不同', birth_date = '1900-01-01', phone = '13777777777', city = NULL WHERE id = '13b';
UPDATE person SET name = name WHERE id = '16b';
SELECT set_eq($$SELECT match_changed('m')$$, ARRAY['13b'], 'a change is seen, and none where nothing changed');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('13a', '13b')), 1::bigint, 'two records of one');
CALL match_catch_up('m');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('13a', '13b')), 2::bigint, 'are two since one of them says something else');
SELECT is_empty($$SELECT match_changed('m')$$, 'and the model knows it');
UPDATE person p SET name = q.name, birth_date = q.birth_date, phone = q.phone, city = q.city FROM person q WHERE p.id = '13b' AND q.id = '13a';
CALL match_catch_up('m');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('m') WHERE id IN ('13a', '13b')), 1::bigint, 'and one again');
SELECT throws_ok($$SELECT match_label('m', '1a', '1b', 'perhaps')$$, '22023', NULL, 'verdicts are three');
SELECT throws_ok($$SELECT match_label('m', '1a', '1a', 'same')$$, '22023', NULL, 'of two records');

-- -- tuning ------------------------------------------------------------------------------------------------

SELECT lives_ok($$SELECT estimate_u_using_random_sampling('m', 10000, 1), estimate_parameters_using_expectation_maximisation('m', 1), match_train('m'), estimate_m_from_pairwise_labels('m')$$,
    'training by steps');
CALL match_run('m');
SELECT is((SELECT count(*) FROM match_predict('m', 3)), (SELECT count(*) FROM match_pairs('m', 3)), 'a prediction shows what a run stores');
SELECT throws_ok($$SELECT estimate_parameters_using_expectation_maximisation('m', 99)$$, '22023', NULL, 'rules are numbered');
SELECT is((SELECT count(*) FROM cluster_pairwise_predictions_at_threshold('m', 3, 'connected_components')), 800::bigint, 'clusters by another method');
SELECT throws_ok($$SELECT * FROM cluster_pairwise_predictions_at_threshold('m', 3, 'magic')$$, '22023', NULL, 'methods are three');
CREATE VIEW labelled AS SELECT a.id AS id_l, b.id AS id_r, a.entity = b.entity AS is_match FROM truth a JOIN truth b ON a.id < b.id WHERE a.entity = b.entity OR b.entity = '7';
SELECT cmp_ok((SELECT max(f1) FROM accuracy_analysis_from_labels_table('m', 'labelled')), '>', 0.97::float8, 'accuracy from labels');
SELECT is((SELECT sum(records) FROM unlinkables('m')), 800::numeric, 'every record counts among the unlinkable or not');
SELECT is((SELECT count(*) FROM completeness('m') WHERE share > 0.9), (SELECT count(*) FROM completeness('m')), 'completeness of what is compared');

-- -- links ---------------------------------------------------------------------------------------------------

CREATE TABLE one AS SELECT * FROM person WHERE id LIKE '%a';
CREATE TABLE two AS SELECT * FROM person WHERE id LIKE '%b';
SELECT match_model_create('link', 'one', match_settings_suggest('one') || '{"link_type": "link_only", "second_source": "two", "unique_id_column_name": "id"}') IS NOT NULL AS ok;
CALL match_run('link');
SELECT is((SELECT count(*) FROM match_pairs('link', 5) WHERE right(id_l, 1) = right(id_r, 1)), 0::bigint, 'pairs are of two sources');
SELECT cmp_ok((SELECT count(*) FROM match_pairs('link', 5) WHERE left(id_l, -1) = left(id_r, -1)), '>=', 190::bigint, 'and find who is in both');

-- -- who may ----------------------------------------------------------------------------------------------------

CREATE ROLE crm_test_match_steward LOGIN;
CREATE ROLE crm_test_match_nobody LOGIN;
GRANT crm_steward TO crm_test_match_steward;
SET SESSION AUTHORIZATION crm_test_match_nobody;
SELECT throws_ok($$SELECT match_settings_suggest('person')$$, '42501', NULL, 'without the role nothing is suggested');
SELECT throws_ok($$SELECT * FROM match_clusters('m')$$, '42501', NULL, 'nor shown');
SET SESSION AUTHORIZATION crm_test_match_steward;
SELECT throws_ok($$SELECT match_settings_suggest('person')$$, '42501', NULL, 'a steward needs the table''s SELECT');
SELECT throws_ok($$SELECT match_model_create('theirs', 'person', '{"comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:full"]]}')$$, '42501', NULL, 'to make a model');
SELECT throws_ok(format('SELECT * FROM %s', call), '42501', NULL, 'or to use one: ' || call)
  FROM (VALUES ($$match_clusters('m')$$), ($$match_pairs('m')$$), ($$score_pair('m', '1a', '1b')$$), ($$explain_pair('m', '1a', '1b')$$),
               ($$find_matches_to_new_records('m', '{}')$$), ($$match_insert('m', '{"id": "x"}')$$), ($$match_predict('m')$$),
               ($$match_label('m', '1a', '2a', 'same')$$), ($$match_self_weights('m')$$), ($$match_remove('m', '1a')$$)) v (call);
SELECT throws_ok($$CALL match_run('m')$$, '42501', NULL, 'or to run it');
SELECT throws_ok($$SELECT * FROM crm_data.match_page$$, '42501', NULL, 'the tables are out of reach');
RESET SESSION AUTHORIZATION;
GRANT SELECT ON person TO crm_test_match_steward;
SET SESSION AUTHORIZATION crm_test_match_steward;
SELECT is((SELECT count(*) FROM match_clusters('m')), 800::bigint, 'who may read the table may read its model');
SELECT throws_ok($$SELECT match_model_alter('m', '{}')$$, '22023', NULL, 'settings are judged first');
SELECT throws_ok($$SELECT match_model_drop('m')$$, '42501', NULL, 'its owner alone removes it');
CREATE TEMPORARY TABLE mine AS SELECT * FROM person;
SELECT match_model_create('mine', 'mine') IS NOT NULL AS ok;
CALL match_run('mine');
SELECT is((SELECT count(*) FROM match_clusters('mine')), 800::bigint, 'a steward runs a model over a table of his own');
SELECT match_model_drop('mine');
RESET SESSION AUTHORIZATION;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY half ON person TO crm_test_match_steward USING (id < '5');
SET SESSION AUTHORIZATION crm_test_match_steward;
SELECT throws_ok($$SELECT * FROM match_clusters('m')$$, '42501', NULL, 'who sees fewer rows does not see the others'' clusters');
RESET SESSION AUTHORIZATION;
ALTER TABLE person DISABLE ROW LEVEL SECURITY;

-- -- personal data --------------------------------------------------------------------------------------------------

CREATE TABLE secret (id int PRIMARY KEY, name crm.person_name, phone crm.phone);
INSERT INTO secret SELECT n, p.name::crm.person_name, coalesce(p.phone, '13700000000')::crm.phone FROM generate_series(1, 300) n, pg_temp.person(n / 2, false) p;
SELECT match_model_create('secret', 'secret') IS NOT NULL AS ok;
CALL match_run('secret');
SELECT is((SELECT is_sealed FROM match_models() WHERE model = 'secret'), true, 'a model over personal data is sealed');
SELECT is((SELECT count(*) FROM crm_data.match_page g JOIN crm_data.match_model d USING (model_id) WHERE d.name = 'secret' AND position('wang'::bytea IN g.body) > 0), 0::bigint, 'no syllable of a name is on a page');
SELECT isnt((SELECT count(*) FROM crm_data.match_page g JOIN crm_data.match_model d USING (model_id) WHERE d.name = 'm' AND kind = 'r'), 0::bigint, 'where a plain model has its records');
SELECT is((SELECT f.id FROM find_matches_to_new_records('secret', '{"name": "李芳华", "phone": "139 0008 7109"}') f ORDER BY f.id LIMIT 1), '22', 'it finds all the same');
SELECT is((SELECT count(*) FROM find_matches_to_new_records('secret', '{"phone": "13298765432"}')), 0::bigint, 'and only what is there');
GRANT SELECT ON secret TO crm_test_match_steward, crm_test_match_nobody;
CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = crm AS $$SELECT count(*) FROM match_clusters('secret')$$;
SET SESSION AUTHORIZATION crm_test_match_nobody;
SELECT throws_ok('SELECT public.leak()', '42501', NULL, 'a function of another''s does not hand the right on');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT match_model_create('bad id', 'secret', '{"unique_id_column_name": "phone", "comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:full"]]}')$$,
    '42809', NULL, 'personal data names no record');

-- -- bad input ----------------------------------------------------------------------------------------------------------

SELECT throws_ok($$SELECT match_model_create('m', 'person')$$, '42710', NULL, 'a name is taken once');
SELECT throws_ok($$SELECT match_model_create('x', 'person', '{"comparisons": [{"kind": "x", "columns": []}], "frobnicate": 1}')$$, '22023', NULL, 'settings that are wrong');
SELECT cmp_ok(cardinality(match_settings_check('{"comparisons": [{"kind": "x", "columns": []}, 7], "frobnicate": 1, "link_type": "z", "seed": "a"}')), '>=', 6, 'are told all at once');
SELECT throws_ok($$SELECT match_model_create('x', 'person', '{"comparisons": [{"kind": "cn_name", "columns": ["nom"]}], "blocking_rules_to_generate_predictions": [["nom:full"]]}')$$, '42703', NULL, 'columns that there are not');
SELECT throws_ok($$CALL match_run('none')$$, '42704', NULL, 'a model that there is not');
SELECT throws_ok($$SELECT * FROM match_clusters(name) FROM match_models() WHERE false$$, '42601', NULL, 'and no SQL that is none');
CREATE TABLE empty (id int PRIMARY KEY, name text, phone text);
SELECT throws_ok($$SELECT match_settings_suggest('empty')$$, '22023', NULL, 'nothing to suggest from');
INSERT INTO empty SELECT n FROM generate_series(1, 50) n;
SELECT throws_ok($$SELECT match_settings_suggest('empty')$$, '22023', NULL, 'nor from nulls');
SELECT match_model_create('empty', 'empty', '{"unique_id_column_name": "id", "comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:full"]]}') IS NOT NULL AS ok;
SELECT lives_ok($$CALL match_run('empty')$$, 'a model trained on nothing');
SELECT is((SELECT count(DISTINCT cluster_id) FROM match_clusters('empty')), 50::bigint, 'finds nobody the same');
CREATE TABLE giant (id int PRIMARY KEY, name text, phone text);
INSERT INTO giant SELECT n, '王伟', NULL FROM generate_series(1, 20000) n;
SELECT match_model_create('giant', 'giant', '{"unique_id_column_name": "id", "comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:full"]]}') IS NOT NULL AS ok;
SET statement_timeout = '60s';
SELECT lives_ok($$CALL match_run('giant')$$, 'one giant block is bounded work');
RESET statement_timeout;
SELECT is((SELECT skipped FROM count_comparisons_from_blocking_rule('giant')), 1::bigint, 'and is reported as skipped');
-- Who stands in a block that is too large to keep is found by his other keys, in batch and on insert.
INSERT INTO giant SELECT n, '王伟', '138' || lpad(n::text, 8, '0') FROM generate_series(20001, 20010) n;
INSERT INTO giant VALUES (20011, '王伟', '13800020003');
SELECT match_model_create('giants', 'giant', '{"unique_id_column_name": "id", "keep_match_weight": -90, "comparisons": [{"kind": "cn_name", "columns": ["name"]}, {"kind": "cn_phone", "columns": ["phone"]}],
    "blocking_rules_to_generate_predictions": [["name:full"], ["phone:full"]]}') IS NOT NULL AS ok;
CALL match_run('giants');
SELECT results_eq($$SELECT id_l, id_r FROM match_pairs('giants')$$, $$VALUES ('20003', '20011')$$, 'beside a giant block the other keys find');
SELECT ok(match_insert('giants', '{"id": 20012, "name": "王伟", "phone": "13800020007"}') > 0, 'a record of the giant block is added');
SELECT results_eq($$SELECT DISTINCT id_l FROM match_pairs('giants') WHERE id_r = '20012' UNION SELECT DISTINCT id_r FROM match_pairs('giants') WHERE id_l = '20012'$$,
    $$VALUES ('20007')$$, 'and its other keys find it there');
SELECT results_eq($$SELECT skipped, largest FROM count_comparisons_from_blocking_rule('giants') ORDER BY rule$$, $$VALUES (1::bigint, 20011::bigint), (0, 2)$$,
    'what was skipped is still told after records were added');
SELECT throws_ok($$SELECT * FROM find_matches_to_new_records('giants', '{"name": "\ud800"}')$$, '22P02', NULL, 'half a surrogate is no text');
SELECT throws_ok($$SELECT * FROM find_matches_to_new_records('giants', jsonb_build_object('name', convert_from('\xe78e', 'UTF8')))$$, '22021', NULL, 'nor is half a character');
CREATE TABLE odd (id text, name text, doc jsonb, tags text[], n int, d date, b bytea);
INSERT INTO odd VALUES ('a', repeat('王', 3000000), '{"x": [1]}', '{a,b}', 1, '2020-01-01', '\x00ff'), ('b', repeat('王', 3000001), '{"x": [1]}', '{a,b}', 1, '2020-01-01', '\x00ff'),
    ('c', E'\U0001F600\u200b', NULL, NULL, NULL, NULL, NULL), ('d', '', '{}', '{}', 0, 'infinity', ''), ('e', E'\u4e00\t', '[]', '{NULL}', -1, '0001-01-01 BC', NULL);
SELECT match_model_create('odd', 'odd', '{"unique_id_column_name": "id", "comparisons": [{"kind": "cn_name", "columns": ["name"]}, {"kind": "levenshtein", "columns": ["doc"]}, {"kind": "jaccard", "columns": ["tags"]},
    {"kind": "numeric", "columns": ["n"]}, {"kind": "date", "columns": ["d"]}, {"kind": "exact", "columns": ["b"]}], "blocking_rules_to_generate_predictions": [["name:part"], ["doc:full"], ["d:full"]]}') IS NOT NULL AS ok;
SELECT lives_ok($$CALL match_run('odd')$$, 'columns of any type, texts of megabytes');
SELECT is((SELECT count(*) FROM match_clusters('odd')), 5::bigint, 'all are there');
SELECT lives_ok($$SELECT * FROM find_matches_to_new_records('odd', jsonb_build_object('name', repeat('李', 4000000), 'doc', '{}'::jsonb))$$, 'and can be asked for');
INSERT INTO odd VALUES ('a', '重复');
SELECT throws_ok($$CALL match_run('odd')$$, '23505', NULL, 'ids must be unique');
UPDATE odd SET id = NULL WHERE name = '重复';
SELECT throws_ok($$CALL match_run('odd')$$, '22004', NULL, 'and not null');
SELECT is((SELECT count(*) FROM match_clusters('odd')), 5::bigint, 'a run that failed leaves the last one');
ALTER TABLE odd RENAME COLUMN name TO nom;
SELECT throws_ok($$CALL match_run('odd')$$, '42703', NULL, 'a column went');
DROP TABLE odd;
SELECT throws_ok($$SELECT * FROM match_clusters('odd')$$, '42P01', NULL, 'the table went');
SELECT lives_ok($$SELECT match_model_drop('odd')$$, 'its model can still be removed');
CREATE TABLE numbered (name text, phone text);
INSERT INTO numbered SELECT name, phone FROM person WHERE id LIKE '%a' LIMIT 100;
SELECT match_model_create('numbered', 'numbered', match_settings_suggest('numbered') - 'unique_id_column_name') IS NOT NULL AS ok;
CALL match_run('numbered');
SELECT is((SELECT array_agg(id ORDER BY id::int) FROM match_clusters('numbered')), ARRAY(SELECT n::text FROM generate_series(1, 100) n), 'without a key rows are numbered as they come');
SELECT throws_ok($$SELECT match_insert('numbered', '{"name": "x"}')$$, '55000', NULL, 'and none can be added');

-- -- the customer master ---------------------------------------------------------------------------------------------------

SELECT count(register_customer(jsonb_build_object('kind', 'individual', 'name', p.name, 'phone', p.phone, 'birth_date', p.birth_date), accept_suspected => true))
  FROM person p WHERE p.id LIKE '%a' AND p.id ~ '^[1-9]?[0-9]a';
CALL match_run('customer');
SELECT is((SELECT count(*) FROM customer_candidates('{"kind": "individual", "name": "李方华先生", "phone": "139 0008 7109", "birth_date": "1951-08-06"}')), 1::bigint, 'a draft finds the customer with a homophone''s name');
SELECT is(m.sum, p.match_weight, 'why two customers are the same, to the sum that the engine gives')
  FROM (SELECT min(customer_code) AS a, max(customer_code) AS b FROM crm_data.customer) c,
       LATERAL (SELECT x.sum FROM explain_match(c.a, c.b) x ORDER BY x.step DESC LIMIT 1) m, LATERAL score_pair('customer', c.a::text, c.b::text) p;
SELECT is(lead_check('139 0008 7109', '李芳华'), 'in pool', 'a lead whom no unit answers for');
SELECT is(lead_check('13111111111'), 'free', 'one whom nobody knows');
SELECT throws_ok($$SELECT lead_check(name => '李芳华')$$, '22023', NULL, 'a name alone is no lead');
BEGIN;
SELECT is((SELECT count(lead_check('1311111' || n)) FROM generate_series(2000, 2097) n), 98::bigint, 'unknown leads up to the bound of the hour');
ROLLBACK;
SELECT throws_ok($$SELECT lead_check('13111111112')$$, '53400', NULL, 'and questions have a bound, which no rollback lifts');
-- 6: an entry is kept with its candidates and their reasons, and what is decided of it is kept too: as the clerk who enters, and the steward who decides.
RESET SESSION AUTHORIZATION;
CREATE ROLE crm_test_match_clerk LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_match_data LOGIN IN ROLE crm_data_admin;
SET SESSION AUTHORIZATION crm_test_match_clerk;
SELECT is((SELECT count(*) FROM customer_candidates('{"kind": "individual", "name": "李方华", "phone": "13900087109", "birth_date": "1951-08-06"}')), 1::bigint, 'a clerk asks before entering');
SELECT register_customer('{"kind": "individual", "name": "李方华", "phone": "13900087109", "birth_date": "1951-08-06"}') AS homophone \gset
SELECT register_customer('{"kind": "individual", "name": "欧阳无双", "phone": "13755550001", "birth_date": "1999-08-06"}') AS nobody \gset
SET SESSION AUTHORIZATION crm_test_match_data;
SELECT is((SELECT count(*) FROM duplicate_worklist WHERE :'nobody' IN (customer_code::text, other_code::text)), 0::bigint, 'who is like nobody has no case');
SELECT case_id AS this_case, reasons ? 'phone: exact' AS dated, score > 0.9 AS sure FROM duplicate_worklist WHERE :'homophone' IN (customer_code::text, other_code::text) \gset
SELECT is(:'dated' || :'sure', 'tt', 'the entry stands on the work list with the reasons of its candidate');
SELECT lives_ok(format('SELECT duplicate_decide(%s, ''different'', ''father and son'')', :this_case), 'new, said the steward');
SELECT is((SELECT count(*) FROM duplicate_worklist WHERE case_id = :this_case), 0::bigint, 'and it is decided');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT state || ' ' || decided_by FROM crm_data.duplicate_case WHERE case_id = :this_case), 'different crm_test_match_data', 'by whom is kept');
-- 5: the bound holds in any hour, not from one full hour to the next.
RESET SESSION AUTHORIZATION;
SELECT is(match_meter_sum(match_meter_at(match_meter_at(0, '2026-01-01 00:59Z') + 200, '2026-01-01 01:01Z')), 200, 'what was asked before the full hour counts after it');
SELECT is(match_meter_sum(match_meter_at(match_meter_at(match_meter_at(0, '2026-01-01 00:30Z') + 120, '2026-01-01 01:10Z') + 80, '2026-01-01 01:20Z')), 200, 'two parts of an hour add up');
SELECT is(match_meter_sum(match_meter_at(match_meter_at(match_meter_at(0, '2026-01-01 00:30Z') + 120, '2026-01-01 01:10Z') + 80, '2026-01-01 01:40Z')), 80, 'and leave one by one');
SELECT is((SELECT count(*) FROM generate_series(0, 59) m WHERE match_meter_sum(match_meter_at(match_meter_at(0, '2026-01-01 00:07Z') + 200, timestamptz '2026-01-01 00:07Z' + m * interval '1 minute')) <> 200), 0::bigint,
    'no minute of the hour forgets');
SELECT is(match_meter_sum(match_meter_at(match_meter_at(0, '2026-01-01 00:07Z') + 200, '2026-01-01 01:19Z')), 0, 'after 72 minutes all is forgiven');
SELECT * FROM finish();
