-- Proves: what deploy() made keeps the house's rules, object by object, in the catalog
-- itself and not in the sources: safe functions, two-language comments, forced row
-- security, complete types, roles without log-in. An exception stands below with its
-- reason, and fails too once nothing needs it any more.
BEGIN;
SELECT no_plan();

CREATE TEMPORARY TABLE allowed (rule text, object text, reason text NOT NULL, PRIMARY KEY (rule, object));
INSERT INTO allowed VALUES
    ('search_path', 'crm.import_customers(text,regclass,date,text,boolean,integer)',
     'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.import_stage(text,regclass)', 'runs its caller''s query, as that would run by itself; every name of its own is written out'),
    ('public_volatile', 'crm.pii_typanalyze(internal)', 'takes internal, so no statement can call it'),
    ('public_definer', 'crm.intake_required()', 'tells which fields are required, which every form shows'),
    ('public_definer', 'crm.violation_text(text,text)', 'reads labels that everybody may read'),
    ('strict', 'crm.key_ring_changed()', 'a trigger has no arguments'),
    ('search_path', 'crm.points_expire_due(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.points_release_due(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.points_make_notices(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.points_accrue(text,date,date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.points_merge_follow(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.points_level_at(crm.customer_code,date)', 'the owner''s queries take it in with their own pinned path, which a SET clause forbids; who calls it himself has his own rights'),
    ('strict', 'crm.points_entry_hash(bytea,crm.customer_code,bigint,bigint,date,timestamp with time zone,bigint,bigint,bigint,date,crm.customer_code,boolean,integer,text,text,text,text,text,crm.points_ledger)',
     'fields of an entry may be null'),
    ('strict', 'crm.points_audit_books(crm.customer_code)', 'null is all customers'),
    ('strict', 'crm.points_sum_step(internal,crm.points_ledger)', 'the first call has no state yet, and nulls are passed over'),
    ('strict', 'crm.points_sum_back(internal,crm.points_ledger)', 'its step is not strict either'),
    ('strict', 'crm.points_sum_combine(internal,internal)', 'a process may have seen no rows'),
    ('search_path', 'crm.score_customers(text,date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.credit_watch(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.assess_behaviour(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.assess_quality(date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.cleaning_preview(bigint,text[],date,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.cleaning_apply(bigint,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('search_path', 'crm.cleaning_undo(bigint,text,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('strict', 'crm.cleaning_digest(text,crm.private_text,crm.private_text)', 'a missing envelope is a part of what is digested'),
    ('strict', 'crm.score_columns(text,"any")', 'a null is a missing value, which has points of its own'),
    ('strict', 'crm.score_total(text,"any")', 'a null is a missing value, which has points of its own'),
    ('strict', 'crm.score_row(text,record)', 'a null model is named as an error'),
    ('row_security', 'crm.mask_setting', 'how much a mask shows is no secret, and only its owner, through crm.mask_set(), writes it'),
    ('row_security', 'crm.customer_staging', 'COPY refuses a table with row security; writers may insert only, and see their rows through a view'),
    ('invoker', 'crm.staged_customer', 'shows each user his own rows of a table that he may not read'),
    ('invoker', 'crm.code_scheme', 'shows readers how far the codes are, from counters that they may not read'),
    ('opclass', 'crm.private_text hash', 'staged text, not to be compared or joined'),
    ('opclass', 'crm.private_text btree', 'staged text, not to be compared or joined');
INSERT INTO allowed VALUES
    ('search_path', 'crm.match_catch_up(text,integer)', 'commits, which a SET clause forbids; every name in it is written out'),
    ('strict', 'crm.match_follow()', 'a trigger has no arguments');
INSERT INTO allowed
SELECT 'strict', p.oid::regprocedure::text, 'arguments left out stand for the model''s own settings; a null model is refused or gives nothing'
  FROM pg_proc p WHERE p.pronamespace = 'crm'::regnamespace
   AND p.proname IN ('cluster_pairwise_predictions_at_threshold', 'estimate_parameters_using_expectation_maximisation', 'estimate_u_using_random_sampling',
                     'match_model_create', 'match_pairs', 'match_predict');
INSERT INTO allowed
SELECT rule, p.oid::regprocedure::text, reason
  FROM (VALUES ('public_volatile', 'reveal', 'checks the rights of both users itself, logs, and must say why it refuses'),
               ('strict', 'reveal', 'refuses a null purpose instead of passing over it')) entry (rule, name, reason)
  JOIN pg_proc p ON p.pronamespace = 'crm'::regnamespace AND p.proname = entry.name;
INSERT INTO allowed
SELECT 'strict', p.oid::regprocedure::text, 'some parts of a posting may be left out, and what is missing otherwise is named'
  FROM pg_proc p WHERE p.pronamespace = 'crm'::regnamespace AND p.prorettype = to_regtype('crm.points_answer') AND NOT p.prosecdef AND p.proname <> 'points_take_fee';

INSERT INTO allowed
SELECT 'strict', p.oid::regprocedure::text, 'an aggregate''s function: the state is null at first, and the function says which nulls in a row count'
  FROM pg_proc p WHERE p.pronamespace = 'crm'::regnamespace AND p.proargtypes[0] = 'internal'::regtype AND NOT p.proisstrict AND p.prokind = 'f'
ON CONFLICT DO NOTHING;

-- subjects: a query of (object, ok). Fails on an object that is not ok and not allowed, on
-- an exception that is not needed, and when there was nothing to look at.
CREATE FUNCTION pg_temp.lint(this_rule text, description text, subjects text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    looked bigint;
    wrong text;
    unneeded text;
BEGIN
    EXECUTE format(
        'WITH s (object, ok) AS (%s)
         SELECT count(*),
                (SELECT string_agg(object, E''\n'' ORDER BY object) FROM s WHERE ok IS NOT TRUE
                    AND NOT EXISTS (SELECT FROM allowed a WHERE a.rule = $1 AND a.object = s.object)),
                (SELECT string_agg(a.object, E''\n'' ORDER BY a.object) FROM allowed a WHERE a.rule = $1
                    AND NOT EXISTS (SELECT FROM s WHERE s.object = a.object AND s.ok IS NOT TRUE))
           FROM s', subjects)
       INTO looked, wrong, unneeded USING this_rule;
    RETURN NEXT ok(looked > 0 AND wrong IS NULL AND unneeded IS NULL, description);
    IF looked = 0 THEN
        RETURN NEXT diag('nothing was looked at');
    END IF;
    IF wrong IS NOT NULL THEN
        RETURN NEXT diag(E'against the rule:\n' || wrong);
    END IF;
    IF unneeded IS NOT NULL THEN
        RETURN NEXT diag(E'exceptions that nothing needs:\n' || unneeded);
    END IF;
END
$$;

-- -- what is ours ----------------------------------------------------------------

CREATE TEMPORARY VIEW our_schema AS
SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('crm', 'crm_data', 'crm_report', 'crm_secure');
CREATE TEMPORARY VIEW our_function AS
SELECT p.*, p.oid::regprocedure::text AS name, l.lanname,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
                WHERE g.grantee = 0 AND g.privilege_type = 'EXECUTE') AS is_public
  FROM pg_proc p JOIN our_schema s ON s.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang;
CREATE TEMPORARY VIEW our_relation AS
SELECT c.*, c.oid::regclass::text AS name, s.nspname FROM pg_class c JOIN our_schema s ON s.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S');
-- Arrays and the row types of tables are not made by us.
CREATE TEMPORARY VIEW our_type AS
SELECT t.*, t.oid::regtype::text AS name,
       EXISTS (SELECT FROM pg_proc o WHERE o.oid = t.typoutput AND o.prosrc = 'crm_pii_out') AS is_personal
  FROM pg_type t JOIN our_schema s ON s.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
 WHERE t.typcategory <> 'A' AND coalesce(c.relkind, 'c') = 'c';

-- -- functions ---------------------------------------------------------------------

SELECT pg_temp.lint('search_path', 'functions in SQL, in plpgsql and with the owner''s rights pin their search_path',
    $$SELECT name, 'search_path=pg_catalog, crm, pg_temp' = ANY (proconfig) FROM our_function
       WHERE lanname IN ('sql', 'plpgsql') OR prosecdef$$);
SELECT pg_temp.lint('definer_owner', 'what runs with its owner''s rights belongs to crm_owner, who is no superuser',
    $$SELECT name, proowner = 'crm_owner'::regrole FROM our_function WHERE prosecdef$$);
SELECT pg_temp.lint('public_definer', 'nobody calls a function with its owner''s rights by being PUBLIC',
    $$SELECT name, NOT is_public FROM our_function WHERE prosecdef$$);
SELECT pg_temp.lint('public_volatile', 'nobody changes anything by being PUBLIC: no EXECUTE on volatile functions',
    $$SELECT name, NOT is_public FROM our_function WHERE provolatile = 'v'$$);
SELECT pg_temp.lint('strict', 'functions in C are STRICT',
    $$SELECT name, proisstrict FROM our_function WHERE lanname IN ('c', 'internal') AND prokind = 'f'$$);
SELECT pg_temp.lint('parallel', 'IMMUTABLE functions do not stop parallel plans',
    $$SELECT name, proparallel <> 'u' FROM our_function WHERE provolatile = 'i'$$);

-- -- comments ----------------------------------------------------------------------

CREATE TEMPORARY VIEW commented AS
SELECT 'function' AS class, name, obj_description(oid, 'pg_proc') AS comment FROM our_function
UNION ALL SELECT 'type', name, obj_description(oid, 'pg_type') FROM our_type
UNION ALL SELECT 'relation', name, obj_description(oid, 'pg_class') FROM our_relation WHERE relkind <> 'S'
UNION ALL SELECT 'column', r.name || '.' || a.attname, col_description(r.oid, a.attnum)
  FROM our_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE r.relkind <> 'S'
UNION ALL SELECT 'operator', o.oid::regoperator::text, obj_description(o.oid, 'pg_operator')
  FROM pg_operator o JOIN our_schema s ON s.oid = o.oprnamespace
UNION ALL SELECT 'operator class', o.opcname || ' ' || m.amname, obj_description(o.oid, 'pg_opclass')
  FROM pg_opclass o JOIN our_schema s ON s.oid = o.opcnamespace JOIN pg_am m ON m.oid = o.opcmethod
UNION ALL SELECT 'operator family', o.opfname || ' ' || m.amname, obj_description(o.oid, 'pg_opfamily')
  FROM pg_opfamily o JOIN our_schema s ON s.oid = o.opfnamespace JOIN pg_am m ON m.oid = o.opfmethod
UNION ALL SELECT 'policy', r.name || ' ' || p.polname, obj_description(p.oid, 'pg_policy')
  FROM pg_policy p JOIN our_relation r ON r.oid = p.polrelid
UNION ALL SELECT 'schema', nspname, obj_description(oid, 'pg_namespace') FROM our_schema;

SELECT pg_temp.lint('comment ' || class, format('every %s has a comment that holds a Chinese term', class),
    format($$SELECT name, comment ~ '[\u4e00-\u9fff]' FROM commented WHERE class = %L$$, class))
  FROM (SELECT DISTINCT class FROM commented ORDER BY class) classes;
SELECT is(count(DISTINCT class), 9::bigint, 'comments were looked for on nine classes of objects') FROM commented;
SELECT pg_temp.lint('field_policy', 'every column of crm_data is in the dictionary or has a comment',
    $$SELECT r.name || '.' || a.attname, p.field IS NOT NULL OR col_description(r.oid, a.attnum) IS NOT NULL
        FROM our_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN crm_data.field_policy p ON p.object = r.relname AND p.field = a.attname
       WHERE r.nspname = 'crm_data' AND r.relkind IN ('r', 'p')$$);

-- -- tables and views ----------------------------------------------------------------

SELECT pg_temp.lint('row_security', 'row security is enabled and forced on every table',
    $$SELECT name, relrowsecurity AND relforcerowsecurity FROM our_relation WHERE relkind IN ('r', 'p')$$);
SELECT is_empty(
    $$SELECT g.grantee::regrole, g.privilege_type
        FROM pg_class c, aclexplode(c.relacl) g
       WHERE c.oid = 'crm.customer_staging'::regclass AND g.grantee <> c.relowner AND g.privilege_type <> 'INSERT'
       UNION ALL
      SELECT g.grantee::regrole, g.privilege_type || ' ' || a.attname
        FROM pg_attribute a, aclexplode(a.attacl) g
       WHERE a.attrelid = 'crm.customer_staging'::regclass AND (g.privilege_type <> 'INSERT' OR a.attname = 'staged_by')$$,
    'and into the table without it others may insert only, and not in another''s name');
SELECT pg_temp.lint('policy_select', 'no policy holds a sub-select',
    $$SELECT r.name || ' ' || p.polname, concat(p.polqual, p.polwithcheck) NOT LIKE '%{SUBLINK%'
        FROM pg_policy p JOIN our_relation r ON r.oid = p.polrelid$$);
SELECT pg_temp.lint('owner', 'every table, view and sequence that deploy() made belongs to crm_owner',
    $$SELECT name, relowner = 'crm_owner'::regrole FROM our_relation r
       WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'e')$$);
SELECT pg_temp.lint('invoker', 'views read with their reader''s rights',
    $$SELECT name, 'security_invoker=true' = ANY (reloptions) FROM our_relation WHERE relkind = 'v'$$);
-- A dump is restored with an empty search_path, and JOIN USING, IS DISTINCT FROM, NULLIF and
-- a simple CASE cannot say in which schema the operator of our type stands.
CREATE FUNCTION pg_temp.restores(view oid) RETURNS boolean LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    EXECUTE 'CREATE VIEW pg_temp.restored AS ' || pg_get_viewdef(view);
    DROP VIEW pg_temp.restored;
    RETURN true;
EXCEPTION WHEN undefined_function THEN
    RETURN false;
END
$$;
SELECT pg_temp.lint('restores', 'every view can be restored from a dump',
    $$SELECT name, pg_temp.restores(oid) FROM our_relation WHERE relkind = 'v'$$);
SELECT pg_temp.lint('schema_usage', 'the tables'' schemas can be named by their owner alone',
    $$SELECT format('%s by %s', n.nspname, g.grantee::regrole), g.grantee = 'crm_owner'::regrole OR g.grantee = n.nspowner
        FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
       WHERE n.nspname IN ('crm_data', 'crm_secure')$$);
SELECT pg_temp.lint('schema_create', 'nobody but the owner makes objects in our schemas',
    $$SELECT format('%s by %s', n.nspname, g.grantee::regrole), g.grantee = 'crm_owner'::regrole OR g.grantee = n.nspowner
        FROM pg_namespace n JOIN our_schema s USING (oid), aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
       WHERE g.privilege_type = 'CREATE'$$);

-- An index serves a key when the key's columns are its first ones, in any order. These
-- lists are small and their entries are switched off, never removed:
CREATE TEMPORARY TABLE reference_list AS
SELECT oid, relname FROM pg_class WHERE relnamespace = to_regnamespace('crm_data')
   AND relname IN ('customer_kind', 'lifecycle_state', 'document_kind', 'channel', 'legal_basis', 'processing_purpose');
SELECT pg_temp.lint('foreign_key', 'every foreign key is indexed on its own side',
    $$SELECT r.name || ' ' || k.conname,
             k.confrelid IN (SELECT oid FROM reference_list)
             OR EXISTS (SELECT FROM pg_index i
                         WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                           AND (SELECT array_agg(c) FROM unnest(string_to_array(i.indkey::text, ' ')::smallint[]) WITH ORDINALITY x (c, n)
                                 WHERE x.n <= cardinality(k.conkey)) @> k.conkey)
        FROM pg_constraint k JOIN our_relation r ON r.oid = k.conrelid WHERE k.contype = 'f'$$);

-- -- types -----------------------------------------------------------------------------

SELECT is((SELECT count(*) FROM our_type WHERE is_personal), 7::bigint, 'there are seven types for personal data');
SELECT pg_temp.lint('binary', 'every base type has binary input and output',
    $$SELECT name, typsend <> 0 AND typreceive <> 0 FROM our_type WHERE typtype = 'b'$$);
SELECT pg_temp.lint('opclass', 'every base type has a default btree and a default hash operator class',
    $$SELECT t.name || ' ' || m.amname,
             EXISTS (SELECT FROM pg_opclass o WHERE o.opcintype = t.oid AND o.opcmethod = m.oid AND o.opcdefault)
        FROM our_type t, pg_am m WHERE t.typtype = 'b' AND m.amname IN ('btree', 'hash')$$);
SELECT pg_temp.lint('typanalyze', 'statistics of personal data hold no values',
    $$SELECT name, typanalyze::regproc::text = 'crm.pii_typanalyze' FROM our_type WHERE is_personal$$);
-- Else row security keeps the planner from using an index for the reader's condition.
SELECT pg_temp.lint('leakproof', 'operators and support functions of the operator classes are leakproof',
    $$SELECT f.oid::regprocedure::text, f.proleakproof
        FROM our_type t JOIN pg_opclass c ON c.opcintype = t.oid
        JOIN pg_am m ON m.oid = c.opcmethod AND m.amname IN ('btree', 'hash'),
             LATERAL (SELECT o.oprcode FROM pg_amop a JOIN pg_operator o ON o.oid = a.amopopr WHERE a.amopfamily = c.opcfamily
                      UNION SELECT a.amproc FROM pg_amproc a WHERE a.amprocfamily = c.opcfamily) x (oid)
        JOIN pg_proc f ON f.oid = x.oid
       WHERE f.pronamespace = 'crm'::regnamespace AND f.prorettype <> 'void'::regtype$$);
SELECT pg_temp.lint('sensitive', 'every column of a personal type stands in the dictionary as sensitive',
    $$SELECT r.name || '.' || a.attname, p.sensitivity = 'sensitive'
        FROM our_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN our_type t ON t.oid = a.atttypid
        LEFT JOIN crm_data.field_policy p ON p.object = r.relname AND p.field = a.attname
       WHERE r.nspname = 'crm_data' AND r.relkind IN ('r', 'p')
         AND (t.is_personal OR EXISTS (SELECT FROM pg_attribute m JOIN our_type i ON i.oid = m.atttypid
                                        WHERE m.attrelid = t.typrelid AND i.is_personal))$$);

-- -- the extension and the roles --------------------------------------------------------

SELECT set_eq(
    $$SELECT d.objid::regclass::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'crm'
        JOIN pg_class c ON c.oid = d.objid
       WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind <> 'c'$$,
    ARRAY['crm.mask_setting'], 'the extension owns no table, view or sequence but its settings');
SELECT set_eq($$SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'crm'$$,
    ARRAY['crm.mask_setting'], 'and pg_dump carries exactly these tables'' rows');
SELECT pg_temp.lint('role', 'no role of ours can log in or make others, and only crm_backup passes row security',
    $$SELECT rolname, NOT (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication)
                      AND rolbypassrls = (rolname = 'crm_backup')
        FROM pg_roles WHERE rolname LIKE 'crm\_%' AND rolname NOT LIKE 'crm\_test%'$$);
SELECT set_eq(
    $$SELECT format('%s has %s', member::regrole, roleid::regrole) FROM pg_auth_members
       WHERE member::regrole::text LIKE 'crm\_%' AND member::regrole::text NOT LIKE 'crm\_test%'$$,
    ARRAY['crm_backup has pg_read_all_data', 'crm_data_admin has crm_reader', 'crm_data_admin has crm_writer',
          'crm_data_admin has crm_searcher', 'crm_owner has crm_writer', 'crm_owner has crm_searcher',
          'crm_data_admin has crm_steward', 'crm_owner has crm_steward'],
    'our roles have these rights of one another and no others');

SELECT * FROM finish();
ROLLBACK;
