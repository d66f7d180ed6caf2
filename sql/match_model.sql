-- Matching models: settings judged, a table to clusters, one record, one pair.
SET search_path = public, crm;
SET client_min_messages = warning;
SELECT unnest(match_settings_check('{"link_type": "merge", "comparisons": [{"kind": "cn_nom", "columns": ["a", 1]}, "x"], "block_cap": 0, "colour": "red"}'));
SELECT match_settings_check('{"comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:full"]]}');
SELECT unnest(match_settings_check('{"comparisons": [{"kind": "cn_name", "columns": ["name"]}], "blocking_rules_to_generate_predictions": [["name:none"], [], ["other:full"]]}'));

CREATE TABLE match_person (id int PRIMARY KEY, name text, phone text, born date);
INSERT INTO match_person SELECT n, (ARRAY['王','李','张','刘','陈'])[1 + n % 5] || (ARRAY['伟','芳','娜','敏','静','丽','强'])[1 + n % 7] || (ARRAY['华','国','红'])[1 + n % 3],
    '138' || lpad((n * 7919)::text, 8, '0'), date '1960-01-01' + n * 91 FROM generate_series(1, 200) n;
INSERT INTO match_person SELECT id + 1000, name || '先生', '+86 ' || phone, born FROM match_person WHERE id % 10 = 0;
SELECT match_source_id('match_person');
SELECT c ->> 'name' AS comparison, c ->> 'kind' AS kind FROM jsonb_array_elements(match_settings_suggest('match_person') -> 'comparisons') c ORDER BY 1;
SELECT match_model_create('regress', 'match_person', match_settings_suggest('match_person')) > 0 AS made;
SELECT state, records FROM match_models() WHERE model = 'regress';
SELECT * FROM match_clusters('regress');
CALL match_run('regress');
SELECT state, records, clusters FROM match_models() WHERE model = 'regress';
SELECT k.cluster_id, array_agg(k.id ORDER BY k.id::int) AS ids FROM match_clusters('regress') k GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 5;
SELECT f.id, jsonb_array_length(f.reasons) AS reasons FROM find_matches_to_new_records('regress', '{"name": "王伟", "phone": "138 0079 1900"}', 2) f ORDER BY f.id::int;
SELECT comparison, label FROM explain_pair('regress', '10', '1010') WHERE level IS NOT NULL ORDER BY comparison;
SELECT match_insert('regress', '{"id": 3000, "name": "欧阳询", "phone": "13300000001", "born": "1999-01-01"}') > 200 AS new_cluster;
SELECT match_insert('regress', '{"id": 3001, "name": "欧阳询先生", "phone": "133-0000-0001", "born": "1999-01-01"}') = k.cluster_id AS joined FROM match_clusters('regress') k WHERE k.id = '3000';
SELECT match_remove('regress', '3001'), match_remove('regress', '3001');
SELECT match_model_drop('regress');
SELECT * FROM match_pairs('regress');
DROP TABLE match_person;
