-- Proves: a code leads to the customer who stands for it today, however it was retired
-- and whatever wrong pointer was written; it is never used again; and an identifier of
-- another system has one customer at most.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
CREATE ROLE crm_test_reader IN ROLE crm_reader;
CREATE ROLE crm_test_writer IN ROLE crm_writer;
CREATE ROLE crm_test_admin IN ROLE crm_data_admin;
CREATE FUNCTION pg_temp.c(serial integer) RETURNS crm.customer_code LANGUAGE sql IMMUTABLE
    AS $$ SELECT crm.customer_code('2018-03-04', serial) $$;
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, lifecycle_state)
SELECT pg_temp.c(n), 'organization', pg_temp.c(CASE n WHEN 3 THEN 2 WHEN 4 THEN 3 ELSE n END),
       CASE WHEN n IN (3, 4) THEN 'merged' ELSE 'registered' END FROM generate_series(1, 6) n;

SET ROLE crm_test_admin;
SELECT lives_ok($$SELECT crm.retire_customer_code(pg_temp.c(11), 'recoded', pg_temp.c(1))$$, 'a code is recoded');
SELECT lives_ok($$SELECT crm.retire_customer_code(pg_temp.c(12), 'merged', pg_temp.c(11))$$, 'another was merged into it elsewhere');
SELECT lives_ok($$SELECT crm.retire_customer_code(pg_temp.c(13), 'merged', pg_temp.c(4))$$, 'another into one that was merged here');
SELECT lives_ok($$SELECT crm.retire_customer_code(pg_temp.c(6), 'erased')$$, 'a customer is erased');
SELECT lives_ok($$SELECT crm.retire_customer_code(pg_temp.c(14), 'merged', pg_temp.c(6))$$, 'and one who was merged into him');

SET ROLE crm_test_reader;
SELECT is(crm.resolve(pg_temp.c(n)), CASE WHEN s > 0 THEN pg_temp.c(s) END, format('%s leads to %s', n, s))
  FROM (VALUES (1, 1), (2, 2), (3, 2), (4, 2), (11, 1), (12, 1), (13, 2), (6, 0), (14, 0), (99, 0)) v (n, s);
SELECT is((crm.code_fate(pg_temp.c(n))).fate, f, format('%s is %s', n, f))
  FROM (VALUES (1, 'current'), (3, 'merged'), (11, 'recoded'), (12, 'merged'), (6, 'erased'), (99, 'unknown')) v (n, f);
SELECT is((crm.code_fate(pg_temp.c(6))).since, crm.company_today(), 'the tombstone has its day');
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(5), 'erased')$$, '42501', NULL, 'a reader retires nothing');
RESET ROLE;

-- Circles: refused where they can be seen; where one was written all the same, the walk ends.
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(1), 'merged', pg_temp.c(12))$$, '22023', NULL, 'no circle by alias');
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(21), 'merged', pg_temp.c(21))$$, '23514', NULL, 'no code leads to itself');
UPDATE crm_data.customer SET survivor_code = pg_temp.c(4), lifecycle_state = 'merged' WHERE customer_code = pg_temp.c(2);
SELECT ok(crm.resolve(pg_temp.c(n)) BETWEEN pg_temp.c(2) AND pg_temp.c(4), 'a circle of merges ends, from ' || n) FROM unnest('{2,3,4,13}'::int[]) n;
UPDATE crm_data.customer SET survivor_code = pg_temp.c(2), lifecycle_state = 'registered' WHERE customer_code = pg_temp.c(2);
-- A long chain.
INSERT INTO crm_data.customer_code_alias (customer_code, survivor_code, reason)
SELECT pg_temp.c(n), pg_temp.c(n + 1), 'recoded' FROM generate_series(1000, 1499) n;
INSERT INTO crm_data.customer_code_alias (customer_code, survivor_code, reason) VALUES (pg_temp.c(1500), pg_temp.c(1), 'recoded');
SELECT is(crm.resolve(pg_temp.c(1000)), pg_temp.c(1), 'a chain of 501 steps');

-- Never again.
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(11), 'erased')$$, '23505', NULL, 'a code is retired once');
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(22), 'lost')$$, '23514', NULL, 'reasons are three');
SELECT throws_ok($$SELECT crm.retire_customer_code(pg_temp.c(22), 'erased', pg_temp.c(1))$$, '23514', NULL, 'an erased one has no survivor');
SELECT throws_ok($$INSERT INTO crm_data.customer (customer_code, kind, survivor_code) VALUES (pg_temp.c(11), 'group', pg_temp.c(11))$$,
                 '23505', NULL, 'a retired code is no new customer''s');
SELECT lives_ok($$INSERT INTO crm_data.customer (customer_code, kind, survivor_code) VALUES (pg_temp.c(7), 'group', pg_temp.c(7))$$, 'a fresh one is');
SET ROLE crm_owner;
SELECT throws_ok($$UPDATE crm_data.customer SET customer_code = pg_temp.c(8) WHERE customer_code = pg_temp.c(7)$$, '23001', NULL, 'a customer keeps the code');
SELECT throws_ok($$DELETE FROM crm_data.customer_code_alias$$, '23001', NULL, 'no tombstone is removed');
SELECT throws_ok($$UPDATE crm_data.customer_code_alias SET retired_on = '2000-01-01'$$, '23001', NULL, 'none is changed');
SELECT throws_ok($$TRUNCATE crm_data.customer_code_alias$$, '23001', NULL, 'not all at once');

-- Identifiers of other systems.
SET ROLE crm_test_writer;
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(1), 'billing', 'A-1')$$, 'an identifier is noted');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(1), 'billing', 'A-1')$$, 'again: nothing changes');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(1), 'billing', 'A-2')$$, 'a second of the same system');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(5), 'wechat', 'A-1')$$, 'the same text in another system');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(3), 'billing', 'B-1')$$, 'of one who was merged');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(2), 'billing', 'B-1')$$, 'his survivor has it already');
SELECT throws_ok($$SELECT crm.add_external_id(pg_temp.c(5), 'billing', 'A-1')$$, '23505', NULL, 'one identifier, one customer');
SELECT throws_ok($$SELECT crm.add_external_id(pg_temp.c(99), 'billing', 'C-1')$$, '23503', NULL, 'no such customer');
SELECT throws_ok($$SELECT crm.add_external_id(pg_temp.c(1), 'billing', '')$$, '23514', NULL, 'no empty identifier');
SELECT throws_ok($$SELECT crm.add_external_id(pg_temp.c(1), NULL, 'x')$$, '23502', NULL, 'no missing system');
SELECT is(crm.customer_by_external_id('billing', 'A-2'), pg_temp.c(1), 'found by identifier');
SELECT is(crm.customer_by_external_id('wechat', 'A-1'), pg_temp.c(5), 'found in the other system');
SELECT is(crm.customer_by_external_id('billing', 'B-1'), pg_temp.c(2), 'the survivor is found');
SELECT is(crm.customer_by_external_id('billing', 'C-1'), NULL, 'nobody: a refused claim leaves nothing');
SELECT ok(crm.remove_external_id(pg_temp.c(1), 'billing', 'A-1'), 'taken away');
SELECT ok(NOT crm.remove_external_id(pg_temp.c(1), 'billing', 'A-1'), 'it was there once');
SELECT lives_ok($$SELECT crm.add_external_id(pg_temp.c(5), 'billing', 'A-1')$$, 'now another may have it');
SET ROLE crm_owner;
SELECT throws_ok($$INSERT INTO crm_data.external_id (customer_code, system, value) VALUES (pg_temp.c(1), 'billing', 'Z-1')$$,
                 '23503', NULL, 'no identifier without its claim');
SELECT throws_ok($$INSERT INTO crm_data.external_id (customer_code, system, value) VALUES (pg_temp.c(1), 'wechat', 'A-1')$$,
                 '23503', NULL, 'nor with somebody else''s');
SET ROLE crm_test_reader;
SELECT throws_ok($$SELECT crm.add_external_id(pg_temp.c(5), 'billing', 'D-1')$$, '42501', NULL, 'a reader notes nothing');
SELECT throws_ok($$SELECT * FROM crm_data.external_id$$, '42501', NULL, 'and cannot name the table');
RESET ROLE;
-- The unified view reads it for whoever asks: readers see no row, and no error.
GRANT USAGE ON SCHEMA crm_data TO crm_test_reader;
SET ROLE crm_test_reader;
SELECT is(count(*), 0::bigint, 'a reader has no policy') FROM crm_data.external_id;
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
