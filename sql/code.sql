-- Proves: the customer code reads only canonical text of real days, prints and
-- sends what it read, sorts by day, scheme and serial in every index, and is
-- allocated in order, with a warning at 80 % of the space and an error at its end.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET search_path = public, crm;

-- Text: read and print.
SELECT 'CUST202603040001'::customer_code, 'cust202603040001'::customer_code AS lower,
       'A190001010001'::customer_code AS shortest, 'ZZZZ259912319999999'::customer_code AS longest,
       'CUST202402290001'::customer_code AS leap, 'VIP2026030410000'::customer_code AS wide;
SELECT 'CUST202602310001'::customer_code;
SELECT 'CUST202603040000'::customer_code;
SELECT 'CUST2026030400001'::customer_code;
SELECT 'CUST20260304001'::customer_code;
SELECT 'CUST202603040001 '::customer_code;
SELECT '202603040001'::customer_code;
SELECT 'MEMBER202603040001'::customer_code;
SELECT ''::customer_code;
SELECT v, customer_code_valid(v) FROM (VALUES ('CUST202603040001'), ('CUST202602310001'), ('13800138000'), ('客户202603040001')) t(v);

-- Parts, and the way back.
SELECT code_day(c), code_serial(c), code_scheme(c), customer_code(code_day(c), code_serial(c), code_scheme(c)) = c AS same
  FROM unnest('{CUST202603040001,GD189912310001}'::text[]) t(v), LATERAL (SELECT replace(v, '1899', '1900')::customer_code AS c) x;
SELECT customer_code('2026-03-04', 1), customer_code('2026-03-04', 9999999, 'gd');
SELECT customer_code('2026-03-04', 0);
SELECT customer_code('2026-03-04', 10000000);
SELECT customer_code('infinity', 1);
SELECT customer_code('1899-12-31', 1);
SELECT customer_code('2026-03-04', 1, '客户');

-- Binary: eight bytes; what is no code is refused.
SELECT customer_code_send('CUST202603040001');
SELECT current_setting('data_directory') || '/crm_code_test.bin' AS file \gset
CREATE TABLE code_copy (code customer_code);
COPY (SELECT unnest('{CUST202603040001,ZZZZ259912319999999,A190001010001}'::customer_code[])) TO :'file' (FORMAT binary);
COPY code_copy FROM :'file' (FORMAT binary);
SELECT * FROM code_copy ORDER BY code;
COPY (SELECT 0::bigint) TO :'file' (FORMAT binary);
COPY code_copy FROM :'file' (FORMAT binary);
COPY (SELECT -1::bigint) TO :'file' (FORMAT binary);
COPY code_copy FROM :'file' (FORMAT binary);
\set ECHO none
SELECT format('COPY (SELECT) TO PROGRAM %L', 'rm -f ' || :'file') \gexec
\set ECHO all

-- Operator classes are complete, and comparison is leakproof.
SELECT am.amname, c.opcname, c.opcdefault, amvalidate(c.oid)
  FROM pg_opclass c JOIN pg_am am ON am.oid = c.opcmethod WHERE c.opcintype = 'customer_code'::regtype ORDER BY 1, 2;
SELECT count(*) AS operators, bool_and(p.proleakproof) AS leakproof, bool_and(o.oprcom <> 0 AND o.oprnegate <> 0) AS paired
  FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE o.oprleft = 'customer_code'::regtype;

-- Order, by sort and by each index: day, scheme, serial.
CREATE TABLE code_order AS
SELECT customer_code('2026-03-01'::date + d, s, l) AS code, row_number() OVER (ORDER BY d, l COLLATE "C", s) AS rank
  FROM generate_series(0, 30) d, unnest('{A,AA,CUST,GD,ZZZZ}'::text[]) l, unnest('{1,2,9999,10000,9999999}'::int[]) s;
SELECT count(*) AS rows, bool_and(rank = by_code) AS in_order FROM (SELECT rank, row_number() OVER (ORDER BY code) AS by_code FROM code_order) t;
SELECT min(code), max(code) FROM code_order;
SET enable_seqscan = off;
CREATE INDEX code_order_btree ON code_order (code);
SELECT min(code), max(code), count(*) FROM code_order WHERE code >= customer_code('2026-03-04', 1, 'A') AND code < customer_code('2026-03-06', 1, 'A');
DROP INDEX code_order_btree;
CREATE INDEX code_order_hash ON code_order USING hash (code);
SELECT code FROM code_order WHERE code = 'GD2026030410000';
DROP INDEX code_order_hash;
CREATE INDEX code_order_brin ON code_order USING brin (code) WITH (pages_per_range = 1);
SELECT min(code), max(code), count(*) FROM code_order WHERE code BETWEEN 'A202603310001' AND 'CUST202603319999999';
DROP INDEX code_order_brin;
CREATE INDEX code_order_multi ON code_order USING brin (code customer_code_minmax_multi_ops) WITH (pages_per_range = 1);
SELECT min(code), max(code), count(*) FROM code_order WHERE code BETWEEN 'A202603310001' AND 'CUST202603319999999';
RESET enable_seqscan;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM code_order a JOIN code_order b USING (code);
RESET enable_mergejoin; RESET enable_nestloop;
CREATE TABLE code_parted (code customer_code) PARTITION BY HASH (code);
CREATE TABLE code_parted_0 PARTITION OF code_parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE code_parted_1 PARTITION OF code_parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO code_parted SELECT code FROM code_order;
SELECT abs(a - b) < 150 AS even, a + b AS rows FROM (SELECT (SELECT count(*) FROM code_parted_0) a, (SELECT count(*) FROM code_parted_1) b) t;
-- Codes of many days hash apart: of 300,000, some 10 collide by chance.
SELECT count(DISTINCT customer_code_hash(customer_code('2026-01-01'::date + d, s))) > 299900 AS apart
  FROM generate_series(0, 29) d, generate_series(1, 10000) s;
-- Assignment to text is allowed, comparison with text is not: the literal becomes a code.
CREATE TABLE code_text (t text);
INSERT INTO code_text VALUES (customer_code('2026-03-04', 1));
SELECT t, t::customer_code = 'cust202603040001' AS same FROM code_text;
SELECT 'CUST202603040001'::customer_code = 'CUST202603040001'::text;
DROP TABLE code_copy, code_order, code_parted, code_text;

-- Allocation: in order, by one and by block, on the company's day by default.
SELECT next_customer_code('2020-01-01'), next_customer_code('2020-01-01');
SELECT next_customer_codes(3, '2020-01-01');
SELECT next_customer_code('2020-01-01'), next_customer_code('2020-01-02') AS next_day;
SELECT code_day(next_customer_code()) = company_today() AS today;
SELECT next_customer_codes(0, '2020-01-01');
SELECT next_customer_codes(NULL, '2020-01-01');
SELECT next_customer_code(NULL);
SELECT next_customer_code('2020-01-01', 'NONE');
SELECT next_customer_code(company_today() + 2) IS NULL AS never;
SELECT next_customer_code('2020-01-01') AS still_without_gap;

-- 80 % warns, once; the end refuses, and takes nothing.
SELECT count(*) FROM next_customer_codes(7999, '2020-02-01');
SELECT next_customer_code('2020-02-01');
SELECT next_customer_code('2020-02-01');
SELECT count(*) FROM next_customer_codes(1999, '2020-02-01');
SELECT count(*), max(c) FROM next_customer_codes(1998, '2020-02-01') c;
SELECT next_customer_code('2020-02-01');
SELECT next_customer_code('2020-02-02') AS next_day;
SELECT count(*) FROM next_customer_codes(9999, '2020-02-03');
SELECT count(*) FROM next_customer_codes(10000, '2020-02-04');

-- A scheme that widens goes on with five digits; one that counts by the month runs on over its days.
SELECT define_code_scheme('WIDE', '宽', 'Wide', widen => true), define_code_scheme('MON', '月', 'Month', reset_period => 'month');
SELECT count(*), max(c) FROM next_customer_codes(9998, '2020-01-01', 'WIDE') c;
SELECT next_customer_codes(3, '2020-01-01', 'WIDE');
SELECT next_customer_code('2020-01-05', 'MON'), next_customer_code('2020-01-31', 'MON'), next_customer_code('2020-02-01', 'MON') AS reset;
SELECT advance_code_counter('WIDE2020010120000'), advance_code_counter('WIDE202001010007');
SELECT next_customer_code('2020-01-01', 'WIDE') AS after_advance;

-- Side by side: stripes give each serial once, also by block and after an advance.
SELECT define_code_scheme('SIDE', '并', 'Side', widen => true, stripes => 8);
SELECT count(DISTINCT c), min(c), max(c) FROM (SELECT next_customer_code('2020-01-01', 'SIDE') AS c FROM generate_series(1, 100)) t;
SELECT count(DISTINCT c) FROM next_customer_codes(1003, '2020-01-01', 'SIDE') c;
SELECT advance_code_counter('SIDE202001015005');
SELECT next_customer_code('2020-01-01', 'SIDE') > 'SIDE202001015005' AS after_advance;
SELECT count(*) FROM next_customer_codes(7000, '2020-01-01', 'SIDE');

-- Validity, and rules that hold once codes were given.
SELECT define_code_scheme('OLD', '旧', 'Old', valid_during => '(,2020-01-01)');
SELECT next_customer_code('2019-12-31', 'OLD');
SELECT next_customer_code('2020-01-01', 'OLD');
SELECT define_code_scheme('OLD', '旧', 'Old', widen => true, stripes => 2);
SELECT define_code_scheme('cust', '客', 'Lower');
SELECT define_code_scheme('NEW', '新', 'New', stripes => 2);
SELECT define_code_scheme('OLD', '旧', 'Old scheme', serial_digits => 5, valid_during => '(,2020-01-01)');
SELECT scheme, composition, reset_period, has_no_gaps, widen, valid_during, space FROM crm.code_scheme ORDER BY scheme;
DELETE FROM crm_data.code_scheme WHERE scheme = 'OLD';
DELETE FROM crm_data.code_counter;
TRUNCATE crm_data.code_counter;
UPDATE crm_data.code_counter SET taken = taken - 1 WHERE scheme = 'OLD';
