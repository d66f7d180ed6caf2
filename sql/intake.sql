-- Proves: what a user sees on the way in: a file staged, imported, its report and
-- errors in two languages, corrections, one registration, its refusals. In a database
-- of its own, because an import commits and keys stay.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT current_database() AS main \gset
DROP DATABASE IF EXISTS crm_regress_intake;
CREATE DATABASE crm_regress_intake;
\c crm_regress_intake
SET client_min_messages = warning;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET crm.key_file = %L', current_database(),
                   regexp_replace(current_setting('data_directory'), '/[^/]+/?$', '') || '/crm_regress.key');
END $$;
\c crm_regress_intake
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET crm.lang = 'en';
SELECT data_keys_created FROM crm.key_generate();

-- staged: what is personal is masked as soon as it is there
COPY crm.customer_staging (line, kind, name, document_number, sex, birth_date, phone, email, address, external_system, external_id) FROM STDIN WITH (FORMAT csv);
1,individual,张三丰,11010519491231002X,F,1949-12-31,138 0013 8000,zhang.san@example.com,北京市朝阳区建国路88号,crm-old,1
2,个人,李四,,,,０１０－６２３４５６７８,,,crm-old,2
3,企业,北京示例科技有限公司,91110000600037341L,,,010-62345678,,北京市海淀区中关村大街1号,crm-old,3
4,集团,示例集团,,,,,,,,
5,individual,王5,110105194912310021,X,31/12/1949,1380013800a,@,幸福路1号,crm-old,
6,alien,,,,,,,,,
7,individual,张三丰,,,,+86 13800138000,,,crm-old,7
8,individual,赵六,11010519491231002x,,,13700137000,,,crm-old,8
\.
SELECT batch, line, kind, name, document_number, phone, external_id FROM crm.staged_customer ORDER BY line;
CALL crm.import_customers('delivery', day => '2021-05-06', batch_size => 3);
SELECT outcome, field, reason, records, meaning FROM crm.import_report('delivery');
SELECT line, field, reason, message FROM crm.import_error WHERE batch = 'delivery' ORDER BY line, field;
SET crm.lang = 'zh';
SELECT line, message FROM crm.import_error WHERE batch = 'delivery' ORDER BY line, field;
SELECT outcome, records, meaning FROM crm.import_report('delivery') LIMIT 5;
SET crm.lang = 'en';
SELECT line, customer_code FROM crm.import_result WHERE batch = 'delivery' ORDER BY line;
SELECT kind, subject, state, done, total, percent FROM crm.job_progress;
SELECT batch, source, registration_day, scheme, finished_at IS NOT NULL AS finished FROM crm.import_batch;
SELECT count(*) AS staged FROM crm.customer_staging;

-- again: nothing; corrected: one more; restaged: one more; given up
CALL crm.import_customers('delivery', day => '2021-05-06');
SELECT crm.import_correct('delivery', 5, '{"name": "王五"}');
SELECT crm.import_correct('delivery', 5, '{"name": "王五", "document_number": null, "sex": "男", "birth_date": "1949年12月31日", "phone": "13600136000", "email": null, "address": null, "external_id": "5"}');
SELECT crm.import_restage('delivery');
UPDATE crm.staged_customer SET kind = 'group', name = '另一集团' WHERE line = 6;
CALL crm.import_customers('delivery', day => '2021-05-07');
SELECT outcome, field, reason, records FROM crm.import_report('delivery');
SELECT crm.import_discard('delivery') AS given_up;
SELECT line, field, reason, kind, attempts FROM crm.import_error WHERE batch = 'delivery' ORDER BY line;

-- from a table of the user's own
CREATE TABLE mine (line int PRIMARY KEY, name text, kind text, phone bigint, remark text);
INSERT INTO mine VALUES (1, '孙七', 'individual', 13500135000, 'not ours'), (2, '周八', 'individual', 1350013, NULL);
CALL crm.import_customers('mine', 'mine', day => '2021-05-06');
SELECT outcome, field, reason, records FROM crm.import_report('mine');
CREATE TABLE yours (name text);
CALL crm.import_customers('yours', 'yours');
INSERT INTO mine SELECT line + 10, name, kind, phone FROM mine;
ALTER TABLE mine DROP CONSTRAINT mine_pkey;
UPDATE mine SET line = 11;
CALL crm.import_customers('twice', 'mine');
CALL crm.import_customers('', 'mine');
CALL crm.import_customers('none', 'mine', batch_size => 0);

-- one customer, and all that is wrong with another
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT crm.register_customer('{"kind": "individual", "name": "吴九", "phone": "13400134000"}', day => '2021-05-06');
SELECT crm.register_customer('{"kind": "individual", "name": "吴9", "phone": "1340013400a", "birth_date": "2999-01-01", "nick": "x", "email": ["x"]}');
SELECT crm.register_customer('{"kind": "individual", "name": "吴九", "phone": "+86 134 0013 4000"}');
SELECT crm.register_customer('{"kind": "individual", "name": "吴九九", "document_number": "11010519491231002x", "phone": "13400134001"}');
SELECT crm.register_customer('[1]');
SELECT crm.register_customer(NULL);
SELECT crm.register_customer('{"kind": "group", "name": "某集团"}', channel => 'nowhere');
SET crm.lang = 'zh';
SELECT crm.register_customer('{"kind": "individual", "name": "吴9", "phone": "1340013400a", "birth_date": "2999-01-01", "nick": "x", "email": ["x"]}');
\c :main
DROP DATABASE crm_regress_intake;
