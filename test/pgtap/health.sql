-- Proves: crm.health() says ok of a database that is in order, and of each thing that it checks
-- that it is not, where somebody put it out of order; what it says names what is to be mended.
-- Who may not see others' sessions sees work that goes on as running, not as interrupted.
SET client_min_messages = warning;
-- What a session starts with, without and with what administrators are told to set.
SELECT state AS unset FROM crm.health() WHERE checked = 'search path' \gset
\setenv PGOPTIONS '-csearch_path=public,crm -clog_min_error_statement=panic'
\c -
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();
ANALYZE;
CREATE FUNCTION pg_temp.said(what text) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(': ', state, detail) FROM crm.health() WHERE checked = what $$;

SELECT is(:'unset'::text, 'warning', 'search path: not set');
SELECT is((SELECT string_agg(checked, ', ') FROM crm.health() WHERE state <> 'ok'), NULL, 'all is in order');
SELECT cmp_ok((SELECT count(*) FROM crm.health()), '>=', 19::bigint, 'and there were checks');
SELECT is((SELECT count(*) FROM crm.health() WHERE detail IS NOT NULL OR hint IS NOT NULL), 0::bigint, 'what is in order needs no words');

-- Each breaks one thing, looks, and takes it back.
CREATE FUNCTION pg_temp.breaks(what text, statements text, wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    said text;
    hint text;
BEGIN
    BEGIN
        EXECUTE statements;
        SELECT concat_ws(': ', h.state, h.detail), h.hint INTO said, hint FROM crm.health() h WHERE h.checked = what;
        RAISE EXCEPTION 'take it back' USING ERRCODE = 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL;
    END;
    RETURN NEXT matches(said, wanted, what || ' out of order: ' || said);
    RETURN NEXT isnt(hint, NULL, what || ': what to do');
    RETURN NEXT is(pg_temp.said(what), 'ok', what || ' in order');
END $$;
SET LOCAL allow_system_table_mods = on;
SELECT pg_temp.breaks('library', $$UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'crm'$$, '^error: library 1.* database 0.9$');
SELECT pg_temp.breaks('deployment', $$DELETE FROM crm_data.schema_version WHERE room = 'party'$$, '^error: .*deploy_party');
SELECT pg_temp.breaks('triggers', 'ALTER TABLE crm_data.customer DISABLE TRIGGER is_never_removed', '^error: is_never_removed of crm_data.customer$');
SELECT pg_temp.breaks('triggers', 'ALTER TABLE crm_data.customer DISABLE TRIGGER ALL', '^error: .*RI_ConstraintTrigger');
SELECT pg_temp.breaks('row security', 'ALTER TABLE crm_data.address NO FORCE ROW LEVEL SECURITY', '^error: crm_data.address$');
SELECT pg_temp.breaks('row security', 'CREATE TABLE crm_secure.mine ()', '^error: crm_secure.mine$');
SELECT pg_temp.breaks('owner', 'ALTER TABLE crm_data.address OWNER TO CURRENT_USER', '^warning: crm_data.address$');
SELECT pg_temp.breaks('indexes', $$UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'crm_data.customer_survivor_idx'::regclass$$, '^error: crm_data.customer_survivor_idx$');
SELECT pg_temp.breaks('constraints', 'ALTER TABLE crm_data.purchase ADD CONSTRAINT odd CHECK (quantity < 1000000) NOT VALID', '^warning: odd of crm_data.purchase$');
SELECT pg_temp.breaks('statistics', $$CREATE TABLE crm_data.bulk AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)$$, '^warning: crm_data.bulk$');
SELECT pg_temp.breaks('roles', 'ALTER ROLE crm_reader LOGIN', '^error: crm_reader may log in');
SELECT pg_temp.breaks('roles', 'REVOKE crm_searcher FROM crm_data_admin', '^error: crm_data_admin is not a member of crm_searcher$');
SELECT pg_temp.breaks('roles', 'ALTER ROLE crm_backup NOBYPASSRLS', '^error: crm_backup cannot pass row security$');
SELECT pg_temp.breaks('views', 'REVOKE SELECT ON crm.customer_view FROM crm_reader', '^error: crm_reader may not read crm.customer_view$');
SELECT pg_temp.breaks('functions', 'REVOKE EXECUTE ON FUNCTION crm.customer_search(text, text) FROM crm_searcher', '^warning: .*customer_search');
SELECT pg_temp.breaks('functions', 'GRANT EXECUTE ON FUNCTION crm.customer_search(text, text) TO PUBLIC', '^warning: .*customer_search');
SELECT pg_temp.breaks('log', 'SET LOCAL log_statement = ''all''', '^warning: log_statement is all$');
SELECT pg_temp.breaks('log', 'SET LOCAL log_min_error_statement = ''error''', '^warning: log_min_error_statement is error$');
SELECT pg_temp.breaks('posting path', 'ALTER TABLE crm_data.points_account ADD CHECK (seq >= 0)', '^warning: ');
SELECT pg_temp.breaks('jobs', $$INSERT INTO crm_data.job (kind, subject, state, done, total) VALUES ('import', 'half', 'failed', 5, 10)$$, '^warning: import of "half" failed, 5 of 10$');
SELECT pg_temp.breaks('jobs', $$INSERT INTO crm_data.job (kind, subject, done, pid) VALUES ('import', 'killed', 5, 0)$$, '^warning: import of "killed" interrupted, 5 of \?$');
SELECT pg_temp.breaks('approvals', $$INSERT INTO crm_data.merge_request (survivor_code, loser_code, reason, seen, measures, requested_at)
    VALUES ('CUST202601010001', 'CUST202601010002', 'same person', '', '{}', now() - interval '8 days')$$, '^warning: 1 requests wait for more than 7 days');
SELECT pg_temp.breaks('matching', $$INSERT INTO crm_data.customer (customer_code, kind, survivor_code)
    SELECT code, 'group', code FROM (SELECT format('CUST20250601%s', lpad(n::text, 4, '0'))::customer_code AS code FROM generate_series(1, 1200) n) g;
    INSERT INTO crm_data.match_model (name, source, settings, owner) VALUES ('health', 'crm.match_customer', '{}', 'crm_owner')$$, '^warning: .*model "health" never ran');
SELECT pg_temp.breaks('expiry', $$INSERT INTO crm_data.customer (customer_code, kind, survivor_code) VALUES ('CUST202601310001', 'group', 'CUST202601310001');
    SELECT crm.points_earn('CUST202601310001', 'main', 'long ago', 5, '2026-02-28', business_date => '2026-01-31')$$, '^warning: points of 1 accounts are past their last day, the oldest since 2026-02-28$');
SELECT pg_temp.breaks('promises', $$SELECT crm.define_points_programme('promised', '预', 'Promised'), crm.points_promise('CUST202601310001', 'promised', 'not come', 5, '2026-02-28', business_date => '2026-01-31')$$,
    '^warning: 1 promises of points are due, the oldest since 2026-02-28$');

-- A job that was called again and came to its end is in order; so is a request that does not wait for long.
INSERT INTO crm_data.job (kind, subject, state) VALUES ('import', 'twice', 'failed'), ('import', 'twice', 'done');
SELECT is(pg_temp.said('jobs'), 'ok', 'what failed and then was done is done');
INSERT INTO crm_data.merge_request (survivor_code, loser_code, reason, seen, measures, requested_at)
VALUES ('CUST202601010001', 'CUST202601010002', 'same person', '', '{}', now() - interval '3 days');
SELECT is(pg_temp.said('approvals'), 'ok', 'three days are no long wait');
SELECT is((SELECT state FROM crm.health(2) WHERE checked = 'approvals'), 'warning', 'unless one says so');

-- Before the tables there are three checks, and no error.
SAVEPOINT deployed;
DELETE FROM crm_data.schema_version WHERE room = 'party';
SELECT is((SELECT array_agg(checked) FROM crm.health()), '{library,deployment,key}', 'where deploy() has something to do nothing else is asked');
ROLLBACK TO deployed;

-- Work of a session that one may not see.
INSERT INTO crm_data.job (kind, subject, pid) SELECT 'import', 'elsewhere', a.pid FROM pg_stat_activity a WHERE a.backend_type = 'walwriter';
CREATE ROLE crm_test_health_admin LOGIN IN ROLE crm_admin;
CREATE ROLE crm_test_health_reader LOGIN IN ROLE crm_reader;
SET LOCAL SESSION AUTHORIZATION crm_test_health_admin;
SELECT is((SELECT state FROM crm.job_progress WHERE subject = 'elsewhere'), 'running', 'an administrator sees running what runs elsewhere');
SELECT is((SELECT count(*) FROM crm.health() WHERE state = 'error'), 0::bigint, 'and may ask for the health');
SET LOCAL SESSION AUTHORIZATION crm_test_health_reader;
SELECT throws_ok('SELECT * FROM crm.health()', '42501', NULL, 'a reader may not');
SELECT throws_ok('SELECT * FROM crm.health_rights()', '42501', NULL, 'nor a part of it');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
