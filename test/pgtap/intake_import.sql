-- Proves: crm.import_customers() loses nothing and takes nothing twice: accepted and
-- rejected lines together are the staged ones, whatever the batch size; it can be
-- repeated, goes on after the codes of a day are used up, takes tables, views and
-- foreign tables with what columns they have, purges what it took; staged rows are
-- their owner's alone; rejected lines are corrected, restaged or discarded.
-- It commits, so it leaves rows behind; its names begin with imp.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT no_plan();
SET search_path = public, crm;
SET crm.lang = 'en';
DO $$ BEGIN
    CREATE ROLE crm_imp_one LOGIN IN ROLE crm_writer;
    CREATE ROLE crm_imp_two LOGIN IN ROLE crm_writer;
    CREATE ROLE crm_imp_reader LOGIN IN ROLE crm_reader;
    CREATE ROLE crm_imp_admin LOGIN IN ROLE crm_data_admin;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DROP SCHEMA IF EXISTS imp CASCADE;
CREATE SCHEMA imp;
GRANT ALL ON SCHEMA imp TO PUBLIC;
SELECT crm.define_code_scheme('IMP', '导入', 'import tests', serial_digits => 6, widen => true);
-- Groups need a name alone, and no two are the same customer; n lines, each bad_every-th of them bad.
CREATE FUNCTION imp.lines(first int, last int, bad_every int DEFAULT 1000000000)
    RETURNS TABLE (line bigint, kind text, name text, external_system text, external_id text) LANGUAGE sql AS
    $$ SELECT n, 'group', CASE WHEN n % bad_every = 0 THEN '' ELSE '导入集团' || translate(n::text, '0123456789', '零一二三四五六七八九') END, 'imp', 'g' || n
         FROM generate_series(first, last) n $$;
CREATE FUNCTION imp.counts(batch text) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(outcome || ' ' || records, ', ') FILTER (WHERE outcome <> 'reason') FROM crm.import_report(batch) $$;
CREATE FUNCTION imp.customers() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM crm_data.customer';
CREATE FUNCTION imp.staged() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM crm.customer_staging';

-- 1. from the staging table, twice
SET SESSION AUTHORIZATION crm_imp_one;
INSERT INTO crm.customer_staging (line, kind, name, external_system, external_id) SELECT line, kind, name::crm.private_text, external_system, external_id FROM imp.lines(1, 25, 10);
SELECT is(count(*), 25::bigint, 'staged') FROM crm.staged_customer;
CALL crm.import_customers('imp-first', scheme => 'IMP', batch_size => 7);
SELECT is(imp.counts('imp-first'), 'staged 25, accepted 23, rejected 2', 'accepted + rejected = staged');
SELECT is(imp.staged(), 0::bigint, 'the staged rows are purged');
SELECT is(array_agg(line ORDER BY line), '{10,20}', 'the bad lines') FROM crm.import_error WHERE batch = 'imp-first';
SELECT is(ROW(field, reason, message, kind, attempts)::text, '(name,required,"name: is required",group,1)', 'with their reason') FROM crm.import_error WHERE batch = 'imp-first' AND line = 10;
SELECT is(count(DISTINCT customer_code), 23::bigint, 'each accepted line has a customer') FROM crm.import_result WHERE batch = 'imp-first';
SELECT is(ROW(state, done, total, percent, started_by)::text, '(done,25,25,100.0,crm_imp_one)', 'progress') FROM crm.job_progress WHERE subject = 'imp-first';
SELECT isnt(finished_at, NULL, 'the batch is finished') FROM crm.import_batch WHERE batch = 'imp-first';
SELECT imp.customers() AS customers \gset

CALL crm.import_customers('imp-first', scheme => 'IMP');
SELECT is(imp.customers(), :customers::bigint, 'called again with nothing staged: nothing');
SELECT is(imp.counts('imp-first'), 'staged 25, accepted 23, rejected 2', 'and the report stays');
INSERT INTO crm.customer_staging (line, kind, name, external_system, external_id) SELECT line, kind, name::crm.private_text, external_system, external_id FROM imp.lines(1, 25, 10);
CALL crm.import_customers('imp-first', scheme => 'IMP', batch_size => 1);
SELECT is(imp.customers(), :customers::bigint, 'the same file staged again under the same name: nobody new');
SELECT is(imp.counts('imp-first'), 'staged 25, accepted 23, rejected 2', 'and the same report');
SELECT is(imp.staged(), 0::bigint, 'and nothing left staged');
SELECT is(array_agg(attempts), '{2,2}', 'the bad lines were tried twice') FROM crm.import_error WHERE batch = 'imp-first';
INSERT INTO crm.customer_staging (line, kind, name, external_system, external_id) SELECT line, kind, name::crm.private_text, external_system, external_id FROM imp.lines(1, 25, 10);
CALL crm.import_customers('imp-first-under-another-name', scheme => 'IMP', batch_size => 4);
SELECT is(imp.customers(), :customers::bigint, 'under another name: still nobody new');
SELECT is(imp.counts('imp-first-under-another-name'), 'staged 25, accepted 0, rejected 25', 'all are there already');
SELECT is(string_agg(DISTINCT field || ':' || reason, ' '), 'external_id:duplicate name:required', 'by their external id') FROM crm.import_error WHERE batch = 'imp-first-under-another-name';

-- 2. the verdicts do not depend on the batch size, and are those of crm.register_customer()
-- a: the document is new, but the external id is not; b: the same document, all else new; c: b once more.
CREATE TABLE imp.tricky (LIKE crm.customer_input);
INSERT INTO imp.tricky (line, kind, name, document_number, phone, external_system, external_id) VALUES
    (1, '个人', '甲小明', '110105195001010012', '13600136001', 'imp', 'g1'),
    (2, '个人', '乙小明', '110105195001010012', '13600136002', 'imp', 't2'),
    (3, '个人', '丙小明', '110105195001010012', '13600136003', 'imp', 't3'),
    (4, '个人', '丁小明', NULL, '13600136004', 'imp', 't3'),
    (5, '个人', '乙小明', NULL, '136 0013 6002', NULL, NULL),
    (6, '个人', '戊小明', NULL, '13600136002', '  ', '　'),
    (7, '个人', '己小明', NULL, '13600136007', ' ', 't7');
CREATE FUNCTION imp.verdicts(b text) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(line || ' ' || coalesce(why, 'ok'), ', ' ORDER BY line)
         FROM (SELECT line, NULL AS why FROM crm.import_result WHERE batch = b
               UNION ALL SELECT line, string_agg(field || ':' || reason, ' ' ORDER BY field) FROM crm.import_error WHERE batch = b GROUP BY line) v $$;
\set expected '1 external_id:duplicate, 2 ok, 3 document_number:duplicate, 4 ok, 5 name:suspected_duplicate, 6 ok, 7 external_system:required'
CALL crm.import_customers('imp-tricky', 'imp.tricky', scheme => 'IMP', batch_size => 100);
SELECT is(imp.verdicts('imp-tricky'), :'expected', 'a record is no duplicate of one that was refused');
-- The same seven under other names and numbers, one at a time.
CREATE TABLE imp.tricky_single (LIKE crm.customer_input);
INSERT INTO imp.tricky_single (line, kind, name, document_number, phone, external_system, external_id) VALUES
    (1, '个人', '甲大明', '110105194912310038', '13600137001', 'imp', 'g1'),
    (2, '个人', '乙大明', '110105194912310038', '13600137002', 'imp', 's2'),
    (3, '个人', '丙大明', '１１０１０５１９４９１２３１００３８', '13600137003', 'imp', 's3'),
    (4, '个人', '丁大明', NULL, '13600137004', 'imp', 's3'),
    (5, '个人', '乙大明', NULL, '136 0013 7002', NULL, NULL),
    (6, '个人', '戊大明', NULL, '13600137002', '  ', '　'),
    (7, '个人', '己大明', NULL, '13600137007', ' ', 's7');
CALL crm.import_customers('imp-tricky-single', 'imp.tricky_single', scheme => 'IMP', batch_size => 1);
SELECT is(imp.verdicts('imp-tricky-single'), :'expected', 'nor when each is a batch of its own');

-- 3. the codes of the day are used up in the middle; another scheme takes the rest
RESET SESSION AUTHORIZATION;
SELECT crm.advance_code_counter('CUST202103039990');
SET SESSION AUTHORIZATION crm_imp_one;
INSERT INTO crm.customer_staging (line, kind, name, external_system, external_id) SELECT line, kind, name::crm.private_text, external_system, external_id FROM imp.lines(101, 130, 15);
SELECT imp.customers() AS customers \gset
\set ON_ERROR_STOP 0
CALL crm.import_customers('imp-full', day => '2021-03-03', batch_size => 5);
\set failed :SQLSTATE
\set ON_ERROR_STOP 1
SELECT is(:'failed'::text, 'KH013', 'the codes of the day are used up');
SELECT is(imp.customers() - :customers, 9::bigint, 'the batches before stay; the one that failed left nothing');
SELECT is(imp.staged(), 20::bigint, 'the lines not yet taken are still staged');
SELECT is(imp.counts('imp-full'), 'staged 10, accepted 9, rejected 1', 'what has been done so far');
SELECT is(ROW(done, total)::text, '(10,30)', 'and so says the progress') FROM crm.job_progress WHERE subject = 'imp-full';
SELECT is(finished_at, NULL, 'the batch is not finished') FROM crm.import_batch WHERE batch = 'imp-full';
CALL crm.import_customers('imp-full', scheme => 'IMP', day => '2021-03-04', batch_size => 3);
SELECT is(imp.counts('imp-full'), 'staged 30, accepted 28, rejected 2', 'goes on with another day and scheme');
SELECT is(count(*) FILTER (WHERE r.customer_code::text LIKE 'CUST20210303%') || ' ' || count(*) FILTER (WHERE r.customer_code::text LIKE 'IMP20210304%'), '9 19', 'old codes stay, new ones follow')
  FROM crm.import_result r WHERE batch = 'imp-full';
SELECT is(imp.staged(), 0::bigint, 'all are taken');
SELECT is(left(crm.import_correct('imp-full', 105, '{"name": "导入集团补一"}')::text, 11), 'IMP20210304', 'a correction goes on with the day and scheme that worked');

-- 4. other sources
CREATE TABLE imp.mine AS SELECT * FROM imp.lines(201, 210);
ALTER TABLE imp.mine ADD COLUMN comment text DEFAULT 'not ours', ADD COLUMN birth_date date;
CREATE VIEW imp.renamed AS SELECT line + 10 AS line, '集团'::varchar(10) AS kind, name || '乙' AS name FROM imp.mine;
CREATE TABLE imp.fresh AS SELECT * FROM imp.lines(291, 292);
CREATE TABLE imp.nothing (line int, kind text, name text);
CREATE TABLE imp.no_line (kind text, name text);
CREATE TABLE imp.no_name (line int, kind text);
CREATE TABLE imp.twice AS SELECT * FROM imp.mine UNION ALL SELECT * FROM imp.mine WHERE line = 201;
CREATE TABLE imp.unnumbered AS SELECT * FROM imp.mine;
UPDATE imp.unnumbered SET line = NULL WHERE line = 205;
CREATE TABLE imp.by_word AS SELECT 'line ' || line AS line, kind, name FROM imp.mine;
CREATE TABLE imp.numeric_line AS SELECT line::numeric + 20 AS line, kind, name || '丙' AS name FROM imp.mine;
CREATE TABLE imp.half_line AS SELECT line + 0.4 AS line, kind, name FROM imp.mine UNION ALL SELECT line - 0.4, kind, name || '丁' FROM imp.mine;
CREATE TABLE imp.named (kind varchar(20), "name" char(30), LINE smallint PRIMARY KEY, gone text, phone bigint);
ALTER TABLE imp.named DROP COLUMN gone;
INSERT INTO imp.named VALUES ('individual', '庚小明', 1, 13600136011), ('individual', '辛小明', 2, 12), ('individual', NULL, 3, NULL);
CREATE TABLE imp."Odd ""name""; --" AS SELECT * FROM imp.lines(241, 243);

CREATE FUNCTION imp.first_error(call text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE call; RETURN 'none'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
SELECT imp.customers() AS customers \gset
CALL crm.import_customers('imp-mine', 'imp.mine', scheme => 'IMP', batch_size => 3);
SELECT is(imp.counts('imp-mine'), 'staged 10, accepted 10, rejected 0', 'from a table, with columns that are none of ours and some missing');
SELECT is(count(*), 10::bigint, 'which stays as it is') FROM imp.mine;
CALL crm.import_customers('imp-mine', 'imp.mine', scheme => 'IMP');
SELECT is(imp.customers() - :customers, 10::bigint, 'the same source again: nobody new');
CALL crm.import_customers('imp-renamed', 'imp.renamed', scheme => 'IMP');
SELECT is(imp.counts('imp-renamed'), 'staged 10, accepted 10, rejected 0', 'from a view');
CALL crm.import_customers('imp-nothing', 'imp.nothing', scheme => 'IMP');
SELECT is(imp.counts('imp-nothing'), 'staged 0, accepted 0, rejected 0', 'from an empty table');
CALL crm.import_customers('imp-numeric', 'imp.numeric_line', scheme => 'IMP');
SELECT is(imp.counts('imp-numeric'), 'staged 10, accepted 10, rejected 0', 'lines of another number type');
CALL crm.import_customers('imp-named', 'imp.named', scheme => 'IMP');
SELECT is(imp.verdicts('imp-named'), '1 ok, 2 phone:length, 3 contact:required name:required', 'columns of other types and order, dropped columns');
CALL crm.import_customers('imp-odd', 'imp."Odd ""name""; --"', scheme => 'IMP');
SELECT is(imp.counts('imp-odd'), 'staged 3, accepted 3, rejected 0', 'a name that must be quoted');
SELECT is(imp.staged(), 0::bigint, 'nothing stays staged');
SELECT imp.customers() AS customers \gset
\set ON_ERROR_STOP 0
CALL crm.import_customers('imp-no-line', 'imp.no_line', scheme => 'IMP');
\set e1 :SQLSTATE
CALL crm.import_customers('imp-no-name', 'imp.no_name', scheme => 'IMP');
\set e2 :SQLSTATE
CALL crm.import_customers('imp-twice', 'imp.twice', scheme => 'IMP');
\set e3 :SQLSTATE
CALL crm.import_customers('imp-unnumbered', 'imp.unnumbered', scheme => 'IMP');
\set e4 :SQLSTATE
CALL crm.import_customers('imp-half', 'imp.half_line', scheme => 'IMP');
\set e5 :SQLSTATE
CALL crm.import_customers('imp-by-word', 'imp.by_word', scheme => 'IMP');
\set e6 :SQLSTATE
CALL crm.import_customers('', 'imp.mine', scheme => 'IMP');
\set e7 :SQLSTATE
CALL crm.import_customers(NULL, 'imp.mine', scheme => 'IMP');
\set e8 :SQLSTATE
CALL crm.import_customers('imp-no-scheme', 'imp.fresh', scheme => 'NONE');
\set e9 :SQLSTATE
CALL crm.import_customers('imp-size', 'imp.mine', scheme => 'IMP', batch_size => 0);
\set e10 :SQLSTATE
CALL crm.import_customers('imp-size', 'imp.mine', scheme => 'IMP', batch_size => NULL);
\set e11 :SQLSTATE
CALL crm.import_customers('imp-size', NULL, scheme => 'IMP');
\set e12 :SQLSTATE
CALL crm.import_customers('imp-scheme', 'imp.mine', scheme => NULL);
\set e13 :SQLSTATE
CALL crm.import_customers('imp-scheme', 'imp.mine', scheme => 'IMP', accept_suspected => NULL);
\set e14 :SQLSTATE
\set ON_ERROR_STOP 1
SELECT is(:'e1'::text, '42703', 'no column line');
SELECT is(:'e2'::text, '42703', 'no column name');
SELECT is(:'e3'::text, '23505', 'a line twice');
SELECT is(:'e4'::text, '23505', 'a line without number');
SELECT is(:'e5'::text, '23505', 'two lines that round to the same number');
SELECT is(:'e6'::text, '22P02', 'a line that is no number');
SELECT is(:'e7'::text, '22023', 'a batch without name');
SELECT is(:'e8'::text, '22023', 'no batch');
SELECT is(:'e9'::text, '22023', 'no such scheme');
SELECT is(:'e10'::text, '22023', 'no rows a batch: not an endless or an empty import');
SELECT is(:'e11'::text, '22023', 'nor null');
SELECT is(:'e12'::text, '22023', 'no source: not the staging table by accident');
SELECT is(:'e13'::text, '22023', 'no scheme');
SELECT is(:'e14'::text, '22023', 'no decision on the suspected');
SELECT is(imp.customers() - :customers, 0::bigint, 'none of these took anybody');
SELECT is(array_agg(batch), NULL, 'nor says it was finished') FROM crm.import_batch WHERE batch ~ '^imp-(no-|twice|un|half|by|size|scheme)' AND finished_at IS NOT NULL;

-- a value longer than any field is a bad row, not a bad file
CREATE TABLE imp.long AS SELECT * FROM imp.lines(251, 253);
UPDATE imp.long SET name = repeat('长', 5000) WHERE line = 252;
CALL crm.import_customers('imp-long', 'imp.long', scheme => 'IMP');
SELECT is(imp.verdicts('imp-long'), '251 ok, 252 name:length, 253 ok', 'a cell of 15 kB rejects its line alone');

-- a foreign table
RESET SESSION AUTHORIZATION;
\set found 0
SELECT 1 AS found FROM pg_available_extensions WHERE name = 'file_fdw' \gset
SELECT :found = 1 AS have_file_fdw \gset
\if :have_file_fdw
CREATE EXTENSION IF NOT EXISTS file_fdw;
CREATE SERVER IF NOT EXISTS imp_files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE imp.file (line bigint, kind text, name text) SERVER imp_files OPTIONS (program $$printf '301,group,外部集团甲\n302,group,\n303,group,外部集团乙\n'$$, format 'csv');
GRANT SELECT ON imp.file TO crm_imp_one;
SET SESSION AUTHORIZATION crm_imp_one;
CALL crm.import_customers('imp-file', 'imp.file', scheme => 'IMP', batch_size => 2);
SELECT is(imp.counts('imp-file'), 'staged 3, accepted 2, rejected 1', 'from a foreign table');
RESET SESSION AUTHORIZATION;
DROP EXTENSION file_fdw CASCADE;
\else
\echo '# SKIPPED: file_fdw is not installed, so no import from a foreign table was tried'
SELECT skip('file_fdw is not installed', 1);
\endif

SET SESSION AUTHORIZATION crm_imp_one;
SELECT is(count(*), 2::bigint, 'what an import that failed had staged can be looked at') FROM crm.staged_customer WHERE batch = 'imp-no-scheme';
DELETE FROM crm.staged_customer;

-- 5. staged rows are their owner's alone
SET SESSION AUTHORIZATION crm_imp_one;
INSERT INTO crm.customer_staging (line, kind, name) VALUES (1, 'group', '一号的集团'), (2, 'group', '一号的集团乙');
SET SESSION AUTHORIZATION crm_imp_two;
INSERT INTO crm.customer_staging (line, kind, name) VALUES (1, 'group', '二号的集团');
SELECT is(count(*), 1::bigint, 'two sees one row') FROM crm.staged_customer;
SELECT throws_ok('SELECT * FROM crm.customer_staging', '42501', NULL, 'and not the table');
SELECT throws_ok('SELECT count(*) FROM crm.customer_staging', '42501', NULL, 'nor how many');
\set ON_ERROR_STOP 0
COPY crm.customer_staging TO STDOUT;
\set e1 :SQLSTATE
COPY (SELECT name FROM crm.customer_staging) TO STDOUT;
\set e2 :SQLSTATE
\set ON_ERROR_STOP 1
SELECT is(:'e1' || :'e2', '4250142501', 'nor by COPY');
SELECT throws_ok('DELETE FROM crm.customer_staging', '42501', NULL, 'removes none');
SELECT throws_ok('UPDATE crm.customer_staging SET line = 5', '42501', NULL, 'changes none');
SELECT throws_ok('TRUNCATE crm.customer_staging', '42501', NULL, 'empties nothing');
SELECT throws_ok($$INSERT INTO crm.customer_staging (staged_by, line, kind) VALUES ('crm_imp_one', 99, 'group')$$, '42501', NULL, 'stages for nobody else');
SELECT throws_ok($$INSERT INTO crm.customer_staging (line, kind) VALUES (98, 'group') RETURNING staged_by$$, '42501', NULL, 'reads nothing back');
SELECT throws_ok($$INSERT INTO crm.customer_staging (line, kind) VALUES (1, 'group') ON CONFLICT (staged_by, batch, line) DO UPDATE SET kind = 'x'$$, '42501', NULL, 'changes nothing by upsert');
SELECT throws_ok($$UPDATE crm.staged_customer SET line = 7$$, '42501', NULL, 'line numbers stay');
SELECT throws_ok($$UPDATE crm.staged_customer SET batch = 'imp-first'$$, '42501', NULL, 'batches stay');
SELECT throws_ok($$INSERT INTO crm.staged_customer (line, kind) VALUES (97, 'group')$$, '42501', NULL, 'the view is for correcting');
UPDATE crm.staged_customer SET name = '二号的集团改';
CREATE FUNCTION imp.leak(crm.private_text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING 'leaked %', $1; RETURN true; END $$;
SELECT is(count(*), 1::bigint, 'a leaky function sees his rows alone') FROM crm.staged_customer WHERE imp.leak(name);
-- to be somebody else takes more than SET ROLE
RESET SESSION AUTHORIZATION;
GRANT crm_imp_one TO crm_imp_two;
SET SESSION AUTHORIZATION crm_imp_two;
SET ROLE crm_imp_one;
SELECT is(count(*), 1::bigint, 'SET ROLE changes nothing: the user of the session counts') FROM crm.staged_customer;
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE crm_imp_one FROM crm_imp_two;
SET SESSION AUTHORIZATION crm_imp_two;
CALL crm.import_customers('imp-two', scheme => 'IMP');
SELECT is(imp.counts('imp-two'), 'staged 1, accepted 1, rejected 0', 'two imports his own');
SELECT is(imp.staged(), 2::bigint, 'and leaves the other''s');
SET SESSION AUTHORIZATION crm_imp_one;
SELECT is(count(*), 2::bigint, 'which one still has') FROM crm.staged_customer;
DELETE FROM crm.staged_customer WHERE line = 2;
CALL crm.import_customers('imp-one', scheme => 'IMP');
SELECT is(imp.counts('imp-one'), 'staged 1, accepted 1, rejected 0', 'and imports, but the row he removed');
-- readers and searchers stage and import nothing
SET SESSION AUTHORIZATION crm_imp_reader;
SELECT throws_ok($$INSERT INTO crm.customer_staging (line, kind) VALUES (1, 'group')$$, '42501', NULL, 'a reader stages nothing');
SELECT throws_ok($$SELECT * FROM crm.staged_customer$$, '42501', NULL, 'sees nothing staged');
SELECT throws_ok($$SELECT * FROM crm.import_error$$, '42501', NULL, 'no errors');
SELECT throws_ok($$SELECT crm.import_report('imp-one')$$, '42501', NULL, 'no report');
SELECT throws_ok($$SELECT crm.import_restage('imp-first')$$, '42501', NULL, 'restages nothing');
SELECT throws_ok($$SELECT crm.import_discard('imp-first')$$, '42501', NULL, 'discards nothing');
SELECT throws_ok($$SELECT crm.import_correct('imp-first', 10, '{}')$$, '42501', NULL, 'corrects nothing');
\set ON_ERROR_STOP 0
CALL crm.import_customers('imp-reader', 'imp.mine');
\set e1 :SQLSTATE
SET SESSION AUTHORIZATION crm_imp_two;
CALL crm.import_customers('imp-foreign', 'crm_data.individual');
\set e2 :SQLSTATE
CALL crm.import_customers('imp-foreign', 'crm_data.import_reject');
\set e3 :SQLSTATE
\set ON_ERROR_STOP 1
SELECT is(:'e1'::text, '42501', 'imports nothing');
SELECT is(:'e2'::text, '42501', 'a writer imports from no table that he may not read');
SELECT is(:'e3'::text, '42501', 'nor the rejected rows of others');

-- 6. rejected lines: corrected, restaged, discarded
SET SESSION AUTHORIZATION crm_imp_one;
CREATE TABLE imp.wrong (LIKE crm.customer_input);
INSERT INTO imp.wrong (line, kind, name, phone, email) VALUES
    (1, 'individual', '壬小明', '1360013603a', 'renxiaoming@example.com'),
    (2, 'individual', '癸7', '13600136032', 'guixiaoming@'),
    (3, 'individual', '子7', '13600136033', NULL),
    (4, 'individual', '丑7', '13600136034', NULL),
    (5, 'individual', '寅7', '13600136035', NULL);
CALL crm.import_customers('imp-wrong', 'imp.wrong', scheme => 'IMP');
SELECT is(imp.counts('imp-wrong'), 'staged 5, accepted 0, rejected 5', 'five are wrong');
SELECT is(sum(records) FILTER (WHERE outcome = 'reason'), 6::numeric, 'with six reasons in the report') FROM crm.import_report('imp-wrong');
SELECT is(ROW(field, reason, records, meaning)::text, '(name,character,4,"name: A character stands where it cannot stand")', 'the most frequent first')
  FROM crm.import_report('imp-wrong') WITH ORDINALITY WHERE outcome = 'reason' ORDER BY ordinality LIMIT 1;
SELECT isnt(crm.import_correct('imp-wrong', 1, '{"phone": "13600136031"}'), NULL, 'one is corrected');
SELECT is(crm.customer_by_external_id('none', 'none'), NULL, 'nobody else came in by it');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '{"name": "癸小明"}')$$, 'KH001', NULL, 'what is still wrong is said');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '{"name": "癸小明", "emial": null}')$$, 'KH001', NULL, 'a field misspelt is not passed over');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '[]')$$, 'KH001', NULL, 'a list is no correction');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '{"line": 3}')$$, 'KH001', NULL, 'a line is no field');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '{"name": "壬小明", "phone": "13600136031", "email": null}')$$, 'KH002', NULL, 'nor may it become another customer');
SELECT lives_ok($$SELECT crm.import_correct('imp-wrong', 2, '{"name": "癸小明", "email": null}')$$, 'null empties a field');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 2, '{}')$$, 'P0002', NULL, 'a line that was accepted is no more to be corrected');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 77, '{}')$$, 'P0002', NULL, 'nor one that never was');
SELECT throws_ok($$SELECT crm.import_correct('imp-never', 1, '{}')$$, 'P0002', NULL, 'nor a batch that never was');
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 3, NULL)$$, NULL, NULL, 'no correction is an error, not a success');
SELECT is(imp.counts('imp-wrong'), 'staged 5, accepted 2, rejected 3', 'the report follows');
SELECT is(crm.import_restage('imp-wrong'), 3::bigint, 'the other three back to staging');
SELECT is(imp.counts('imp-wrong'), 'staged 5, accepted 2, rejected 3', 'they stay rejected until they are taken');
SELECT throws_ok($$SELECT crm.import_restage('imp-wrong')$$, '23505', NULL, 'twice is refused');
UPDATE crm.staged_customer SET name = '子小明' WHERE line = 3;
SELECT lives_ok($$SELECT crm.import_correct('imp-wrong', 4, '{"name": "丑小明"}')$$, 'one is corrected in the mean time');
SELECT imp.customers() AS customers \gset
CALL crm.import_customers('imp-wrong', scheme => 'IMP');
SELECT is(imp.counts('imp-wrong'), 'staged 5, accepted 4, rejected 1', 'imported again under the same name');
SELECT is(imp.customers() - :customers, 1::bigint, 'nobody twice');
SELECT is(array_agg(line || ' ' || attempts), '{"5 2"}', 'one is still wrong, at the second attempt') FROM crm.import_error WHERE batch = 'imp-wrong';
RESET SESSION AUTHORIZATION;
SET crm.pii_output = envelope;
SELECT is(count(*) FILTER (WHERE input::text ~ '寅|13600136035'), 0::bigint, 'rejected rows are not at rest in clear') FROM crm_data.import_reject;
RESET crm.pii_output;
SET SESSION AUTHORIZATION crm_imp_one;
SELECT is(crm.import_discard('imp-wrong'), 1::bigint, 'given up');
SELECT is(crm.import_discard('imp-wrong'), 0::bigint, 'once');
SELECT is(imp.counts('imp-wrong'), 'staged 5, accepted 4, rejected 1', 'the report stays');
SELECT is(string_agg(field || ':' || reason, ' '), 'name:character', 'and the reason') FROM crm.import_error WHERE batch = 'imp-wrong';
SELECT throws_ok($$SELECT crm.import_correct('imp-wrong', 5, '{"name": "寅小明"}')$$, 'P0002', NULL, 'its data is gone');
SELECT is(crm.import_restage('imp-wrong'), 0::bigint, 'so there is nothing to restage');
RESET SESSION AUTHORIZATION;
SELECT is(count(*), 0::bigint, 'not even here') FROM crm_data.import_reject WHERE batch = 'imp-wrong' AND input IS NOT NULL;

-- another writer neither goes on with this batch nor touches what was rejected; the data department does
SET SESSION AUTHORIZATION crm_imp_two;
SELECT imp.customers() AS customers \gset
\set ON_ERROR_STOP 0
CALL crm.import_customers('imp-full', 'imp.fresh', scheme => 'IMP');
\set e1 :SQLSTATE
\set ON_ERROR_STOP 1
SELECT is(:'e1'::text, '42501', 'a file of the same name as another user''s is refused, not passed over line by line');
SELECT throws_ok($$SELECT crm.import_correct('imp-full', 120, '{"name": "导入集团补二"}')$$, '42501', NULL, 'nor corrects another');
SELECT throws_ok($$SELECT crm.import_restage('imp-full')$$, '42501', NULL, 'nor restages');
SELECT throws_ok($$SELECT crm.import_discard('imp-full')$$, '42501', NULL, 'nor discards');
SELECT throws_ok($$SELECT crm.import_rows('imp-full', ARRAY[]::crm.customer_input[], '2021-05-06', 'IMP', false)$$, '42501', NULL, 'nor adds rows');
SELECT is(imp.customers() - :customers, 0::bigint, 'and nobody came in');
DELETE FROM crm.staged_customer;
SET SESSION AUTHORIZATION crm_imp_admin;
SELECT isnt(crm.import_correct('imp-full', 120, '{"name": "导入集团补二"}'), NULL, 'the data department corrects anybody''s');
RESET SESSION AUTHORIZATION;

-- 7. progress of a run that stopped: interrupted, with what it had done
INSERT INTO crm.customer_staging (line, kind, name, external_system, external_id) SELECT line, kind, name::crm.private_text, external_system, external_id FROM imp.lines(401, 412);
SELECT crm.advance_code_counter('CUST202103059992');
SELECT current_database() AS database \gset
\setenv CRM_TEST_DATABASE :database
\set said `psql -XqAt -d "$CRM_TEST_DATABASE" -c "CALL crm.import_customers('imp-stopped', day => '2021-03-05', batch_size => 4)" 2>&1`
DO $$ BEGIN -- its server process ends a moment after the client
    FOR i IN 1..50 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity a JOIN crm_data.job j USING (pid) WHERE j.subject = 'imp-stopped');
        PERFORM pg_sleep(0.1), pg_stat_clear_snapshot();
    END LOOP;
END $$;
SELECT is(ROW(state, done, total)::text, '(interrupted,4,12)', 'another session sees that it was interrupted, and how far it was') FROM crm.job_progress WHERE subject = 'imp-stopped';
CALL crm.import_customers('imp-stopped', scheme => 'IMP', batch_size => 4);
SELECT is(ROW(state, done, total)::text, '(done,8,8)', 'it goes on with the rest') FROM crm.job_progress WHERE subject = 'imp-stopped' ORDER BY job_id DESC LIMIT 1;
SELECT is(imp.counts('imp-stopped'), 'staged 12, accepted 12, rejected 0', 'and nothing is lost');
SELECT is(state, 'interrupted', 'a run that failed is not running because its session lives') FROM crm.job_progress WHERE subject = 'imp-full' ORDER BY job_id LIMIT 1;

-- 8. a search_path full of traps changes nothing, and nothing of it runs with our rights
SET SESSION AUTHORIZATION crm_imp_two;
CREATE TABLE imp.trapped (what text);
GRANT ALL ON imp.trapped TO PUBLIC;
CREATE FUNCTION imp.trap(what text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN INSERT INTO imp.trapped VALUES (what || ' as ' || current_user); END $$;
CREATE FUNCTION imp.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('='); RETURN true; END $$;
CREATE FUNCTION imp.eq(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('='); RETURN true; END $$;
CREATE FUNCTION imp.ne(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('<>'); RETURN true; END $$;
CREATE FUNCTION imp.gt(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('>'); RETURN true; END $$;
CREATE FUNCTION imp.concat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('concat'); RETURN 'x'; END $$;
CREATE FUNCTION imp.max(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('max'); RETURN 1; END $$;
CREATE FUNCTION imp.count() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('count'); RETURN 1; END $$;
CREATE FUNCTION imp.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('set_config'); RETURN 1; END $$;
CREATE FUNCTION imp.company_today() RETURNS date LANGUAGE plpgsql AS $$ BEGIN PERFORM imp.trap('company_today'); RETURN '1999-01-01'; END $$;
CREATE OPERATOR imp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = imp.eq);
CREATE OPERATOR imp.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = imp.eq);
CREATE OPERATOR imp.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = imp.ne);
CREATE OPERATOR imp.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = imp.gt);
CREATE TYPE imp.customer_input AS (line bigint);
CREATE TEMP TABLE staged_customer (line bigint);
CREATE TABLE imp.late AS SELECT * FROM imp.lines(501, 507);
SET search_path = imp, pg_temp, crm, pg_catalog;
CALL crm.import_customers('imp-trap'::text, 'imp.late'::regclass, scheme => 'IMP'::text, batch_size => 3);
SET search_path = public, crm;
SELECT is(imp.counts('imp-trap'), 'staged 7, accepted 7, rejected 0', 'imported under a trapped search_path');
RESET SESSION AUTHORIZATION;
SELECT is(array_agg(DISTINCT what), NULL, 'and nothing of it ran with other rights') FROM imp.trapped WHERE what NOT LIKE '% as crm_imp_two';
SELECT is(array_agg(DISTINCT what), NULL, 'nor at all') FROM imp.trapped;

-- 9. the part of an import that a client may call itself
SET SESSION AUTHORIZATION crm_imp_one;
CREATE FUNCTION imp.record(line bigint, name text) RETURNS crm.customer_input LANGUAGE sql AS
    $$ SELECT ROW(line, 'group', name::crm.private_text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::crm.customer_input $$;
SELECT crm.import_begin('imp-rows', 'a client', 3, '2021-05-06', 'IMP') AS job \gset
SELECT lives_ok(format($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(1, '行一集团'), imp.record(2, '')], '2021-05-06', 'IMP', false, %s)$$, :job), 'two records');
SELECT is(imp.verdicts('imp-rows'), '1 ok, 2 name:required', 'have their answers');
SELECT throws_ok($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(3, '行三集团'), imp.record(3, '')], '2021-05-06', 'IMP', false)$$, '22023', NULL, 'a line twice is refused');
SELECT throws_ok($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(NULL, '行三集团'), imp.record(3, '')], '2021-05-06', 'IMP', false)$$, '22023', NULL, 'so is one without number');
SELECT throws_ok($$SELECT crm.import_rows('imp-rows-never', ARRAY[imp.record(3, '行三集团')], '2021-05-06', 'IMP', false)$$, 'P0002', NULL, 'and a batch that was not begun');
SELECT throws_ok($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(3, '行三集团')], NULL, 'IMP', false)$$, NULL, NULL, 'no day is an error: the record does not vanish');
SELECT throws_ok($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(3, '行三集团')], '2021-05-06', 'IMP', NULL)$$, NULL, NULL, 'nor does it for want of a decision on the suspected');
SELECT lives_ok($$SELECT crm.import_rows('imp-rows', ARRAY[]::crm.customer_input[], '2021-05-06', 'IMP', false)$$, 'no record is none');
SELECT lives_ok($$SELECT crm.import_rows('imp-rows', ARRAY[imp.record(1, '行一集团乙'), imp.record(3, '行三集团')], '2021-05-06', 'IMP', false)$$, 'a line that was taken is passed over');
SELECT is(imp.verdicts('imp-rows'), '1 ok, 2 name:required, 3 ok', 'the others have their answers');
RESET SESSION AUTHORIZATION;

-- 10. codes of a batch without gaps, in order of the lines
SELECT is(count(*) || ' ' || max(serial) - min(serial), '23 22', 'codes of a batch follow each other')
  FROM (SELECT right(customer_code::text, 6)::int AS serial FROM crm.import_result WHERE batch = 'imp-first') s;
-- 11. after an import that makes the tables grow, plans are made for what is there
CREATE FUNCTION imp.planned(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
CREATE VIEW imp.growth AS SELECT * FROM imp.lines(10001, 10600);
GRANT SELECT ON imp.growth TO PUBLIC;
SET SESSION AUTHORIZATION crm_imp_one;
CALL crm.import_customers('imp-growth', 'imp.growth', scheme => 'IMP');
RESET SESSION AUTHORIZATION;
SELECT is(reltuples::bigint, imp.customers(), 'the planner knows how many customers there are') FROM pg_class WHERE oid = 'crm_data.customer'::regclass;
SELECT is(imp.planned($$SELECT FROM crm_data.customer m WHERE m.survivor_code = 'CUST202101010001'$$), 1::numeric, 'that hardly any were merged into one');
SELECT cmp_ok(imp.planned('SELECT FROM crm.customer_basic'), '>', 0.9 * imp.customers(), 'and that nearly all stand for themselves');
-- 12. whom the new ones resemble stands on the work list when the import is over (DQ-06)
RESET SESSION AUTHORIZATION;
SELECT register_customer('{"kind": "individual", "name": "端木查重", "phone": "13912340001", "email": "duanmu@example.com"}', scheme => 'IMP') AS known \gset
CREATE TABLE imp.alike (line bigint, kind text, name text, phone text, email text);
INSERT INTO imp.alike VALUES (1, 'individual', '端木查重', '13912340002', 'duanmu@example.com'), (2, 'individual', '端木无关', '13912340003', 'other@example.com'),
                             (3, 'individual', '段木查崇', '13912340001', 'duanmu@example.com'), (4, 'individual', '端木查重', '13912340004', NULL);
GRANT SELECT ON imp.alike TO crm_imp_one;
SET SESSION AUTHORIZATION crm_imp_one;
CALL crm.import_customers('imp-alike', 'imp.alike', scheme => 'IMP');
RESET SESSION AUTHORIZATION;
SELECT set_eq($$SELECT i.line, d.reasons FROM crm_data.duplicate_case d JOIN crm.import_result i ON i.batch = 'imp-alike' AND i.customer_code IN (d.customer_code, d.other_code)
                 WHERE d.source = 'intake' AND i.line <> 2$$,
    $$VALUES (1::bigint, '["same email", "same person_name"]'::jsonb), (3, '["same email", "same phone"]')$$, 'candidates of an import, with reasons, when it is there');
SELECT * FROM finish();
\set ON_ERROR_STOP 0
DROP SCHEMA imp CASCADE;
DROP OWNED BY crm_imp_one, crm_imp_two, crm_imp_reader, crm_imp_admin;
DROP ROLE crm_imp_one, crm_imp_two, crm_imp_reader, crm_imp_admin;
