-- merge: one record stands for another. The merges that stand form trees, each edge one
-- decision; customer.survivor_code is the root, so that views follow one step. Undoing cuts
-- an edge, whatever came after it. No row of a child is touched; balances move by postings,
-- whose return undoes later moves first and does them again.

-- -- refusals ------------------------------------------------------------------

CREATE FUNCTION crm.merge_refusals() RETURNS TABLE (reason text, sqlstate text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('null',      '22004', 'a merge needs two customer codes and choices', 'Give survivor and loser; leave choices out for the rules'' own.'),
    ('self',      '22023', 'a customer cannot be merged with itself', 'Give two codes that differ.'),
    ('unknown',   'P0002', 'no such customer to merge', 'crm.code_fate() says what became of a code.'),
    ('merged',    'KH006', 'one of the customers is merged already', 'Merge the records that stand for them today: crm.resolve().'),
    ('archived',  'KH010', 'an archived customer cannot be merged', 'Bring the record back first, or leave it as it is.'),
    ('erased',    'KH006', 'an erased customer cannot be merged', 'There is nothing left of it.'),
    ('kinds',     'KH006', 'the two are customers of different kinds', 'If they are one all the same, choose it: {"kind": "survivor"}.'),
    ('documents', 'KH006', 'the two have different valid identity documents of one kind', 'Two persons are not merged. If both documents are one person''s, choose which one is shown first: {"document": "survivor"}.'),
    ('different', 'KH006', 'the two were decided to be different customers', 'Take the decision back first: crm.duplicate_decide(case, ''open'', reason).'),
    ('choice',    '22023', 'choices name no field or no record of the two', 'Choices are {"field": "survivor" | "loser" | a code}; fields are those of crm_data.survivorship_rule but consent, and kind. Consents follow their rule; a new one is recorded with crm.consent_grant().'),
    ('newer',     'KH014', 'the customers were changed since they were looked at', 'Look again with crm.merge_preview(), then merge with its version.'),
    ('value',     'KH003', 'this merge needs a second person''s approval', 'Ask for it with crm.merge_request(); crm.merge_approve() by somebody else carries it out.'),
    ('request',   'P0002', 'no such pending request of a merge', 'The view crm.merge_request lists them.'),
    ('pending',   '23505', 'this merge has been requested already', 'The view crm.merge_request has it.'),
    ('reason',    '22023', 'a reason is needed', 'Write why, so that whoever asks later can follow it.'),
    ('four_eyes', 'KH004', 'who requested a merge cannot approve it', 'Somebody else of the data department approves.'),
    ('unmerge',   'P0002', 'no such merge, or it is undone already', 'The view crm.merge_history lists them.'),
    ('period',    'KH007', 'the merge is too old to be undone', 'The period is undo_days in crm_data.merge_policy.'),
    ('field',     '22023', 'no such field with a rule of survivorship', 'Fields are those of crm_data.survivorship_rule.') $$;
COMMENT ON FUNCTION crm.merge_refusals() IS $$Why a merge, or undoing one, is refused (合并拒绝原因).$$;

CREATE FUNCTION crm.refuse_merge(reason text, facts text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO STRICT r FROM crm.merge_refusals() v WHERE v.reason = refuse_merge.reason;
    RAISE EXCEPTION USING MESSAGE = r.message, ERRCODE = r.sqlstate, DETAIL = coalesce(facts, 'Nothing was changed.'), HINT = r.hint;
END
$$;
COMMENT ON FUNCTION crm.refuse_merge(text, text) IS $$The one place that refuses a merge (拒绝合并).$$;

-- -- what a merge does with each table --------------------------------------------

CREATE FUNCTION crm.merge_rule_faults() RETURNS TABLE (relation text, fault text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH coded AS (
        SELECT DISTINCT c.oid, c.relname::text AS relation
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE n.nspname = 'crm_data' AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
           AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'crm.customer_code'::regtype
    ), shown AS (
        -- A view reads the table's code and, in the same query, the pointer.
        SELECT DISTINCT child.refobjid AS oid
          FROM pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v'
          JOIN pg_namespace n ON n.oid = v.relnamespace AND n.nspname = 'crm'
          JOIN pg_depend child ON child.classid = 'pg_rewrite'::regclass AND child.objid = w.oid AND child.refclassid = 'pg_class'::regclass
          JOIN pg_depend root ON root.classid = 'pg_rewrite'::regclass AND root.objid = w.oid AND root.refclassid = 'pg_class'::regclass
          JOIN pg_attribute pointer ON pointer.attrelid = root.refobjid AND pointer.attnum = root.refobjsubid
         WHERE pointer.attrelid = to_regclass('crm_data.customer') AND pointer.attname = 'survivor_code'
           AND child.refobjsubid IN (SELECT a.attnum FROM pg_attribute a
                                      WHERE a.attrelid = child.refobjid AND a.atttypid = 'crm.customer_code'::regtype)
    )
    SELECT t.relation, 'holds customer codes, but crm_data.merge_rule does not say what a merge does with it'
      FROM coded t WHERE t.relation NOT IN (SELECT r.relation FROM crm_data.merge_rule r)
    UNION ALL
    SELECT r.relation, 'has a rule, but there is no such table with customer codes'
      FROM crm_data.merge_rule r WHERE r.relation NOT IN (SELECT t.relation FROM coded t)
    UNION ALL
    SELECT r.relation, 'is joined through the pointer by its rule, but no view of schema crm does'
      FROM crm_data.merge_rule r JOIN coded t ON t.relation = r.relation
     WHERE r.way IN ('pointer', 'golden') AND t.oid NOT IN (SELECT s.oid FROM shown s)
       -- Read where values are chosen, and shown as what was chosen.
       AND r.relation <> 'field_source'
    UNION ALL
    SELECT r.relation, 'is moved by its rule, but the functions are not there'
      FROM crm_data.merge_rule r
     WHERE r.way = 'moves' AND (to_regprocedure(format('crm.%I(crm.customer_code,crm.customer_code,text,date)', r.move_by)) IS NULL
                             OR to_regprocedure(format('crm.%I(text,text,date)', r.return_by)) IS NULL) $$;
ALTER FUNCTION crm.merge_rule_faults() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_rule_faults() IS
$$Tables with customer codes for which a merge would forget something; none when all is well (合并规则检查).
Every table of crm_data that has a column of type crm.customer_code needs a row in crm_data.merge_rule, and what the row says must be so.$$;
REVOKE EXECUTE ON FUNCTION crm.merge_rule_faults() FROM PUBLIC; -- for whoever answers for the schema
GRANT EXECUTE ON FUNCTION crm.merge_rule_faults() TO crm_admin, crm_data_admin;

-- Counting is asked for at every merge and reads some fifteen tables: written out as one
-- function, whose plan is kept, whenever the rules change.
CREATE FUNCTION crm.merge_census_write() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    EXECUTE format($census$
        CREATE %s FUNCTION crm.merge_census(members crm.customer_code[]) RETURNS jsonb
            LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
            SET search_path = pg_catalog, crm, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
            AS $body$
        BEGIN
            RETURN coalesce((SELECT jsonb_object_agg(code, tables) FROM (
                SELECT code, jsonb_object_agg(relation, jsonb_build_array(n, digest)) AS tables FROM (%s) x (code, relation, n, digest) GROUP BY code) y), '{}');
        END
        $body$ $census$,
        -- Only what is our own is replaced.
        CASE WHEN to_regprocedure('crm.merge_census(crm.customer_code[])') IS NOT NULL THEN 'OR REPLACE' END,
        -- The customer's own row is pointed at by the merge itself; what a person changes in it is named.
        (SELECT string_agg(format('SELECT t.customer_code, %L, count(*), sum(hash_record_extended(%s, 0)::numeric)::text FROM crm_data.%I t WHERE t.customer_code = ANY (members) GROUP BY 1',
                                  r.relation, CASE r.relation WHEN 'customer' THEN 'ROW(t.customer_code, t.kind, t.owner_unit, t.channel, t.registered_at)'
                                                              ELSE 't' END, r.relation), ' UNION ALL ' ORDER BY r.relation)
           FROM crm_data.merge_rule r WHERE r.way IN ('pointer', 'golden', 'moves')));
    -- One that had to be made anew would be everybody's.
    REVOKE EXECUTE ON FUNCTION crm.merge_census(crm.customer_code[]) FROM PUBLIC; -- reads all tables
    RETURN NULL;
END
$$;
ALTER FUNCTION crm.merge_census_write() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_census_write() IS
$$Trigger: writes crm.merge_census() anew after the rules of merging were changed (重写数据清点函数).$$;
REVOKE EXECUTE ON FUNCTION crm.merge_census_write() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.merge_census_write() TO crm_owner; -- who makes the trigger

-- What runs for every merge is plpgsql, which keeps its plans; SQL functions would plan anew.

CREATE FUNCTION crm.merge_members(code crm.customer_code) RETURNS crm.customer_code[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN (SELECT array_agg(c.customer_code ORDER BY c.customer_code) FROM crm_data.customer c WHERE c.survivor_code = code);
END
$$;
ALTER FUNCTION crm.merge_members(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_members(crm.customer_code) IS
$$All records for which this one stands, itself among them; null for one that is merged (合并成员).
Histories of all of them: WHERE customer_code = ANY (crm.merge_members(...)).$$;
REVOKE EXECUTE ON FUNCTION crm.merge_members(crm.customer_code) FROM PUBLIC; -- says which codes exist
GRANT EXECUTE ON FUNCTION crm.merge_members(crm.customer_code) TO crm_reader, crm_data_admin;

CREATE FUNCTION crm.merge_subtree(code crm.customer_code, until_id bigint DEFAULT 9223372036854775807) RETURNS crm.customer_code[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        WITH RECURSIVE below AS (
            SELECT merge_subtree.code AS code
            UNION
            SELECT m.loser_code FROM below b JOIN crm_data.merge m ON m.survivor_code = b.code AND m.undone_at IS NULL AND m.merge_id <= until_id
        )
        SELECT array_agg(b.code ORDER BY b.code) FROM below b);
END
$$;
ALTER FUNCTION crm.merge_subtree(crm.customer_code, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_subtree(crm.customer_code, bigint) IS
$$A record and all that were merged into it, directly or on the way, until a merge (合并子树). A part of crm.unmerge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_subtree(crm.customer_code, bigint) FROM PUBLIC; -- a part of crm.unmerge()

-- -- the golden record ---------------------------------------------------------------

CREATE FUNCTION crm.golden_ranking(root crm.customer_code, members crm.customer_code[], choices jsonb, as_of date)
    RETURNS TABLE (field text, customer_code crm.customer_code, value text, key text, source text, recorded_on date, trust numeric, why text, place bigint)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH choice AS (
        SELECT c.n, c.value ->> 'field' AS field, (c.value ->> 'code')::crm.customer_code AS code,
               ARRAY(SELECT jsonb_array_elements_text(c.value -> 'scope')::crm.customer_code) AS scope
          FROM jsonb_array_elements(choices) WITH ORDINALITY c (value, n)
    ), candidate AS (
        SELECT f.customer_code, f.field, f.value, f.key, r.prefer, r.half_life_days,
               -- The latest merge that chose among records with this one decides; null: none did.
               (SELECT h.code = f.customer_code FROM choice h WHERE h.field = f.field AND f.customer_code = ANY (h.scope) ORDER BY h.n DESC LIMIT 1) AS is_chosen,
               CASE WHEN s.source IS NOT NULL THEN s.source WHEN f.verified_at IS NOT NULL THEN 'verified' ELSE c.channel END AS source,
               coalesce(s.recorded_on, f.verified_at::date, c.registered_at::date) AS recorded_on, coalesce(s.confidence, 1) AS confidence
          FROM crm.customer_field f
          JOIN crm_data.customer c ON c.customer_code = f.customer_code
          JOIN crm_data.survivorship_rule r ON r.field = f.field
          LEFT JOIN crm_data.field_source s ON s.customer_code = f.customer_code AND s.field = f.field
         WHERE f.customer_code = ANY (members)
    ), weighed AS (
        SELECT k.*, round(k.confidence * coalesce(b.reliability, u.reliability)
                          * power(0.5::float8, greatest(as_of - k.recorded_on, 0) / k.half_life_days::float8)::numeric, 9) AS trust
          FROM candidate k
          LEFT JOIN crm_data.source_reliability b ON b.source = k.source
          JOIN crm_data.source_reliability u ON u.source = 'unknown'
    )
    SELECT w.field, w.customer_code, w.value, w.key, w.source, w.recorded_on, w.trust,
           CASE WHEN w.is_chosen THEN 'chosen by hand' ELSE w.prefer END,
           row_number() OVER (PARTITION BY w.field
               ORDER BY w.is_chosen IS FALSE,
                        CASE w.prefer WHEN 'trusted' THEN w.trust WHEN 'newest' THEN w.recorded_on - DATE '2000-01-01'
                                      WHEN 'oldest' THEN DATE '2000-01-01' - w.recorded_on END DESC,
                        w.customer_code <> root, w.customer_code)
      FROM weighed w;
END
$$;
ALTER FUNCTION crm.golden_ranking(crm.customer_code, crm.customer_code[], jsonb, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.golden_ranking(crm.customer_code, crm.customer_code[], jsonb, date) IS
$$The values of each field among records that are one customer, the best first, and why (黄金记录取值排序).
choices: a list of {field, code, scope}: among the records of scope, only this one counts; else crm_data.survivorship_rule decides by source, age and reliability. A missing value never wins, and of equals the survivor's own does. value is masked.$$;
REVOKE EXECUTE ON FUNCTION crm.golden_ranking(crm.customer_code, crm.customer_code[], jsonb, date) FROM PUBLIC; -- compares personal data

CREATE FUNCTION crm.golden_sources(root crm.customer_code, members crm.customer_code[], choices jsonb, as_of date) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH ranking AS MATERIALIZED (SELECT * FROM crm.golden_ranking(root, members, choices, as_of))
    SELECT jsonb_object_agg(best.field, best.customer_code)
      FROM ranking best
     WHERE best.place = 1 AND best.customer_code <> root
       -- The same value of its own is the survivor's own value.
       AND NOT EXISTS (SELECT FROM ranking own WHERE own.field = best.field AND own.customer_code = root AND own.key = best.key) $$;
ALTER FUNCTION crm.golden_sources(crm.customer_code, crm.customer_code[], jsonb, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.golden_sources(crm.customer_code, crm.customer_code[], jsonb, date) IS
$$Fields of which a survivor shows another record's value: field to code; null when all are its own (黄金记录来源).$$;
REVOKE EXECUTE ON FUNCTION crm.golden_sources(crm.customer_code, crm.customer_code[], jsonb, date) FROM PUBLIC; -- compares personal data

CREATE FUNCTION crm.golden_choices(members crm.customer_code[], OUT choices jsonb, OUT as_of date)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    -- A choice was made among the records that a merge brought together; of one that is no
    -- longer among them it says nothing.
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', c.key, 'code', c.value, 'scope', crm.merge_subtree(m.survivor_code, m.merge_id))
                              ORDER BY m.merge_id) FILTER (WHERE c.key IS NOT NULL), '[]'),
           coalesce(max(m.merged_on), company_today())
      FROM crm_data.merge m
      LEFT JOIN LATERAL jsonb_each_text(m.chosen) c ON c.value = ANY (members::text[])
     WHERE m.undone_at IS NULL AND m.loser_code = ANY (members) AND m.survivor_code = ANY (members) $$;
ALTER FUNCTION crm.golden_choices(crm.customer_code[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.golden_choices(crm.customer_code[]) IS
$$What was chosen by hand in the merges that stand among these records, the earliest first, and the day of the last (人工取值). A part of crm.golden_refresh().$$;
REVOKE EXECUTE ON FUNCTION crm.golden_choices(crm.customer_code[]) FROM PUBLIC; -- a part of crm.golden_refresh()

CREATE FUNCTION crm.golden_refresh(code crm.customer_code) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    root crm.customer_code := resolve(code);
    members crm.customer_code[];
    hand record;
    sources jsonb;
BEGIN
    PERFORM crm.lock_customers(ARRAY[root]);
    members := crm.merge_members(root);
    -- A function of the merges that stand and of their day, not of the way that led there:
    -- so undoing gives back exactly what was.
    IF cardinality(members) > 1 THEN
        hand := crm.golden_choices(members);
        sources := crm.golden_sources(root, members, hand.choices, hand.as_of);
    END IF;
    -- Also where nothing changes: a new version of the row tells transactions of an older
    -- snapshot that the tree is another one.
    UPDATE crm_data.customer c SET golden = sources WHERE c.customer_code = root;
    RETURN sources;
END
$$;
ALTER FUNCTION crm.golden_refresh(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.golden_refresh(crm.customer_code) IS
$$Choose anew whose values a survivor shows, after a value or its source was changed; returns field to code (刷新黄金记录).$$;
REVOKE EXECUTE ON FUNCTION crm.golden_refresh(crm.customer_code) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.golden_refresh(crm.customer_code) TO crm_data_admin;

CREATE FUNCTION crm.record_field_source(customer crm.customer_code, field text, source text, confidence numeric DEFAULT 1,
                                        recorded_on date DEFAULT crm.company_today()) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM crm_data.survivorship_rule r WHERE r.field = record_field_source.field) THEN
        PERFORM crm.refuse_merge('field');
    END IF;
    INSERT INTO crm_data.field_source (customer_code, field, source, confidence, recorded_on)
    VALUES (customer, record_field_source.field, record_field_source.source, record_field_source.confidence, record_field_source.recorded_on)
    ON CONFLICT ON CONSTRAINT field_source_pkey
    DO UPDATE SET source = excluded.source, confidence = excluded.confidence, recorded_on = excluded.recorded_on, recorded_by = excluded.recorded_by;
    IF (SELECT c.golden IS NOT NULL OR c.survivor_code <> c.customer_code FROM crm_data.customer c WHERE c.customer_code = customer) THEN
        PERFORM crm.golden_refresh(customer);
    END IF;
END
$$;
ALTER FUNCTION crm.record_field_source(crm.customer_code, text, text, numeric, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_field_source(crm.customer_code, text, text, numeric, date) IS
$$Note where a record's value of a field comes from, as of when, and how sure it is (登记字段来源).
source: see crm_data.source_reliability; another name counts as unknown. confidence: 0 to 1. The golden record follows.
Errors: 22023 for a field without a rule, 23503 for an unknown customer, 23514.$$;
REVOKE EXECUTE ON FUNCTION crm.record_field_source(crm.customer_code, text, text, numeric, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.record_field_source(crm.customer_code, text, text, numeric, date) TO crm_writer;

-- -- may these two be merged ----------------------------------------------------------

CREATE FUNCTION crm.merge_measures(survivor crm.customer_code, loser crm.customer_code)
    RETURNS TABLE (measure text, value numeric, threshold numeric, is_beyond boolean)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH side AS (
        SELECT merge_members(s.code) AS members FROM (VALUES (survivor), (loser)) s (code)
    ), measured AS (
        SELECT 'amount' AS measure, max((SELECT sum(p.amount) FROM crm_data.purchase p
                                          WHERE p.customer_code = ANY (s.members) AND p.currency = 'CNY')) AS value FROM side s
        UNION ALL
        SELECT 'points', max((SELECT sum(l.amount) FROM crm_data.points_account a, LATERAL crm.lots(a.state) l
                               WHERE a.customer_code = ANY (s.members) AND l.amount > 0)) FROM side s
        UNION ALL
        SELECT 'records', sum(cardinality(s.members)) FROM side s
    )
    SELECT p.measure, coalesce(m.value, 0), p.threshold, coalesce(m.value > p.threshold, false)
      FROM crm_data.merge_policy p JOIN measured m ON m.measure = p.measure;
END
$$;
ALTER FUNCTION crm.merge_measures(crm.customer_code, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_measures(crm.customer_code, crm.customer_code) IS
$$What the two are worth, the larger of both, beside the policy; beyond it a second person approves (合并审批衡量).$$;
REVOKE EXECUTE ON FUNCTION crm.merge_measures(crm.customer_code, crm.customer_code) FROM PUBLIC; -- reads purchases and points

CREATE FUNCTION crm.merge_objections(survivor crm.customer_code, loser crm.customer_code, choices jsonb)
    RETURNS TABLE (reason text, facts text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH side AS (
        SELECT x.n, x.code, c.customer_code, c.survivor_code, c.kind, c.lifecycle_state
          FROM (VALUES (1, survivor), (2, loser)) x (n, code) LEFT JOIN crm_data.customer c ON c.customer_code = x.code
    ), members AS (
        SELECT merge_members(survivor) AS s, merge_members(loser) AS l
    ), document AS (
        SELECT DISTINCT d.customer_code = ANY (m.s) AS is_survivor, d.kind, d.number_token
          FROM members m JOIN crm_data.identity_document d ON d.customer_code = ANY (m.s || m.l)
         WHERE d.valid_until IS NULL OR d.valid_until >= company_today()
    )
    SELECT 'self', NULL WHERE survivor = loser
    UNION ALL
    SELECT 'unknown', format('Code %s.', s.code) FROM side s WHERE s.customer_code IS NULL
    UNION ALL
    SELECT 'merged', format('%s is merged into %s.', s.code, s.survivor_code) FROM side s WHERE s.survivor_code <> s.customer_code
    UNION ALL
    SELECT s.lifecycle_state, format('Code %s.', s.code) FROM side s WHERE s.lifecycle_state IN ('archived', 'erased')
    UNION ALL
    SELECT 'choice', format('%s.', c.key)
      FROM members m, jsonb_each(choices) c
     WHERE CASE c.key WHEN 'kind' THEN c.value <> '"survivor"'
                      -- Consents are not chosen: the rule decides, or the customer, who is asked.
                      ELSE c.key NOT IN (SELECT r.field FROM crm_data.survivorship_rule r WHERE r.field <> 'consent')
                           OR (c.value #>> '{}' IN ('survivor', 'loser') OR c.value #>> '{}' = ANY ((m.s || m.l)::text[])) IS NOT TRUE END
    UNION ALL
    SELECT 'kinds', format('%s and %s.', a.kind, b.kind) FROM side a, side b
     WHERE a.n = 1 AND b.n = 2 AND a.kind <> b.kind AND NOT choices ? 'kind'
    UNION ALL
    SELECT DISTINCT 'documents', format('Kind %s.', a.kind)
      FROM document a JOIN document b ON b.kind = a.kind AND b.number_token <> a.number_token
     WHERE a.is_survivor AND NOT b.is_survivor AND NOT choices ? 'document'
    UNION ALL
    SELECT 'different', format('Case %s.', d.case_id)
      FROM members m JOIN crm_data.duplicate_case d
        ON d.customer_code = ANY (m.s) AND d.other_code = ANY (m.l) OR d.customer_code = ANY (m.l) AND d.other_code = ANY (m.s)
     WHERE d.state IN ('different', 'related');
END
$$;
ALTER FUNCTION crm.merge_objections(crm.customer_code, crm.customer_code, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_objections(crm.customer_code, crm.customer_code, jsonb) IS
$$Why these two cannot be merged with these choices, all reasons at once; none when they can (合并障碍).$$;
REVOKE EXECUTE ON FUNCTION crm.merge_objections(crm.customer_code, crm.customer_code, jsonb) FROM PUBLIC; -- reads documents and decisions

CREATE FUNCTION crm.merge_version(survivor crm.customer_code, loser crm.customer_code) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT md5(concat(survivor, loser, merge_census(merge_members(survivor) || merge_members(loser)))) $$;
ALTER FUNCTION crm.merge_version(crm.customer_code, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_version(crm.customer_code, crm.customer_code) IS
$$Changes when anything of either customer changes; for crm.merge(expected) (合并版本).$$;
REVOKE EXECUTE ON FUNCTION crm.merge_version(crm.customer_code, crm.customer_code) FROM PUBLIC; -- reads all tables
GRANT EXECUTE ON FUNCTION crm.merge_version(crm.customer_code, crm.customer_code) TO crm_data_admin;

CREATE FUNCTION crm.merge_check(survivor crm.customer_code, loser crm.customer_code, choices jsonb, expected text, is_approved boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    objection record;
BEGIN
    IF num_nulls(survivor, loser, choices) > 0 OR jsonb_typeof(choices) <> 'object' THEN
        PERFORM crm.refuse_merge('null');
    END IF;
    PERFORM crm.lock_customers(ARRAY[survivor, loser]);
    SELECT o.reason, string_agg(o.facts, ' ') AS facts INTO objection
      FROM crm.merge_objections(survivor, loser, choices) WITH ORDINALITY o (reason, facts, n)
     GROUP BY o.reason ORDER BY min(o.n) LIMIT 1;
    IF FOUND THEN
        PERFORM crm.refuse_merge(objection.reason, objection.facts);
    ELSIF expected IS NOT NULL AND expected <> crm.merge_version(survivor, loser) THEN
        PERFORM crm.refuse_merge('newer');
    ELSIF NOT is_approved THEN
        PERFORM crm.refuse_merge('value', string_agg(format('%s %s is beyond %s.', m.measure, m.value, m.threshold), ' '))
           FROM crm.merge_measures(survivor, loser) m WHERE m.is_beyond HAVING count(*) > 0;
    END IF;
END
$$;
ALTER FUNCTION crm.merge_check(crm.customer_code, crm.customer_code, jsonb, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_check(crm.customer_code, crm.customer_code, jsonb, text, boolean) IS
$$Lock two customers and refuse what must not be merged (合并检查). A part of crm.merge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_check(crm.customer_code, crm.customer_code, jsonb, text, boolean) FROM PUBLIC; -- a part of crm.merge()

-- -- balances ---------------------------------------------------------------------------

CREATE FUNCTION crm.merge_balances(id bigint, forth boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    m record;
    r record;
BEGIN
    SELECT x.survivor_code, x.loser_code INTO m FROM crm_data.merge x WHERE x.merge_id = id;
    FOR r IN SELECT * FROM crm_data.merge_rule w WHERE w.way = 'moves' ORDER BY w.relation LOOP
        IF forth THEN
            EXECUTE format('SELECT FROM crm.%I($1, $2, $3, $4)', r.move_by) USING m.survivor_code, m.loser_code, 'merge.' || id, company_today();
        ELSE
            EXECUTE format('SELECT FROM crm.%I($1, $2, $3)', r.return_by) USING 'merge.' || id, 'unmerge.' || id, company_today();
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION crm.merge_balances(bigint, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_balances(bigint, boolean) IS
$$Move what has a balance from the loser of a merge to its survivor, or back (转移余额). A part of crm.merge() and crm.unmerge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_balances(bigint, boolean) FROM PUBLIC; -- moves points

-- -- merge ----------------------------------------------------------------------------------

CREATE FUNCTION crm.merge_chosen(survivor crm.customer_code, loser crm.customer_code, choices jsonb) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT coalesce(jsonb_object_agg(c.key, CASE c.value WHEN 'survivor' THEN coalesce(a.golden ->> c.key, survivor::text)
                                                         WHEN 'loser' THEN coalesce(b.golden ->> c.key, loser::text) ELSE c.value END), '{}')
      FROM jsonb_each_text(choices) c, crm_data.customer a, crm_data.customer b
     WHERE c.key <> 'kind' AND a.customer_code = survivor AND b.customer_code = loser $$;
ALTER FUNCTION crm.merge_chosen(crm.customer_code, crm.customer_code, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_chosen(crm.customer_code, crm.customer_code, jsonb) IS
$$Choices with the records in the place of survivor and loser: whose value either shows at this moment (取值落实). A part of crm.merge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_chosen(crm.customer_code, crm.customer_code, jsonb) FROM PUBLIC; -- a part of crm.merge()

CREATE FUNCTION crm.merge_carry_out(survivor crm.customer_code, loser crm.customer_code, choices jsonb, why text, request bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    s crm.customer_code[] := merge_members(survivor);
    l crm.customer_code[] := merge_members(loser);
    id bigint;
BEGIN
    INSERT INTO crm_data.merge (survivor_code, loser_code, chosen, reason, loser_state, had, request_id)
    SELECT survivor, loser,
           crm.merge_chosen(survivor, loser, choices),
           why, b.lifecycle_state, merge_census(s || l), request
      FROM crm_data.customer b WHERE b.customer_code = loser
    RETURNING merge_id INTO id;
    UPDATE crm_data.customer c SET survivor_code = survivor, lifecycle_state = 'merged', golden = NULL WHERE c.survivor_code = loser;
    PERFORM crm.golden_refresh(survivor);
    PERFORM crm.merge_balances(id, true);
    UPDATE crm_data.duplicate_case d
       SET state = 'same', merge_id = id, decided_by = coalesce(d.decided_by, session_user),
           decided_at = coalesce(d.decided_at, clock_timestamp()), decided_why = coalesce(d.decided_why, why)
     WHERE d.state IN ('open', 'same') AND d.merge_id IS NULL
       AND (d.customer_code = ANY (s) AND d.other_code = ANY (l) OR d.customer_code = ANY (l) AND d.other_code = ANY (s));
    RETURN id;
END
$$;
ALTER FUNCTION crm.merge_carry_out(crm.customer_code, crm.customer_code, jsonb, text, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_carry_out(crm.customer_code, crm.customer_code, jsonb, text, bigint) IS
$$Merge two customers that were checked and are locked (执行合并). A part of crm.merge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_carry_out(crm.customer_code, crm.customer_code, jsonb, text, bigint) FROM PUBLIC; -- merges unchecked

CREATE FUNCTION crm.merge(survivor crm.customer_code, loser crm.customer_code, choices jsonb DEFAULT '{}', reason text DEFAULT NULL,
                          expected text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.merge_check(survivor, loser, choices, expected, false);
    RETURN crm.merge_carry_out(survivor, loser, choices, reason, NULL);
END
$$;
ALTER FUNCTION crm.merge(crm.customer_code, crm.customer_code, jsonb, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge(crm.customer_code, crm.customer_code, jsonb, text, text) IS
$$Merge two customers: from now on the survivor stands for the loser; returns the number of the merge (合并客户).
choices: {"field": "survivor" | "loser" | a code}, over crm_data.survivorship_rule; {"kind": "survivor"} to merge kinds that differ, {"document": ...} documents that differ. expected: version of crm.merge_preview(). Nothing is rewritten: entries keep their codes and are seen under the survivor, former codes resolve to it, points move with their lots. crm.unmerge() undoes it.
Errors: KH003 when it needs approval (crm.merge_request), KH006 what cannot be merged, KH010, KH014 changed since the preview, P0002, 22023, 22004, 40001.$$;
REVOKE EXECUTE ON FUNCTION crm.merge(crm.customer_code, crm.customer_code, jsonb, text, text) FROM PUBLIC; -- the data department merges
GRANT EXECUTE ON FUNCTION crm.merge(crm.customer_code, crm.customer_code, jsonb, text, text) TO crm_data_admin;

CREATE FUNCTION crm.merge_preview(survivor crm.customer_code, loser crm.customer_code, choices jsonb DEFAULT '{}')
    RETURNS TABLE (part text, item text, survivor_has text, loser_has text, result text, why text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    s crm.customer_code[] := merge_members(survivor);
    l crm.customer_code[] := merge_members(loser);
    hand jsonb;
BEGIN
    IF num_nulls(survivor, loser, choices) > 0 OR jsonb_typeof(choices) <> 'object' THEN
        PERFORM crm.refuse_merge('null');
    END IF;
    RETURN QUERY SELECT 'objection', o.reason, NULL::text, NULL::text, r.message, concat_ws(' ', o.facts, r.hint)
                   FROM crm.merge_objections(survivor, loser, choices) o JOIN crm.merge_refusals() r ON r.reason = o.reason;
    IF num_nulls(s, l) > 0 OR survivor = loser THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'approval', m.measure, NULL::text, NULL::text, m.value::text, format('beyond %s: a second person approves', m.threshold)
                   FROM crm.merge_measures(survivor, loser) m WHERE m.is_beyond;
    hand := (crm.golden_choices(s || l)).choices
         || (SELECT coalesce(jsonb_agg(jsonb_build_object('field', c.key, 'code', c.value, 'scope', s || l)), '[]')
               FROM jsonb_each_text(crm.merge_chosen(survivor, loser, choices)) c);
    RETURN QUERY
    SELECT 'field', k.field, max(k.value) FILTER (WHERE k.customer_code = ANY (s) AND k.mine = 1), max(k.value) FILTER (WHERE k.customer_code = ANY (l) AND k.mine = 1),
           max(k.value) FILTER (WHERE k.place = 1),
           max(format('%s: %s, %s, %s', k.customer_code, k.why, k.source, k.recorded_on)) FILTER (WHERE k.place = 1)
      FROM (SELECT r.*, row_number() OVER (PARTITION BY r.field, r.customer_code = ANY (l) ORDER BY r.place) AS mine
              FROM crm.golden_ranking(survivor, s || l, hand, company_today()) r) k
     GROUP BY k.field ORDER BY k.field;
    RETURN QUERY
    SELECT 'consent', concat_ws(', ', coalesce(x.purpose, 'every purpose'), coalesce(x.channel, 'every channel')),
           max(x.status) FILTER (WHERE x.side = 1), max(x.status) FILTER (WHERE x.side = 2), coalesce(max(x.status) FILTER (WHERE x.side = 3), 'overruled'),
           coalesce(max(format('%s, %s', x.record_code, x.captured_at::date)) FILTER (WHERE x.side = 3), 'something wider of the other stands against it')
      FROM (SELECT CASE WHEN k.customer_code = survivor THEN 1 ELSE 2 END AS side, k.purpose, k.channel, k.status, k.captured_at, k.record_code
              FROM crm.consent_current k WHERE k.customer_code IN (survivor, loser)
            UNION ALL
            SELECT 3, p.* FROM crm.consent_preview(survivor, loser) p) x
     GROUP BY x.purpose, x.channel ORDER BY x.purpose, x.channel;
    RETURN QUERY
    SELECT 'hold', h.scope, CASE WHEN h.customer_code = survivor THEN 'held' END, CASE WHEN h.customer_code = loser THEN 'held' END, 'held', h.reason
      FROM crm.legal_hold h WHERE h.customer_code IN (survivor, loser) AND h.stands ORDER BY h.hold_id, h.record_code;
    RETURN QUERY
    SELECT 'entries', t.relation, a.had, b.had, (coalesce(a.had::bigint, 0) + coalesce(b.had::bigint, 0))::text, t.reason
      FROM crm_data.merge_rule t
      LEFT JOIN (SELECT e.key, sum((e.value ->> 0)::bigint)::text AS had FROM jsonb_each(crm.merge_census(s)) c, jsonb_each(c.value) e GROUP BY e.key) a ON a.key = t.relation
      LEFT JOIN (SELECT e.key, sum((e.value ->> 0)::bigint)::text AS had FROM jsonb_each(crm.merge_census(l)) c, jsonb_each(c.value) e GROUP BY e.key) b ON b.key = t.relation
     WHERE num_nonnulls(a.had, b.had) > 0 AND t.way IN ('pointer', 'moves') ORDER BY t.relation;
    RETURN QUERY SELECT 'version', 'expected', NULL::text, NULL::text, crm.merge_version(survivor, loser), 'for crm.merge(expected => ...)';
END
$$;
ALTER FUNCTION crm.merge_preview(crm.customer_code, crm.customer_code, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_preview(crm.customer_code, crm.customer_code, jsonb) IS
$$What crm.merge() would do, line by line; changes nothing (合并预览).
part: objection (why it would be refused), approval (what needs a second person), field (both values masked, the one that would be shown, and why), consent (what either agreed to and what would hold), hold (legal holds, which do not stand in the way), entries (rows of each table), version (for expected).
Errors: 22004.$$;
REVOKE EXECUTE ON FUNCTION crm.merge_preview(crm.customer_code, crm.customer_code, jsonb) FROM PUBLIC; -- shows both customers
GRANT EXECUTE ON FUNCTION crm.merge_preview(crm.customer_code, crm.customer_code, jsonb) TO crm_data_admin;

-- -- merge by approval ----------------------------------------------------------------------

CREATE FUNCTION crm.merge_request(survivor crm.customer_code, loser crm.customer_code, choices jsonb DEFAULT '{}', reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    id bigint;
BEGIN
    IF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_merge('reason');
    END IF;
    PERFORM crm.merge_check(survivor, loser, choices, NULL, true);
    INSERT INTO crm_data.merge_request (survivor_code, loser_code, choices, reason, seen, measures)
    VALUES (survivor, loser, merge_request.choices, merge_request.reason, crm.merge_version(survivor, loser),
            (SELECT coalesce(jsonb_object_agg(m.measure, m.value), '{}') FROM crm.merge_measures(survivor, loser) m WHERE m.is_beyond))
    ON CONFLICT (survivor_code, loser_code) WHERE state = 'pending' DO NOTHING
    RETURNING request_id INTO id;
    IF id IS NULL THEN
        PERFORM crm.refuse_merge('pending');
    END IF;
    RETURN id;
END
$$;
ALTER FUNCTION crm.merge_request(crm.customer_code, crm.customer_code, jsonb, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_request(crm.customer_code, crm.customer_code, jsonb, text) IS
$$Ask for a merge that needs a second person's approval; returns the number of the request (申请合并).
Errors: those of crm.merge(), 22023 without a reason, 23505 when it is asked for already.$$;
REVOKE EXECUTE ON FUNCTION crm.merge_request(crm.customer_code, crm.customer_code, jsonb, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.merge_request(crm.customer_code, crm.customer_code, jsonb, text) TO crm_data_admin;

CREATE FUNCTION crm.merge_approve(request_id bigint, note text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
    id bigint;
BEGIN
    SELECT * INTO r FROM crm_data.merge_request q WHERE q.request_id = merge_approve.request_id AND q.state = 'pending' FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM crm.refuse_merge('request');
    ELSIF r.requested_by = session_user THEN
        PERFORM crm.refuse_merge('four_eyes');
    END IF;
    -- What was seen is what is approved.
    PERFORM crm.merge_check(r.survivor_code, r.loser_code, r.choices, r.seen, true);
    id := crm.merge_carry_out(r.survivor_code, r.loser_code, r.choices, r.reason, r.request_id);
    UPDATE crm_data.merge_request q SET state = 'approved', decided_by = session_user, decided_at = clock_timestamp(), decided_why = note, merge_id = id
     WHERE q.request_id = r.request_id;
    RETURN id;
END
$$;
ALTER FUNCTION crm.merge_approve(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_approve(bigint, text) IS
$$Approve a requested merge and carry it out; returns the number of the merge (审批合并).
Errors: KH004 for who requested it, P0002 when it is not pending, KH014 when either customer was changed since it was asked for, those of crm.merge().$$;
REVOKE EXECUTE ON FUNCTION crm.merge_approve(bigint, text) FROM PUBLIC; -- merges
GRANT EXECUTE ON FUNCTION crm.merge_approve(bigint, text) TO crm_data_admin;

CREATE FUNCTION crm.merge_reject(request_id bigint, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_merge('reason');
    END IF;
    UPDATE crm_data.merge_request q SET state = 'rejected', decided_by = session_user, decided_at = clock_timestamp(), decided_why = merge_reject.reason
     WHERE q.request_id = merge_reject.request_id AND q.state = 'pending';
    IF NOT FOUND THEN
        PERFORM crm.refuse_merge('request');
    END IF;
END
$$;
ALTER FUNCTION crm.merge_reject(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merge_reject(bigint, text) IS
$$Reject a requested merge, or take back one's own (驳回合并). Errors: P0002 when it is not pending, 22023 without a reason.$$;
REVOKE EXECUTE ON FUNCTION crm.merge_reject(bigint, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.merge_reject(bigint, text) TO crm_data_admin;

-- -- undo -------------------------------------------------------------------------------------

CREATE FUNCTION crm.merges_above(id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN (
        WITH RECURSIVE above AS (
            SELECT m.merge_id, m.survivor_code FROM crm_data.merge m WHERE m.merge_id = id
            UNION
            SELECT m.merge_id, m.survivor_code FROM above a JOIN crm_data.merge m ON m.loser_code = a.survivor_code AND m.undone_at IS NULL
        )
        SELECT array_agg(a.merge_id ORDER BY a.merge_id DESC) FROM above a);
END
$$;
ALTER FUNCTION crm.merges_above(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.merges_above(bigint) IS
$$The merges through which what this one moved went on, the last first, itself at the end (上级合并). A part of crm.unmerge().$$;
REVOKE EXECUTE ON FUNCTION crm.merges_above(bigint) FROM PUBLIC; -- a part of crm.unmerge()

CREATE FUNCTION crm.unmerge_conflicts(id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
#variable_conflict use_column
BEGIN
    RETURN (
        WITH m AS (
            SELECT x.*, crm.merge_subtree(x.survivor_code) AS tree, crm.merge_subtree(x.loser_code) AS apart, crm.merge_members(resolve(x.loser_code)) AS whole, crm.merges_above(id) AS above,
                   crm.merge_census(ARRAY(SELECT k::crm.customer_code FROM jsonb_object_keys(x.had) k)) AS has
              FROM crm_data.merge x WHERE x.merge_id = id
        ), changed AS (
            SELECT code, r.relation, m.had #> ARRAY[code, r.relation] AS before, m.has #> ARRAY[code, r.relation] AS now,
                   CASE WHEN code::crm.customer_code = ANY (m.apart) THEN 'loser' ELSE 'survivor' END AS side
              FROM m, jsonb_object_keys(m.had) code, crm_data.merge_rule r WHERE r.way <> 'moves'
        )
        SELECT jsonb_build_object(
            'changed', (SELECT coalesce(jsonb_agg(jsonb_build_object('customer', c.code, 'side', c.side, 'table', c.relation,
                                   'rows_before', coalesce(c.before -> 0, '0'), 'rows_now', coalesce(c.now -> 0, '0')) ORDER BY c.code, c.relation), '[]')
                          FROM changed c WHERE c.before IS DISTINCT FROM c.now),
            'merged_on', (SELECT coalesce(jsonb_agg(jsonb_build_object('merge', l.merge_id, 'survivor', l.survivor_code, 'loser', l.loser_code) ORDER BY l.merge_id), '[]')
                            FROM m JOIN crm_data.merge l ON l.merge_id = ANY (m.above) OR l.survivor_code = ANY (m.tree)
                           WHERE l.undone_at IS NULL AND l.merge_id > id),
            'refusals', (SELECT coalesce(jsonb_agg(jsonb_build_object('customer', x, 'purpose', e.purpose, 'channel', e.channel, 'status', e.status, 'event', e.event_id) ORDER BY e.event_id, x), '[]')
                           FROM m JOIN crm_data.consent_event e ON e.customer_code = ANY (m.whole), unnest(e.about) x
                          WHERE e.status IN ('denied', 'withdrawn') AND x = ANY (m.whole)
                            AND (e.customer_code = ANY (m.apart)) <> (x = ANY (m.apart)))) FROM m);
END
$$;
ALTER FUNCTION crm.unmerge_conflicts(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unmerge_conflicts(bigint) IS
$$What has changed since a merge (撤销合并冲突).
changed: tables in which either side has other rows than before, which stay with the code they were written for; merged_on: later merges that touch these customers and stay as they are; refusals: what was refused for both meanwhile, and stands no more for this record, which said nothing itself: ask, or record it for it too.$$;
REVOKE EXECUTE ON FUNCTION crm.unmerge_conflicts(bigint) FROM PUBLIC; -- reads all tables

CREATE FUNCTION crm.unmerge_preview(merge_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM crm_data.merge m WHERE m.merge_id = unmerge_preview.merge_id AND m.undone_at IS NULL) THEN
        PERFORM crm.refuse_merge('unmerge');
    END IF;
    RETURN crm.unmerge_conflicts(merge_id);
END
$$;
ALTER FUNCTION crm.unmerge_preview(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unmerge_preview(bigint) IS
$$The conflict report that crm.unmerge() would give; changes nothing (撤销合并预览). Errors: P0002 when there is no such merge that stands.$$;
REVOKE EXECUTE ON FUNCTION crm.unmerge_preview(bigint) FROM PUBLIC; -- tells what customers have
GRANT EXECUTE ON FUNCTION crm.unmerge_preview(bigint) TO crm_data_admin;

CREATE FUNCTION crm.points_owed(customer crm.customer_code) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT coalesce(sum(debt(a.state)), 0)::bigint FROM crm_data.points_account a WHERE a.customer_code = customer $$;
ALTER FUNCTION crm.points_owed(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.points_owed(crm.customer_code) IS $$What a customer owes in all programmes, in their smallest units (欠分合计). A part of crm.unmerge().$$;
REVOKE EXECUTE ON FUNCTION crm.points_owed(crm.customer_code) FROM PUBLIC; -- reads balances

CREATE FUNCTION crm.unmerge_lock(id bigint, OUT root crm.customer_code, OUT loser crm.customer_code, OUT loser_state text)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    merged_on date;
BEGIN
    SELECT c.survivor_code, m.loser_code INTO root, loser
      FROM crm_data.merge m JOIN crm_data.customer c ON c.customer_code = m.loser_code WHERE m.merge_id = id;
    -- The root's lock is that of its whole tree.
    PERFORM FROM crm_data.customer c WHERE c.customer_code = root FOR NO KEY UPDATE;
    SELECT m.loser_state, m.merged_on INTO loser_state, merged_on FROM crm_data.merge m WHERE m.merge_id = id AND m.undone_at IS NULL;
    IF NOT FOUND THEN
        PERFORM crm.refuse_merge('unmerge');
    ELSIF root <> (SELECT c.survivor_code FROM crm_data.customer c WHERE c.customer_code = loser) THEN
        -- It was merged on, or apart, while we waited: its root is another one, not locked.
        PERFORM crm.refuse_merge('newer');
    ELSIF merged_on + (SELECT p.threshold::integer FROM crm_data.merge_policy p WHERE p.measure = 'undo_days') < company_today() AND NOT crm.is_held(root) THEN
        -- A legal hold stops the clock: what it holds can always be as it was.
        PERFORM crm.refuse_merge('period', format('It is of %s.', merged_on));
    END IF;
END
$$;
ALTER FUNCTION crm.unmerge_lock(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unmerge_lock(bigint) IS $$Lock what undoing a merge changes, and refuse what cannot be undone (撤销合并检查). A part of crm.unmerge().$$;
REVOKE EXECUTE ON FUNCTION crm.unmerge_lock(bigint) FROM PUBLIC; -- a part of crm.unmerge()

CREATE FUNCTION crm.unmerge(merge_id bigint, reason text, is_different boolean DEFAULT false) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    id CONSTANT bigint := merge_id;
    at record;
    owed_before bigint;
    report jsonb;
BEGIN
    IF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_merge('reason');
    END IF;
    IF id IS NULL THEN
        PERFORM crm.refuse_merge('unmerge');
    END IF;
    at := crm.unmerge_lock(id);
    IF at.loser IS NULL THEN
        PERFORM crm.refuse_merge('unmerge');
    END IF;
    owed_before := crm.points_owed(at.root);
    PERFORM crm.merge_balances(id, false);
    report := crm.unmerge_conflicts(id) || jsonb_build_object('points_owed', crm.points_owed(at.root) - owed_before);
    UPDATE crm_data.merge m SET undone_at = clock_timestamp(), undone_by = session_user, undone_why = unmerge.reason, conflicts = report WHERE m.merge_id = id;
    UPDATE crm_data.customer c
       SET survivor_code = at.loser, lifecycle_state = CASE WHEN c.customer_code = at.loser THEN at.loser_state ELSE c.lifecycle_state END
     WHERE c.customer_code = ANY (crm.merge_subtree(at.loser));
    PERFORM crm.golden_refresh(at.root);
    PERFORM crm.golden_refresh(at.loser);
    UPDATE crm_data.duplicate_case d
       SET merge_id = NULL, state = CASE WHEN is_different THEN 'different' ELSE 'open' END,
           decided_by = CASE WHEN is_different THEN session_user END, decided_at = CASE WHEN is_different THEN clock_timestamp() END,
           decided_why = unmerge.reason
     WHERE d.merge_id = id;
    IF is_different THEN
        PERFORM crm.duplicate_decide(crm.duplicate_suspect(m.survivor_code, m.loser_code), 'different', unmerge.reason)
           FROM crm_data.merge m WHERE m.merge_id = id;
    END IF;
    RETURN report;
END
$$;
ALTER FUNCTION crm.unmerge(bigint, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unmerge(bigint, text, boolean) IS
$$Undo a merge, in any order with others; returns the conflict report (撤销合并).
Both customers are as they were: codes, states, shown values, balances; what was added since stays with the code it was written for and is listed; points that the survivor spent of the other's are owed (points_owed). is_different: also decide that the two are different for ever, so that nothing merges them again.
Errors: P0002 when there is no such merge that stands, 22023 without a reason, KH007 beyond undo_days, KH014 when it was changed at this moment.$$;
REVOKE EXECUTE ON FUNCTION crm.unmerge(bigint, text, boolean) FROM PUBLIC; -- the data department undoes
GRANT EXECUTE ON FUNCTION crm.unmerge(bigint, text, boolean) TO crm_data_admin;

-- -- why -----------------------------------------------------------------------------------------

CREATE FUNCTION crm.explain_customer(code crm.customer_code)
    RETURNS TABLE (happened_at timestamptz, what text, survivor_code crm.customer_code, loser_code crm.customer_code, done_by name, why text, merge_id bigint)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH RECURSIVE touched AS (
        SELECT resolve(code) AS code
        UNION SELECT code
        UNION
        SELECT CASE WHEN m.survivor_code = t.code THEN m.loser_code ELSE m.survivor_code END
          FROM touched t JOIN crm_data.merge m ON m.survivor_code = t.code OR m.loser_code = t.code
         WHERE m.undone_at IS NULL
    ), steps AS (
        SELECT m.* FROM crm_data.merge m WHERE m.survivor_code IN (SELECT t.code FROM touched t) OR m.loser_code IN (SELECT t.code FROM touched t)
    )
    SELECT s.merged_at, 'merged', s.survivor_code, s.loser_code, s.merged_by, s.reason, s.merge_id FROM steps s
    UNION ALL
    SELECT s.undone_at, 'undone', s.survivor_code, s.loser_code, s.undone_by, s.undone_why, s.merge_id FROM steps s WHERE s.undone_at IS NOT NULL
    UNION ALL
    SELECT c.registered_at, 'registered', c.survivor_code, c.customer_code, c.registered_by, c.channel, NULL
      FROM crm_data.customer c WHERE c.customer_code IN (SELECT t.code FROM touched t)
    ORDER BY 1, 7 NULLS FIRST, 2 $$;
ALTER FUNCTION crm.explain_customer(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.explain_customer(crm.customer_code) IS
$$How a customer came to be who he is: registrations, merges and what was undone, in time (客户合并沿革).
Takes any code of his. Which record each shown value comes from: column golden of crm.customer_extended.$$;
REVOKE EXECUTE ON FUNCTION crm.explain_customer(crm.customer_code) FROM PUBLIC; -- tells who was merged
GRANT EXECUTE ON FUNCTION crm.explain_customer(crm.customer_code) TO crm_data_admin;
