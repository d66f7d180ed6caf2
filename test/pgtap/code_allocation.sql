-- Proves: only writers allocate, and only through the functions; the counter is out
-- of everybody's reach; the day is the company's, whatever the session's zone; each
-- refusal has its SQLSTATE; a scheme in use keeps its rule.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = error;
SET LOCAL search_path = public, crm;
CREATE ROLE crm_test_nobody;
CREATE ROLE crm_test_reader IN ROLE crm_reader;
CREATE ROLE crm_test_writer IN ROLE crm_writer;
CREATE ROLE crm_test_admin IN ROLE crm_data_admin;

-- Every function that reads or writes the tables of the room, and the two that lead to them.
CREATE TEMP VIEW of_room AS
SELECT oid::regprocedure AS f FROM pg_proc
 WHERE pronamespace = 'crm'::regnamespace AND prokind = 'f' AND prorettype <> 'trigger'::regtype
   AND prosrc ~ 'crm_data\.(code_|customer_code_alias|external_id)|code_take_block|code_next_step';
SELECT cmp_ok(count(*), '>=', 14::bigint, 'functions found') FROM of_room;
SELECT ok(NOT has_function_privilege('crm_test_nobody', f, 'EXECUTE'), f || ' is not for everybody') FROM of_room;
SELECT ok(NOT has_schema_privilege(r, 'crm_data', 'USAGE'), r || ' cannot name the tables')
  FROM unnest('{crm_test_nobody,crm_test_reader,crm_test_writer}'::text[]) r;
SELECT ok(NOT has_table_privilege(r, 'crm_data.' || t, p), r || ' has no ' || p || ' on ' || t)
  FROM unnest('{crm_test_nobody,crm_test_reader,crm_test_writer,crm_test_admin}'::text[]) r,
       unnest('{code_counter,code_scheme,customer_code_alias,external_id,external_id_claim}'::text[]) t,
       unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p;
SELECT ok(relrowsecurity AND relforcerowsecurity, relname || ' has row security, forced')
  FROM pg_class WHERE oid = ANY ('{crm_data.code_counter,crm_data.code_scheme,crm_data.customer_code_alias,crm_data.external_id,crm_data.external_id_claim}'::regclass[]);
SELECT ok(prosecdef AND pg_get_userbyid(proowner) = 'crm_owner' AND 'search_path=pg_catalog, crm, pg_temp' = ANY (proconfig),
          proname || ' runs as crm_owner, path pinned')
  FROM pg_proc WHERE oid = ANY ('{crm.next_customer_code(date\,text),crm.next_customer_codes(integer\,date\,text)}'::regprocedure[]);

SET ROLE crm_test_reader;
SELECT throws_ok('SELECT crm.next_customer_code()', '42501', NULL, 'a reader allocates no code');
SELECT throws_ok('SELECT crm.next_customer_codes(5)', '42501', NULL, 'nor a block');
SELECT throws_ok('SELECT crm.advance_code_counter(''CUST202001010009'')', '42501', NULL, 'nor uses codes up');
SELECT throws_ok('UPDATE crm_data.code_counter SET taken = 5', '42501', NULL, 'nor touches the counter');
SELECT lives_ok('SELECT * FROM crm.code_scheme', 'a reader sees the schemes');
SET ROLE crm_test_writer;
SELECT throws_ok('UPDATE crm_data.code_counter SET taken = 5', '42501', NULL, 'a writer does not touch the counter');
SELECT throws_ok('SELECT crm.code_take_block(''CUST'', ''2020-01-01'', 1)', '42501', NULL, 'nor goes round the checks');
SELECT throws_ok('SELECT crm.define_code_scheme(''X'', ''x'', ''x'')', '42501', NULL, 'nor defines schemes');
SELECT is(crm.next_customer_code('2019-05-01'), 'CUST201905010001', 'a writer allocates');
SELECT is(crm.next_customer_code('2019-05-01'), 'CUST201905010002', 'the next one');
SET ROLE crm_test_admin;
SELECT is(crm.next_customer_code('2019-05-01'), 'CUST201905010003', 'the data department allocates');
SELECT lives_ok($$SELECT crm.define_code_scheme('TRY', '试', 'Trial')$$, 'and defines schemes');
RESET ROLE;

-- The two zones never have the same date, so that one at least differs from the company's.
SELECT is(current_setting('crm.timezone'), 'Asia/Shanghai', 'the company''s zone');
SET LOCAL timezone = 'Pacific/Kiritimati';
SELECT is(crm.code_day(crm.next_customer_code()), (now() AT TIME ZONE 'Asia/Shanghai')::date, 'company''s day, seen from UTC+14');
SELECT current_date AS east \gset
SET LOCAL timezone = 'Etc/GMT+12';
SELECT is(crm.code_day(crm.next_customer_code()), (now() AT TIME ZONE 'Asia/Shanghai')::date, 'company''s day, seen from UTC-12');
SELECT is(crm.code_day(min(c)), (now() AT TIME ZONE 'Asia/Shanghai')::date, 'by block, too') FROM crm.next_customer_codes(2) c;
SELECT isnt(current_date, :'east'::date, 'the zones differ');
SET LOCAL timezone = 'UTC';

-- The end of the space; nothing is taken by the refused.
SELECT is(count(*), 9998::bigint, 'nearly all of a day') FROM crm.next_customer_codes(9998, '2019-06-01');
SELECT throws_ok($$SELECT crm.next_customer_codes(2, '2019-06-01')$$, 'KH013', NULL, 'a block beyond 9999 is refused');
SELECT is(crm.next_customer_code('2019-06-01'), 'CUST201906019999', 'the last one is still there');
SELECT throws_ok($$SELECT crm.next_customer_code('2019-06-01')$$, 'KH013', NULL, 'no code 10000 without widening');
SELECT is(crm.next_customer_code('2019-06-02'), 'CUST201906020001', 'the next day begins at 1');
SELECT lives_ok($$SELECT crm.define_code_scheme('CUST', '客户编号', 'Customer code', widen => true)$$, 'the scheme may widen');
SELECT is(crm.next_customer_code('2019-06-01'), 'CUST2019060110000', 'and goes on with five digits');
SELECT lives_ok($$SELECT crm.advance_code_counter('CUST201906019999998')$$, 'codes from elsewhere use the space up');
SELECT is(crm.next_customer_code('2019-06-01'), 'CUST201906019999999', 'as far as a code reaches');
SELECT throws_ok($$SELECT crm.next_customer_code('2019-06-01')$$, 'KH013', NULL, 'and no further');

SELECT throws_ok($$SELECT crm.next_customer_code(crm.company_today() + 2)$$, 'KH007', NULL, 'no day in the future');
SELECT throws_ok($$SELECT crm.next_customer_code('2019-06-01', 'NONE')$$, '22023', NULL, 'no unknown scheme');
SELECT throws_ok($$SELECT crm.next_customer_code(NULL)$$, '22004', NULL, 'no missing day');
SELECT throws_ok($$SELECT crm.next_customer_code('2019-06-01', NULL)$$, '22004', NULL, 'no missing scheme');
SELECT throws_ok($$SELECT crm.next_customer_codes(-1)$$, '22023', NULL, 'no negative block');
SELECT throws_ok($$SELECT 'CUST202602300001'::crm.customer_code$$, '22P02', NULL, 'no 30 February');

-- What was given stays given, also against the owner.
SELECT lives_ok($$SELECT crm.define_code_scheme('ONE', '一', 'One')$$, 'a scheme of its own');
SELECT is(crm.next_customer_code('2019-06-01', 'ONE'), 'ONE201906010001', 'which begins at 1');
SELECT throws_ok($$SELECT crm.define_code_scheme('ONE', '一', 'One', reset_period => 'year')$$, '23001', NULL, 'the period of a used scheme stays');
SELECT throws_ok($$SELECT crm.define_code_scheme('ONE', '一', 'One', widen => true, stripes => 4)$$, '23001', NULL, 'so do its stripes');
SELECT lives_ok($$SELECT crm.define_code_scheme('ONE', '一', 'One', serial_digits => 5)$$, 'its space may grow');
SELECT lives_ok($$SELECT crm.define_code_scheme('TRY', '试', 'Trial', reset_period => 'year')$$, 'an unused scheme may change');
SET ROLE crm_owner;
SELECT throws_ok('DELETE FROM crm_data.code_counter', '23001', NULL, 'no counter is deleted');
SELECT throws_ok('UPDATE crm_data.code_counter SET taken = 0', '23001', NULL, 'none goes back');
SELECT throws_ok('TRUNCATE crm_data.code_counter', '23001', NULL, 'none is emptied');
SELECT throws_ok('DELETE FROM crm_data.code_scheme WHERE scheme = ''ONE''', '23001', NULL, 'no used scheme is deleted');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
