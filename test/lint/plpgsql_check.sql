-- Proves: every plpgsql function of ours is sound against the tables as deployed, which
-- plpgsql itself finds out at the first call only: names, types, unused variables, and
-- dynamic SQL that could be injected into. Trigger functions are checked with each of their tables.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS plpgsql_check;
SELECT no_plan();

CREATE TEMPORARY VIEW our_function AS
SELECT p.oid, p.prorettype = 'trigger'::regtype AS is_trigger
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname IN ('crm', 'crm_data', 'crm_report', 'crm_secure')
  JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql';
CREATE TEMPORARY VIEW target AS
SELECT oid, 0::oid AS relation, NULL::name AS oldtable, NULL::name AS newtable FROM our_function WHERE NOT is_trigger
UNION
SELECT f.oid, g.tgrelid, g.tgoldtable, g.tgnewtable FROM our_function f JOIN pg_trigger g ON g.tgfoid = f.oid WHERE f.is_trigger;
CREATE TEMPORARY TABLE checked AS
SELECT t.oid, t.relation, f.*
  FROM target t
  LEFT JOIN LATERAL plpgsql_check_function_tb(t.oid, t.relation, fatal_errors => false, security_warnings => true,
                                              oldtable => t.oldtable, newtable => t.newtable) f ON true;

-- What it finds and should not: function, message, why.
CREATE TEMPORARY TABLE allowed (function text, message text, why text NOT NULL);
INSERT INTO allowed VALUES
    ('crm.define_score_rule(text,jsonb)', 'text type variable is not sanitized', 'the kind is one of a list, and the names are the catalog''s, quoted'),
    ('crm.code_scheme_for(text,date)', 'unmodified OUT variable "scheme"', 'INOUT: hands the argument on'),
    ('crm.import_stage(text,regclass)', 'the expression is not SQL injection safe', 'quotes all names, and has its caller''s rights'),
    ('crm.completeness(text)', 'the expression is not SQL injection safe', 'quotes all names, and has its caller''s rights'),
    ('crm.cleaning_find(crm.customer_code[],text,integer,date)', 'text type variable is not sanitized', 'names and types are those of crm.cleaning_fields(), values are parameters'),
    ('crm.cleaning_write(bigint,crm.customer_code[],text,boolean)', 'text type variable is not sanitized', 'names and types are those of crm.cleaning_fields(), values are parameters'),
    ('crm.score_table(text,regclass)', 'text type variable is not sanitized', 'quotes all names, and has its caller''s rights'),
    ('crm.score_event(regclass,name,text)', 'text type variable is not sanitized', 'quotes all names, and has its caller''s rights');
INSERT INTO allowed SELECT 'crm.score_table(text,regclass)', format('OUT variable "%s" is maybe unmodified', o), 'returns a dynamic query''s rows'
  FROM unnest(ARRAY['id', 'score', 'points', 'reason_codes']) o;
INSERT INTO allowed
SELECT v.function, format('OUT variable "%s" is maybe unmodified', name), 'its rows come from dynamic SQL'
  FROM (VALUES ('crm.accuracy_analysis_from_labels_table(text,regclass)', '{threshold_match_weight,tp,fp,fn,tn,precision,recall,f1}'::text[]),
               ('crm.match_missing(text)', '{id,is_new}'), ('crm.completeness(text)', '{comparison,columns,filled,records,share}')) v (function, names), unnest(names) name;

SELECT cmp_ok((SELECT count(DISTINCT oid) FROM checked), '>', 20::bigint, 'there are functions to check');
SELECT is_empty($$SELECT oid::regprocedure FROM our_function WHERE is_trigger EXCEPT SELECT oid::regprocedure FROM target$$,
    'every trigger function has a table to check it with');
SELECT is_empty(
    $$SELECT oid::regprocedure, relation::regclass, level, lineno, message, detail, query FROM checked
       WHERE message IS NOT NULL AND (oid::regprocedure::text, message) NOT IN (SELECT function, message FROM allowed)$$,
    'plpgsql_check finds nothing');
SELECT is_empty('SELECT function, message FROM allowed EXCEPT SELECT oid::regprocedure::text, message FROM checked',
    'no exception is unneeded');

SELECT * FROM finish();
ROLLBACK;
