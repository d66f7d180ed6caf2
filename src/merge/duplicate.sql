-- duplicate: which records may be one customer, and what was decided. The engine and the
-- intake suspect; people decide, and what they decided stands.

CREATE FUNCTION crm.refuse_decision(reason text, facts text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO STRICT r FROM (VALUES
        ('case', 'P0002', 'no such case of a suspected duplicate', 'The view crm.duplicate_worklist lists the cases that wait.'),
        ('self', '22023', 'a customer is no duplicate of itself', 'Give two codes that differ.'),
        ('code', 'P0002', 'no such customer to suspect', 'crm.customer_search() finds customers.'),
        ('decision', '22023', 'no such decision', 'Decide same, different or related; open takes a decision back.'),
        ('reason', '22023', 'a decision needs a reason', 'Write why, so that whoever asks later can follow it.'),
        ('engine', '55000', 'no matching engine to take pairs from', 'The engine of this version has no crm.match_pairs(); suspect pairs with crm.duplicate_suspect().'),
        ('merged', 'KH006', 'the two records are one customer by a merge', 'Undo the merge with crm.unmerge(id, reason, is_different => true).')
        ) v (reason, sqlstate, message, hint) WHERE v.reason = refuse_decision.reason;
    RAISE EXCEPTION USING MESSAGE = r.message, ERRCODE = r.sqlstate, DETAIL = coalesce(facts, 'Nothing was changed.'), HINT = r.hint;
END
$$;
COMMENT ON FUNCTION crm.refuse_decision(text, text) IS $$The one place that refuses a step with a suspected duplicate (拒绝判定).$$;

CREATE FUNCTION crm.lock_customers(codes crm.customer_code[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    code crm.customer_code;
    survivor crm.customer_code;
BEGIN
    -- Only those who stand for themselves are held, one at a time and in the order of the
    -- codes, and their lock is that of all records merged into them; who finds one merged
    -- gives up at once. So those who cross wait for each other and never in a circle.
    -- Not FOR UPDATE: their dealings go on meanwhile.
    FOR code IN SELECT DISTINCT c FROM unnest(codes) c ORDER BY c LOOP
        SELECT c.survivor_code INTO survivor FROM crm_data.customer c WHERE c.customer_code = code FOR NO KEY UPDATE;
        IF survivor <> code THEN
            PERFORM crm.refuse_merge('merged', format('%s is merged into %s.', code, survivor));
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION crm.lock_customers(crm.customer_code[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.lock_customers(crm.customer_code[]) IS
$$Lock customers until the transaction ends, in the order of their codes (锁定客户). A part of crm.merge(). Errors: KH006 for one that is merged.$$;
REVOKE EXECUTE ON FUNCTION crm.lock_customers(crm.customer_code[]) FROM PUBLIC; -- who can lock can stop others

CREATE FUNCTION crm.duplicate_evidence(a crm.customer_code, b crm.customer_code) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_object_agg(x.field, CASE WHEN x.key = y.key THEN 'equal' ELSE 'differs' END)
      FROM crm.customer_field x JOIN crm.customer_field y ON y.field = x.field
     WHERE x.customer_code = a AND y.customer_code = b AND x.field NOT IN ('registered_at', 'channel', 'owner_unit') $$;
ALTER FUNCTION crm.duplicate_evidence(crm.customer_code, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_evidence(crm.customer_code, crm.customer_code) IS
$$Two records field by field: equal or differs, for the fields that both have; no values (字段比对).$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_evidence(crm.customer_code, crm.customer_code) FROM PUBLIC; -- compares personal data
GRANT EXECUTE ON FUNCTION crm.duplicate_evidence(crm.customer_code, crm.customer_code) TO crm_data_admin;

CREATE FUNCTION crm.duplicate_suspect(customer crm.customer_code, other crm.customer_code, source text DEFAULT 'staff',
                                      score double precision DEFAULT NULL, reasons jsonb DEFAULT '[]') RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    id bigint;
BEGIN
    IF customer = other THEN
        PERFORM crm.refuse_decision('self');
    ELSIF num_nulls(resolve(customer), resolve(other)) > 0 THEN
        PERFORM crm.refuse_decision('code', format('Codes %s, %s.', customer, other));
    ELSIF resolve(customer) = resolve(other) THEN
        RETURN NULL;
    END IF;
    INSERT INTO crm_data.duplicate_case AS d (customer_code, other_code, source, score, reasons, due_on)
    VALUES (least(customer, other), greatest(customer, other), duplicate_suspect.source, duplicate_suspect.score, duplicate_suspect.reasons,
            company_today() + (SELECT p.threshold::integer FROM crm_data.merge_policy p WHERE p.measure = 'case_days'))
    -- What was decided stands, and so does what a better source had said.
    ON CONFLICT ON CONSTRAINT duplicate_case_customer_code_other_code_key DO UPDATE
       SET score = excluded.score, reasons = excluded.reasons, source = excluded.source
     WHERE d.state = 'open' AND (excluded.score > d.score OR d.score IS NULL)
    RETURNING d.case_id INTO id;
    RETURN coalesce(id, (SELECT d.case_id FROM crm_data.duplicate_case d
                          WHERE d.customer_code = least(customer, other) AND d.other_code = greatest(customer, other)));
END
$$;
ALTER FUNCTION crm.duplicate_suspect(crm.customer_code, crm.customer_code, text, double precision, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_suspect(crm.customer_code, crm.customer_code, text, double precision, jsonb) IS
$$Put two records on the work list of suspected duplicates; returns the case, null when they are one customer already (上报疑似重复).
score: probability from 0 to 1. reasons: a list of texts without values. Suspected again, the better score stays; a pair that was decided stays decided.
Errors: P0002 for an unknown code, 22023 for a customer and itself, 23514.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_suspect(crm.customer_code, crm.customer_code, text, double precision, jsonb) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.duplicate_suspect(crm.customer_code, crm.customer_code, text, double precision, jsonb) TO crm_writer;

CREATE FUNCTION crm.duplicate_look(customer crm.customer_code) RETURNS integer
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    -- By index; two customers never have the same document.
    SELECT count(crm.duplicate_suspect(customer, found.customer_code, 'intake', found.score, found.reasons))::integer
      FROM (SELECT t.customer_code, CASE WHEN count(DISTINCT t.kind) > 1 THEN 0.9 ELSE 0.5 END AS score,
                   jsonb_agg(DISTINCT 'same ' || t.kind) AS reasons
              FROM crm.customer_token mine
              JOIN crm.customer_token t ON t.kind = mine.kind AND t.token = mine.token AND t.customer_code <> mine.customer_code
             WHERE mine.customer_code = customer AND t.kind <> 'id_number'
             GROUP BY t.customer_code
            HAVING count(DISTINCT t.kind) > 1 OR bool_or(t.kind = 'bank_card')) found $$;
ALTER FUNCTION crm.duplicate_look(crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_look(crm.customer_code) IS
$$Suspect whoever has a card, or two of name, telephone and e-mail in common with this customer; returns how many (查找疑似重复).
Exact values only, by index; the matching engine finds the rest.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_look(crm.customer_code) FROM PUBLIC; -- compares personal data
GRANT EXECUTE ON FUNCTION crm.duplicate_look(crm.customer_code) TO crm_writer;

CREATE FUNCTION crm.duplicate_look_alike(customer crm.customer_code, fields jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    found integer := 0;
BEGIN
    IF EXISTS (SELECT FROM crm_data.match_model m WHERE m.name = 'customer' AND m.run > 0) THEN
        SELECT count(crm.duplicate_suspect(customer, f.id::crm.customer_code, 'customer', f.match_probability,
                                           (SELECT jsonb_agg(concat(r ->> 'comparison', ': ', r ->> 'level')) FROM jsonb_array_elements(f.reasons) r
                                             WHERE (r ->> 'weight')::float8 > 0)))
          INTO found
          FROM crm.find_matches_trusted('customer', crm.customer_record(fields), 5) f
         WHERE f.match_probability >= 0.5 AND f.id <> customer::text;
    END IF;
    RETURN found;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    -- A model that must be run anew stops nobody from registering.
    RETURN 0;
END
$$;
ALTER FUNCTION crm.duplicate_look_alike(crm.customer_code, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_look_alike(crm.customer_code, jsonb) IS
$$Suspect whom the matching model "customer" takes for the one of this entry, with what speaks for it field by field; returns how many (按模型查找疑似重复).
fields: an object as crm.register_customer() takes it. Nothing before the first run of the model.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_look_alike(crm.customer_code, jsonb) FROM PUBLIC; -- compares personal data

CREATE FUNCTION crm.duplicate_look_batch(batch text, from_line bigint, to_line bigint) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
    AS $$
    -- From cards, telephones and e-mail addresses, never from names: there are too many of one
    -- name. A value that more than twenty have, as a switchboard, tells nothing alone.
    WITH fresh AS MATERIALIZED (
        SELECT l.customer_code FROM crm_data.import_line l WHERE l.batch = duplicate_look_batch.batch AND l.line BETWEEN from_line AND to_line
    ), shared AS MATERIALIZED (
        SELECT f.customer_code, t.customer_code AS other, CASE WHEN p.phone IS NULL THEN 'email' ELSE 'phone' END AS kind
          FROM fresh f JOIN crm_data.contact_point p ON p.customer_code = f.customer_code,
               LATERAL (SELECT x.customer_code FROM crm_data.contact_point x WHERE x.token = p.token LIMIT 21) t
         WHERE t.customer_code <> f.customer_code
        UNION ALL
        SELECT f.customer_code, t.customer_code, 'bank_card'
          FROM fresh f JOIN crm_data.bank_account a ON a.customer_code = f.customer_code,
               LATERAL (SELECT x.customer_code FROM crm_data.bank_account x WHERE x.card_token = a.card_token LIMIT 21) t
         WHERE t.customer_code <> f.customer_code
    ), named AS (
        SELECT s.customer_code, s.other, array_agg(DISTINCT s.kind ORDER BY s.kind)
                   || CASE WHEN i.name_token = o.name_token THEN ARRAY['person_name'] ELSE '{}' END AS kinds
          FROM shared s
          LEFT JOIN crm_data.individual i ON i.customer_code = s.customer_code
          LEFT JOIN crm_data.individual o ON o.customer_code = s.other
         GROUP BY s.customer_code, s.other, i.name_token, o.name_token
    )
    SELECT count(crm.duplicate_suspect(n.customer_code, n.other, 'intake', CASE WHEN cardinality(n.kinds) > 1 THEN 0.9 ELSE 0.5 END,
                                       (SELECT jsonb_agg('same ' || k) FROM unnest(n.kinds) k)))
      FROM named n WHERE cardinality(n.kinds) > 1 OR 'bank_card' = ANY (n.kinds) $$;
ALTER FUNCTION crm.duplicate_look_batch(text, bigint, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_look_batch(text, bigint, bigint) IS
$$Suspect whoever has a card, or two of name, telephone and e-mail in common with a customer of some lines of an import; returns how many (导入查重).
As crm.duplicate_look(), for a batch at once. A part of crm.import_rows().$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_look_batch(text, bigint, bigint) FROM PUBLIC; -- compares personal data

CREATE FUNCTION crm.duplicate_collect(model text, at_least double precision DEFAULT 0.5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    -- By name: the engine may be of another version, or absent.
    engine text := (SELECT p.proname FROM pg_proc p WHERE p.oid = to_regproc('crm.match_pairs'));
    taken bigint;
BEGIN
    IF engine IS NULL THEN
        PERFORM crm.refuse_decision('engine');
    END IF;
    EXECUTE format($pairs$
        INSERT INTO crm_data.duplicate_case AS d (customer_code, other_code, source, score, reasons, due_on)
        SELECT least(a.customer_code, b.customer_code), greatest(a.customer_code, b.customer_code), $1, max(p.match_probability),
               jsonb_build_array(concat('match weight ', round(max(p.match_weight)::numeric, 1), ' bits')),
               company_today() + (SELECT m.threshold::integer FROM crm_data.merge_policy m WHERE m.measure = 'case_days')
          FROM crm.%I($1) p
          JOIN crm_data.customer a ON a.customer_code = p.id_l::crm.customer_code
          JOIN crm_data.customer b ON b.customer_code = p.id_r::crm.customer_code AND b.survivor_code <> a.survivor_code
         WHERE p.match_probability >= $2 GROUP BY 1, 2
        ON CONFLICT ON CONSTRAINT duplicate_case_customer_code_other_code_key DO UPDATE
           SET score = excluded.score, reasons = excluded.reasons, source = excluded.source
         WHERE d.state = 'open' AND (excluded.score > d.score OR d.score IS NULL) $pairs$, engine)
      USING model, at_least;
    GET DIAGNOSTICS taken = ROW_COUNT;
    RETURN taken;
END
$$;
ALTER FUNCTION crm.duplicate_collect(text, double precision) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_collect(text, double precision) IS
$$Put the pairs that a matching model found on the work list; returns how many are new or surer than before (收取匹配结果).
at_least: probability. What was decided stays decided. Why a pair matches, field by field: crm.explain_pair(model, code, code).
Errors: 55000 without the engine or before its first run, those of crm.match_pairs(), 22P02 when the model is not of customers.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_collect(text, double precision) FROM PUBLIC; -- the data department collects
GRANT EXECUTE ON FUNCTION crm.duplicate_collect(text, double precision) TO crm_data_admin;

CREATE FUNCTION crm.duplicate_decide(case_id bigint, decision text, reason text, relation text DEFAULT 'related') RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    c record;
BEGIN
    SELECT d.customer_code, d.other_code INTO c FROM crm_data.duplicate_case d WHERE d.case_id = duplicate_decide.case_id;
    IF NOT FOUND THEN
        PERFORM crm.refuse_decision('case');
    ELSIF decision IN ('open', 'same', 'different', 'related') IS NOT TRUE THEN
        PERFORM crm.refuse_decision('decision');
    ELSIF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_decision('reason');
    END IF;
    -- Against a merge of the same two at this moment.
    PERFORM crm.lock_customers(ARRAY[resolve(c.customer_code), resolve(c.other_code)]);
    IF decision <> 'same' AND resolve(c.customer_code) = resolve(c.other_code) THEN
        PERFORM crm.refuse_decision('merged', format('Codes %s, %s.', c.customer_code, c.other_code));
    END IF;
    IF decision = 'related' THEN
        PERFORM crm.relate(c.customer_code, c.other_code, relation, note => reason);
    END IF;
    UPDATE crm_data.duplicate_case d
       SET state = decision, decided_why = reason, decided_by = CASE WHEN decision <> 'open' THEN session_user END,
           decided_at = CASE WHEN decision <> 'open' THEN clock_timestamp() END
     WHERE d.case_id = duplicate_decide.case_id;
END
$$;
ALTER FUNCTION crm.duplicate_decide(bigint, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_decide(bigint, text, text, text) IS
$$Decide a case: same (to be merged), different for ever, or related (判定疑似重复).
different and related keep the pair apart in every later run of the matching engine, and crm.merge() refuses it. related also notes a relation of the kind given. open takes a decision back.
Errors: P0002 for an unknown case, 22023 for another decision or a blank reason, KH006 when the two are merged, 23503 for an unknown kind of relation.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_decide(bigint, text, text, text) FROM PUBLIC; -- the data department decides
GRANT EXECUTE ON FUNCTION crm.duplicate_decide(bigint, text, text, text) TO crm_data_admin;

CREATE FUNCTION crm.duplicate_assign(case_id bigint, owner name, due_on date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    UPDATE crm_data.duplicate_case d SET owner = duplicate_assign.owner, due_on = coalesce(duplicate_assign.due_on, d.due_on)
     WHERE d.case_id = duplicate_assign.case_id;
    IF NOT FOUND THEN
        PERFORM crm.refuse_decision('case');
    END IF;
END
$$;
ALTER FUNCTION crm.duplicate_assign(bigint, name, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.duplicate_assign(bigint, name, date) IS
$$Give a case to somebody, until a day (分派疑似重复案件). Errors: P0002 for an unknown case.$$;
REVOKE EXECUTE ON FUNCTION crm.duplicate_assign(bigint, name, date) FROM PUBLIC; -- the data department assigns
GRANT EXECUTE ON FUNCTION crm.duplicate_assign(bigint, name, date) TO crm_data_admin;

CREATE FUNCTION crm.explain_match(a crm.customer_code, b crm.customer_code)
    RETURNS TABLE (step integer, field text, finding text, match_weight float8, sum float8)
    LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF a = b THEN
        PERFORM crm.refuse_decision('self');
    ELSIF num_nulls(resolve(a), resolve(b)) > 0 THEN
        PERFORM crm.refuse_decision('code', format('Codes %s, %s.', a, b));
    END IF;
    -- What people decided goes before what the records say.
    RETURN QUERY SELECT -2, 'customer'::text, CASE WHEN resolve(a) = resolve(b) THEN 'one customer: ' || resolve(a)::text ELSE 'two customers' END, NULL::float8, NULL::float8;
    RETURN QUERY SELECT -1, 'decision'::text, concat_ws(': ', d.state, d.decided_why), NULL::float8, NULL::float8
                   FROM crm_data.duplicate_case d WHERE d.customer_code = least(a, b) AND d.other_code = greatest(a, b);
    -- The engine compares records that stand for themselves; of others the values still tell.
    IF EXISTS (SELECT FROM crm_data.match_model m WHERE m.name = 'customer' AND m.state <> 'new')
       AND (SELECT count(*) FROM crm.match_customer m WHERE m.customer_code IN (a, b)) = 2 THEN
        RETURN QUERY SELECT e.step, e.comparison, e.label, e.match_weight + coalesce(e.term_frequency_weight, 0), e.sum
                       FROM crm.explain_pair('customer', a::text, b::text) e;
    ELSE
        RETURN QUERY SELECT row_number() OVER (ORDER BY f.key)::integer, f.key, f.value, NULL::float8, NULL::float8
                       FROM jsonb_each_text(crm.duplicate_evidence(a, b)) f;
    END IF;
END
$$;
ALTER FUNCTION crm.explain_match(crm.customer_code, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.explain_match(crm.customer_code, crm.customer_code) IS
$$Why two records are taken for the same customer or not, field by field, without values (解释匹配).
First whether they are one customer and what was decided; then what each field adds in bits and the sum so far, as crm.explain_pair() with the model "customer"; before that model was trained, and for a record that was merged away, only whether the fields are equal.
Errors: 22023 for a customer and itself, P0002 for an unknown code.$$;
REVOKE EXECUTE ON FUNCTION crm.explain_match(crm.customer_code, crm.customer_code) FROM PUBLIC; -- compares personal data
GRANT EXECUTE ON FUNCTION crm.explain_match(crm.customer_code, crm.customer_code) TO crm_data_admin;
