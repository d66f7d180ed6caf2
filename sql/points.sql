-- Proves: the points ledger reads and prints one form of each value, travels in binary,
-- adds up exactly in plain, parallel and moving sums, answers for a given day, sorts,
-- groups and hashes by value, and refuses what is too big, too long or malformed.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET search_path = public, crm;

-- Text.
SELECT '{120@2027-12-31, 50:gift@2026-06-30, hold 17: 40@2027-12-31}'::points_ledger;
SELECT '{5@never, debt 106}'::points_ledger, '{}'::points_ledger, '{1@never, -1@never}'::points_ledger AS nothing;
SELECT '{1@2026-02-29}'::points_ledger;
SELECT '{9223372036854775808@never}'::points_ledger;
SELECT '{hold 1: debt 5}'::points_ledger;
SELECT '120'::points_ledger;
SELECT ('{' || string_agg('hold ' || n || ': 1@never', ',') || '}')::points_ledger FROM generate_series(1, 401) n;

-- Arithmetic.
SELECT '{10@2026-06-30, debt 3}'::points_ledger + '{5@2026-06-30, 7:gift@never}' AS sum,
       '{10@2026-06-30}'::points_ledger - '{10@2026-06-30, 1@never}' AS difference,
       - '{10@2026-06-30, debt 3}'::points_ledger AS negative;
SELECT '{9223372036854775807@never}'::points_ledger + '{1@never}';
SELECT '{9223372036854775807@never}'::points_ledger + '{1:gift@never}' AS sum_of_available_does_not_fit;
SELECT a::text, b::text, a::points_ledger @> b::points_ledger AS covers, b::points_ledger <@ a::points_ledger AS covered
  FROM (VALUES ('{10@never}', '{9@never}'), ('{10@never}', '{}'), ('{10@never}', '{1@2026-01-01}'), ('{}', '{-1@never}')) v (a, b);
CREATE TABLE points_sample AS
SELECT n, ('{' || n % 7 || '@20' || 20 + n % 30 || '-12-31, hold ' || n || ': 1@never, debt ' || n % 3 || '}')::points_ledger AS l
  FROM generate_series(1, 300) n;
SELECT count(*) FILTER (WHERE (a.l + b.l) - b.l = a.l) AS returns, count(*) FILTER (WHERE a.l + b.l = b.l + a.l) AS commutes, count(*)
  FROM points_sample a, points_sample b WHERE a.n < 40 AND b.n < 40;
SELECT count(*) FILTER (WHERE l::text::points_ledger = l) AS same_text, count(DISTINCT l), count(DISTINCT l::text) FROM points_sample;

-- Questions.
SELECT d, available(l, d), expiring(l, d), held(l), debt(l), next_expiry(l)
  FROM (VALUES ('{10@2026-06-30, 20@2026-12-31, 40@never, hold 2: 80@2026-06-30}'::points_ledger), ('{debt 7}'), ('{}')) v (l),
       (VALUES ('-infinity'::date), ('2026-06-30'), ('2026-07-01'), ('infinity')) w (d);
SELECT * FROM lots('{120@2027-12-31, 50:gift@2026-06-30, hold 17: 40@2027-12-31, debt 1}');
SELECT count(*) FROM lots('{}');

-- Sums: in any order, in a moving frame, in parallel; more lots on the way than fit are no matter.
SELECT sum(l) FROM points_sample WHERE n <= 3;
SELECT sum(l) FROM points_sample WHERE false;
SELECT sum(l) IS NULL AS null_only FROM (VALUES (NULL::points_ledger)) v (l);
SELECT n, sum(l) OVER (ORDER BY n ROWS 1 PRECEDING) FROM points_sample WHERE n <= 4;
SELECT bool_and(moving = (SELECT sum(p.l) FROM points_sample p WHERE p.n BETWEEN s.n - 2 AND s.n)) AS frames_are_exact
  FROM (SELECT n, sum(l) OVER (ORDER BY n ROWS 2 PRECEDING) AS moving FROM points_sample WHERE n <= 60) s;
SELECT sum(x) AS nothing_is_left FROM (SELECT l AS x FROM points_sample UNION ALL SELECT l FROM points_sample UNION ALL SELECT -l FROM points_sample UNION ALL SELECT -l FROM points_sample) v;
SELECT sum(l) AS too_many_lots FROM (SELECT ('{hold ' || n || ': 1@never}')::points_ledger AS l FROM generate_series(1, 401) n) v;
SELECT sum(l) FROM (VALUES ('{9223372036854775807@never}'::points_ledger), ('{1@never}')) v (l);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE points_sample SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT sum(l) FROM points_sample;
SELECT sum(l) = (SELECT sum(l ORDER BY n) FROM points_sample) AS parallel_is_serial FROM points_sample;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- Indexes, hashing, grouping.
SELECT am.amname, c.opcname, c.opcdefault, amvalidate(c.oid)
  FROM pg_opclass c JOIN pg_am am ON am.oid = c.opcmethod WHERE c.opcintype = 'points_ledger'::regtype ORDER BY 1, 2;
SELECT count(*) FILTER (WHERE points_ledger_hash(a.l) = points_ledger_hash(b.l)) = count(*) AS hash_agrees
  FROM points_sample a JOIN points_sample b ON a.l = b.l;
SELECT count(*) FROM (SELECT l FROM points_sample EXCEPT SELECT l FROM points_sample WHERE n > 1) v;
SELECT typstorage, typalign FROM pg_type WHERE oid = 'points_ledger'::regtype;

-- Binary: the stored bytes; what is not canonical is refused.
SELECT points_ledger_send('{7@0001-01-01, 5:x@0001-01-02, hold 3: 1@0001-01-01}');
SELECT current_setting('data_directory') || '/crm_points_test.bin' AS file \gset
CREATE TABLE points_copy (l points_ledger);
COPY (SELECT l FROM points_sample) TO :'file' (FORMAT binary);
COPY points_copy FROM :'file' (FORMAT binary);
SELECT count(*) FROM points_copy c JOIN points_sample s ON c.l = s.l;
COPY (SELECT '\x010002'::bytea) TO :'file' (FORMAT binary);
COPY points_copy FROM :'file' (FORMAT binary);
COPY (SELECT '\x01010204'::bytea) TO :'file' (FORMAT binary);
COPY points_copy FROM :'file' (FORMAT binary);
\set ECHO none
SELECT format('COPY (SELECT) TO PROGRAM %L', 'rm -f ' || :'file') \gexec
\set ECHO all
DROP TABLE points_copy, points_sample;
