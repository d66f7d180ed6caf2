-- Proves: whoever may not see personal data finds no way round the mask: not by
-- guessing (plain input is refused), by copying, casting, dumping, another's
-- function, parallel workers, statistics, plans or messages; and reveal takes the
-- role of both users and a purpose. One customer: 138 0013 8000.
BEGIN;
SELECT no_plan();
SET search_path = public, crm;

CREATE ROLE crm_test_reader LOGIN IN ROLE crm_reader, pg_write_server_files;
CREATE ROLE crm_test_writer LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_searcher LOGIN NOINHERIT IN ROLE crm_searcher;
CREATE ROLE crm_test_revealer LOGIN IN ROLE crm_revealer;
CREATE ROLE crm_test_backup LOGIN IN ROLE crm_backup, pg_write_server_files;
CREATE ROLE crm_test_custodian LOGIN IN ROLE crm_key_custodian;
CREATE ROLE crm_test_admin LOGIN IN ROLE crm_admin;
CREATE ROLE crm_test_data_admin LOGIN IN ROLE crm_data_admin;

CREATE SCHEMA lab;
GRANT ALL ON SCHEMA lab TO PUBLIC;
CREATE TABLE lab.contact (id int PRIMARY KEY, phone phone UNIQUE NOT NULL, document id_number, name person_name, note private_text CHECK (id < 100000));
INSERT INTO lab.contact VALUES (1, '13800138000', '11010519491231002X', '张三丰', 'rang on Monday');
INSERT INTO lab.contact SELECT i, ('139' || lpad(i::text, 8, '0'))::phone FROM generate_series(2, 12000) i;
GRANT SELECT, INSERT, UPDATE ON lab.contact TO PUBLIC;
ANALYZE lab.contact;
-- What the mask hides; no output below may hold it.
CREATE FUNCTION lab.leaks(shown text) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT shown ~ '0013|4949|194912|丰|Monday|rang' $$;
SET crm.pii_output = envelope;
SELECT phone::text AS phone_envelope, document::text AS document_envelope FROM lab.contact WHERE id = 1 \gset
RESET crm.pii_output;

-- 1. guessing: plain input by a reader, in every shape
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT '13800138000'::phone$$, '42501', NULL, 'a reader cannot write phone');
SELECT throws_ok($$SELECT '11010519491231002X'::id_number$$, '42501', NULL, 'nor id_number');
SELECT throws_ok($$SELECT '6222021234567890128'::bank_card$$, '42501', NULL, 'nor bank_card');
SELECT throws_ok($$SELECT 'a@example.com'::email$$, '42501', NULL, 'nor email');
SELECT throws_ok($$SELECT '张三丰'::person_name$$, '42501', NULL, 'nor person_name');
SELECT throws_ok($$SELECT '北京市朝阳区'::postal_address$$, '42501', NULL, 'nor postal_address');
SELECT throws_ok($$SELECT 'note'::private_text$$, '42501', NULL, 'nor private_text');
SELECT throws_ok($$SELECT id FROM lab.contact WHERE phone = '13800138000'$$, '42501', NULL, 'a guess in WHERE');
SELECT throws_ok($$SELECT id FROM lab.contact WHERE phone = ANY ('{13800138000,13800138001}')$$, '42501', NULL, 'ten thousand guesses in an array');
SELECT throws_ok($$SELECT json_populate_record(NULL::lab.contact, '{"phone": "13800138000"}')$$, '42501', NULL, 'a guess in json');
SELECT throws_ok($$SELECT '(1,13800138000,,,)'::lab.contact$$, '42501', NULL, 'a guess in a row literal');
SELECT throws_ok($$INSERT INTO lab.contact VALUES (99999, '13800138000')$$, '42501', NULL, 'a guess at the unique index');
SELECT throws_ok($$CREATE DOMAIN lab.my_phone AS phone; SELECT '13800138000'::lab.my_phone$$, '42501', NULL, 'a guess through a domain');
SELECT throws_ok($$SELECT phone_in('13800138000')$$, '42501', NULL, 'the input function by name');
-- invalid plain values are refused for the missing right, not judged: no oracle of validity
SELECT throws_ok($$SELECT '1'::phone$$, '42501', NULL, 'what is wrong with a value is not told either');
RESET SESSION AUTHORIZATION;

-- 2. the right of both users counts
SET ROLE crm_test_reader;
SELECT throws_ok($$SELECT '13800138000'::phone$$, '42501', NULL, 'a superuser who became a reader is one');
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_writer;
SELECT lives_ok($$SELECT '13800138000'::phone$$, 'a writer writes');
CREATE FUNCTION lab.agent(guess text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT count(*) FROM lab.contact WHERE phone = guess::crm.phone $$;
SELECT is(lab.agent('13800138000'), 1::bigint, 'a function of the writer works for the writer');
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT lab.agent('13800138000')$$, '42501', NULL, 'and not for a reader: nothing is laundered');
CREATE FUNCTION lab.trap(guess text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT count(*) FROM lab.contact WHERE phone = guess::crm.phone $$;
SET SESSION AUTHORIZATION crm_test_writer;
SELECT throws_ok($$SELECT lab.trap('13800138000')$$, '42501', NULL, 'a function of the reader gets nothing from a writer who calls it');
SET SESSION AUTHORIZATION crm_test_searcher;
SELECT throws_ok($$SELECT '13800138000'::phone$$, '42501', NULL, 'NOINHERIT: not before SET ROLE');
SET ROLE crm_searcher;
SELECT lives_ok($$SELECT '13800138000'::phone$$, 'NOINHERIT: after SET ROLE');
RESET ROLE;
RESET SESSION AUTHORIZATION;

-- 3. looking: every way to text is the mask
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(phone::text, '138****8000', 'cast to text') FROM lab.contact WHERE id = 1;
SELECT is(shown, false, 'no leak by ' || way) FROM (
    SELECT way, lab.leaks(shown) AS shown FROM lab.contact, LATERAL (VALUES
        ('varchar', phone::varchar), ('name', document::text::name::text), ('format', format('%s %s %s', phone, name, note)),
        ('to_json', to_json(contact)::text), ('jsonb', to_jsonb(contact)::text), ('row', contact::text),
        ('array', ARRAY[phone]::text), ('concat', concat(phone, document, name, note)), ('quote_literal', quote_literal(phone::text)),
        ('xml', xmlforest(phone, document)::text), ('array_to_string', array_to_string(ARRAY[document], ',')),
        ('phone_out', textin(phone_out(phone))), ('token', token(phone)::text || token(document)::text)) w(way, shown) WHERE id = 1) s;
SELECT is(lab.leaks(string_agg(phone::text || document::text, ',')), false, 'no leak by aggregation') FROM lab.contact WHERE id = 1;
SELECT throws_ok($$SELECT phone_send(phone) FROM lab.contact$$, '42501', NULL, 'the send function is not for queries');
SELECT throws_ok($$CREATE CAST (crm.phone AS bytea) WITHOUT FUNCTION$$, '42501', NULL, 'no cast of his own');
SELECT throws_ok($$CREATE FUNCTION lab.f(phone) RETURNS text LANGUAGE c AS 'crm', 'crm_pii_reveal'$$, '42501', NULL, 'no function of his own');
CREATE TABLE lab.copied AS SELECT * FROM lab.contact WHERE id = 1;
SELECT is(lab.leaks(copied::text), false, 'CREATE TABLE AS copies envelopes, which show masks') FROM lab.copied;
SELECT is(pg_typeof(phone)::text, 'phone', 'and keeps the type') FROM lab.copied;
SELECT throws_ok($$SELECT 1 FROM lab.contact WHERE phone LIKE '138%'$$, '42883', NULL, 'no LIKE');
SELECT throws_ok($$SELECT max(phone) FROM lab.contact$$, '42883', NULL, 'no aggregate that orders');

-- 4. dumping: envelopes for those who may, an error for others, never masks
SELECT throws_ok($$COPY lab.contact TO '/dev/null'$$, '42501', 'permission denied to dump personal data', 'COPY of the table');
SELECT throws_ok($$COPY lab.contact (phone) TO '/dev/null'$$, '42501', 'permission denied to dump personal data', 'COPY of a column');
SELECT lives_ok($$COPY (SELECT phone FROM lab.contact) TO '/dev/null'$$, 'COPY of a query writes masks');
SET crm.pii_output = envelope;
SELECT throws_ok($$SELECT phone::text FROM lab.contact$$, '42501', 'permission denied to dump personal data', 'the setting does not give the right');
RESET crm.pii_output;
SET application_name = 'pg_dump';
SELECT throws_ok($$SELECT phone::text FROM lab.contact$$, '42501', 'permission denied to dump personal data', 'nor does the application name');
RESET application_name;
DECLARE _pg_dump_cursor CURSOR FOR SELECT phone FROM lab.contact;
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
\set VERBOSITY sqlstate
FETCH 1 FROM _pg_dump_cursor;
SELECT is((:'SQLSTATE')::text, '42501', 'nor does the cursor');
\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set VERBOSITY default
CLOSE _pg_dump_cursor;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION lab.dumper() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET crm.pii_output = envelope
    AS $$ SELECT phone::text FROM lab.contact WHERE id = 1 $$;
SELECT ok(lab.dumper() LIKE 'crm1:%', 'a superuser''s function dumps for a superuser');
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT lab.dumper()$$, '42501', NULL, 'and for no reader');
SET SESSION AUTHORIZATION crm_test_backup;
SELECT lives_ok($$COPY lab.contact TO '/dev/null'$$, 'crm_backup dumps');
SET crm.pii_output = envelope;
SELECT is(count(*) FILTER (WHERE phone::text LIKE 'crm1:%'), 12000::bigint, 'crm_backup reads envelopes') FROM lab.contact;
SELECT throws_ok($$SELECT reveal(phone, 'backup') FROM lab.contact$$, '42501', NULL, 'and reveals nothing');
SELECT throws_ok($$SELECT '13800138000'::phone$$, '42501', NULL, 'and guesses nothing');
RESET crm.pii_output;
RESET SESSION AUTHORIZATION;

-- 5. parallel workers see the setting and the rights of the leader
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
CREATE FUNCTION lab.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; whole text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE) ' || query LOOP whole := whole || line || E'\n'; END LOOP;
    RETURN whole;
END $$;
SELECT alike(lab.plan($$SELECT count(*) FILTER (WHERE phone::text LIKE 'crm1:%') FROM lab.contact$$), '%Partial Aggregate%', 'the query runs in workers');
SELECT is(count(*) FILTER (WHERE phone::text LIKE 'crm1:%'), 0::bigint, 'workers print masks') FROM lab.contact;
SELECT is(count(*) FILTER (WHERE phone::text ~ '^13[89]\*{4}\d{4}$'), 12000::bigint, 'of every row') FROM lab.contact;
SET crm.pii_output = envelope;
SELECT is(count(*) FILTER (WHERE phone::text LIKE 'crm1:%'), 12000::bigint, 'workers print envelopes when asked to') FROM lab.contact;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT count(*) FILTER (WHERE phone::text LIKE 'crm1:%') FROM lab.contact$$, '42501', NULL, 'workers know who asks');
RESET crm.pii_output;
SELECT throws_ok($$SELECT count(*) FROM lab.contact WHERE phone = ('1380013800' || id % 10)::phone$$, '42501', NULL, 'and refuse guesses');
RESET SESSION AUTHORIZATION;
RESET max_parallel_workers_per_gather;

-- 6. statistics, plans, messages
SELECT is(count(*), 0::bigint, 'pg_stats has neither values nor frequencies') FROM pg_stats
 WHERE schemaname = 'lab' AND tablename = 'contact' AND attname IN ('phone', 'document', 'name', 'note')
   AND (most_common_vals IS NOT NULL OR most_common_freqs IS NOT NULL OR histogram_bounds IS NOT NULL);
SELECT is(count(*), 4::bigint, 'though ANALYZE did look at them') FROM pg_stats
 WHERE schemaname = 'lab' AND tablename = 'contact' AND attname IN ('phone', 'document', 'name', 'note');
SET SESSION AUTHORIZATION crm_test_writer;
SELECT alike(lab.plan($$SELECT * FROM lab.contact WHERE phone = '13800138000'$$), '%138****8000%', 'EXPLAIN shows a literal masked');
SELECT is(lab.leaks(lab.plan($$SELECT * FROM lab.contact WHERE phone = '13800138000'$$)), false, 'and not plain');
CREATE FUNCTION lab.message(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text; c text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(E'\n', SQLSTATE, m, d, h, c);
END $$;
SELECT is(lab.leaks(shown), false, 'no value in: ' || what) FROM (VALUES
    ('unique violation', lab.message($$INSERT INTO lab.contact SELECT 99999, phone FROM lab.contact WHERE id = 1$$)),
    ('check violation', lab.message($$INSERT INTO lab.contact SELECT 100000, phone, document, name, note FROM lab.contact WHERE id = 1$$)),
    ('not null violation', lab.message($$INSERT INTO lab.contact SELECT 99999, NULL, document, name, note FROM lab.contact WHERE id = 1$$))) m(what, shown);
SELECT alike(lab.message($$INSERT INTO lab.contact SELECT 99999, phone FROM lab.contact WHERE id = 1$$), '%138****8000%', 'a violation does show the mask');
SELECT unalike(lab.message(statement), '%77777%', 'an invalid value is not repeated: ' || statement) FROM (VALUES
    ($$SELECT '13777777'::crm.phone$$), ($$SELECT '77777'::crm.id_number$$), ($$SELECT '7777777777777'::crm.bank_card$$), ($$SELECT '77777'::crm.email$$),
    ($$SELECT '77777'::crm.person_name$$), ($$SELECT E'77777\x01'::crm.postal_address$$), ($$SELECT '77777*'::crm.phone$$), ($$SELECT 'crm1:77777'::crm.phone$$),
    ($$DO 'BEGIN PERFORM ''77777''::crm.phone; END'$$)) s(statement);
SELECT alike(lab.message($$SELECT '77777'::crm.phone$$), '22P02%', 'and the state is 22P02');
RESET SESSION AUTHORIZATION;

-- 7. envelopes are taken from anybody, genuine ones only
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is((:'phone_envelope')::phone::text, '138****8000', 'a genuine envelope');
SELECT throws_ok(format('SELECT %L::phone', overlay(:'phone_envelope' placing 'AAAA' from 60)), '22P02', NULL, 'an altered one');
SELECT throws_ok(format('SELECT %L::id_number', :'phone_envelope'), '22P02', NULL, 'one of another type');
SELECT throws_ok(format('SELECT %L::phone', left(:'phone_envelope', 60)), '22P02', NULL, 'a cut one');
SELECT throws_ok(format('SELECT %L::phone', left(:'phone_envelope', 40) || right(:'document_envelope', -40)), '22P02', NULL, 'a spliced one');
SELECT throws_ok($$SELECT '138****8000'::phone$$, '22P02', NULL, 'a mask is refused before the right is asked for');
RESET SESSION AUTHORIZATION;

-- 8. reveal
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT reveal(phone, 'curiosity') FROM lab.contact WHERE id = 1$$, '42501', NULL, 'no role');
SELECT throws_ok($$SELECT reveal(NULL::phone, 'curiosity')$$, '42501', NULL, 'not even of null');
SET SESSION AUTHORIZATION crm_test_writer;
SELECT throws_ok($$SELECT reveal(phone, 'curiosity') FROM lab.contact WHERE id = 1$$, '42501', NULL, 'a writer is no revealer');
SET SESSION AUTHORIZATION crm_test_revealer;
SELECT is(reveal(phone, 'call back'), '+8613800138000', 'role and purpose') FROM lab.contact WHERE id = 1;
SELECT is(reveal(note, 'call back'), 'rang on Monday', 'private text too') FROM lab.contact WHERE id = 1;
SELECT throws_ok(format('SELECT reveal(phone, %s) FROM lab.contact WHERE id = 1', purpose), '22023', NULL, 'purpose: ' || purpose)
  FROM (VALUES ('NULL'), ($$''$$), ($$'   '$$), ($$'　'$$), ($$E'a\nb'$$), ($$E'a\x7f'$$), ($$E'a\u202eb'$$), ($$repeat('x', 201)$$)) p(purpose);
SELECT lives_ok($$SELECT reveal(phone, repeat('话', 200)) FROM lab.contact WHERE id = 1$$, '200 characters are enough');
SELECT throws_ok($$SELECT '13800138000'::phone$$, '42501', NULL, 'a revealer does not guess');
CREATE FUNCTION lab.show(who int) RETURNS text LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT crm.reveal(phone, 'agent') FROM lab.contact WHERE id = who $$;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT lab.show(1)$$, '42501', NULL, 'a revealer''s function reveals nothing to a reader');
CREATE FUNCTION lab.show_trap(who int) RETURNS text LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT crm.reveal(phone, 'agent') FROM lab.contact WHERE id = who $$;
SET SESSION AUTHORIZATION crm_test_revealer;
SELECT throws_ok($$SELECT lab.show_trap(1)$$, '42501', NULL, 'a reader''s function gets nothing from a revealer who calls it');
SELECT throws_ok($$SET LOCAL log_min_messages = panic$$, '42501', NULL, 'a revealer cannot silence the log');
RESET SESSION AUTHORIZATION;
SELECT is(bool_and(p.provolatile = 'v' AND p.proparallel = 'u' AND NOT p.proisstrict), true, 'reveal is volatile, never parallel, never skipped for null')
  FROM pg_proc p WHERE p.pronamespace = 'crm'::regnamespace AND p.proname = 'reveal' HAVING count(*) = 7;

-- 9. keys and masks belong to their keepers
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT key_generate()$$, '42501', NULL, 'a reader makes no keys');
SELECT throws_ok($$SELECT * FROM crm_secure.key_ring$$, '42501', NULL, 'and reads none');
SELECT throws_ok($$SELECT current_setting('crm.key_file')$$, '42501', NULL, 'nor learns where they are');
SELECT throws_ok($$SET crm.key_file = '/tmp/x'$$, '42501', NULL, 'nor says where they are');
SELECT throws_ok($$SET crm.key_command = 'id'$$, '42501', NULL, 'nor runs a command');
SELECT is(source, 'file', 'he may ask how they stand') FROM key_status();
SELECT throws_ok($$SELECT mask_set('phone', 'public', 3::smallint, 4::smallint)$$, '42501', NULL, 'he sets no masks');
SELECT throws_ok($$INSERT INTO crm.mask_setting VALUES ('phone', 'public', 3, 4)$$, '42501', NULL, 'nor writes their table');
SET SESSION AUTHORIZATION crm_test_custodian;
SET client_min_messages = warning;
SELECT lives_ok($$SELECT key_generate()$$, 'the custodian makes keys');
RESET client_min_messages;
SELECT throws_ok($$SELECT * FROM crm_secure.key_ring$$, '42501', NULL, 'and reads none, not even wrapped');
SELECT throws_ok($$SELECT reveal(phone, 'custody') FROM lab.contact$$, '42501', NULL, 'and reveals nothing');
SET SESSION AUTHORIZATION crm_test_admin;
SELECT lives_ok($$SELECT mask_set('phone', 'crm_test_reader', 3::smallint, 2::smallint)$$, 'crm_admin narrows a mask');
SELECT throws_ok($$SELECT mask_set('id_number', 'crm_test_reader', 6::smallint, 4::smallint)$$, '42501', NULL, 'and widens none');
SELECT throws_ok($$SELECT mask_reset('phone', 'crm_test_reader')$$, '42501', NULL, 'nor takes a narrow one back');
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT throws_ok($$SELECT mask_set('phone', 'public', 7::smallint, 4::smallint)$$, '22023', NULL, 'nobody shows a whole number');
SELECT throws_ok($$SELECT mask_set('phone', 'public', (-1)::smallint, 4::smallint)$$, '22023', NULL, 'nor less than nothing');
SELECT lives_ok($$SELECT mask_set('id_number', 'crm_test_writer', 6::smallint, 4::smallint)$$, 'crm_data_admin widens a mask');
SELECT is(phone::text, '138****8000', 'others keep the default') FROM lab.contact WHERE id = 1;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(phone::text, '138******00', 'the reader sees the narrow mask') FROM lab.contact WHERE id = 1;
SELECT is(document::text, '1****************X', 'and the default one') FROM lab.contact WHERE id = 1;
SET SESSION AUTHORIZATION crm_test_writer;
SELECT is(document::text, '110105********002X', 'the writer sees the wide one') FROM lab.contact WHERE id = 1;
CREATE FUNCTION lab.look() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT document::text || ' ' || phone::text FROM lab.contact WHERE id = 1 $$;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(lab.look(), '1****************X 138******00', 'a function of the writer shows the reader what the reader may see');
RESET SESSION AUTHORIZATION;
SELECT is(mask_reset('phone', 'crm_test_reader'), true, 'taken back');
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(phone::text, '138****8000', 'at once') FROM lab.contact WHERE id = 1;
RESET SESSION AUTHORIZATION;

-- 10. what the planner may use under row security
SELECT is(count(*), 6::bigint, 'every comparison of phone is LEAKPROOF') FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
 WHERE o.oprleft = 'phone'::regtype AND p.proleakproof AND p.provolatile = 'i';
ALTER TABLE lab.contact ENABLE ROW LEVEL SECURITY;
CREATE POLICY slow ON lab.contact USING (length(phone::text) > 0);
SET SESSION AUTHORIZATION crm_test_writer;
SELECT alike(lab.plan($$SELECT * FROM lab.contact WHERE phone = '13800138000'$$), '%Index Cond: (contact.phone =%', 'row security keeps the index');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
