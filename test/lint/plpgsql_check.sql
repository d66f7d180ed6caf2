-- Proves: every plpgsql function of ours is sound against the tables as deployed, which
-- plpgsql itself finds out at the first call only: names, types, unused variables, and
-- dynamic SQL that could be injected into. Trigger functions are checked with each of their tables.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS plpgsql_check;
SELECT no_plan();

CREATE TEMPORARY TABLE checked AS
SELECT p.oid::regprocedure AS function, coalesce(t.tgrelid, 0)::regclass AS relation, f.*
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname IN ('crm', 'crm_data', 'crm_report', 'crm_secure')
  JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
  LEFT JOIN (SELECT DISTINCT ON (tgfoid, tgrelid) tgfoid, tgrelid, tgoldtable, tgnewtable FROM pg_trigger WHERE NOT tgisinternal) t ON t.tgfoid = p.oid
  LEFT JOIN LATERAL plpgsql_check_function_tb(p.oid, coalesce(t.tgrelid, 0), fatal_errors => false, security_warnings => true,
                                              oldtable => t.tgoldtable, newtable => t.tgnewtable) f ON true;

SELECT cmp_ok((SELECT count(DISTINCT function) FROM checked), '>', 20::bigint, 'there are functions to check');
SELECT is_empty($$SELECT function, relation FROM checked WHERE relation = 0 AND function::oid IN
                    (SELECT oid FROM pg_proc WHERE prorettype = 'trigger'::regtype)$$, 'every trigger function has a table to check it with');
SELECT is_empty(
    $$SELECT function, relation, level, lineno, message, detail, query FROM checked WHERE message IS NOT NULL$$,
    'plpgsql_check finds nothing');

SELECT * FROM finish();
ROLLBACK;
