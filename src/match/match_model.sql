-- match_model: models over any table, their runs and results.
--
-- Everything here is for crm_steward; functions in C check besides that the caller may
-- read what the model reads, and write the model's tables as crm_owner.

CREATE FUNCTION crm.match_kinds(OUT kind text, OUT levels text[], OUT key_families text[], OUT last_level_is_conflict boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_match_kinds_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION crm.match_kinds() IS
$$The kinds of comparison: their levels from the strongest agreement to disagreement, and the families of block keys that they give (比较类型).
What each is for: doc/match-method.md.$$;

CREATE FUNCTION crm.match_settings_check(settings jsonb) RETURNS text[]
    AS 'MODULE_PATHNAME', 'crm_match_settings_check_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.match_settings_check(jsonb) IS
$$What is wrong with a model's settings, all of it at once as "path: what is expected"; empty when nothing is (检查匹配设置).
An object of:
link_type: dedupe_only (default), link_only or link_and_dedupe; the last two need second_source, the name of a table with the same columns.
unique_id_column_name: column, or list of up to 4, that names a record; left out, rows are numbered as they come.
comparisons: list of 1 to 16 objects: kind (crm.match_kinds()), columns (list of 1 to 4, read as one value), name (default: the first column), thresholds (of kinds that have them), term_frequency (default true), note.
blocking_rules_to_generate_predictions: list of 1 to 64 rules, each a list of 1 to 3 texts "comparison:family"; two records are compared when they agree on one key of every part.
block_cap: records of the largest block that makes pairs. random_pairs: pairs from which u is estimated. max_iterations: of EM. seed. keep_match_weight: pairs below are not kept, in bits. threshold_match_weight: instead of the model's own. method: average_linkage (default), connected_components, best_link.$$;

CREATE FUNCTION crm.match_source_id(source regclass) RETURNS text[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    names text[];
    candidate text;
    is_unique boolean;
BEGIN
    -- A key of up to four columns, the primary one first, then the shortest.
    SELECT array_agg(a.attname::text ORDER BY k.n) INTO names
      FROM (SELECT i.indrelid, i.indkey FROM pg_index i
             WHERE i.indrelid = source AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts <= 4
               AND i.indnatts = i.indnkeyatts
               AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[]) AND NOT a.attnotnull)
             ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) i
      CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY k (attnum, n)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum;
    IF names IS NOT NULL THEN
        RETURN names;
    END IF;
    -- A column that is called an id and is one.
    FOR candidate IN
        SELECT a.attname FROM pg_attribute a
         WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
           AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                              'numeric'::regtype, 'uuid'::regtype, 'name'::regtype)
           AND has_column_privilege(source, a.attnum, 'SELECT')
           AND (lower(a.attname) IN ('id', 'unique_id', 'record_id', 'rec_id', 'rowid', 'row_id', 'uid', 'uuid', 'key', 'pk', '编号', '序号', '记录号', '客户编号')
                OR a.attnum = 1)
         ORDER BY lower(a.attname) <> 'id', a.attnum = 1, a.attnum
    LOOP
        EXECUTE format('SELECT count(*) = count(DISTINCT %I) FROM %s', candidate, source) INTO is_unique;
        IF is_unique AND (lower(candidate) ~ 'id$|key|pk|no$|code$|号' OR candidate ~ '^[^a-z]') THEN
            RETURN ARRAY[candidate];
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.match_source_id(regclass) IS
$$The columns that name a record of a table: its primary key, another key without nulls, or a column called id that is unique; null when there is none (记录标识列).$$;

CREATE FUNCTION crm.match_settings_suggest(source regclass) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'crm_match_settings_suggest' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_settings_suggest(regclass) IS
$$Settings for a table, from names, types and contents of its columns: to be used as they are or changed first (建议匹配设置).
Looks at some thousand rows. Shape: crm.match_settings_check().
Errors: 22023 when no column can be compared, 42501, KH012 for personal data without a key.$$;
REVOKE EXECUTE ON FUNCTION crm.match_settings_suggest(regclass) FROM PUBLIC; -- tells what columns hold
GRANT EXECUTE ON FUNCTION crm.match_settings_suggest(regclass) TO crm_steward;

CREATE FUNCTION crm.match_model_create(name text, source regclass, settings jsonb DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_match_model_create' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_model_create(text, regclass, jsonb) IS
$$Make a matching model over a table or view; returns its number (新建匹配模型).
settings: default what crm.match_settings_suggest() says. The model belongs to the current role. Who may read the source may use the model; where row security or a view shows each reader other rows, its owner alone.
Errors: 42710 when the name is taken, 22023 with all faults of the settings in DETAIL, 42703, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_model_create(text, regclass, jsonb) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_model_create(text, regclass, jsonb) TO crm_steward;

CREATE FUNCTION crm.match_model_alter(model text, settings jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_match_model_alter' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_model_alter(text, jsonb) IS
$$Give a model other settings; what it learned and found is dropped, judgements of people stay (修改匹配模型).
Errors: as crm.match_model_create(); 42704 for an unknown model.$$;
REVOKE EXECUTE ON FUNCTION crm.match_model_alter(text, jsonb) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_model_alter(text, jsonb) TO crm_steward;

CREATE PROCEDURE crm.match_run(model text, retrain boolean DEFAULT NULL)
    AS 'MODULE_PATHNAME', 'crm_match_run' LANGUAGE C;
COMMENT ON PROCEDURE crm.match_run(text, boolean) IS
$$Run a model over its whole source: read, train, predict, cluster; then crm.match_clusters() and crm.match_pairs() show the result (运行匹配模型).
Parameters that were tuned by hand are kept unless retrain is true. Clusters keep the numbers that they had. Commits between its steps where no transaction is open; a run that was stopped after training does not train again while the records are the same. Deterministic for a seed. Progress: crm.job_progress. Threads: crm.match_workers. Memory: crm.match_memory.
Errors: 55P03 while another session runs it, 22023, 23505 for ids that are not unique, 22004, 42501, 57014, 53200, KH012, KH014.$$;
REVOKE EXECUTE ON PROCEDURE crm.match_run(text, boolean) FROM PUBLIC; -- reads tables and writes results
GRANT EXECUTE ON PROCEDURE crm.match_run(text, boolean) TO crm_steward;

CREATE FUNCTION crm.match_clusters(model text, OUT id text, OUT cluster_id bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_match_clusters_sql' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 100000;
COMMENT ON FUNCTION crm.match_clusters(text) IS
$$Every record of a model with the number of its cluster: records of one number are taken for the same (匹配簇).
Numbers stay from run to run; when clusters merge the older one stays.
Errors: 55000 before the first run, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_clusters(text) FROM PUBLIC; -- tells who is whose duplicate
GRANT EXECUTE ON FUNCTION crm.match_clusters(text) TO crm_steward;

CREATE FUNCTION crm.match_pairs(model text, threshold_match_weight float8 DEFAULT NULL,
                                OUT id_l text, OUT id_r text, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[])
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_match_pairs_sql' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100000;
COMMENT ON FUNCTION crm.match_pairs(text, float8) IS
$$Pairs of records that may be the same, with their weight in bits, probability, and level of each comparison in the order of the settings (匹配对).
All that were kept, for review as well; threshold_match_weight leaves out weaker ones.
Errors: 55000 before the first run, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_pairs(text, float8) FROM PUBLIC; -- tells who is whose duplicate
GRANT EXECUTE ON FUNCTION crm.match_pairs(text, float8) TO crm_steward;

CREATE FUNCTION crm.match_model_drop(model text) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_match_model_drop' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_model_drop(text) IS
$$Remove a model with all that it learned and found, and the judgements of people (删除匹配模型).
Works also when its source is gone.
Errors: 42704, 42501 for who is no member of its owner.$$;
REVOKE EXECUTE ON FUNCTION crm.match_model_drop(text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_model_drop(text) TO crm_steward;

CREATE FUNCTION crm.match_models() RETURNS TABLE (model text, source text, owner name, state text, is_tuned boolean, is_sealed boolean, records bigint,
                                                  candidates bigint, pairs bigint, clusters bigint, run_at timestamptz, settings jsonb)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT m.name, m.source, m.owner, m.state, m.is_tuned, m.is_sealed, m.records, m.candidates, m.pairs, m.clusters, m.run_at, m.settings
      FROM crm_data.match_model m ORDER BY m.name $$;
ALTER FUNCTION crm.match_models() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.match_models() IS
$$All matching models: over what, whose, and how large their last run was (匹配模型一览). Holds nothing of the records.$$;
REVOKE EXECUTE ON FUNCTION crm.match_models() FROM PUBLIC; -- names tables
GRANT EXECUTE ON FUNCTION crm.match_models() TO crm_steward;

CREATE FUNCTION crm.match_parameters(model text) RETURNS TABLE (comparison text, level smallint, label text, m float8, u float8, match_weight float8)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT p.comparison, p.level, p.label, p.m, p.u, p.weight
      FROM crm_data.match_model d JOIN crm_data.match_parameter p ON p.model_id = d.model_id
     WHERE d.name = match_parameters.model ORDER BY p.comparison, p.level $$;
ALTER FUNCTION crm.match_parameters(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.match_parameters(text) IS
$$What a model learned: m and u of every level and the weight that it gives, in bits (模型参数).$$;
REVOKE EXECUTE ON FUNCTION crm.match_parameters(text) FROM PUBLIC; -- tells about the data
GRANT EXECUTE ON FUNCTION crm.match_parameters(text) TO crm_steward;

CREATE FUNCTION crm.count_comparisons_from_blocking_rule(model text)
    RETURNS TABLE (rule smallint, blocking_rule text, pairs bigint, blocks bigint, largest bigint, skipped bigint, skipped_pairs bigint)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT r.rule, r.blocking_rule, r.pairs, r.blocks, r.largest, r.skipped, r.skipped_pairs
      FROM crm_data.match_model d JOIN crm_data.match_report r ON r.model_id = d.model_id
     WHERE d.name = count_comparisons_from_blocking_rule.model ORDER BY r.rule $$;
ALTER FUNCTION crm.count_comparisons_from_blocking_rule(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.count_comparisons_from_blocking_rule(text) IS
$$What each blocking rule gave in the last run: pairs that no rule before it made, blocks, and what was skipped because a block was larger than the cap (分块报告).$$;
REVOKE EXECUTE ON FUNCTION crm.count_comparisons_from_blocking_rule(text) FROM PUBLIC; -- tells about the data
GRANT EXECUTE ON FUNCTION crm.count_comparisons_from_blocking_rule(text) TO crm_steward;
