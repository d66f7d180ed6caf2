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
record: an object with columns of the source, those of the id included. It makes the pairs that a run would make with the same parameters, joins the cluster to which it belongs, or gets one of its own; two clusters that it holds together merge, and the older number stays. Additions to a model wait for one another until the end of the transaction.
Errors: 23505 for an id that is there, 22004 without one, 55000, 42704, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.match_insert(text, jsonb) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.match_insert(text, jsonb) TO crm_steward;

CREATE FUNCTION crm.match_remove(model text, id text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_match_remove' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off;
COMMENT ON FUNCTION crm.match_remove(text, text) IS
$$Take a record out of what a model knows, with its pairs; whether it was there (移除匹配记录).
Clusters that it held together stay until the next run.
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
