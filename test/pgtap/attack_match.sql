-- Proves: a trigger with a model's name keeps up that model's own source and no other table: whoever may
-- make triggers cannot take records out of a model, or put some in, whose source he may not even read.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
DROP ROLE IF EXISTS crm_test_steward;
CREATE ROLE crm_test_steward LOGIN;
GRANT crm_steward TO crm_test_steward;
CREATE TABLE person AS SELECT n::text AS id, (ARRAY['王','李','张','刘','陈'])[1 + n % 5] || (ARRAY['伟','芳','娜','敏'])[1 + n / 5 % 4] || (ARRAY['华','国','红'])[1 + n % 3] AS name,
    to_char(date '1950-01-01' + n * 53, 'YYYY-MM-DD') AS birth_date,
    '139' || lpad((n * 7919 % 100000000)::text, 8, '0') AS phone FROM generate_series(1, 200) n;
SELECT match_model_create('m', 'person'::regclass, match_settings_suggest('person')) IS NOT NULL AS made;
CALL match_run('m');
SELECT is((SELECT count(*) FROM match_clusters('m')), 200::bigint, 'a model of two hundred');

CREATE SCHEMA steward AUTHORIZATION crm_test_steward;
SET SESSION AUTHORIZATION crm_test_steward;
SELECT throws_ok($$SELECT * FROM crm.match_clusters('m')$$, '42501', NULL, 'a steward who may not read the source may not use the model');
CREATE TABLE steward.own (id text, name text, birth_date text, phone text);
INSERT INTO steward.own VALUES ('1', 'x', 'x');
CREATE TRIGGER match AFTER INSERT OR UPDATE OR DELETE ON steward.own FOR EACH ROW EXECUTE FUNCTION crm.match_follow('m');
SELECT throws_ok('DELETE FROM steward.own', '42809', NULL, 'nor take a record out of it by a table of his own');
SELECT throws_ok($$INSERT INTO steward.own VALUES ('201', '王伟', '1950-01-01')$$, '42809', NULL, 'nor put one in');
SELECT throws_ok($$UPDATE steward.own SET name = '王伟'$$, '42809', NULL, 'nor change one');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM match_clusters('m')), 200::bigint, 'the model is as it was');

CREATE TRIGGER match AFTER INSERT OR UPDATE OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION match_follow('m');
DELETE FROM person WHERE id = '7';
SELECT is((SELECT count(*) FROM match_clusters('m')), 199::bigint, 'its own source is followed');
SET statement_timeout = '20s';
SELECT throws_ok('CALL crm.match_catch_up(''m'', 0)', '22023', NULL, 'catching up by nothing at a time is refused');
SELECT throws_ok('CALL crm.match_catch_up(''m'', NULL)', '22023', NULL, 'and by who knows how many');
SELECT * FROM finish();
