-- Proves: under row security a look-up by customer code still uses the index, because
-- the code's comparison is leakproof. Measured by what was read, not by EXPLAIN; a
-- look-up by an expression that is not leakproof reads the whole table.
BEGIN;
SELECT plan(7);
SET LOCAL search_path = public, crm;
CREATE FUNCTION pg_temp.visible(crm.customer_code) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';
CREATE TABLE crm_test_secured AS
SELECT crm.customer_code('2026-01-01'::date + n / 1000, n % 1000 + 1) AS code, 'K' || n AS label FROM generate_series(0, 19999) n;
CREATE UNIQUE INDEX crm_test_secured_code ON crm_test_secured (code);
CREATE INDEX crm_test_secured_label ON crm_test_secured (lower(label));
ANALYZE crm_test_secured;
ALTER TABLE crm_test_secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON crm_test_secured USING (pg_temp.visible(code));
CREATE ROLE crm_test_sales;
GRANT SELECT ON crm_test_secured TO crm_test_sales;
-- Rows read by scanning the table, and rows fetched for an index.
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT pg_stat_get_xact_tuples_returned('crm_test_secured'::regclass)
               + pg_stat_get_xact_tuples_fetched('crm_test_secured_code'::regclass) $$;
SET ROLE crm_test_sales;

SELECT pg_temp.rows_read() AS before \gset
SELECT is(label, 'K12345', 'found') FROM crm_test_secured WHERE code = 'CUST202601130346';
SELECT is(pg_temp.rows_read() - :before, 1::bigint, 'one row read for one code');

SELECT pg_temp.rows_read() AS before \gset
SELECT is(count(*), 10::bigint, 'a range') FROM crm_test_secured WHERE code BETWEEN 'CUST202601130001' AND 'CUST202601130010';
SELECT is(pg_temp.rows_read() - :before, 10::bigint, 'ten rows read for ten codes');

SELECT pg_temp.rows_read() AS before \gset
SELECT is(max(code), 'CUST202601201000', 'the latest') FROM crm_test_secured;
SELECT is(pg_temp.rows_read() - :before, 1::bigint, 'one row read for the latest');

-- The control: were the comparison not leakproof, it would look like this.
SELECT pg_temp.rows_read() AS before \gset
SELECT count(*) FROM crm_test_secured WHERE lower(label) = 'k12345' \gset
SELECT cmp_ok(pg_temp.rows_read() - :before, '>=', 20000::bigint, 'all rows read for one label');
SELECT * FROM finish();
ROLLBACK;
