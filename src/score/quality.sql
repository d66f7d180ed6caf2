-- quality: accuracy, completeness, consistency, timeliness of customers' data.

CREATE FUNCTION crm.quality_facts(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, kind text, owner_unit text, author name, channel text, field text,
                   is_present boolean, is_valid boolean, is_consistent boolean, is_verified boolean, age_days integer)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 10000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH wanted AS (SELECT c.*, (c.updated_at AT TIME ZONE current_setting('crm.timezone'))::date AS changed_on,
                           (c.registered_at AT TIME ZONE current_setting('crm.timezone'))::date AS registered_on
                      FROM crm_data.customer c WHERE c.customer_code = ANY (codes) AND c.lifecycle_state <> 'merged'),
    -- Values may be those of a merged record: customer.golden says of which.
    member AS (SELECT w.*, m.customer_code AS member_code FROM wanted w JOIN crm_data.customer m ON m.survivor_code = w.customer_code),
    fact AS (
        SELECT w.customer_code, f.field, f.is_present, f.is_valid, f.is_consistent, NULL::date AS verified_on
          FROM member w JOIN crm_data.individual i ON i.customer_code = w.member_code,
               LATERAL (VALUES ('name', i.name IS NOT NULL, true, w.kind = 'individual'),
                               ('sex', i.sex IS NOT NULL, true, true),
                               ('birth_date', i.birth_date IS NOT NULL, i.birth_date <= as_of, i.birth_date <= w.registered_on),
                               ('occupation', i.occupation ~ '\S', true, true)) f (field, is_present, is_valid, is_consistent)
         WHERE w.member_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT w.customer_code, f.field, f.is_present, f.is_valid, f.is_consistent, NULL
          FROM member w JOIN crm_data.organization o ON o.customer_code = w.member_code,
               LATERAL (VALUES ('name', o.name ~ '\S', true, w.kind = 'organization'),
                               ('uscc', o.uscc IS NOT NULL, true, o.uscc IS NULL OR NOT EXISTS (
                                   SELECT FROM crm_data.organization x JOIN crm_data.customer y ON y.customer_code = x.customer_code AND y.lifecycle_state <> 'merged'
                                    WHERE x.uscc = o.uscc AND x.customer_code <> w.customer_code)),
                               ('industry', o.industry ~ '\S', true, true),
                               ('legal_representative', o.legal_representative IS NOT NULL, true, true),
                               ('contact_name', o.contact_name IS NOT NULL, true, true)) f (field, is_present, is_valid, is_consistent)
         WHERE w.member_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT w.customer_code, f.field, f.is_present, true, f.is_consistent, NULL
          FROM member w JOIN crm_data.customer_group g ON g.customer_code = w.member_code,
               LATERAL (VALUES ('name', g.name ~ '\S', w.kind = 'group'), ('industry', g.industry ~ '\S', true), ('contact_name', g.contact_name IS NOT NULL, true)) f (field, is_present, is_consistent)
         WHERE w.member_code = coalesce((w.golden ->> f.field)::crm.customer_code, w.customer_code)
        UNION ALL
        SELECT w.customer_code, 'document', true, max(coalesce(d.valid_until, 'infinity')) >= as_of,
               bool_and((d.kind IN ('uscc', 'org_code', 'business_license')) = (w.kind <> 'individual')
                        AND EXISTS (SELECT FROM crm_data.document_claim l WHERE l.number_token = d.number_token AND l.kind = d.kind
                                       AND l.customer_code IN (SELECT m.customer_code FROM crm_data.customer m WHERE m.survivor_code = w.customer_code))),
               max((d.verified_at AT TIME ZONE current_setting('crm.timezone'))::date)
          FROM member w JOIN crm_data.identity_document d ON d.customer_code = w.member_code GROUP BY w.customer_code
        UNION ALL
        SELECT w.customer_code, CASE WHEN p.phone IS NULL THEN 'email' ELSE 'phone' END, true, true, coalesce(max(p.preferred), 0) <= 1,
               max((p.verified_at AT TIME ZONE current_setting('crm.timezone'))::date)
          FROM member w
          JOIN LATERAL (SELECT x.*, count(*) FILTER (WHERE x.is_preferred) OVER (PARTITION BY x.phone IS NULL) AS preferred
                          FROM crm_data.contact_point x WHERE x.customer_code = w.member_code) p ON true GROUP BY w.customer_code, p.phone IS NULL
        UNION ALL
        SELECT w.customer_code, 'address', true, bool_or(a.valid_during @> as_of),
               bool_and(a.division IS NULL OR crm.division_name(a.division) IS NOT NULL), NULL
          FROM member w JOIN crm_data.address a ON a.customer_code = w.member_code GROUP BY w.customer_code)
    SELECT w.customer_code, w.kind, w.owner_unit, w.registered_by, w.channel, q.field, coalesce(f.is_present, false), coalesce(f.is_valid, false),
           coalesce(f.is_consistent, true), f.verified_on IS NOT NULL AND f.verified_on <= as_of,
           greatest(0, as_of - greatest(w.changed_on, f.verified_on))
      FROM wanted w JOIN crm_data.quality_field q ON q.kind = w.kind
      LEFT JOIN fact f ON f.customer_code = w.customer_code AND f.field = q.field $$;
ALTER FUNCTION crm.quality_facts(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_facts(crm.customer_code[], date) IS
$$What is so of each field that is looked at: present, valid, consistent, verified, and how many days old (数据质量事实).
Of what the customer shows, also where it is a merged record's; merged records have no rows. Of values it tells nothing. Age counts from the later of verification and the record's last change.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_facts(crm.customer_code[], date) FROM PUBLIC; -- reads customers

CREATE FUNCTION crm.quality_of(codes crm.customer_code[], as_of date)
    RETURNS TABLE (customer_code crm.customer_code, accuracy float8, completeness float8, consistency float8, timeliness float8, score float8,
                   owner_unit text, author name, problems text[])
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    WITH fact AS (
        SELECT f.*, q.required, q.weight, q.half_life_days, q.due_days,
               CASE WHEN q.half_life_days IS NULL THEN 1 ELSE power(0.5::float8, f.age_days::float8 / q.half_life_days) END AS freshness,
               CASE WHEN f.is_verified THEN 1 ELSE coalesce(s.reliability, 0.75) END AS reliability
          FROM crm.quality_facts(codes, as_of) f
          JOIN crm_data.quality_field q ON q.kind = f.kind AND q.field = f.field
          LEFT JOIN crm_data.quality_source s ON s.channel = f.channel),
    dimension AS (
        SELECT f.customer_code, min(f.owner_unit) AS owner_unit, min(f.author::text) AS author,
               -- Of nothing there is nothing wrong, and nothing right either.
               coalesce(sum(f.weight * f.reliability) FILTER (WHERE f.is_present AND f.is_valid) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS accuracy,
               sum(f.weight * CASE WHEN f.required THEN 2 ELSE 1 END) FILTER (WHERE f.is_present) / sum(f.weight * CASE WHEN f.required THEN 2 ELSE 1 END) AS completeness,
               coalesce(sum(f.weight) FILTER (WHERE f.is_present AND f.is_consistent) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS consistency,
               coalesce(sum(f.weight * f.freshness) FILTER (WHERE f.is_present) / nullif(sum(f.weight) FILTER (WHERE f.is_present), 0), 0) AS timeliness,
               array_agg(f.field || ':' || CASE WHEN NOT f.is_present THEN 'missing' WHEN NOT f.is_valid THEN 'invalid' WHEN NOT f.is_consistent THEN 'inconsistent' ELSE 'stale' END
                         || ':' || f.due_days ORDER BY f.field)
                   FILTER (WHERE NOT f.is_present AND f.required OR f.is_present AND (NOT f.is_valid OR NOT f.is_consistent OR f.freshness < 0.5)) AS problems
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
accuracy: weight of valid values, each as reliable as its channel unless verified, by weight of values that are there; completeness: weight of what is there by that of all, what is required counting twice; consistency: what contradicts nothing; timeliness: 0.5 to the power of age by half-life. problems: field:reason:days to put it right.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_of(crm.customer_code[], date) FROM PUBLIC; -- reads customers
GRANT EXECUTE ON FUNCTION crm.quality_of(crm.customer_code[], date) TO crm_data_admin;

CREATE FUNCTION crm.quality_batch(codes crm.customer_code[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    assessed bigint;
BEGIN
    PERFORM crm.score_require('quality');
    WITH fresh AS MATERIALIZED (
        SELECT q.* FROM crm.quality_of((SELECT array_agg(c) FROM unnest(codes) c
                 WHERE NOT EXISTS (SELECT FROM crm_data.quality_score s WHERE s.customer_code = c AND s.as_of = quality_batch.as_of)), quality_batch.as_of) q),
    problem AS (
        SELECT f.customer_code, f.owner_unit, f.author, split_part(p, ':', 1) AS field, split_part(p, ':', 2) AS reason, split_part(p, ':', 3)::integer AS days
          FROM fresh f, unnest(f.problems) p),
    opened AS (
        INSERT INTO crm_data.quality_issue (customer_code, field, reason, found_on, owner_unit, author, due_on)
        SELECT p.customer_code, p.field, p.reason, quality_batch.as_of, p.owner_unit, p.author, quality_batch.as_of + p.days FROM problem p
         WHERE NOT EXISTS (SELECT FROM crm_data.quality_issue o WHERE o.customer_code = p.customer_code AND o.field = p.field AND o.reason = p.reason AND o.closed_on IS NULL)
            ON CONFLICT DO NOTHING),
    closed AS (
        UPDATE crm_data.quality_issue o SET closed_on = quality_batch.as_of
         WHERE o.customer_code IN (SELECT f.customer_code FROM fresh f) AND o.closed_on IS NULL AND o.found_on <= quality_batch.as_of
           AND NOT EXISTS (SELECT FROM problem p WHERE p.customer_code = o.customer_code AND p.field = o.field AND p.reason = o.reason))
    INSERT INTO crm_data.quality_score (customer_code, as_of, accuracy, completeness, consistency, timeliness, score, owner_unit, author)
    SELECT f.customer_code, quality_batch.as_of, f.accuracy, f.completeness, f.consistency, f.timeliness, f.score, f.owner_unit, f.author FROM fresh f;
    GET DIAGNOSTICS assessed = ROW_COUNT;
    RETURN assessed;
END
$$;
ALTER FUNCTION crm.quality_batch(crm.customer_code[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.quality_batch(crm.customer_code[], date) IS
$$Keep the quality of customers as of a day, open issues for what is wrong and close those that are put right (批内质量评价). A part of crm.assess_quality(). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.quality_batch(crm.customer_code[], date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.quality_batch(crm.customer_code[], date) TO crm_data_admin;

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
