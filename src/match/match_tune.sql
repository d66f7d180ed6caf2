-- match_tune: training step by step, predictions at other thresholds, judgements of
-- people and what they say about a model. Names are those of Splink.

CREATE FUNCTION crm.estimate_u_using_random_sampling(model text, max_pairs bigint DEFAULT NULL, seed bigint DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_estimate_u' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.estimate_u_using_random_sampling(text, bigint, bigint) IS
$$Estimate u of every level, its chance among records that are not the same, from pairs taken at random (估计 u 概率).
max_pairs and seed: default those of the settings. A later run keeps what was estimated. Reads the whole source.
Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.estimate_u_using_random_sampling(text, bigint, bigint) FROM PUBLIC; -- changes the model
GRANT EXECUTE ON FUNCTION crm.estimate_u_using_random_sampling(text, bigint, bigint) TO crm_steward;

CREATE FUNCTION crm.estimate_parameters_using_expectation_maximisation(model text, blocking_rule integer DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_estimate_m' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.estimate_parameters_using_expectation_maximisation(text, integer) IS
$$Estimate m of every level, its chance among matches, by expectation maximisation over the pairs of one blocking rule, or of all (期望最大化估计).
blocking_rule: its number in crm.count_comparisons_from_blocking_rule(), from 1. Fields that the rule itself asks for learn nothing in its session. A later run keeps what was estimated.
Errors: 22023 for a rule that there is not, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.estimate_parameters_using_expectation_maximisation(text, integer) FROM PUBLIC; -- changes the model
GRANT EXECUTE ON FUNCTION crm.estimate_parameters_using_expectation_maximisation(text, integer) TO crm_steward;

CREATE FUNCTION crm.match_train(model text) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_match_train_sql' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_train(text) IS
$$Train a model, all steps in one: u, m, prior and threshold (训练匹配模型).
A later run keeps what was learned. Deterministic for the settings' seed.
Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_train(text) FROM PUBLIC; -- changes the model
GRANT EXECUTE ON FUNCTION crm.match_train(text) TO crm_steward;

CREATE FUNCTION crm.estimate_m_from_pairwise_labels(model text) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_estimate_m_from_labels' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.estimate_m_from_pairwise_labels(text) IS
$$Train a model and let what people judged correct it: pairs that are the same correct m; with ten pairs of both kinds, the threshold becomes that under which the fewest are on the wrong side (按人工判定估计).
u stays that of random pairs: people judge pairs that look alike, so those they call different are no sample of the others. The threshold moves between -4 and 15 bits, and a threshold of the settings goes before it.
Errors: 55000 when nobody judged a pair, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.estimate_m_from_pairwise_labels(text) FROM PUBLIC; -- changes the model
GRANT EXECUTE ON FUNCTION crm.estimate_m_from_pairwise_labels(text) TO crm_steward;

CREATE FUNCTION crm.match_predict(model text, threshold_match_weight float8 DEFAULT NULL,
                                  OUT id_l text, OUT id_r text, OUT match_weight float8, OUT match_probability float8, OUT vector smallint[])
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_match_predict_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000;
COMMENT ON FUNCTION crm.match_predict(text, float8) IS
$$The pairs that a model predicts over its source as it is now; stores nothing (预测匹配对).
Takes the parameters that were learned, else trains. crm.match_pairs() shows those of the last run at once.
Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_predict(text, float8) FROM PUBLIC; -- tells who is whose duplicate
GRANT EXECUTE ON FUNCTION crm.match_predict(text, float8) TO crm_steward;

CREATE FUNCTION crm.cluster_pairwise_predictions_at_threshold(model text, threshold_match_weight float8 DEFAULT NULL, method text DEFAULT 'average_linkage',
                                                              OUT id text, OUT cluster_id bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_cluster_at_threshold' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000;
COMMENT ON FUNCTION crm.cluster_pairwise_predictions_at_threshold(text, float8, text) IS
$$Clusters of a model's predictions at another threshold or by another method; stores nothing (按阈值聚类).
method: average_linkage, best_link, or connected_components, which lets chains of near matches run together. The numbers are of this answer alone.
Errors: 22023 for another method, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.cluster_pairwise_predictions_at_threshold(text, float8, text) FROM PUBLIC; -- tells who is whose duplicate
GRANT EXECUTE ON FUNCTION crm.cluster_pairwise_predictions_at_threshold(text, float8, text) TO crm_steward;

-- -- judgements of people ---------------------------------------------------------------

CREATE FUNCTION crm.match_require(model text) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_match_require' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.match_require(text) IS
$$Raise what stands against using a model: 42704 when there is none, 42501 without the right to read its source, 42P01 when that is gone (检查模型权限).$$;

CREATE FUNCTION crm.match_label_store(model text, id_l text, id_r text, verdict text, note text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.match_label (model_id, id_l, id_r, verdict, note)
    SELECT m.model_id, least(id_l COLLATE "C", id_r COLLATE "C"), greatest(id_l COLLATE "C", id_r COLLATE "C"), match_label_store.verdict, match_label_store.note
      FROM crm_data.match_model m WHERE m.name = match_label_store.model
    ON CONFLICT ON CONSTRAINT match_label_pkey DO UPDATE SET verdict = excluded.verdict, note = excluded.note, decided_by = session_user, decided_at = now() $$;
ALTER FUNCTION crm.match_label_store(text, text, text, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.match_label_store(text, text, text, text, text) IS $$Keep a judgement (保存判定). A part of crm.match_label().$$;
REVOKE EXECUTE ON FUNCTION crm.match_label_store(text, text, text, text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_label_store(text, text, text, text, text) TO crm_steward;

CREATE FUNCTION crm.match_label(model text, id_l text, id_r text, verdict text, note text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF num_nulls(model, id_l, id_r, verdict) > 0 OR id_l = id_r THEN
        RAISE EXCEPTION 'a judgement is about two records of a model' USING ERRCODE = 'invalid_parameter_value';
    ELSIF verdict NOT IN ('same', 'different', 'related') THEN
        RAISE EXCEPTION 'no such judgement of a pair' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say same, different or related.';
    END IF;
    PERFORM crm.match_require(model);
    PERFORM crm.match_label_store(model, id_l, id_r, verdict, note);
END
$$;
COMMENT ON FUNCTION crm.match_label(text, text, text, text, text) IS
$$Keep what a person says of two records: same, different (for ever), or related (人工判定).
It binds the clusters of every later run, whatever the pair weighs; a later judgement of the pair replaces it. Order of the ids does not matter.
Errors: 22023, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_label(text, text, text, text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_label(text, text, text, text, text) TO crm_steward;

CREATE FUNCTION crm.match_labels_stored(model text)
    RETURNS TABLE (id_l text, id_r text, verdict text, note text, decided_by name, decided_at timestamptz)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT l.id_l, l.id_r, l.verdict, l.note, l.decided_by, l.decided_at
      FROM crm_data.match_model m JOIN crm_data.match_label l ON l.model_id = m.model_id WHERE m.name = match_labels_stored.model $$;
ALTER FUNCTION crm.match_labels_stored(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.match_labels_stored(text) IS
$$The judgements that people gave on pairs of a model (人工判定一览).$$;
REVOKE EXECUTE ON FUNCTION crm.match_labels_stored(text) FROM PUBLIC; -- tells who is whose duplicate
GRANT EXECUTE ON FUNCTION crm.match_labels_stored(text) TO crm_steward;

-- -- how good a model is -----------------------------------------------------------------

CREATE FUNCTION crm.accuracy_analysis_from_labels_table(model text, labels regclass)
    RETURNS TABLE (threshold_match_weight float8, tp bigint, fp bigint, fn bigint, tn bigint, "precision" float8, recall float8, f1 float8)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- A labelled pair that blocking did not make, or that was not kept, is a miss at every threshold.
    RETURN QUERY EXECUTE format($query$
        WITH label AS MATERIALIZED (
            SELECT least(l.id_l::text COLLATE "C", l.id_r::text COLLATE "C") AS a, greatest(l.id_l::text COLLATE "C", l.id_r::text COLLATE "C") AS b,
                   bool_or(l.is_match) AS is_match
              FROM %s l GROUP BY 1, 2
        ), scored AS MATERIALIZED (
            SELECT g.is_match, p.match_weight AS w
              FROM label g LEFT JOIN (SELECT least(x.id_l COLLATE "C", x.id_r COLLATE "C") AS a, greatest(x.id_l COLLATE "C", x.id_r COLLATE "C") AS b, x.match_weight
                                        FROM crm.match_pairs($1) x) p ON p.a = g.a AND p.b = g.b
        ), total AS (
            SELECT count(*) FILTER (WHERE is_match) AS positive, count(*) FILTER (WHERE NOT is_match) AS negative FROM scored
        ), cut AS (
            SELECT round(s.w::numeric, 1)::float8 AS w, count(*) FILTER (WHERE s.is_match) AS p, count(*) FILTER (WHERE NOT s.is_match) AS n
              FROM scored s WHERE s.w IS NOT NULL GROUP BY 1
        ), run AS (
            SELECT c.w, (sum(c.p) OVER (ORDER BY c.w DESC))::bigint AS tp, (sum(c.n) OVER (ORDER BY c.w DESC))::bigint AS fp FROM cut c
        )
        SELECT r.w, r.tp, r.fp, t.positive - r.tp, t.negative - r.fp,
               r.tp::float8 / nullif(r.tp + r.fp, 0), r.tp::float8 / nullif(t.positive, 0),
               2::float8 * r.tp / nullif(2 * r.tp + r.fp + t.positive - r.tp, 0)
          FROM run r, total t ORDER BY r.w DESC $query$, labels) USING model;
END
$$;
COMMENT ON FUNCTION crm.accuracy_analysis_from_labels_table(text, regclass) IS
$$Precision, recall and F1 of a model's last run at every threshold, in tenths of a bit, from labelled pairs (准确率分析).
labels: a table or view with id_l, id_r and is_match boolean. What blocking missed counts as missed.
Errors: 42703, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.accuracy_analysis_from_labels_table(text, regclass) FROM PUBLIC; -- tells about pairs
GRANT EXECUTE ON FUNCTION crm.accuracy_analysis_from_labels_table(text, regclass) TO crm_steward;

CREATE FUNCTION crm.completeness(model text) RETURNS TABLE (comparison text, columns text[], filled bigint, records bigint, share float8)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    source text;
    settings jsonb;
BEGIN
    PERFORM crm.match_require(model);
    SELECT m.source, m.settings INTO source, settings FROM crm.match_models() m WHERE m.model = completeness.model;
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT %L::text, %L::text[], count(*) FILTER (WHERE num_nonnulls(%s) > 0), count(*), count(*) FILTER (WHERE num_nonnulls(%s) > 0)::float8 / nullif(count(*), 0) FROM %s s',
                                 coalesce(c ->> 'name', c #>> '{columns,0}'), ARRAY(SELECT jsonb_array_elements_text(c -> 'columns')),
                                 cols.list, cols.list, source), ' UNION ALL ' ORDER BY n)
          FROM jsonb_array_elements(settings -> 'comparisons') WITH ORDINALITY x (c, n),
               LATERAL (SELECT string_agg(format('nullif(s.%I::text, '''')', name), ', ') AS list FROM jsonb_array_elements_text(c -> 'columns') name) cols);
END
$$;
COMMENT ON FUNCTION crm.completeness(text) IS
$$How many records of a model's source have something to compare, for each comparison (完整度).
An empty text counts as missing. Errors: 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.completeness(text) FROM PUBLIC; -- reads a table
GRANT EXECUTE ON FUNCTION crm.completeness(text) TO crm_steward;

CREATE FUNCTION crm.match_self_weights(model text, OUT id text, OUT match_weight float8) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'crm_match_self_weights' LANGUAGE C STABLE STRICT PARALLEL UNSAFE ROWS 100000
    SET enable_seqscan = off SET jit = off;
COMMENT ON FUNCTION crm.match_self_weights(text) IS
$$What each record of a model's last run weighs against an exact copy of itself, in bits (自匹配权重).
Errors: 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_self_weights(text) FROM PUBLIC; -- tells about records
GRANT EXECUTE ON FUNCTION crm.match_self_weights(text) TO crm_steward;

CREATE FUNCTION crm.unlinkables(model text) RETURNS TABLE (match_weight float8, match_probability float8, records bigint, cumulative_share float8)
    LANGUAGE sql STABLE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT g.w, 1 / (1 + power(2, -g.w)), g.n, (sum(g.n) OVER (ORDER BY g.w) / sum(g.n) OVER ())::float8
      FROM (SELECT floor(s.match_weight) AS w, count(*) AS n FROM crm.match_self_weights(unlinkables.model) s GROUP BY 1) g
     ORDER BY g.w $$;
COMMENT ON FUNCTION crm.unlinkables(text) IS
$$Records that say too little to be matched: how many would not reach a weight even against an exact copy of themselves (不可匹配记录).
By whole bits; cumulative_share of the records weighs at most that. Errors: 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.unlinkables(text) FROM PUBLIC; -- tells about records
GRANT EXECUTE ON FUNCTION crm.unlinkables(text) TO crm_steward;
