-- clean: rules propose corrections, runs carry them out. Nothing is changed that was not
-- proposed, looked at and approved by a second person, and all of it can be undone.

-- -- refusals ------------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_refuse(reason text, facts text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO STRICT r FROM (VALUES
        ('run',      'P0002', 'no such run of cleaning', 'The view crm.cleaning_run lists them.'),
        ('rule',     'P0002', 'no such rule of cleaning in use', 'The view crm.cleaning_rule lists them.'),
        ('state',    'KH006', 'the run of cleaning does not stand where this can be done', 'preview, proposed, approved, applying, applied, undoing, undone: crm.cleaning_run says where it stands.'),
        ('approval', 'KH003', 'the run of cleaning needs a second person''s approval', 'crm.cleaning_approve() by somebody who did not begin it.'),
        ('seen',     'KH014', 'the proposals are not those that were looked at', 'Look again: crm.cleaning_run has the present version in column seen.'),
        ('reason',   '22023', 'a reason is needed', 'Write why, so that whoever asks later can follow it.'),
        ('field',    '22023', 'no such field, or the method does not fit it', 'crm.cleaning_fields() lists fields and their methods.'),
        ('content',  'KH006', 'a proposal is not changed', 'It is rejected, applied or undone as it was proposed; propose anew for something else.'))
        v (reason, sqlstate, message, hint) WHERE v.reason = cleaning_refuse.reason;
    RAISE EXCEPTION USING MESSAGE = r.message, ERRCODE = r.sqlstate, DETAIL = coalesce(facts, 'Nothing was changed.'), HINT = r.hint;
END
$$;
COMMENT ON FUNCTION crm.cleaning_refuse(text, text) IS $$The one place that refuses a step of cleaning (拒绝清洗操作).$$;

-- -- what can be corrected, and how ------------------------------------------------------------

CREATE FUNCTION crm.cleaning_fields() RETURNS TABLE (field text, type text, entry_column text, is_personal boolean, methods text[])
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('individual.sex',            '"char"',               NULL,         false, ARRAY['identity']),
    ('individual.birth_date',     'date',                 NULL,         true,  ARRAY['identity']),
    ('individual.nationality',    'character(2)',         NULL,         false, ARRAY['fold', 'upper', 'map']),
    ('individual.occupation',     'text',                 NULL,         false, ARRAY['fold', 'upper', 'map']),
    ('organization.name',         'text',                 NULL,         false, ARRAY['fold', 'organization_name', 'map']),
    ('organization.uscc',         'crm.unified_social_credit_code', NULL, false, ARRAY['document']),
    ('organization.industry',     'text',                 NULL,         false, ARRAY['fold', 'upper', 'map']),
    ('customer_group.name',       'text',                 NULL,         false, ARRAY['fold', 'organization_name', 'map']),
    ('customer_group.industry',   'text',                 NULL,         false, ARRAY['fold', 'upper', 'map']),
    ('address.division',          'crm.division_code',    'address_no', false, ARRAY['successor', 'address', 'map']),
    ('contact_point.is_preferred', 'boolean',             'contact_no', false, ARRAY['single']),
    ('customer.golden',           'jsonb',                NULL,         false, ARRAY['survivorship']) $$;
COMMENT ON FUNCTION crm.cleaning_fields() IS
$$Fields that cleaning can correct, as table.column, and the methods that fit each (可清洗字段).
fold: full-width and compatibility forms, white space and invisible marks in one way (NFKC); upper: that in capitals; map: by the rule's own list; organization_name: as crm.validate() writes it; identity: what the identity number tells; document: the number of the document; successor: the division in force that took over a withdrawn one; address: the division that the address names; single: one preferred telephone and one e-mail address, the last that was verified; survivorship: whose values a merged customer shows. Telephones, names of persons, documents, cards and addresses are normalised by their types when they come in, so that there is nothing to fold in them. is_personal: the value is kept encrypted.$$;

CREATE FUNCTION crm.cleaning_fits(field text, method text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM crm.cleaning_fields() f WHERE f.field = $1 AND $2 = ANY (f.methods)) $$;
COMMENT ON FUNCTION crm.cleaning_fits(text, text) IS 'Whether there is such a field and the method fits it (方法是否适用).';

CREATE FUNCTION crm.cleaning_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT nullif(btrim(regexp_replace(regexp_replace(normalize(value, NFKC), '[\u200B-\u200F\u2060\uFEFF]', '', 'g'), '\s+', ' ', 'g')), '') $$;
COMMENT ON FUNCTION crm.cleaning_fold(text) IS
$$A text in its one way of writing: compatibility forms as NFKC, one space for white space, no invisible marks (文本规整). Null when nothing is left. Source: Unicode Annex 15.$$;

CREATE FUNCTION crm.cleaning_successor(division crm.division_code) RETURNS crm.division_code
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    place crm.division_code := division;
    info record;
BEGIN
    -- Successors were withdrawn too; eight steps are more than any list has.
    FOR step IN 1..8 LOOP
        info := crm.division_info(place);
        IF info.in_force THEN
            RETURN place;
        END IF;
        place := info.successor;
        EXIT WHEN place IS NULL;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.cleaning_successor(crm.division_code) IS
$$The division in force today that stands where this one stood; itself while it is in force, null when that is not known (现行区划). Source: GB/T 2260.$$;

-- -- personal values, sealed ------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_seal(field text, value text) RETURNS crm.private_text
    AS 'MODULE_PATHNAME', 'crm_cleaning_seal' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.cleaning_seal(text, text) IS
$$A value sealed for a field (清洗值加密). For crm_owner's functions. Errors: KH012, 22001.$$;
CREATE FUNCTION crm.cleaning_open(field text, sealed crm.private_text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_cleaning_open' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.cleaning_open(text, crm.private_text) IS
$$What crm.cleaning_seal() sealed for this field, and nothing else (清洗值解密). For crm_owner's functions. Errors: 42501 for any other value, XX001, KH012.$$;
CREATE FUNCTION crm.cleaning_digest(content text, before crm.private_text, after crm.private_text) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_cleaning_digest' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.cleaning_digest(text, crm.private_text, crm.private_text) IS
$$SHA-256 over a content and two envelopes, each with its length (建议摘要). Source: FIPS 180-4.$$;
DO $grants$
BEGIN
    REVOKE EXECUTE ON FUNCTION crm.cleaning_seal(text, text), crm.cleaning_open(text, crm.private_text) FROM PUBLIC; -- seal and open
    GRANT EXECUTE ON FUNCTION crm.cleaning_seal(text, text), crm.cleaning_open(text, crm.private_text) TO crm_owner;
END
$grants$;

-- -- rules --------------------------------------------------------------------------------------------

CREATE FUNCTION crm.define_cleaning_rule(definition jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    n record;
    last record;
BEGIN
    PERFORM crm.score_require('quality');
    PERFORM pg_advisory_xact_lock(hashtext('crm.cleaning_rule'), hashtext(definition ->> 'rule'));
    SELECT * INTO last FROM crm_data.cleaning_rule r WHERE r.rule = definition ->> 'rule' ORDER BY r.version DESC LIMIT 1;
    SELECT * INTO n FROM jsonb_populate_record(NULL::crm_data.cleaning_rule, '{"sort": 0, "confidence": 1}' || jsonb_strip_nulls(coalesce(to_jsonb(last), '{}')) || definition);
    IF NOT coalesce(crm.cleaning_fits(n.field, n.method), false) THEN
        PERFORM crm.cleaning_refuse('field', format('%s by %s', n.field, n.method));
    END IF;
    UPDATE crm_data.cleaning_rule r SET active = false WHERE r.rule = n.rule AND r.active;
    INSERT INTO crm_data.cleaning_rule (rule, version, field, method, map, confidence, source, sort, label_zh, label_en)
    VALUES (n.rule, coalesce(last.version, 0) + 1, n.field, n.method, n.map, n.confidence, n.source, n.sort, coalesce(n.label_zh, n.rule), coalesce(n.label_en, n.rule));
    RETURN coalesce(last.version, 0) + 1;
END
$$;
ALTER FUNCTION crm.define_cleaning_rule(jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.define_cleaning_rule(jsonb) IS
$$Add a rule of cleaning, or a version of one; returns the version (定义清洗规则).
An object of rule, field and method (crm.cleaning_fields()), map (of the method map: {"value": "value"}), confidence (0 to 1), source (of the values that it leaves; null when it only writes them otherwise), sort, label_zh, label_en. What is not given is as in the version before. The version before is no longer in use; runs that proposed by it still go by it. Errors: 42501, 22023, 23502, 23514, 22P02.$$;
REVOKE EXECUTE ON FUNCTION crm.define_cleaning_rule(jsonb) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.define_cleaning_rule(jsonb) TO crm_data_admin;

CREATE FUNCTION crm.retire_cleaning_rule(rule text) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.score_require('quality');
    UPDATE crm_data.cleaning_rule r SET active = false WHERE r.rule = retire_cleaning_rule.rule AND r.active;
    IF NOT FOUND THEN
        PERFORM crm.cleaning_refuse('rule', rule);
    END IF;
END
$$;
ALTER FUNCTION crm.retire_cleaning_rule(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.retire_cleaning_rule(text) IS $$Take a rule of cleaning out of use (停用清洗规则). Errors: 42501, P0002.$$;
REVOKE EXECUTE ON FUNCTION crm.retire_cleaning_rule(text) FROM PUBLIC; -- changes rules
GRANT EXECUTE ON FUNCTION crm.retire_cleaning_rule(text) TO crm_data_admin;

-- -- what a rule finds --------------------------------------------------------------------------------
-- Of records as they are, merged or not: a correction is of a record's own row. Not of those
-- that are closed for good.

CREATE FUNCTION crm.cleaning_find(codes crm.customer_code[], rule text, version integer, as_of date)
    RETURNS TABLE (customer_code crm.customer_code, entry smallint, before text, after text)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 100
    SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
    AS $$
#variable_conflict use_column
DECLARE
    held record;
    relation text;
    attribute text;
    living crm.customer_code[];
BEGIN
    SELECT * INTO held FROM crm_data.cleaning_rule r WHERE r.rule = cleaning_find.rule AND r.version = cleaning_find.version;
    relation := split_part(held.field, '.', 1);
    attribute := split_part(held.field, '.', 2);
    living := ARRAY(SELECT c.customer_code FROM crm_data.customer c WHERE c.customer_code = ANY (codes) AND c.lifecycle_state NOT IN ('archived', 'cancelled', 'erased'));
    CASE held.method
    WHEN 'fold', 'upper', 'map', 'organization_name' THEN
        RETURN QUERY EXECUTE format('SELECT t.customer_code, %s::smallint, t.%I::text, x.after FROM crm_data.%I t, LATERAL (SELECT %s AS after) x
                                      WHERE t.customer_code = ANY ($1) AND t.%2$I IS NOT NULL AND x.after <> t.%2$I::text',
            coalesce((SELECT 't.' || quote_ident(f.entry_column) FROM crm.cleaning_fields() f WHERE f.field = held.field), '0'), attribute, relation,
            format(CASE held.method WHEN 'fold' THEN 'crm.cleaning_fold(t.%I::text)' WHEN 'upper' THEN 'upper(crm.cleaning_fold(t.%I::text))'
                                    WHEN 'map' THEN '$2 ->> (t.%I::text)' ELSE '(crm.validate(''organization_name'', t.%I::text)).normalized' END, attribute))
            USING living, held.map;
    WHEN 'identity' THEN
        RETURN QUERY
        SELECT i.customer_code, 0::smallint, b.before, b.after
          FROM crm_data.individual i
          -- Several numbers that differ tell nothing.
          JOIN LATERAL (SELECT min(x.birth_date) AS birth_date, min(x.sex::text) AS sex FROM crm_data.identity_document d, crm.quality_identity(d.number) x
                         WHERE d.customer_code = i.customer_code AND d.kind = 'resident_id' HAVING count(DISTINCT (x.birth_date, x.sex::text)) = 1) t ON true
         CROSS JOIN LATERAL (SELECT CASE attribute WHEN 'sex' THEN i.sex::text ELSE i.birth_date::text END AS before,
                                    CASE attribute WHEN 'sex' THEN t.sex ELSE t.birth_date::text END AS after) b
         WHERE i.customer_code = ANY (living) AND t.birth_date <= as_of AND b.after IS NOT NULL AND b.before IS DISTINCT FROM b.after;
    WHEN 'document' THEN
        RETURN QUERY
        SELECT o.customer_code, 0::smallint, o.uscc::text, t.code
          FROM crm_data.organization o
          JOIN LATERAL (SELECT min(x.code) AS code FROM crm_data.identity_document d CROSS JOIN LATERAL (SELECT crm.quality_credit_code(d.number) AS code) x
                         WHERE d.customer_code = o.customer_code AND d.kind = 'uscc' HAVING count(DISTINCT x.code) = 1) t ON true
         WHERE o.customer_code = ANY (living) AND o.uscc::text IS DISTINCT FROM t.code
           -- What another customer has is a matter for people.
           AND NOT EXISTS (SELECT FROM crm_data.organization y JOIN crm_data.customer a ON a.customer_code = y.customer_code
                             JOIN crm_data.customer b ON b.customer_code = o.customer_code
                            WHERE y.uscc = t.code::crm.unified_social_credit_code AND a.survivor_code <> b.survivor_code);
    WHEN 'successor' THEN
        RETURN QUERY
        SELECT a.customer_code, a.address_no, a.division::text, x.division::text
          FROM crm_data.address a CROSS JOIN LATERAL (SELECT crm.cleaning_successor(a.division) AS division) x
         -- An address of former days keeps the code of its days.
         WHERE a.customer_code = ANY (living) AND a.valid_during @> as_of AND x.division <> a.division;
    WHEN 'address' THEN
        RETURN QUERY
        SELECT a.customer_code, a.address_no, NULL::text, crm.quality_division(a.detail)::text
          FROM crm_data.address a
         WHERE a.customer_code = ANY (living) AND a.valid_during @> as_of AND a.division IS NULL AND crm.quality_division(a.detail) IS NOT NULL;
    WHEN 'single' THEN
        RETURN QUERY
        SELECT p.customer_code, p.contact_no, 'true', 'false'
          FROM (SELECT x.customer_code, x.contact_no, row_number() OVER (PARTITION BY x.customer_code, x.phone IS NULL ORDER BY x.verified_at DESC NULLS LAST, x.contact_no) AS place
                  FROM crm_data.contact_point x WHERE x.customer_code = ANY (living) AND x.is_preferred) p
         WHERE p.place > 1;
    WHEN 'survivorship' THEN
        -- First who has merged records at all: choosing values costs much more than that.
        RETURN QUERY
        WITH merged AS MATERIALIZED (
            SELECT c.customer_code, c.golden, (SELECT array_agg(m.customer_code ORDER BY m.customer_code) FROM crm_data.customer m WHERE m.survivor_code = c.customer_code) AS codes
              FROM crm_data.customer c
             WHERE c.customer_code IN (SELECT m.survivor_code FROM crm_data.customer m WHERE m.survivor_code = ANY (living) AND m.customer_code <> m.survivor_code))
        SELECT c.customer_code, 0::smallint, c.golden::text, x.golden::text
          FROM merged c
         CROSS JOIN LATERAL crm.golden_choices(c.codes) h
         CROSS JOIN LATERAL (SELECT crm.golden_sources(c.customer_code, c.codes, h.choices, h.as_of) AS golden) x
         -- Null, all its own, is crm.golden_refresh()'s to say.
         WHERE coalesce(c.golden, '{}') <> x.golden;
    END CASE;
EXCEPTION WHEN case_not_found THEN
    PERFORM crm.cleaning_refuse('rule', rule);
END
$$;
ALTER FUNCTION crm.cleaning_find(crm.customer_code[], text, integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_find(crm.customer_code[], text, integer, date) IS
$$What a version of a rule would correct of these records as of a day, in the clear (规则查找). A part of crm.cleaning_preview(), for crm_owner's functions. Errors: P0002, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_find(crm.customer_code[], text, integer, date) FROM PUBLIC; -- shows personal data

-- -- guards: the owner is bound too --------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_run_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.created_by := session_user;
        NEW.created_at := now();
        IF NEW.state <> 'preview' THEN
            PERFORM crm.cleaning_refuse('state', 'A run begins with its preview.');
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.run_id, NEW.as_of, NEW.rules, NEW.created_by, NEW.created_at) IS DISTINCT FROM (OLD.run_id, OLD.as_of, OLD.rules, OLD.created_by, OLD.created_at)
       OR (OLD.state, NEW.state) NOT IN (('preview', 'preview'), ('preview', 'proposed'), ('preview', 'rejected'), ('proposed', 'proposed'), ('proposed', 'rejected'),
              ('proposed', 'approved'), ('approved', 'applying'), ('applying', 'applying'), ('applying', 'applied'), ('applying', 'undoing'), ('applied', 'undoing'),
              ('undoing', 'undoing'), ('undoing', 'undone'))
       -- What was decided stays as it was decided.
       OR OLD.state NOT IN ('preview', 'proposed')
          AND (NEW.digest, NEW.proposals, NEW.decided_by, NEW.decided_at, NEW.decision_note) IS DISTINCT FROM (OLD.digest, OLD.proposals, OLD.decided_by, OLD.decided_at, OLD.decision_note) THEN
        PERFORM crm.cleaning_refuse('state', format('Run %s is %s.', OLD.run_id, OLD.state));
    END IF;
    IF NEW.state IN ('approved', 'rejected') AND OLD.state <> NEW.state THEN
        IF NEW.state = 'approved' THEN
            PERFORM crm.score_require_other('a run of cleaning', ARRAY[OLD.created_by]);
        END IF;
        NEW.decided_by := session_user;
        NEW.decided_at := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.cleaning_run_keep() IS
$$Trigger: a run goes its way step by step, and another than who began it approves it (清洗批次四眼保护). Errors: KH004, KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_run_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.cleaning_run_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.cleaning_proposal_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.cleaning_refuse('content', format('Run %s, %s of %s.', NEW.run_id, NEW.field, NEW.customer_code));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.cleaning_proposal_keep() IS $$Trigger: refuses to change what a proposal says, or a step back (更正建议保护). Errors: KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_proposal_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.cleaning_proposal_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.cleaning_proposal_added() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN crm_data.cleaning_run r ON r.run_id = a.run_id WHERE r.state <> 'preview') THEN
        PERFORM crm.cleaning_refuse('state', 'Proposals are added while a run looks for them, not later.');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.cleaning_proposal_added() IS $$Trigger: proposals are added during the preview only (更正建议保护). Errors: KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_proposal_added() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.cleaning_proposal_added() TO crm_owner; -- who makes the trigger

-- -- steps of a run ---------------------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_hold(run bigint, states text[]) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_state text;
BEGIN
    PERFORM crm.score_require('quality');
    -- Whoever else works on this run waits here until the batch is committed, and then takes the next one.
    SELECT r.state INTO its_state FROM crm_data.cleaning_run r WHERE r.run_id = run FOR NO KEY UPDATE;
    IF its_state IS NULL THEN
        PERFORM crm.cleaning_refuse('run', format('Run %s.', run));
    ELSIF its_state <> ALL (states) THEN
        PERFORM crm.cleaning_refuse(CASE WHEN 'applying' = ANY (states) AND its_state IN ('preview', 'proposed', 'rejected') THEN 'approval' ELSE 'state' END,
                                    format('Run %s is %s.', run, its_state));
    END IF;
    RETURN its_state;
END
$$;
ALTER FUNCTION crm.cleaning_hold(bigint, text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_hold(bigint, text[]) IS
$$Hold a run until the transaction ends, if the caller may and it stands in one of these states, which is returned (锁定清洗批次). Errors: 42501, P0002, KH003 when it was not approved, KH006.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_hold(bigint, text[]) FROM PUBLIC; -- who can lock can stop others

CREATE FUNCTION crm.cleaning_next(run bigint, size integer) RETURNS crm.customer_code[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    last crm.customer_code := (SELECT r.done_code FROM crm_data.cleaning_run r WHERE r.run_id = run);
BEGIN
    -- Two queries: of one with an OR the index would be read from its beginning each time.
    IF last IS NULL THEN
        RETURN (SELECT array_agg(x.customer_code) FROM (
            SELECT DISTINCT p.customer_code FROM crm_data.cleaning_proposal p WHERE p.run_id = run ORDER BY 1 LIMIT size) x);
    END IF;
    RETURN (SELECT array_agg(x.customer_code) FROM (
        SELECT DISTINCT p.customer_code FROM crm_data.cleaning_proposal p WHERE p.run_id = run AND p.customer_code > last ORDER BY 1 LIMIT size) x);
END
$$;
ALTER FUNCTION crm.cleaning_next(bigint, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_next(bigint, integer) IS $$The next customers of a run, in order (下一批清洗客户). A part of crm.cleaning_apply() and crm.cleaning_undo().$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_next(bigint, integer) FROM PUBLIC; -- lists customers

CREATE FUNCTION crm.cleaning_digest_of(run bigint) RETURNS bytea
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    -- In two steps, as all digests of a million proposals in one value would be a large value.
    SELECT sha256(coalesce(string_agg(g.digest, ''::bytea ORDER BY g.part), ''))
      FROM (SELECT p.part, sha256(string_agg(p.digest, ''::bytea ORDER BY p.place)) AS digest
              FROM (SELECT x.digest, x.place, x.place / 10000 AS part
                      FROM (SELECT q.digest, row_number() OVER (ORDER BY q.customer_code, q.field, q.entry) AS place
                              FROM crm_data.cleaning_proposal q WHERE q.run_id = run AND q.state <> 'rejected') x) p
             GROUP BY p.part) g $$;
ALTER FUNCTION crm.cleaning_digest_of(bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_digest_of(bigint) IS $$SHA-256 over all that a run proposes and that was not rejected (批次摘要).$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_digest_of(bigint) FROM PUBLIC; -- a part of the steps

-- -- preview ------------------------------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_begin(rules text[], as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    chosen jsonb;
    stranger text;
    made bigint;
BEGIN
    PERFORM crm.score_require('quality');
    SELECT x INTO stranger FROM unnest(rules) x WHERE NOT EXISTS (SELECT FROM crm_data.cleaning_rule r WHERE r.rule = x AND r.active) LIMIT 1;
    IF FOUND THEN
        PERFORM crm.cleaning_refuse('rule', stranger);
    END IF;
    SELECT jsonb_agg(jsonb_build_object('rule', r.rule, 'version', r.version) ORDER BY r.sort, r.rule) INTO chosen
      FROM crm_data.cleaning_rule r WHERE r.active AND (rules IS NULL OR r.rule = ANY (rules));
    IF chosen IS NULL THEN
        PERFORM crm.cleaning_refuse('rule');
    END IF;
    INSERT INTO crm_data.cleaning_run (as_of, rules) VALUES (coalesce(cleaning_begin.as_of, crm.company_today()), chosen) RETURNING run_id INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.cleaning_begin(text[], date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_begin(text[], date) IS
$$Begin a run of cleaning by these rules, all that are in use when null; returns its number (发起清洗批次). crm.cleaning_preview() does it and looks for proposals. Errors: 42501, P0002 for a rule that is not in use.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_begin(text[], date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.cleaning_begin(text[], date) TO crm_data_admin;

CREATE FUNCTION crm.cleaning_propose(run bigint, size integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held record;
    codes crm.customer_code[];
    held_rule record;
    handled bigint;
    made bigint := 0;
BEGIN
    IF crm.cleaning_hold(run, ARRAY['preview', 'proposed']) = 'proposed' THEN
        RETURN NULL;
    END IF;
    SELECT r.as_of, r.rules, r.done_code INTO held FROM crm_data.cleaning_run r WHERE r.run_id = run;
    IF held.done_code IS NULL THEN
        codes := ARRAY(SELECT c.customer_code FROM crm_data.customer c ORDER BY c.customer_code LIMIT size);
    ELSE
        codes := ARRAY(SELECT c.customer_code FROM crm_data.customer c WHERE c.customer_code > held.done_code ORDER BY c.customer_code LIMIT size);
    END IF;
    IF codes = '{}' THEN
        UPDATE crm_data.cleaning_run r SET state = 'proposed', done_code = NULL, digest = crm.cleaning_digest_of(run) WHERE r.run_id = run;
        RETURN NULL;
    END IF;
    FOR held_rule IN SELECT r.* FROM jsonb_array_elements(held.rules) WITH ORDINALITY e (item, n)
                       JOIN crm_data.cleaning_rule r ON r.rule = e.item ->> 'rule' AND r.version = (e.item ->> 'version')::integer ORDER BY e.n LOOP
        INSERT INTO crm_data.cleaning_proposal (customer_code, run_id, field, entry, rule, version, confidence, before, after, before_sealed, after_sealed)
        SELECT f.customer_code, run, held_rule.field, f.entry, held_rule.rule, held_rule.version, held_rule.confidence,
               CASE WHEN k.is_personal THEN left(f.before, 4) ELSE f.before END, CASE WHEN k.is_personal THEN left(f.after, 4) ELSE f.after END,
               CASE WHEN k.is_personal THEN crm.cleaning_seal(held_rule.field, f.before) END, CASE WHEN k.is_personal THEN crm.cleaning_seal(held_rule.field, f.after) END
          FROM crm.cleaning_find(codes, held_rule.rule, held_rule.version, held.as_of) f
         CROSS JOIN (SELECT x.is_personal FROM crm.cleaning_fields() x WHERE x.field = held_rule.field OFFSET 0) k
            ON CONFLICT ON CONSTRAINT cleaning_proposal_pkey DO NOTHING;
        GET DIAGNOSTICS handled = ROW_COUNT;
        made := made + handled;
    END LOOP;
    UPDATE crm_data.cleaning_run r SET done_code = codes[cardinality(codes)], proposals = r.proposals + made WHERE r.run_id = run;
    RETURN cardinality(codes);
END
$$;
ALTER FUNCTION crm.cleaning_propose(bigint, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_propose(bigint, integer) IS
$$Look through the next customers of a run; how many they were, null when there are no more and the run awaits its decision (批内查找更正). A part of crm.cleaning_preview(). Errors: 42501, P0002, KH006, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_propose(bigint, integer) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.cleaning_propose(bigint, integer) TO crm_data_admin;

CREATE PROCEDURE crm.cleaning_preview(INOUT run bigint DEFAULT NULL, rules text[] DEFAULT NULL, as_of date DEFAULT NULL, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    handled bigint;
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    IF run IS NULL THEN
        run := crm.cleaning_begin(rules, as_of);
    END IF;
    job := crm.score_job_begin('cleaning preview', 'run ' || run, crm.cleaning_population());
    COMMIT;
    LOOP
        handled := crm.cleaning_propose(run, batch_size);
        EXIT WHEN handled IS NULL;
        PERFORM crm.score_job_step(job, handled);
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.cleaning_preview(bigint, text[], date, integer) IS
$$Look for what rules would correct, in batches that commit, and change nothing (清洗预览).
rules: by name; null: all in use. run: null begins a new one; a number goes on with one that was broken off. Then crm.cleaning_summary(), crm.cleaning_proposal; crm.cleaning_reject() or, by somebody else, crm.cleaning_approve(). Progress: crm.job_progress. Errors: 42501, P0002, KH006, KH012.$$;
REVOKE EXECUTE ON PROCEDURE crm.cleaning_preview(bigint, text[], date, integer) FROM PUBLIC; -- writes proposals
GRANT EXECUTE ON PROCEDURE crm.cleaning_preview(bigint, text[], date, integer) TO crm_data_admin;

CREATE FUNCTION crm.cleaning_population() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT count(*) FROM crm_data.customer $$;
ALTER FUNCTION crm.cleaning_population() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_population() IS $$How many records there are to look through (清洗总数). A part of crm.cleaning_preview().$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_population() FROM PUBLIC; -- counts customers
GRANT EXECUTE ON FUNCTION crm.cleaning_population() TO crm_data_admin;

CREATE FUNCTION crm.cleaning_summary(run bigint, samples integer DEFAULT 5)
    RETURNS TABLE (rule text, version integer, field text, proposals bigint, customers bigint, confidence numeric, examples text[])
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM crm.score_require('quality');
    RETURN QUERY
    SELECT g.rule, g.version, g.field, g.proposals, g.customers, g.confidence,
           ARRAY(SELECT p.customer_code::text || ': ' || coalesce(p.before, '-') || ' → ' || p.after FROM crm_data.cleaning_proposal p
                  WHERE p.run_id = cleaning_summary.run AND p.rule = g.rule AND p.version = g.version AND p.state <> 'rejected' ORDER BY p.customer_code, p.entry
                  LIMIT least(greatest(cleaning_summary.samples, 0), 100))
      FROM (SELECT p.rule, p.version, p.field, count(*) AS proposals, count(DISTINCT p.customer_code) AS customers, min(p.confidence) AS confidence
              FROM crm_data.cleaning_proposal p WHERE p.run_id = cleaning_summary.run AND p.state <> 'rejected' GROUP BY p.rule, p.version, p.field) g
     ORDER BY g.rule, g.version;
END
$$;
ALTER FUNCTION crm.cleaning_summary(bigint, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_summary(bigint, integer) IS
$$What a run proposes: by rule how many corrections of how many customers, and examples, personal values masked (清洗预览汇总). samples: at most 100. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_summary(bigint, integer) FROM PUBLIC; -- shows values of customers
GRANT EXECUTE ON FUNCTION crm.cleaning_summary(bigint, integer) TO crm_data_admin;

-- -- decision -------------------------------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_reject(run bigint, reason text, rule text DEFAULT NULL, customer crm.customer_code DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    touched bigint;
BEGIN
    IF coalesce(reason, '') !~ '\S' THEN
        PERFORM crm.cleaning_refuse('reason');
    END IF;
    PERFORM crm.cleaning_hold(run, CASE WHEN num_nonnulls(rule, customer) = 0 THEN ARRAY['preview', 'proposed'] ELSE ARRAY['proposed'] END);
    IF num_nonnulls(rule, customer) = 0 THEN
        UPDATE crm_data.cleaning_run r SET state = 'rejected', decision_note = cleaning_reject.reason, digest = coalesce(r.digest, crm.cleaning_digest_of(run))
         WHERE r.run_id = run RETURNING r.proposals INTO touched;
        RETURN touched;
    END IF;
    UPDATE crm_data.cleaning_proposal p SET state = 'rejected', reason = cleaning_reject.reason, changed_at = now()
     WHERE p.run_id = run AND p.state = 'proposed' AND (cleaning_reject.rule IS NULL OR p.rule = cleaning_reject.rule) AND (customer IS NULL OR p.customer_code = customer);
    GET DIAGNOSTICS touched = ROW_COUNT;
    UPDATE crm_data.cleaning_run r SET digest = crm.cleaning_digest_of(run) WHERE r.run_id = run;
    RETURN touched;
END
$$;
ALTER FUNCTION crm.cleaning_reject(bigint, text, text, crm.customer_code) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_reject(bigint, text, text, crm.customer_code) IS
$$Reject a run, or those of its proposals that come of a rule or concern a customer; how many they were (驳回更正建议). Errors: 42501, P0002, 22023 without a reason, KH006 once it was approved.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_reject(bigint, text, text, crm.customer_code) FROM PUBLIC; -- decides
GRANT EXECUTE ON FUNCTION crm.cleaning_reject(bigint, text, text, crm.customer_code) TO crm_data_admin;

CREATE FUNCTION crm.cleaning_approve(run bigint, seen text, note text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.cleaning_hold(run, ARRAY['proposed']);
    IF seen IS DISTINCT FROM encode(crm.cleaning_digest_of(run), 'hex') OR seen IS DISTINCT FROM (SELECT encode(r.digest, 'hex') FROM crm_data.cleaning_run r WHERE r.run_id = run) THEN
        PERFORM crm.cleaning_refuse('seen', format('Run %s.', run));
    END IF;
    UPDATE crm_data.cleaning_run r SET state = 'approved', decision_note = note WHERE r.run_id = run;
END
$$;
ALTER FUNCTION crm.cleaning_approve(bigint, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_approve(bigint, text, text) IS
$$Approve what a run proposes, as it was looked at; by another than who began it (批准清洗批次).
seen: that of crm.cleaning_run. Nothing is changed yet: crm.cleaning_apply() does that. Errors: 42501, P0002, KH004, KH006, KH014 when the proposals are others than those that were seen.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_approve(bigint, text, text) FROM PUBLIC; -- decides
GRANT EXECUTE ON FUNCTION crm.cleaning_approve(bigint, text, text) TO crm_data_admin;

-- -- apply and undo ------------------------------------------------------------------------------------------

CREATE FUNCTION crm.cleaning_write(run bigint, codes crm.customer_code[], field text, forth boolean) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_nestloop = off
    AS $$
#variable_conflict use_variable
DECLARE
    known record;
    written bigint;
BEGIN
    SELECT f.type, f.entry_column, split_part(f.field, '.', 1) AS relation, split_part(f.field, '.', 2) AS attribute INTO STRICT known
      FROM crm.cleaning_fields() f WHERE f.field = cleaning_write.field;
    -- A batch is all of the run between its first and its last customer, and what it meets it meets by hash: neither each with
    -- each, nor each batch with the whole run.
    -- The row is written only where it holds what it held: when somebody else changes it at this moment,
    -- the condition is looked at again after he has committed.
    EXECUTE format($query$
        WITH due AS MATERIALIZED (
            SELECT p.customer_code, p.entry, p.rule, p.version,
                   CASE WHEN p.after_sealed IS NULL THEN p.before ELSE crm.cleaning_open($3, p.before_sealed) END AS before,
                   CASE WHEN p.after_sealed IS NULL THEN p.after ELSE crm.cleaning_open($3, p.after_sealed) END AS after
              FROM crm_data.cleaning_proposal p WHERE p.run_id = $1 AND p.customer_code BETWEEN $5 AND $6 AND p.field = $3 AND p.state = %L),
        ground AS MATERIALIZED (%s),
        written AS (
            UPDATE crm_data.%I t SET %I = (CASE WHEN $4 THEN d.after ELSE d.before END)::%s
              FROM due d JOIN ground g ON g.customer_code = d.customer_code AND g.entry = d.entry AND g.after = d.after
             WHERE t.customer_code = ANY ($2) AND t.customer_code = d.customer_code AND %s AND t.%4$I IS NOT DISTINCT FROM (CASE WHEN $4 THEN d.before ELSE d.after END)::%5$s
            RETURNING t.customer_code, d.entry)
        UPDATE crm_data.cleaning_proposal p
           SET changed_at = now(), state = CASE WHEN $4 AND w.entry IS NULL THEN 'stale' WHEN $4 THEN 'applied' WHEN w.entry IS NULL THEN 'conflict' ELSE 'undone' END,
               reason = CASE WHEN w.entry IS NOT NULL THEN NULL
                             WHEN g.entry IS NULL AND t.%4$I IS NOT DISTINCT FROM (CASE WHEN $4 THEN d.before ELSE d.after END)::%5$s THEN 'its ground changed' ELSE 'its value changed' END,
               source_before = CASE WHEN $4 AND w.entry IS NOT NULL AND r.source IS NOT NULL THEN to_jsonb(s) - '{customer_code,field}'::text[] ELSE p.source_before END,
               source_after = CASE WHEN $4 AND w.entry IS NOT NULL AND r.source IS NOT NULL
                                   THEN jsonb_build_object('source', r.source, 'confidence', r.confidence, 'recorded_on', (SELECT x.as_of FROM crm_data.cleaning_run x WHERE x.run_id = $1), 'recorded_by', session_user)
                                   ELSE p.source_after END
          FROM due d JOIN crm_data.cleaning_rule r ON r.rule = d.rule AND r.version = d.version
          LEFT JOIN crm_data.field_source s ON s.customer_code = ANY ($2) AND s.customer_code = d.customer_code AND s.field = split_part($3, '.', 2)
          LEFT JOIN ground g ON g.customer_code = d.customer_code AND g.entry = d.entry AND g.after = d.after
          LEFT JOIN written w ON w.customer_code = d.customer_code AND w.entry = d.entry
          LEFT JOIN crm_data.%3$I t ON t.customer_code = ANY ($2) AND t.customer_code = d.customer_code AND %6$s
         WHERE p.customer_code BETWEEN $5 AND $6 AND (p.customer_code, p.run_id, p.field, p.entry) = (d.customer_code, $1, $3, d.entry)$query$,
        CASE WHEN forth THEN 'proposed' ELSE 'applied' END,
        -- Forth only where the rule says the same today; back whatever it says.
        CASE WHEN forth THEN 'SELECT f.customer_code, f.entry, f.after FROM (SELECT DISTINCT d.rule, d.version FROM due d) r,
                                     LATERAL crm.cleaning_find((SELECT array_agg(DISTINCT d.customer_code) FROM due d WHERE (d.rule, d.version) = (r.rule, r.version)), r.rule, r.version,
                                                               (SELECT x.as_of FROM crm_data.cleaning_run x WHERE x.run_id = $1)) f'
             ELSE 'SELECT d.customer_code, d.entry, d.after FROM due d' END,
        known.relation, known.attribute, known.type, coalesce('t.' || quote_ident(known.entry_column) || ' = d.entry', 'true'))
    USING run, codes, field, forth, codes[1], codes[cardinality(codes)];
    GET DIAGNOSTICS written = ROW_COUNT;
    PERFORM crm.cleaning_source(run, codes, field, forth);
    RETURN written;
END
$$;
ALTER FUNCTION crm.cleaning_write(bigint, crm.customer_code[], text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_write(bigint, crm.customer_code[], text, boolean) IS
$$Write a field of these customers as a run proposes, or back as it was, wherever the value is still the one that was expected (写入更正). A part of crm.cleaning_step().$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_write(bigint, crm.customer_code[], text, boolean) FROM PUBLIC; -- writes customers

CREATE FUNCTION crm.cleaning_source(run bigint, codes crm.customer_code[], field text, forth boolean) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off
    AS $$
    -- Where a value comes from goes with the value; back only where nobody noted another source since.
    DELETE FROM crm_data.field_source s USING crm_data.cleaning_proposal p
     WHERE NOT forth AND p.run_id = $1 AND p.customer_code BETWEEN $2[1] AND $2[cardinality($2)] AND p.field = $3 AND p.state = 'undone' AND p.source_after IS NOT NULL AND p.source_before IS NULL
       AND s.customer_code = p.customer_code AND s.field = split_part($3, '.', 2) AND to_jsonb(s) - '{customer_code,field}'::text[] = p.source_after;
    INSERT INTO crm_data.field_source (customer_code, field, source, confidence, recorded_on, recorded_by)
    SELECT p.customer_code, split_part($3, '.', 2), x.source, x.confidence, x.recorded_on, x.recorded_by
      FROM crm_data.cleaning_proposal p
      LEFT JOIN crm_data.field_source s ON s.customer_code = p.customer_code AND s.field = split_part($3, '.', 2)
     CROSS JOIN LATERAL jsonb_to_record(CASE WHEN forth THEN p.source_after ELSE p.source_before END) x (source text, confidence numeric, recorded_on date, recorded_by name)
     WHERE p.run_id = $1 AND p.customer_code BETWEEN $2[1] AND $2[cardinality($2)] AND p.field = $3 AND p.state = CASE WHEN forth THEN 'applied' ELSE 'undone' END AND x.source IS NOT NULL
       AND (forth OR to_jsonb(s) - '{customer_code,field}'::text[] = p.source_after)
        ON CONFLICT ON CONSTRAINT field_source_pkey DO UPDATE SET (source, confidence, recorded_on, recorded_by) = (excluded.source, excluded.confidence, excluded.recorded_on, excluded.recorded_by) $$;
ALTER FUNCTION crm.cleaning_source(bigint, crm.customer_code[], text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_source(bigint, crm.customer_code[], text, boolean) IS
$$Note where corrected values come from, or put back what was noted before (更正来源登记). A part of crm.cleaning_write().$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_source(bigint, crm.customer_code[], text, boolean) FROM PUBLIC; -- writes

CREATE FUNCTION crm.cleaning_write_each(run bigint, codes crm.customer_code[], field text, forth boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    code crm.customer_code;
BEGIN
    PERFORM crm.cleaning_write(run, codes, field, forth);
EXCEPTION WHEN integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'KH001' THEN
    -- What one row's checks refuse stops no other row.
    FOREACH code IN ARRAY codes LOOP
        BEGIN
            PERFORM crm.cleaning_write(run, ARRAY[code], field, forth);
        EXCEPTION WHEN integrity_constraint_violation OR data_exception OR raise_exception OR SQLSTATE 'KH001' THEN
            UPDATE crm_data.cleaning_proposal p SET state = CASE WHEN forth THEN 'stale' ELSE 'conflict' END, reason = 'refused: ' || SQLSTATE, changed_at = now()
             WHERE p.run_id = cleaning_write_each.run AND p.customer_code = code AND p.field = cleaning_write_each.field AND p.state = CASE WHEN forth THEN 'proposed' ELSE 'applied' END;
        END;
    END LOOP;
END
$$;
ALTER FUNCTION crm.cleaning_write_each(bigint, crm.customer_code[], text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_write_each(bigint, crm.customer_code[], text, boolean) IS
$$As crm.cleaning_write(), together when nothing is refused, else one by one, noting what was (逐条写入更正). A part of crm.cleaning_step().$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_write_each(bigint, crm.customer_code[], text, boolean) FROM PUBLIC; -- writes customers

CREATE FUNCTION crm.cleaning_step(run bigint, size integer, forth boolean) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    codes crm.customer_code[];
    roots crm.customer_code[];
    field_of text;
    root crm.customer_code;
BEGIN
    IF crm.cleaning_hold(cleaning_step.run, CASE WHEN forth THEN ARRAY['applying', 'applied'] ELSE ARRAY['undoing', 'undone'] END) IN ('applied', 'undone') THEN
        RETURN NULL;
    END IF;
    codes := crm.cleaning_next(cleaning_step.run, size);
    IF codes IS NULL THEN
        UPDATE crm_data.cleaning_run r SET done_code = NULL, state = CASE WHEN forth THEN 'applied' ELSE 'undone' END,
               applied_at = CASE WHEN forth THEN now() ELSE r.applied_at END, undone_at = CASE WHEN forth THEN r.undone_at ELSE now() END
         WHERE r.run_id = cleaning_step.run;
        RETURN NULL;
    END IF;
    -- In the order of the codes, as merges lock them; those who stand for merged ones too.
    PERFORM FROM crm_data.customer c WHERE c.customer_code IN (SELECT x FROM unnest(codes) x UNION SELECT m.survivor_code FROM crm_data.customer m WHERE m.customer_code = ANY (codes))
      ORDER BY c.customer_code FOR NO KEY UPDATE;
    FOR field_of IN SELECT DISTINCT p.field FROM crm_data.cleaning_proposal p WHERE p.run_id = cleaning_step.run AND p.customer_code BETWEEN codes[1] AND codes[cardinality(codes)] ORDER BY 1 LOOP
        PERFORM crm.cleaning_write_each(cleaning_step.run, codes, field_of, forth);
    END LOOP;
    roots := ARRAY(SELECT DISTINCT c.survivor_code FROM crm_data.customer c WHERE c.customer_code = ANY (codes));
    -- What a merged customer shows follows the values of its records.
    FOR root IN SELECT DISTINCT m.survivor_code FROM crm_data.customer m
                 WHERE m.survivor_code = ANY (roots) AND m.customer_code <> m.survivor_code ORDER BY 1 LOOP
        IF EXISTS (SELECT FROM crm_data.customer m JOIN crm_data.cleaning_proposal p ON p.customer_code = m.customer_code
                    WHERE m.survivor_code = root AND p.run_id = cleaning_step.run AND p.state IN ('applied', 'undone') AND p.field <> 'customer.golden') THEN
            PERFORM crm.golden_refresh(root);
        END IF;
    END LOOP;
    -- Issues that are put right are closed at once, and those that come again are open again.
    PERFORM crm.quality_keep(x.roots, crm.company_today())
       FROM (SELECT array_agg(DISTINCT i.customer_code) AS roots FROM crm_data.quality_issue i WHERE i.customer_code = ANY (roots)) x WHERE x.roots IS NOT NULL;
    UPDATE crm_data.cleaning_run r SET done_code = codes[cardinality(codes)] WHERE r.run_id = cleaning_step.run;
    RETURN cardinality(codes);
END
$$;
ALTER FUNCTION crm.cleaning_step(bigint, integer, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_step(bigint, integer, boolean) IS
$$Apply, or undo, a run for its next customers; how many they were, null when all are done (批内清洗). A part of crm.cleaning_apply() and crm.cleaning_undo(). Errors: 42501, P0002, KH003, KH006, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_step(bigint, integer, boolean) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON FUNCTION crm.cleaning_step(bigint, integer, boolean) TO crm_data_admin;

CREATE FUNCTION crm.cleaning_start(run bigint, undo_reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_state text;
BEGIN
    IF undo_reason IS NOT NULL THEN
        its_state := crm.cleaning_hold(run, ARRAY['applying', 'applied', 'undoing']);
        IF undo_reason !~ '\S' THEN
            PERFORM crm.cleaning_refuse('reason');
        END IF;
        IF its_state <> 'undoing' THEN
            UPDATE crm_data.cleaning_run r SET state = 'undoing', done_code = NULL, undone_by = session_user, undone_why = undo_reason WHERE r.run_id = run;
        END IF;
    ELSE
        its_state := crm.cleaning_hold(run, ARRAY['approved', 'applying']);
        IF crm.cleaning_digest_of(run) IS DISTINCT FROM (SELECT r.digest FROM crm_data.cleaning_run r WHERE r.run_id = run) THEN
            PERFORM crm.cleaning_refuse('seen', format('Run %s was changed after it was approved.', run));
        END IF;
        IF its_state = 'approved' THEN
            UPDATE crm_data.cleaning_run r SET state = 'applying', done_code = NULL, applied_by = session_user WHERE r.run_id = run;
        END IF;
    END IF;
    RETURN (SELECT count(DISTINCT p.customer_code) FROM crm_data.cleaning_proposal p WHERE p.run_id = run);
END
$$;
ALTER FUNCTION crm.cleaning_start(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.cleaning_start(bigint, text) IS
$$Set out to apply an approved run, if it is what was approved, or to undo one, with a reason; how many customers it concerns (开始清洗). A part of crm.cleaning_apply() and crm.cleaning_undo(). Errors: 42501, P0002, 22023, KH003, KH006, KH014.$$;
REVOKE EXECUTE ON FUNCTION crm.cleaning_start(bigint, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.cleaning_start(bigint, text) TO crm_data_admin;

CREATE PROCEDURE crm.cleaning_apply(run bigint, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    handled bigint;
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    job := crm.score_job_begin('cleaning', 'run ' || run, crm.cleaning_start(run));
    COMMIT;
    LOOP
        handled := crm.cleaning_step(run, batch_size, true);
        EXIT WHEN handled IS NULL;
        PERFORM crm.score_job_step(job, handled);
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.cleaning_apply(bigint, integer) IS
$$Carry out an approved run, in batches that commit (执行清洗).
A value that is no longer what it was in the preview, or that its rule would not correct so today, is left alone: state stale, with the reason. Broken off, it goes on where it was when it is called again; two sessions take turns. Progress: crm.job_progress.
Errors: 42501, P0002, KH003 when it is not approved, KH006, KH012, KH014 when the proposals are not those that were approved.$$;
REVOKE EXECUTE ON PROCEDURE crm.cleaning_apply(bigint, integer) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON PROCEDURE crm.cleaning_apply(bigint, integer) TO crm_data_admin;

CREATE PROCEDURE crm.cleaning_undo(run bigint, reason text, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    handled bigint;
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    job := crm.score_job_begin('cleaning undo', 'run ' || run, crm.cleaning_start(run, COALESCE(reason, '')));
    COMMIT;
    LOOP
        handled := crm.cleaning_step(run, batch_size, false);
        EXIT WHEN handled IS NULL;
        PERFORM crm.score_job_step(job, handled);
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.cleaning_undo(bigint, text, integer) IS
$$Put back what a run changed, also one that was broken off, in batches that commit (撤销清洗).
Each value becomes what it was, and its source too, unless somebody changed it since: those are left alone, state conflict in crm.cleaning_proposal. Once only. Errors: 42501, P0002, 22023 without a reason, KH006, KH012.$$;
REVOKE EXECUTE ON PROCEDURE crm.cleaning_undo(bigint, text, integer) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON PROCEDURE crm.cleaning_undo(bigint, text, integer) TO crm_data_admin;
