-- match_find: one record or one pair, asked of what a run stored.
--
-- The settings make every statement inside go by its index, however small or unknown a
-- table is when its plan is made.

CREATE FUNCTION crm.find_matches_to_new_records(model text, record jsonb, most integer DEFAULT 20,
        OUT id text, OUT cluster_id bigint, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[], OUT reasons jsonb)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_find_matches' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 5
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.find_matches_to_new_records(text, jsonb, integer) IS
$$Records that may be the same as a new one, with their cluster, weight in bits, probability, vector, and for every field what speaks for and against it; writes nothing (查找新记录的匹配).
record: an object with columns of the source. most: how many at most, the heaviest first. Finds what a run would have found with it.
Errors: 55000 before the first run, 22023, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.find_matches_to_new_records(text, jsonb, integer) FROM PUBLIC; -- who can try values can guess them
GRANT EXECUTE ON FUNCTION crm.find_matches_to_new_records(text, jsonb, integer) TO crm_steward;

CREATE FUNCTION crm.score_pair(model text, id_l text, id_r text, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[])
    AS 'MODULE_PATHNAME', 'crm_score_pair' LANGUAGE C STABLE STRICT PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.score_pair(text, text, text) IS
$$What a model says of two of its records: weight in bits (0: even chances), probability, level of each comparison (评分一对).
Errors: P0002 for an id that the model does not know, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.score_pair(text, text, text) FROM PUBLIC; -- compares personal data
GRANT EXECUTE ON FUNCTION crm.score_pair(text, text, text) TO crm_steward;

CREATE FUNCTION crm.score_pair(model text, record_l jsonb, record_r jsonb, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[])
    AS 'MODULE_PATHNAME', 'crm_score_pair' LANGUAGE C STABLE STRICT PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.score_pair(text, jsonb, jsonb) IS
$$What a model says of two records that it need not know, given as objects with columns of its source (评分一对).
Errors: 22023, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.score_pair(text, jsonb, jsonb) FROM PUBLIC; -- tells about the data
GRANT EXECUTE ON FUNCTION crm.score_pair(text, jsonb, jsonb) TO crm_steward;

CREATE FUNCTION crm.explain_pair(model text, id_l text, id_r text, OUT step integer, OUT comparison text, OUT level smallint, OUT label text,
                                 OUT m float8, OUT u float8, OUT match_weight float8, OUT term_frequency_weight float8, OUT sum float8)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_explain_pair' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 10
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.explain_pair(text, text, text) IS
$$Why a model takes two records for the same or not, field by field (解释匹配).
From the prior, what each field adds in bits: log2(m/u) of its level and the rarity of the value; then what fields tell together beyond each alone. The last sum is the match weight. Shows levels, no values.
Errors: as crm.score_pair().$$;
REVOKE EXECUTE ON FUNCTION crm.explain_pair(text, text, text) FROM PUBLIC; -- compares personal data
GRANT EXECUTE ON FUNCTION crm.explain_pair(text, text, text) TO crm_steward;

CREATE FUNCTION crm.explain_pair(model text, record_l jsonb, record_r jsonb, OUT step integer, OUT comparison text, OUT level smallint, OUT label text,
                                 OUT m float8, OUT u float8, OUT match_weight float8, OUT term_frequency_weight float8, OUT sum float8)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_explain_pair' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 10
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.explain_pair(text, jsonb, jsonb) IS
$$As crm.explain_pair() for records given as objects (解释匹配).$$;
REVOKE EXECUTE ON FUNCTION crm.explain_pair(text, jsonb, jsonb) FROM PUBLIC; -- tells about the data
GRANT EXECUTE ON FUNCTION crm.explain_pair(text, jsonb, jsonb) TO crm_steward;

CREATE FUNCTION crm.match_insert(model text, record jsonb) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_match_insert' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.match_insert(text, jsonb) IS
$$Add a record to what a model knows; returns the cluster that it came to (新增匹配记录).
record: an object with columns of the source, those of the id included. It makes the pairs that a run would make with the same parameters, joins the cluster to which it belongs, or gets one of its own; two clusters that it holds together merge, and the older number stays. What people said of its id (crm.match_label) binds. Additions to a model wait for one another until the end of the transaction.
Errors: 23505 for an id that is there, 22004 without one, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_insert(text, jsonb) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_insert(text, jsonb) TO crm_steward;

CREATE FUNCTION crm.match_remove(model text, id text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_match_remove' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.match_remove(text, text) IS
$$Take a record out of what a model knows, with its pairs; whether it was there (移除匹配记录).
What it alone held together falls apart; a cluster of more than 200 records waits for the next run.
Errors: 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_remove(text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_remove(text, text) TO crm_steward;

CREATE FUNCTION crm.match_follow() RETURNS trigger
    AS 'MODULE_PATHNAME', 'crm_match_follow' LANGUAGE C VOLATILE PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.match_follow() IS
$$Trigger for each row of a model's source, with the model's name: rows inserted, updated and deleted are added to the model and taken out (跟随触发器).
CREATE TRIGGER match AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION crm.match_follow('m');
Who writes the table needs no right on the model. Error: 39P01 when it is called by itself; 55000 before the first run.$$;
REVOKE EXECUTE ON FUNCTION crm.match_follow() FROM PUBLIC; -- a trigger, made by who may use the model
GRANT EXECUTE ON FUNCTION crm.match_follow() TO crm_steward;

-- -- keeping up with a table, and the customer master ------------------------------------------

CREATE FUNCTION crm.match_add(model text, ids text[]) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_match_add' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET enable_bitmapscan = off SET jit = off;
COMMENT ON FUNCTION crm.match_add(text, text[]) IS
$$Add rows of a model's source by their ids, as crm.match_insert() would; returns how many (按标识新增).
Personal data is read by the engine itself and need not be handed in.
Errors: 23505 for an id that is there, 0A000 where several columns name a record, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_add(text, text[]) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_add(text, text[]) TO crm_steward;

CREATE FUNCTION crm.match_missing(model text) RETURNS TABLE (id text, is_new boolean)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    key text;
    source regclass;
BEGIN
    PERFORM crm.match_require(model);
    SELECT m.source::regclass, m.settings ->> 'unique_id_column_name' INTO source, key FROM crm.match_models() m WHERE m.model = match_missing.model;
    RETURN QUERY EXECUTE format(
        'SELECT coalesce(s.id, k.id), k.id IS NULL FROM (SELECT x.%I::text AS id FROM %s x) s FULL JOIN crm.match_clusters($1) k ON k.id = s.id
          WHERE s.id IS NULL OR k.id IS NULL', key, source) USING model;
END
$$;
COMMENT ON FUNCTION crm.match_missing(text) IS
$$Records that the source has and the model does not know yet (is_new), and those that it knows and that are gone (模型缺口).$$;
REVOKE EXECUTE ON FUNCTION crm.match_missing(text) FROM PUBLIC; -- tells about records
GRANT EXECUTE ON FUNCTION crm.match_missing(text) TO crm_steward;

CREATE FUNCTION crm.match_changed(model text) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'crm_match_changed' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION crm.match_changed(text) IS
$$Ids of rows of a model's source that say something else than when the model read them, in a column that it compares (已变更记录).
Reads the whole source once. Errors: 55000 before the first run, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_changed(text) FROM PUBLIC; -- tells about records
GRANT EXECUTE ON FUNCTION crm.match_changed(text) TO crm_steward;

CREATE PROCEDURE crm.match_catch_up(model text, batch_size integer DEFAULT 500)
    LANGUAGE plpgsql
    AS $$
DECLARE
    batch text[];
    changed text[] := ARRAY(SELECT c FROM crm.match_changed(model) c);
    gone text[] := ARRAY(SELECT m.id FROM crm.match_missing(model) m WHERE NOT m.is_new);
    new text[] := ARRAY(SELECT m.id FROM crm.match_missing(model) m WHERE m.is_new);
    at integer := 1;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    PERFORM crm.match_remove(model, g) FROM pg_catalog.unnest(gone) g;
    new := pg_catalog.array_cat(changed, new);
    LOOP
        batch := new[at : at OPERATOR(pg_catalog.+) batch_size OPERATOR(pg_catalog.-) 1];
        EXIT WHEN batch OPERATOR(pg_catalog.=) '{}';
        PERFORM crm.match_remove(model, b) FROM pg_catalog.unnest(batch) b WHERE b OPERATOR(pg_catalog.=) ANY (changed);
        PERFORM crm.match_add(model, batch);
        at := at OPERATOR(pg_catalog.+) batch_size;
        COMMIT;
    END LOOP;
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.match_catch_up(text, integer) IS
$$Bring a model up to its source without a run: what came since is added, what changed is judged anew, what is gone is taken out (补录模型).
Commits per batch and goes on where it was when it is called again. For sources that no trigger can follow, as views.
Errors: 55000, 42704, 42501, 22023.$$;
REVOKE EXECUTE ON PROCEDURE crm.match_catch_up(text, integer) FROM PUBLIC; -- writes
GRANT EXECUTE ON PROCEDURE crm.match_catch_up(text, integer) TO crm_steward;

CREATE FUNCTION crm.find_matches_trusted(model text, record jsonb, most integer,
        OUT id text, OUT cluster_id bigint, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[], OUT reasons jsonb)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_find_matches_trusted' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 5
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.find_matches_trusted(text, jsonb, integer) IS
$$As crm.find_matches_to_new_records(), for functions of crm_owner that answer for their callers (内部匹配).$$;
REVOKE EXECUTE ON FUNCTION crm.find_matches_trusted(text, jsonb, integer) FROM PUBLIC; -- checks no right
GRANT EXECUTE ON FUNCTION crm.find_matches_trusted(text, jsonb, integer) TO crm_owner;

-- How often somebody asks blind: a row an answer, a bound in any hour. The rows are for who
-- looks after it; what binds are counters that no ROLLBACK takes back: one of 64 sequences by
-- the asker's name. Its number holds six counters of eight bits, of twelve minutes each, the
-- latest lowest, and above them which twelve minutes that is.
CREATE FUNCTION crm.match_meter_at(meter bigint, at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT period << 48 | CASE WHEN passed < 6 THEN (meter & 281474976710655) << 8 * passed::int & 281474976710655 ELSE 0 END
      FROM (SELECT period, (period - (meter >> 48) + 32768) & 32767 AS passed
              FROM (SELECT floor(extract(epoch FROM at) / 720)::bigint & 32767) p (period)) w $$;
COMMENT ON FUNCTION crm.match_meter_at(bigint, timestamptz) IS
$$A meter of questions as it is at a time: what is older than an hour has left it (滑动窗口计数). A part of crm.match_ask().$$;

CREATE FUNCTION crm.match_meter_sum(meter bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT sum(meter >> 8 * i & 255)::integer FROM generate_series(0, 5) i $$;
COMMENT ON FUNCTION crm.match_meter_sum(bigint) IS
$$How many questions a meter holds (计数合计). A part of crm.match_ask().$$;

CREATE FUNCTION crm.match_ask(kind text, hits integer) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    most CONSTANT integer := 200;
    price CONSTANT integer := CASE hits WHEN 0 THEN 2 ELSE 1 END;
    meter CONSTANT regclass := format('crm_data.match_meter_%s', hashtext(session_user) & 63);
    held bigint := coalesce(pg_sequence_last_value(meter), 0);
    now_held CONSTANT bigint := crm.match_meter_at(held, clock_timestamp());
BEGIN
    IF crm.match_meter_sum(now_held) + price > most THEN
        RAISE EXCEPTION 'too many questions about customers in an hour' USING ERRCODE = 'configuration_limit_exceeded',
            DETAIL = format('At most %s; a question that finds nobody counts twice.', most),
            HINT = 'Wait, or let the data department run the list.';
    END IF;
    -- Two who turn the same page at once may lose one question; they lose no hour.
    IF held <> now_held THEN
        PERFORM setval(meter, now_held + price);
    ELSE
        PERFORM nextval(meter) FROM generate_series(1, price);
    END IF;
    INSERT INTO crm_data.match_asked (kind, hits) VALUES (match_ask.kind, match_ask.hits);
END
$$;
ALTER FUNCTION crm.match_ask(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.match_ask(text, integer) IS
$$Record a question about customers and refuse it beyond the bound of any hour (查询计量).
It leaves the count 60 to 72 minutes later. Error: 53400.$$;
REVOKE EXECUTE ON FUNCTION crm.match_ask(text, integer) FROM PUBLIC; -- a part of the functions below

CREATE FUNCTION crm.customer_record(customer jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'person_name', CASE WHEN coalesce(customer ->> 'kind', 'individual') IN ('individual', '个人', '个人客户') THEN customer ->> 'name' END,
        'organization_name', CASE WHEN coalesce(customer ->> 'kind', 'individual') NOT IN ('individual', '个人', '个人客户') THEN customer ->> 'name' END,
        'document_number', customer ->> 'document_number', 'phone', customer ->> 'phone', 'email', customer ->> 'email',
        'birth_date', customer ->> 'birth_date', 'address', customer ->> 'address',
        'sex', CASE customer ->> 'sex' WHEN '男' THEN 'M' WHEN '女' THEN 'F' ELSE customer ->> 'sex' END)) $$;
COMMENT ON FUNCTION crm.customer_record(jsonb) IS
$$A draft, with the columns of crm.customer_input, as the matching model "customer" reads it (草稿转匹配记录).$$;

CREATE FUNCTION crm.customer_candidates(customer jsonb, most integer DEFAULT 10,
        OUT customer_code crm.customer_code, OUT match_weight float8, OUT match_probability float8, OUT reasons jsonb)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    hits integer := 0;
BEGIN
    FOR customer_code, match_weight, match_probability, reasons IN
        SELECT coalesce(crm.resolve(f.id::crm.customer_code), f.id::crm.customer_code), f.match_weight, f.match_probability, f.reasons
          FROM crm.find_matches_trusted('customer', crm.customer_record(customer), most) f
    LOOP
        hits := hits + 1;
        RETURN NEXT;
    END LOOP;
    PERFORM crm.match_ask('candidates', hits);
END
$$;
ALTER FUNCTION crm.customer_candidates(jsonb, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.customer_candidates(jsonb, integer) IS
$$Customers who may be the person or company of a draft, with what speaks for and against each, field by field; shows no value (疑似重复客户).
customer: an object as crm.register_customer() takes it. Counted, and bounded in any hour.
Errors: 53400 beyond the bound, 55000 before the model "customer" was run, 22023, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.customer_candidates(jsonb, integer) FROM PUBLIC; -- tells who is a customer
GRANT EXECUTE ON FUNCTION crm.customer_candidates(jsonb, integer) TO crm_writer;

CREATE FUNCTION crm.lead_check(phone text DEFAULT NULL, name text DEFAULT NULL, company text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    hit record;
    answer text := 'free';
BEGIN
    IF num_nonnulls(phone, name, company) = 0 OR phone IS NULL AND company IS NULL THEN
        RAISE EXCEPTION 'a lead is checked by telephone or company' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A name alone is shared by too many.';
    END IF;
    FOR hit IN
        SELECT c.owner_unit, f.match_probability
          FROM crm.find_matches_trusted('customer', jsonb_strip_nulls(jsonb_build_object('phone', phone, 'person_name', name, 'organization_name', company)), 5) f
          JOIN crm_data.customer c ON c.customer_code = crm.resolve(f.id::crm.customer_code)
         WHERE f.match_probability >= 0.5
    LOOP
        -- In the pool is what no unit answers for.
        answer := CASE WHEN hit.owner_unit IS NOT NULL OR answer = 'protected' THEN 'protected' ELSE 'in pool' END;
    END LOOP;
    PERFORM crm.match_ask('lead', (answer <> 'free')::int);
    RETURN answer;
END
$$;
ALTER FUNCTION crm.lead_check(text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.lead_check(text, text, text) IS
$$Whether somebody is a customer already, blind: free, protected (a unit answers for him), or in pool (查重: 自由, 受保护, 公海); shows nothing else.
By telephone, or by company, with the name beside it. Spelling, homophones and forms of numbers do not matter. Counted, and bounded in any hour; one who is not found counts twice.
Errors: 22023, 53400 beyond the bound, 55000 before the model "customer" was run, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.lead_check(text, text, text) FROM PUBLIC; -- tells who is a customer
GRANT EXECUTE ON FUNCTION crm.lead_check(text, text, text) TO crm_writer;
