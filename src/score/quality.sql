-- quality: accuracy, completeness, consistency, timeliness of customers' data.

-- -- what encrypted values tell, to the owner's functions alone ---------------------------

CREATE FUNCTION crm.quality_identity(number crm.id_number, OUT birth_date date, OUT sex "char")
    AS 'MODULE_PATHNAME', 'crm_quality_identity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.quality_identity(crm.id_number) IS
$$Birth date and sex that a resident identity number tells; nulls for any other number (证件推导). For crm_owner's functions: it opens the number. Errors: KH012, XX001.$$;
CREATE FUNCTION crm.quality_credit_code(number crm.id_number) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_quality_credit_code' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.quality_credit_code(crm.id_number) IS
$$The unified social credit code that a document's number is; null for any other number (信用代码推导). For crm_owner's functions: it opens the number. Errors: KH012, XX001.$$;
CREATE FUNCTION crm.quality_division(detail crm.postal_address) RETURNS crm.division_code
    AS 'MODULE_PATHNAME', 'crm_quality_division' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.quality_division(crm.postal_address) IS
$$The division that an address names; null when it names none, or several (地址推导). For crm_owner's functions: it opens the address. Errors: KH012, XX001.$$;
DO $grants$
BEGIN
    REVOKE EXECUTE ON FUNCTION crm.quality_identity(crm.id_number), crm.quality_credit_code(crm.id_number), crm.quality_division(crm.postal_address) FROM PUBLIC; -- open encrypted values
    GRANT EXECUTE ON FUNCTION crm.quality_identity(crm.id_number), crm.quality_credit_code(crm.id_number), crm.quality_division(crm.postal_address) TO crm_owner;
END
$grants$;

-- -- what is so of each field ---------------------------------------------------------------

CREATE FUNCTION crm.quality_facts(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, kind text, owner_unit text, author name, source text, confidence float8, field text,
                   is_present boolean, is_valid boolean, is_consistent boolean, is_verified boolean, age_days integer)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
        SET enable_hashjoin = off SET enable_mergejoin = off
    AS $$
    -- Customer by customer along the keys: joined as sets, a batch of unknown size gets plans that compare each with each.
    SELECT w.customer_code, w.kind, w.owner_unit, w.registered_by, coalesce(s.source, w.channel), coalesce(s.confidence, 1)::float8, f.looked_at,
           coalesce(f.is_present, false), coalesce(f.is_valid, false), coalesce(f.is_consistent, true), f.verified_on IS NOT NULL AND f.verified_on <= as_of,
           greatest(0, as_of - greatest(coalesce(s.recorded_on, w.changed_on), f.verified_on))
      FROM (SELECT c.*, (c.updated_at AT TIME ZONE current_setting('crm.timezone'))::date AS changed_on,
                   (c.registered_at AT TIME ZONE current_setting('crm.timezone'))::date AS registered_on,
                   -- Values may be those of a merged record: customer.golden says of which.
                   ARRAY(SELECT m.customer_code FROM crm_data.customer m WHERE m.survivor_code = c.customer_code) AS members
              FROM crm_data.customer c WHERE c.customer_code = ANY (codes) AND c.lifecycle_state <> 'merged' OFFSET 0) w
     CROSS JOIN LATERAL (SELECT x.field AS looked_at, h.* FROM crm_data.quality_field x LEFT JOIN (
        SELECT f.field, f.is_present, f.is_valid, f.is_consistent, NULL::date AS verified_on
          FROM crm_data.individual i
               -- What his identity number tells; several that differ tell nothing.
               LEFT JOIN LATERAL (SELECT min(x.birth_date) AS birth_date, min(x.sex::text)::"char" AS sex FROM crm_data.identity_document d, crm.quality_identity(d.number) x
                                   WHERE d.customer_code = i.customer_code AND d.kind = 'resident_id'
                                  HAVING count(DISTINCT x.birth_date) <= 1 AND count(DISTINCT x.sex) <= 1) t ON true,
               LATERAL (VALUES ('name', i.name IS NOT NULL, true, w.kind = 'individual'),
                               ('sex', i.sex IS NOT NULL, true, coalesce(i.sex = t.sex, true)),
                               ('birth_date', i.birth_date IS NOT NULL, i.birth_date <= as_of, i.birth_date <= w.registered_on AND coalesce(i.birth_date = t.birth_date, true)),
                               ('occupation', i.occupation ~ '\S', true, true)) f (field, is_present, is_valid, is_consistent)
         WHERE i.customer_code = ANY (w.members) AND i.customer_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT f.field, f.is_present, f.is_valid, f.is_consistent, NULL
          FROM crm_data.organization o,
               LATERAL (VALUES ('name', o.name ~ '\S', true, w.kind = 'organization'),
                               ('uscc', o.uscc IS NOT NULL, true, o.uscc IS NULL OR NOT EXISTS (
                                   SELECT FROM crm_data.organization x JOIN crm_data.customer y ON y.customer_code = x.customer_code AND y.lifecycle_state <> 'merged'
                                    WHERE x.uscc = o.uscc AND x.customer_code <> w.customer_code)),
                               ('industry', o.industry ~ '\S', true, true),
                               ('legal_representative', o.legal_representative IS NOT NULL, true, true),
                               ('contact_name', o.contact_name IS NOT NULL, true, true)) f (field, is_present, is_valid, is_consistent)
         WHERE o.customer_code = ANY (w.members) AND o.customer_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT f.field, f.is_present, true, f.is_consistent, NULL
          FROM crm_data.customer_group g,
               LATERAL (VALUES ('name', g.name ~ '\S', w.kind = 'group'), ('industry', g.industry ~ '\S', true), ('contact_name', g.contact_name IS NOT NULL, true)) f (field, is_present, is_consistent)
         WHERE g.customer_code = ANY (w.members) AND g.customer_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT 'document', true, max(coalesce(d.valid_until, 'infinity')) >= as_of,
               bool_and((d.kind IN ('uscc', 'org_code', 'business_license')) = (w.kind <> 'individual')
                        AND EXISTS (SELECT FROM crm_data.document_claim l WHERE l.number_token = d.number_token AND l.kind = d.kind AND l.customer_code = ANY (w.members))),
               max((d.verified_at AT TIME ZONE current_setting('crm.timezone'))::date)
          FROM crm_data.identity_document d WHERE d.customer_code = ANY (w.members) HAVING count(*) > 0
        UNION ALL
        SELECT CASE WHEN p.is_email THEN 'email' ELSE 'phone' END, true, true, max(p.preferred) <= 1, max(p.verified_on)
          FROM (SELECT x.phone IS NULL AS is_email, count(*) FILTER (WHERE x.is_preferred) AS preferred, max((x.verified_at AT TIME ZONE current_setting('crm.timezone'))::date) AS verified_on
                  FROM crm_data.contact_point x WHERE x.customer_code = ANY (w.members) GROUP BY x.customer_code, 1) p GROUP BY p.is_email
        UNION ALL
        SELECT 'address', true, bool_or(a.valid_during @> as_of),
               -- Where he lives today is not a division that was withdrawn.
               bool_and(a.division IS NULL OR coalesce((crm.division_info(a.division)).in_force, false)) FILTER (WHERE a.valid_during @> as_of), NULL
          FROM crm_data.address a WHERE a.customer_code = ANY (w.members) HAVING count(*) > 0
        ) h ON h.field = x.field WHERE x.kind = w.kind OFFSET 0) f
      LEFT JOIN crm_data.field_source s ON s.customer_code = coalesce((w.golden ->> f.looked_at)::crm.customer_code, w.customer_code) AND s.field = f.looked_at $$;
ALTER FUNCTION crm.quality_facts(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_facts(crm.customer_code[], date) IS
$$What is so of each field that is looked at: present, valid, consistent, verified, and how many days old (数据质量事实).
Of what the customer shows, also where it is a merged record's; merged records have no rows. Of values it tells nothing. source and confidence: where the value comes from, crm.record_field_source(), else the customer's channel. Age counts from the later of verification and that source's day, else the record's last change. Error: KH012, as identity numbers are compared with birth date and sex.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_facts(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.quality_beliefs(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, owner_unit text, author name, field text, is_present boolean, is_valid boolean, is_consistent boolean,
                   required boolean, weight float8, due_days integer, freshness float8, reliability float8)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    SELECT f.customer_code, f.owner_unit, f.author, f.field, f.is_present, f.is_valid, f.is_consistent, q.required, q.weight, q.due_days,
           -- Beyond a thousand half-lives there is nothing left, and power() would say so by an error.
           CASE WHEN q.half_life_days IS NULL THEN 1 ELSE power(0.5::float8, least(1000, f.age_days::float8 / q.half_life_days)) END,
           CASE WHEN f.is_verified THEN 1 ELSE f.confidence * coalesce(s.reliability, r.reliability::float8, 0.75) END
      FROM crm.quality_facts(codes, as_of) f
      JOIN crm_data.quality_field q ON q.kind = f.kind AND q.field = f.field
      LEFT JOIN crm_data.quality_source s ON s.channel = f.source
      LEFT JOIN crm_data.source_reliability r ON r.source = f.source $$;
ALTER FUNCTION crm.quality_beliefs(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_beliefs(crm.customer_code[], date) IS
$$How far each field of customers is believed as of a day: reliability of its source and freshness by its age, 0 to 1 each (字段可信度).
reliability: 1 when verified, else the confidence noted with the value times that of its source: quality_source for a channel, source_reliability for others, 0.75 for one that neither knows. freshness: 0.5 to the power of age by half-life; 1 where there is none.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_beliefs(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.field_confidence(customer crm.customer_code, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (field text, grade text, confidence float8, reliability float8, freshness float8, verify boolean)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM crm.score_require('quality');
    RETURN QUERY
    SELECT f.field, CASE WHEN k.held >= 0.9 THEN 'A' WHEN k.held >= 0.7 THEN 'B' WHEN k.held >= y.threshold THEN 'C' ELSE 'D' END,
           k.held, f.reliability, f.freshness, k.held < y.threshold OR f.freshness < 0.5
      FROM crm.quality_beliefs(ARRAY[coalesce(crm.resolve(customer), customer)], field_confidence.as_of) f
     CROSS JOIN LATERAL (SELECT CASE WHEN f.is_valid THEN f.reliability * f.freshness ELSE 0 END AS held) k
     CROSS JOIN crm_data.quality_policy y
     WHERE f.is_present AND y.measure = 'verify_below' ORDER BY k.held, f.field;
END
$$;
ALTER FUNCTION crm.field_confidence(crm.customer_code, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.field_confidence(crm.customer_code, date) IS
$$How far each value of a customer is to be believed, the least first; no values (字段置信度).
confidence: reliability of the source times freshness, 0 to 1, and 0 for what is not valid. grade: A from 0.9, B from 0.7, C from quality_policy's verify_below, else D. verify: to be asked for again. Errors: 42501, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.field_confidence(crm.customer_code, date) FROM PUBLIC; -- tells of customers
GRANT EXECUTE ON FUNCTION crm.field_confidence(crm.customer_code, date) TO crm_data_admin;

CREATE FUNCTION crm.quality_of(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, accuracy float8, completeness float8, consistency float8, timeliness float8, score float8,
                   owner_unit text, author name, problems text[])
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH fact AS (SELECT f.*, f.reliability * f.freshness < y.threshold AS doubtful
                    FROM crm.quality_beliefs(codes, as_of) f CROSS JOIN crm_data.quality_policy y WHERE y.measure = 'verify_below'),
    dimension AS (
        SELECT f.customer_code, min(f.owner_unit) AS owner_unit, min(f.author::text) AS author,
               -- Of nothing there is nothing wrong, and nothing right either.
               coalesce(sum(f.weight * f.reliability) FILTER (WHERE f.is_present AND f.is_valid) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS accuracy,
               sum(f.weight * CASE WHEN f.required THEN 2 ELSE 1 END) FILTER (WHERE f.is_present) / sum(f.weight * CASE WHEN f.required THEN 2 ELSE 1 END) AS completeness,
               coalesce(sum(f.weight) FILTER (WHERE f.is_present AND f.is_consistent) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS consistency,
               coalesce(sum(f.weight * f.freshness) FILTER (WHERE f.is_present) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS timeliness,
               array_agg(f.field || ':' || CASE WHEN NOT f.is_present THEN 'missing' WHEN NOT f.is_valid THEN 'invalid' WHEN NOT f.is_consistent THEN 'inconsistent'
                                                WHEN f.freshness < 0.5 THEN 'stale' ELSE 'doubtful' END
                         || ':' || f.due_days ORDER BY f.field)
                   FILTER (WHERE NOT f.is_present AND f.required OR f.is_present AND (NOT f.is_valid OR NOT f.is_consistent OR f.freshness < 0.5 OR f.doubtful)) AS problems
          FROM fact f GROUP BY f.customer_code),
    w AS (SELECT max(x.weight) FILTER (WHERE x.dimension = 'accuracy') AS a, max(x.weight) FILTER (WHERE x.dimension = 'completeness') AS p,
                 max(x.weight) FILTER (WHERE x.dimension = 'consistency') AS c, max(x.weight) FILTER (WHERE x.dimension = 'timeliness') AS t FROM crm_data.quality_weight x)
    SELECT d.customer_code, least(1, d.accuracy), least(1, coalesce(d.completeness, 0)), least(1, d.consistency), least(1, d.timeliness),
           least(1, (w.a * d.accuracy + w.p * coalesce(d.completeness, 0) + w.c * d.consistency + w.t * d.timeliness) / (w.a + w.p + w.c + w.t)),
           d.owner_unit, d.author::name, coalesce(d.problems, '{}')
      FROM dimension d CROSS JOIN w $$;
ALTER FUNCTION crm.quality_of(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_of(crm.customer_code[], date) IS
$$Quality of customers' data as of a day, each dimension 0 to 1 (数据质量评价).
accuracy: weight of valid values, each as reliable as its channel unless verified, by weight of values that are there; completeness: weight of what is there by that of all, what is required counting twice; consistency: what contradicts nothing; timeliness: 0.5 to the power of age by half-life. problems: field:reason:days to put it right; doubtful is what is believed less than quality_policy's verify_below, reliability times freshness.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_of(crm.customer_code[], date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.quality_of(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.quality_keep(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH fresh AS MATERIALIZED (SELECT q.* FROM crm.quality_of(codes, quality_keep.as_of) q),
    problem AS MATERIALIZED (
        SELECT f.customer_code, f.owner_unit, f.author, split_part(p, ':', 1) AS field, split_part(p, ':', 2) AS reason, split_part(p, ':', 3)::integer AS days
          FROM fresh f, unnest(f.problems) p),
    opened AS (
        INSERT INTO crm_data.quality_issue AS o (customer_code, field, reason, found_on, owner_unit, author, due_on, times)
        SELECT p.customer_code, p.field, p.reason, quality_keep.as_of, p.owner_unit, p.author, quality_keep.as_of + p.days, 1 + coalesce(h.times, 0)
          FROM problem p
          LEFT JOIN LATERAL (SELECT max(x.times) AS times, bool_or(x.closed_on IS NULL) AS is_open FROM crm_data.quality_issue x
                              WHERE x.customer_code = p.customer_code AND x.field = p.field AND x.reason = p.reason) h ON true
         WHERE h.is_open IS NOT TRUE
            -- Put right and wrong again on one day: the same issue, open again.
            ON CONFLICT ON CONSTRAINT quality_issue_pkey DO UPDATE SET closed_on = NULL, times = o.times + 1 WHERE o.closed_on IS NOT NULL),
    changed AS (
        UPDATE crm_data.quality_issue o SET closed_on = CASE WHEN p.customer_code IS NULL THEN quality_keep.as_of END,
               escalated_on = CASE WHEN p.customer_code IS NULL THEN o.escalated_on ELSE quality_keep.as_of END
          FROM fresh f, crm_data.quality_issue i
          LEFT JOIN problem p ON p.customer_code = i.customer_code AND p.field = i.field AND p.reason = i.reason, crm_data.quality_policy y
         WHERE i.customer_code = f.customer_code AND i.closed_on IS NULL AND i.found_on <= quality_keep.as_of AND y.measure = 'escalate_days'
           AND (o.customer_code, o.field, o.reason, o.found_on) = (i.customer_code, i.field, i.reason, i.found_on)
           AND (p.customer_code IS NULL OR i.escalated_on IS NULL AND quality_keep.as_of > i.due_on + y.threshold::integer)),
    kept AS (
        INSERT INTO crm_data.quality_score (customer_code, as_of, accuracy, completeness, consistency, timeliness, score, owner_unit, author)
        SELECT f.customer_code, quality_keep.as_of, f.accuracy, f.completeness, f.consistency, f.timeliness, f.score, f.owner_unit, f.author FROM fresh f
            ON CONFLICT ON CONSTRAINT quality_score_pkey DO UPDATE SET (accuracy, completeness, consistency, timeliness, score, owner_unit, author)
               = (excluded.accuracy, excluded.completeness, excluded.consistency, excluded.timeliness, excluded.score, excluded.owner_unit, excluded.author)
        RETURNING 1)
    SELECT count(*) FROM kept $$;
ALTER FUNCTION crm.quality_keep(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_keep(crm.customer_code[], date) IS
$$Assess customers as of a day whether they were already or not, and keep it: scores, issues opened, closed, escalated (保存质量评价). A part of crm.quality_batch() and crm.quality_check().$$;
REVOKE EXECUTE ON FUNCTION crm.quality_keep(crm.customer_code[], date) FROM PUBLIC; -- writes

CREATE FUNCTION crm.quality_batch(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('quality');
    RETURN coalesce(crm.quality_keep((SELECT array_agg(c) FROM unnest(codes) c
        WHERE NOT EXISTS (SELECT FROM crm_data.quality_score s WHERE s.customer_code = c AND s.as_of = quality_batch.as_of)), quality_batch.as_of), 0);
END
$$;
ALTER FUNCTION crm.quality_batch(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_batch(crm.customer_code[], date) IS
$$Keep the quality of customers as of a day, open issues for what is wrong, close those that are put right, escalate what is overdue (批内质量评价). A part of crm.assess_quality(): who was assessed as of this day is passed over. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_batch(crm.customer_code[], date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.quality_batch(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.quality_check(customer crm.customer_code, as_of date DEFAULT crm.company_today()) RETURNS float8
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    root CONSTANT crm.customer_code := coalesce(crm.resolve(customer), customer);
BEGIN
    PERFORM crm.score_require('quality');
    PERFORM crm.quality_keep(ARRAY[root], quality_check.as_of);
    RETURN (SELECT s.score FROM crm_data.quality_score s WHERE s.customer_code = root AND s.as_of = quality_check.as_of);
END
$$;
ALTER FUNCTION crm.quality_check(crm.customer_code, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_check(crm.customer_code, date) IS
$$Assess one customer's data now: what was put right since is closed at once, not with the next run (即时质量检查).
Returns the score, 0 to 1; null for an unknown customer. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_check(crm.customer_code, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.quality_check(crm.customer_code, date) TO crm_data_admin;

CREATE FUNCTION crm.quality_assign(customer crm.customer_code, field text, owner name, due_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    touched bigint;
BEGIN
    PERFORM crm.score_require('quality');
    -- Another day to put it right is a new beginning: what was escalated may be so again.
    UPDATE crm_data.quality_issue i SET owner = quality_assign.owner, due_on = coalesce(quality_assign.due_on, i.due_on),
           escalated_on = CASE WHEN quality_assign.due_on IS NULL THEN i.escalated_on END
     WHERE i.customer_code = coalesce(crm.resolve(customer), customer) AND i.field = quality_assign.field AND i.closed_on IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF touched = 0 THEN
        RAISE EXCEPTION 'no open issue of field "%" of customer %', field, customer USING ERRCODE = 'no_data_found',
            HINT = 'crm.quality_worklist lists what is open.';
    END IF;
    RETURN touched;
END
$$;
ALTER FUNCTION crm.quality_assign(crm.customer_code, text, name, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_assign(crm.customer_code, text, name, date) IS
$$Give the open issues of a customer's field to somebody, and until when; how many they were (分派质量问题).
owner: a role of the database; null gives it back to the unit. due_on: null leaves the day; another one lifts the escalation. Errors: 42501, P0002.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_assign(crm.customer_code, text, name, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.quality_assign(crm.customer_code, text, name, date) TO crm_data_admin;

CREATE FUNCTION crm.set_quality_policy(measure text, threshold float8) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('quality');
    INSERT INTO crm_data.quality_policy AS y (measure, threshold) VALUES (set_quality_policy.measure, set_quality_policy.threshold)
        ON CONFLICT ON CONSTRAINT quality_policy_pkey DO UPDATE SET threshold = excluded.threshold;
END
$$;
ALTER FUNCTION crm.set_quality_policy(text, float8) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.set_quality_policy(text, float8) IS
$$Set what quality goes by: verify_below (0 to 1) or escalate_days (质量策略). Errors: 42501, 23514.$$;
REVOKE EXECUTE ON FUNCTION crm.set_quality_policy(text, float8) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.set_quality_policy(text, float8) TO crm_data_admin;

CREATE PROCEDURE crm.assess_quality(as_of date DEFAULT NULL, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    codes crm.customer_code[];
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    as_of := COALESCE(as_of, crm.company_today());
    job := crm.score_job_begin('quality', as_of::pg_catalog.text, crm.score_population(NULL));
    COMMIT;
    LOOP
        codes := crm.score_codes(codes[pg_catalog.cardinality(codes)], batch_size);
        EXIT WHEN codes IS NULL;
        PERFORM crm.quality_batch(codes, as_of);
        PERFORM crm.score_job_step(job, pg_catalog.cardinality(codes));
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.assess_quality(date, integer) IS
$$Assess the quality of all customers' data, in batches that commit (数据质量评估).
A customer is assessed once a day, so that a run that was killed goes on where it was when it is called again. Progress: crm.job_progress. Errors: 42501.$$;
REVOKE EXECUTE ON PROCEDURE crm.assess_quality(date, integer) FROM PUBLIC; -- writes
GRANT EXECUTE ON PROCEDURE crm.assess_quality(date, integer) TO crm_data_admin;
