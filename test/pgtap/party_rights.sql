-- Proves: nobody but the governed functions writes a customer's data, and nobody
-- reads more than his role's layer: not PUBLIC, a reader, a writer, a searcher or a
-- key custodian, by no statement, by no internal function, by no schema of his own in
-- front of ours, not as another role, and not even the owner removes a customer.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
CREATE ROLE crm_test_nobody LOGIN;
CREATE ROLE crm_test_reader LOGIN IN ROLE crm_reader;
CREATE ROLE crm_test_writer LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_searcher LOGIN IN ROLE crm_searcher;
CREATE ROLE crm_test_custodian LOGIN IN ROLE crm_key_custodian;
CREATE ROLE crm_test_data_admin LOGIN IN ROLE crm_data_admin;
CREATE ROLE crm_test_admin LOGIN IN ROLE crm_admin;
SELECT crm.register_customer('{"kind": "individual", "name": "张三丰", "document_number": "11010519491231002X", "phone": "13800138000",
    "bank_card": "6217003644124028388", "occupation": "牙科医师", "external_system": "planted", "external_id": "P-778899"}', day => '2021-05-06') AS customer \gset
SELECT crm.record_purchase(:'customer', 'SO-4711', '2021-05-07', '净水器', 1, 2706) \g /dev/null
SELECT crm.record_interaction(:'customer', '2021-05-08 12:00+08', 'phone', 'inbound', '保修查询') \g /dev/null
ANALYZE crm_data.customer, crm_data.individual, crm_data.contact_point, crm_data.purchase;
CREATE SCHEMA lab;
GRANT ALL ON SCHEMA lab TO PUBLIC;

-- What each statement answers each role, as a table; nothing but 42501 is expected.
CREATE TABLE lab.attempt (who name, what text, answer text);
GRANT ALL ON lab.attempt TO PUBLIC;
CREATE FUNCTION lab.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN '00000 done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE lab.statement AS
SELECT replace(replace(template, '<T>', c.oid::regclass::text), '<C>', quote_ident(a.attname)) AS what
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1,
       unnest(ARRAY['SELECT * FROM <T>', 'SELECT count(*) FROM <T>', 'SELECT <C> FROM <T> LIMIT 0', 'INSERT INTO <T> DEFAULT VALUES', 'INSERT INTO <T> SELECT * FROM <T>',
                    'UPDATE <T> SET <C> = <C>', 'DELETE FROM <T>', 'TRUNCATE <T>', 'TRUNCATE <T> CASCADE', 'LOCK TABLE <T>', 'ALTER TABLE <T> DISABLE ROW LEVEL SECURITY',
                    'ALTER TABLE <T> ADD COLUMN x int', 'DROP TABLE <T>', 'CREATE TRIGGER t BEFORE UPDATE ON <T> EXECUTE FUNCTION suppress_redundant_updates_trigger()',
                    'CREATE INDEX ON <T> (<C>)', 'CREATE RULE r AS ON UPDATE TO <T> DO INSTEAD NOTHING', 'CREATE POLICY p ON <T> USING (true)',
                    'CREATE TABLE lab.heir () INHERITS (<T>)', 'CREATE TABLE lab.like_it (LIKE <T>)', 'GRANT SELECT ON <T> TO PUBLIC', 'SELECT * FROM ONLY <T> FOR UPDATE',
                    $$COPY (SELECT * FROM <T>) TO PROGRAM 'cat'$$, $$COPY <T> TO '/dev/null'$$, $$SELECT table_to_xml('<T>', true, false, '')$$]) template
 WHERE c.relnamespace = 'crm_data'::regnamespace AND c.relkind = 'r';
GRANT SELECT ON lab.statement TO PUBLIC;
CREATE FUNCTION lab.attack() RETURNS void LANGUAGE sql AS 'INSERT INTO lab.attempt SELECT session_user, what, lab.answer(what) FROM lab.statement';
SET SESSION AUTHORIZATION crm_test_nobody; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_reader; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_writer; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_searcher; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_custodian; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_data_admin; SELECT lab.attack();
SET SESSION AUTHORIZATION crm_test_admin; SELECT lab.attack();
RESET SESSION AUTHORIZATION;
SELECT cmp_ok(count(*), '>', 4000::bigint, 'so many attempts') FROM lab.attempt;
SELECT is(string_agg(DISTINCT who || ': ' || what || ': ' || answer, E'\n'), NULL, 'no role reaches a table of crm_data by its name') FROM lab.attempt WHERE answer NOT LIKE '42501%';

-- the control: the owner does reach them
SET ROLE crm_owner;
SELECT is(lab.answer('SELECT * FROM crm_data.customer'), '00000 done', 'the same statement works for the owner');
RESET ROLE;

-- no objects in our schemas, no other role
CREATE FUNCTION lab.misuse(OUT what text, OUT answer text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT w, lab.answer(w) FROM unnest(ARRAY[
        'CREATE TABLE crm.mine (a int)', 'CREATE TABLE crm_data.mine (a int)', 'CREATE VIEW crm.mine AS SELECT 1',
        'CREATE FUNCTION crm.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'CREATE TYPE crm.mine AS (a int)',
        'CREATE OR REPLACE FUNCTION crm.lang() RETURNS text LANGUAGE sql AS ''SELECT 1''', 'DROP VIEW crm.customer_view CASCADE',
        'ALTER VIEW crm.customer_view SET (security_invoker = false)', 'CREATE OR REPLACE VIEW crm.customer_view AS SELECT 1',
        'SET ROLE crm_owner', 'SET ROLE crm_backup', 'SET crm.key_file = ''/tmp/x''',
        'SELECT crm.customer_check(ROW(1, ''group'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::crm.customer_input, ARRAY[0, 0, 0], current_date)',
        'SELECT crm.intake_judge(ARRAY[]::crm.customer_input[], true)', 'SELECT crm.intake_accept(ARRAY[]::crm.customer_input[], current_date, ''CUST'', ''counter'', true)',
        'SELECT crm.intake_one(NULL, ''{}'', current_date, ''CUST'', ''counter'', true)',
        'SELECT crm.import_write(''x'', ARRAY[]::crm.customer_input[], current_date, ''CUST'', true)',
        'SELECT crm.import_rows(''x'', ARRAY[]::crm.customer_input[], current_date, ''CUST'', true, NULL)',
        'SELECT crm.import_begin(''x'', ''x'', 1, current_date, ''CUST'')', 'SELECT crm.import_finish(''x'', 1)', 'SELECT crm.import_stage(''x'', ''lab.statement'')',
        'SELECT crm.import_report(''x'')', 'SELECT crm.import_restage(''x'')', 'SELECT crm.import_discard(''x'')', 'SELECT crm.import_correct(''x'', 1, ''{}'')',
        'SELECT crm.record_purchase(''CUST202105060001'', ''x'', current_date, ''x'', 1, 1)', 'SELECT crm.record_interaction(''CUST202105060001'', now(), ''phone'', ''inbound'', ''x'')',
        'SELECT crm.register_customer(''{}'')', 'SELECT crm.next_customer_code()', 'SELECT crm.next_customer_codes(10)', 'CALL crm.deploy()']) w $$;
SET SESSION AUTHORIZATION crm_test_nobody;
SELECT is(answer LIKE '42501%' OR what ~ '^CALL crm.deploy', true, 'nobody: ' || what || ' -- ' || answer) FROM lab.misuse();
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(answer LIKE '42501%' OR what ~ '^CALL crm.deploy', true, 'a reader: ' || what || ' -- ' || answer) FROM lab.misuse();
SET SESSION AUTHORIZATION crm_test_searcher;
SELECT is(answer LIKE '42501%' OR what ~ '^CALL crm.deploy', true, 'a searcher: ' || what || ' -- ' || answer) FROM lab.misuse();
SET SESSION AUTHORIZATION crm_test_custodian;
SELECT is(answer LIKE '42501%' OR what ~ '^CALL crm.deploy', true, 'a key custodian: ' || what || ' -- ' || answer) FROM lab.misuse();
SET SESSION AUTHORIZATION crm_test_writer;
SELECT is(answer LIKE '42501%', true, 'a writer: ' || what || ' -- ' || answer) FROM lab.misuse()
 WHERE what !~ 'import_(rows|begin|finish|stage|report|restage|discard|correct)|record_|register|next_customer_code|customer_check|deploy';
SELECT isnt(lab.answer('CALL crm.deploy()'), '00000 done', 'a writer deploys nothing');
RESET SESSION AUTHORIZATION;

-- a writer reads nothing
SET SESSION AUTHORIZATION crm_test_writer;
SELECT throws_ok('SELECT * FROM crm.' || v, '42501', NULL, 'a writer does not read ' || v)
  FROM unnest('{customer_view,customer_basic,customer_service,customer_extended,customer_contact,customer_document,customer_address,customer_purchase,customer_interaction,customer_token}'::text[]) v;
SELECT throws_ok($$SELECT crm.customer_card('CUST202105060001')$$, '42501', NULL, 'nor a card');
SELECT throws_ok($$SELECT crm.customer_search('phone', '13800138000')$$, '42501', NULL, 'nor searches');
RESET SESSION AUTHORIZATION;

-- a reader reads the basic layer and no more
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(count(*), 1::bigint, 'a reader sees the customer') FROM crm.customer_view WHERE customer_code = :'customer';
SELECT is(ROW(purchases, purchase_amounts, last_purchase_on, last_product, interactions, last_interaction_at, last_subject, last_outcome,
              age, nationality, occupation, industry, uscc, legal_representative, bank_card, external_ids, merged_codes) IS NULL, true,
          'with no service and no extended column') FROM crm.customer_view WHERE customer_code = :'customer';
SELECT is(birth_year, 1949::smallint, 'but the year of birth') FROM crm.customer_view WHERE customer_code = :'customer';
SELECT is((SELECT count(*) FROM crm.customer_purchase) + (SELECT count(*) FROM crm.customer_interaction) + (SELECT count(*) FROM crm.customer_service)
        + (SELECT count(*) FROM crm.customer_extended), 0::bigint, 'and no row of the other layers');
SELECT is(array_agg(c.relname || '.' || a.attname), NULL, 'no view that a reader may read has the birth date')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind = 'v' AND a.attname ~ 'birth_date'
   AND has_column_privilege(c.oid, a.attnum, 'SELECT') AND c.relname <> 'staged_customer';
SELECT is(array_agg(tablename || '.' || attname), NULL, 'statistics of our tables show a reader nothing') FROM pg_stats WHERE schemaname IN ('crm', 'crm_data') AND tablename <> 'mask_setting';
SELECT is(count(*), 0::bigint, 'nor extended ones') FROM pg_stats_ext WHERE schemaname IN ('crm', 'crm_data');
-- A function of the reader's own, cheaper than any of ours, sees what he may see and no more.
CREATE TABLE lab.seen (what text);
CREATE FUNCTION lab.leak(v anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN INSERT INTO lab.seen VALUES (v::text); RETURN true; END $$;
SELECT count(*) FROM crm.customer_view v WHERE lab.leak(v) \g /dev/null
SELECT count(*) FROM crm.customer_extended v WHERE lab.leak(v) AND lab.leak(v.age) AND lab.leak(v.occupation) AND lab.leak(v.external_ids) \g /dev/null
SELECT count(*) FROM crm.customer_service v WHERE lab.leak(v) AND lab.leak(v.purchases) \g /dev/null
SELECT count(*) FROM crm.customer_purchase v WHERE lab.leak(v) AND lab.leak(v.product) \g /dev/null
SELECT count(*) FROM crm.customer_view v WHERE lab.leak(v.bank_card) AND lab.leak(v.last_product) AND lab.leak(v.document_number) AND lab.leak(v.phone) AND lab.leak(v.name) \g /dev/null
SELECT cmp_ok(count(*), '>', 0::bigint, 'a leaky function is called') FROM lab.seen;
SELECT is(array_agg(what), NULL, 'and sees masks and the basic layer alone') FROM lab.seen WHERE what ~ '三丰|0013800|1949-12|1231002|净水器|保修|牙科|P-778899|8388|2706';
SELECT is(array_agg(v::text), NULL, 'so does the whole row as text') FROM crm.customer_view v WHERE v::text ~ '三丰|0013800|1949-12|1231002|净水器|保修|牙科|P-778899|8388|2706';
SELECT throws_ok('SELECT crm.reveal(phone, ''curious'') FROM crm.customer_contact', '42501', NULL, 'a reader reveals nothing');
SELECT throws_ok('UPDATE crm.customer_basic SET kind = ''group''', NULL, NULL, 'views cannot be written');
SELECT throws_ok('DELETE FROM crm.customer_contact', NULL, NULL, 'nor emptied');
SELECT throws_ok('INSERT INTO crm.customer_document (customer_code) VALUES (''CUST202105060001'')', NULL, NULL, 'nor filled');
-- the settings of the session open nothing
SET crm.pii_output = envelope;
SELECT throws_ok('SELECT phone::text FROM crm.customer_contact', '42501', NULL, 'no envelope for a reader either');
RESET crm.pii_output;
SET row_security = off;
SELECT throws_ok('SELECT count(*) FROM crm.customer_purchase', '42501', NULL, 'row_security = off is an error, not a way round');
RESET row_security;
RESET SESSION AUTHORIZATION;

-- The searcher's view of tokens gives him customers only with a reader's right.
SET SESSION AUTHORIZATION crm_test_searcher;
SELECT is(lab.answer('SELECT count(*) FROM crm.customer_view'), '42501 permission denied for view customer_view', 'a searcher is no reader');
SELECT is(left(lab.answer($$SELECT count(*) FROM crm.customer_search('phone', '13800138000')$$), 5), '42501', 'his search is refused');
SELECT is(left(lab.answer('SELECT count(*) FROM crm.customer_token'), 5), '42501', 'and the tokens');
RESET SESSION AUTHORIZATION;

-- objects of a writer in front of ours, in name and in search_path
SET SESSION AUTHORIZATION crm_test_writer;
CREATE TABLE lab.trapped (who name, what text);
GRANT ALL ON lab.trapped TO PUBLIC;
CREATE FUNCTION lab.trap(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF current_user <> session_user OR current_setting('role') NOT IN ('none') THEN INSERT INTO lab.trapped VALUES (current_user, what); END IF; END $$;
-- each shadows something that the governed functions use
CREATE FUNCTION lab.company_today() RETURNS date LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('company_today'); RETURN '1999-01-01'; END $$;
CREATE FUNCTION lab.split_part(text, text, int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('split_part'); RETURN 'x'; END $$;
CREATE FUNCTION lab.btrim(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('btrim'); RETURN 'x'; END $$;
CREATE FUNCTION lab.length(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('length'); RETURN 1; END $$;
CREATE FUNCTION lab.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('clock_timestamp'); RETURN '1999-01-01'; END $$;
CREATE FUNCTION lab.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('now'); RETURN '1999-01-01'; END $$;
CREATE FUNCTION lab.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('='); RETURN true; END $$;
CREATE OPERATOR lab.= (LEFTARG = text, RIGHTARG = text, FUNCTION = lab.eq);
CREATE FUNCTION lab.eqi(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('=i'); RETURN true; END $$;
CREATE OPERATOR lab.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = lab.eqi);
CREATE FUNCTION lab.cat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM lab.trap('||'); RETURN 'x'; END $$;
CREATE OPERATOR lab.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = lab.cat);
CREATE TYPE lab.customer_input AS (line bigint);
CREATE TEMP TABLE customer (customer_code text);
CREATE TEMP TABLE customer_staging (line bigint);
CREATE TEMP TABLE import_line (batch text, line bigint, customer_code text);
CREATE FUNCTION lab.under_traps(statement text) RETURNS text LANGUAGE plpgsql SET search_path = lab, pg_temp, crm, pg_catalog, public AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(lab.under_traps($$SELECT crm.register_customer('{"kind": "group", "name": "陷阱集团"}', day => '2021-05-06'::date)$$), 'done', 'registered under a trapped search_path');
SELECT is(lab.under_traps($$SELECT crm.register_customer('{"kind": "group", "nome": "陷阱集团"}', day => '2021-05-06'::date)$$), 'KH001', 'refused under it');
SELECT is(lab.under_traps($$SELECT crm.import_begin('trap', 'x', 1, '2021-05-06'::date, 'CUST')$$), 'done', 'a batch begun under it');
SELECT is(lab.under_traps($$SELECT crm.import_rows('trap', ARRAY[ROW(1, 'group', '陷阱集团二'::crm.private_text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::crm.customer_input], '2021-05-06'::date, 'CUST', false)$$), 'done', 'rows taken');
SELECT is(lab.under_traps($$SELECT crm.import_report('trap')$$), 'done', 'reported');
SELECT is(lab.under_traps($$SELECT crm.record_purchase('CUST202105060001', 'SO-1', '2021-05-06'::date, 'x', 1, 1)$$), 'done', 'a purchase recorded');
SELECT is(count(*), 0::bigint, 'and nothing of the writer''s ran with our rights') FROM lab.trapped;
RESET SESSION AUTHORIZATION;
SELECT is(count(*), 3::bigint, 'in our table, not in his') FROM crm_data.customer WHERE customer_code BETWEEN 'CUST202105060001' AND 'CUST202105060003';
-- the control: a function that pins nothing runs into the traps
CREATE FUNCTION lab.careless() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN btrim(' x ') || current_user::text; END $$;
SET SESSION AUTHORIZATION crm_test_writer;
SELECT is(lab.under_traps('SELECT lab.careless()'), 'done', 'a careless function');
RESET SESSION AUTHORIZATION;
SELECT is(array_agg(what ORDER BY what), '{btrim,||}', 'is trapped') FROM lab.trapped;
SELECT is(array_agg(p.oid::regprocedure::text), NULL, 'every function with the owner''s rights pins its search_path, temporary schema last')
  FROM pg_proc p WHERE p.pronamespace IN ('crm'::regnamespace, 'crm_data'::regnamespace) AND p.prosecdef
   AND coalesce(array_to_string(p.proconfig, ' '), '') !~ 'search_path=pg_catalog, crm, pg_temp';

-- what not even the owner does
SET ROLE crm_owner;
SELECT throws_ok(format('UPDATE crm_data.customer SET customer_code = %L WHERE customer_code = %L', 'CUST202105069999', :'customer'), '23001', NULL, 'a code does not change');
SELECT throws_ok(format('DELETE FROM crm_data.customer WHERE customer_code = %L', :'customer'), '23001', NULL, 'a customer is not removed');
SELECT throws_ok('DELETE FROM crm_data.customer WHERE false', '23001', NULL, 'nor nobody');
SELECT throws_ok('TRUNCATE crm_data.customer', NULL, NULL, 'nor all');
SELECT throws_ok('TRUNCATE crm_data.customer CASCADE', '23001', NULL, 'nor all and what hangs on them');
SELECT throws_ok(format('UPDATE crm_data.%I SET customer_code = %L WHERE customer_code = %L', t, 'CUST202105060002', :'customer'), '23001', NULL, 'the code of ' || t || ' does not change')
  FROM unnest('{individual,identity_document,contact_point,bank_account,purchase,interaction}'::text[]) t;
RESET ROLE;

-- row security is on and forced everywhere
SELECT is(array_agg(c.relname), NULL, 'row security is forced on every table of customers')
  FROM pg_class c WHERE c.relnamespace = 'crm_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND c.relname <> 'schema_version';
SELECT is(array_agg(c.relname || ' ' || a), NULL, 'no right to write for anybody but the owner')
  FROM pg_class c, aclexplode(c.relacl) x, LATERAL (SELECT x.grantee::regrole || ' ' || x.privilege_type) t (a)
 WHERE c.relnamespace = 'crm_data'::regnamespace AND c.relkind IN ('r', 'p') AND x.privilege_type <> 'SELECT' AND x.grantee <> c.relowner;
SELECT * FROM finish();
ROLLBACK;
