-- Proves: a query of other columns than are read is an error in words for whoever may call the solvers, which
-- is everybody, and does not bring the server down; models are applied in parallel workers, also by one that
-- has not read the model before; and what aggregates say does not depend on who adds up.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();

CREATE TABLE sample AS SELECT g, g * 7919 % 1000 < 300 + g % 17 * 20 AS y, (g % 17)::float8 AS x, (g * 7919 % 1000)::float8 / 10 AS s, 'b' || g % 9 AS w,
    ARRAY[(g % 17)::float8, (g * 31 % 101)::float8] AS xs FROM generate_series(1, 20000) g;
ALTER TABLE sample ADD PRIMARY KEY (g), SET (parallel_workers = 2);
ANALYZE sample;

-- -- columns that are not those ---------------------------------------------------------------

SET ROLE crm_reader;
SELECT throws_ok(format('SELECT * FROM crm.rfm_solve(%L, 5, %L)', query, type), '42804', NULL, format('rfm_solve: %s as %s', query, type))
  FROM (VALUES ('select 1, 2, 3::float8', 'text'), ('select 1::text, 2, 3::float8', 'integer'), ('select 1, 2, 3::float8', 'box'), ('select 1, 2, 3::float8', '"any"'), ('select 1, 2', 'integer'),
               ('select 1, 2, 3', 'integer'), ('select 1, 2::bigint, 3::float8', 'integer'), ('select 1, 2, ''3''::text', 'integer'), ('select 1, 2, 3::float8, 4', 'integer'),
               ('select 1::numeric, 2, 3::float8', 'numeric'), ('', 'integer'), ('commit', 'integer')) q (query, type);
SELECT results_eq($$SELECT customer, monetary FROM crm.rfm_solve('select 1::text, 2, 3.5::numeric', 5, 'text')$$, $$VALUES ('1', 3.5::float8)$$, 'those that are read are read');
SELECT throws_ok(format('SELECT crm.scorecard_solve(%L, %L, 600, 19, 50)', query, names), '42804', NULL, format('scorecard_solve: %s for %s', query, names))
  FROM (VALUES ('select 1, 2::float8', '{x}'), ('select true, 2', '{x}'), ('select true, 2::float8', '{x,y}'), ('select true, 2::float8', '{}'), ('select true, ''2''::name', '{x}'),
               ('select true', '{x}'), ('select true, 2::float8, 3::float8', '{x}'), ('select true, ''{2}''::text[]', '{x}')) q (query, names);
RESET ROLE;

-- -- in parallel ------------------------------------------------------------------------------

CALL scorecard_fit('attack', 'sample', 'y', '{x,s,w}');
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan; RETURN plan; END $$;
CREATE FUNCTION pg_temp.aggregates(OUT a float8, OUT b float8, OUT c float8, OUT d text, OUT e text) LANGUAGE sql AS
$$ SELECT roc_auc(y, s), ks_statistic(y, s), information_value(y, w)::numeric(20, 12)::float8, woe_bins(y, x)::text, woe_bins(y, w)::text FROM sample $$;
CREATE FUNCTION pg_temp.total() RETURNS bigint LANGUAGE sql AS $$ SELECT sum((score_row('attack', t)).total) FROM sample t $$;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT matches(pg_temp.plan_of($$SELECT sum((score_row('attack', t)).total) FROM sample t$$), 'Partial', 'scoring goes in parallel');
SELECT pg_temp.total() AS total \gset
SELECT pg_temp.aggregates() AS said \gset
SET max_parallel_workers_per_gather = 0;
SELECT is(pg_temp.total(), :total::bigint, 'with the same totals');
SELECT is(pg_temp.aggregates()::text, :'said', 'and the aggregates say the same');
SET max_parallel_workers_per_gather = 2;
CALL scorecard_fit('attack', 'sample', 'y', '{x}');
SELECT pg_temp.total() AS total \gset
SET max_parallel_workers_per_gather = 0;
SELECT is(pg_temp.total(), :total::bigint, 'also after the model has changed');
SELECT * FROM finish();
