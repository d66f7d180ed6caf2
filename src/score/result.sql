-- result: customers are scored by the active version, and what was found is kept with
-- what it was found from.

-- -- guards ---------------------------------------------------------------------------

CREATE FUNCTION crm.score_result_fill() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held record;
    said crm.scored;
BEGIN
    SELECT m.purpose, m.domain, m.state, m.scale_low, m.scale_high, m.valid_months INTO held
      FROM crm_data.score_model m WHERE m.model = NEW.model AND m.version = NEW.version;
    IF held.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'score model "%" version % is not active', NEW.model, NEW.version USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Only active versions leave results; crm.score_inputs() tries any version.';
    END IF;
    -- Whoever inserts says from what; what comes out of it is reckoned here, and cannot be made up.
    said := crm.score_inputs(NEW.model || '@' || NEW.version, NEW.inputs);
    NEW.purpose := held.purpose;
    NEW.domain := held.domain;
    NEW.points := said.points;
    NEW.total := said.total;
    NEW.reasons := said.reasons;
    NEW.score := crm.common_score(said.total, held.scale_low, held.scale_high);
    NEW.grade := (SELECT g.grade FROM crm_data.score_grade g WHERE g.model = NEW.model AND g.version = NEW.version AND g.lower <= NEW.score ORDER BY g.lower DESC LIMIT 1);
    NEW.valid_until := (NEW.as_of + make_interval(months => held.valid_months))::date;
    NEW.scored_by := session_user;
    NEW.scored_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.score_result_fill() IS
$$Trigger: reckons points, total, score, grade and reasons of a result from its inputs by its version, whatever the statement says (评分结果计算). Errors: 55000 when the version is not active.$$;
REVOKE EXECUTE ON FUNCTION crm.score_result_fill() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_result_fill() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.common_score(total integer, low integer, high integer) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT least(100, greatest(0, 100::float8 * (total::float8 - low) / (high::float8 - low))) $$;
COMMENT ON FUNCTION crm.common_score(integer, integer, integer) IS
$$A total on the common scale of all models: 0 at low, 100 at high, linear between, cut off beyond (百分制换算).$$;

CREATE FUNCTION crm.score_sign() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    NEW.assessed_by := session_user;
    NEW.assessed_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.score_sign() IS 'Trigger: a judgement bears the name of the session''s user (评估人签名).';
REVOKE EXECUTE ON FUNCTION crm.score_sign() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_sign() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.score_request_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    decision CONSTANT text[] := ARRAY['state', 'seconded_by', 'seconded_at', 'decided_by', 'decided_at', 'decision_note'];
    by_two CONSTANT boolean := NEW.kind = 'limit' AND NEW.wanted = 'not_controlled';
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.requested_by := session_user;
        NEW.requested_at := now();
        NEW.seconded_by := NULL;
        NEW.seconded_at := NULL;
        NEW.decided_by := NULL;
        NEW.decided_at := NULL;
        NEW.decision_note := NULL;
        NEW.state := 'requested';
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - decision <> to_jsonb(OLD) - decision OR OLD.state <> 'requested'
       OR NEW.state = 'requested' AND NOT (by_two AND OLD.seconded_by IS NULL AND NEW.seconded_by IS NOT NULL) THEN
        RAISE EXCEPTION 'request % cannot be changed', OLD.request_no USING ERRCODE = 'KH006',
            DETAIL = format('It is %s.', OLD.state), HINT = 'It is decided once, as it was asked; ask anew for something else.';
    END IF;
    PERFORM crm.score_require_other('a request', ARRAY[OLD.requested_by] || coalesce(OLD.seconded_by, OLD.requested_by));
    NEW.seconded_by := OLD.seconded_by;
    NEW.seconded_at := OLD.seconded_at;
    IF NEW.state = 'approved' AND by_two AND OLD.seconded_by IS NULL THEN
        RAISE EXCEPTION 'two must agree that a customer has no limit' USING ERRCODE = 'KH003',
            HINT = 'crm.decide_score_change(customer, request, true), by two who did not ask for it.';
    ELSIF NEW.state = 'requested' THEN
        NEW.seconded_by := session_user;
        NEW.seconded_at := now();
        RETURN NEW;
    END IF;
    IF NEW.state = 'rejected' AND coalesce(NEW.decision_note, '') !~ '\S' THEN
        RAISE EXCEPTION 'a rejection needs a reason' USING ERRCODE = 'not_null_violation';
    END IF;
    NEW.decided_by := session_user;
    NEW.decided_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.score_request_keep() IS
$$Trigger: a request is decided once, by another than who asked, and its content stays; that a customer has no limit needs two who agree (申请四眼保护). The owner is bound too. Errors: KH003, KH004, KH006, 23502.$$;
REVOKE EXECUTE ON FUNCTION crm.score_request_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.score_request_keep() TO crm_owner; -- who makes the trigger

-- -- what is known of a customer ----------------------------------------------------------

CREATE FUNCTION crm.score_features(codes crm.customer_code[], as_of date, with_credit boolean)
    RETURNS TABLE (customer_code crm.customer_code, features jsonb)
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER ROWS 1000 SET search_path = pg_catalog, crm, pg_temp SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off
    AS $$
    -- Customer by customer along the keys: joined as sets, a batch of unknown size gets plans that compare each with each.
    SELECT w.customer_code,
           jsonb_strip_nulls(jsonb_build_object('kind', w.kind, 'lifecycle_state', w.lifecycle_state, 'channel', w.channel,
               'tenure_days', as_of - (w.registered_at AT TIME ZONE current_setting('crm.timezone'))::date,
               'purchases_total', t.purchases_total, 'purchases_12m', t.purchases_12m, 'products_12m', t.products_12m, 'repeat_days', t.repeat_days,
               'amount_total', t.amount_total, 'amount_12m', t.amount_12m, 'amount_3m', t.amount_3m, 'amount_before_3m', t.amount_before_3m,
               'other_currency', nullif(t.other_currency, 0), 'recency_days', as_of - t.last_on, 'trade_days', as_of - t.first_on,
               'interactions_12m', n.interactions_12m, 'inbound_12m', n.inbound_12m, 'response_rate', n.response_rate))
           || CASE WHEN with_credit THEN coalesce(crm.credit_features(w.customer_code, as_of), '{}') ELSE '{}' END
           || coalesce(j.judged, '{}')
      FROM unnest(codes) x (code) JOIN crm_data.customer w ON w.customer_code = x.code AND w.lifecycle_state <> 'merged'
     CROSS JOIN LATERAL (
        SELECT count(*) AS purchases_total, count(*) FILTER (WHERE p.purchased_on > as_of - 365) AS purchases_12m,
               count(DISTINCT p.product) FILTER (WHERE p.purchased_on > as_of - 365) AS products_12m,
               greatest(count(DISTINCT p.purchased_on) - 1, 0) AS repeat_days,
               coalesce(sum(p.amount) FILTER (WHERE p.currency = 'CNY'), 0) AS amount_total,
               coalesce(sum(p.amount) FILTER (WHERE p.currency = 'CNY' AND p.purchased_on > as_of - 365), 0) AS amount_12m,
               coalesce(sum(p.amount) FILTER (WHERE p.currency = 'CNY' AND p.purchased_on > as_of - 90), 0) AS amount_3m,
               coalesce(sum(p.amount) FILTER (WHERE p.currency = 'CNY' AND p.purchased_on > as_of - 180 AND p.purchased_on <= as_of - 90), 0) AS amount_before_3m,
               count(*) FILTER (WHERE p.currency <> 'CNY') AS other_currency, max(p.purchased_on) AS last_on, min(p.purchased_on) AS first_on
          FROM crm_data.customer m JOIN crm_data.purchase p ON p.customer_code = m.customer_code
         WHERE m.survivor_code = w.customer_code AND p.purchased_on <= as_of) t
     CROSS JOIN LATERAL (
        SELECT count(*) AS interactions_12m, count(*) FILTER (WHERE i.direction = 'inbound') AS inbound_12m,
               count(*) FILTER (WHERE i.direction = 'outbound' AND i.outcome IS NOT NULL)::float8 / nullif(count(*) FILTER (WHERE i.direction = 'outbound'), 0) AS response_rate
          FROM crm_data.customer m JOIN crm_data.interaction i ON i.customer_code = m.customer_code
         WHERE m.survivor_code = w.customer_code AND i.happened_at > as_of - 365 AND i.happened_at < as_of + 1) n
     CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(y.input, y.value) AS judged
          FROM (SELECT DISTINCT ON (v.input) v.input, v.value
                  FROM crm_data.customer m JOIN crm_data.score_judgement v ON v.customer_code = m.customer_code
                 WHERE m.survivor_code = w.customer_code AND as_of BETWEEN v.valid_from AND v.valid_until AND (v.domain <> 'credit' OR with_credit)
                 ORDER BY v.input, v.judgement_no DESC) y) j $$;
ALTER FUNCTION crm.score_features(crm.customer_code[], date, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_features(crm.customer_code[], date, boolean) IS
$$What models can ask of customers, as of a day, with what belongs to records merged into them, which have no row of their own (客户特征).
An object for each: kind, lifecycle_state, channel; tenure_days, trade_days, recency_days (days); purchases_total, purchases_12m, products_12m, repeat_days (purchase days after the first); amount_total, amount_12m, amount_3m, amount_before_3m (in CNY; 12 months are 365 days, 3 months are 90, before them the 90 days before); other_currency (how many purchases were in another currency, which no amount here holds); interactions_12m, inbound_12m, response_rate (share of outbound contacts with an outcome); with_credit: crm.credit_features(); then the latest valid judgement for each input, which stands above what is reckoned. What is not known is not there.$$;
REVOKE EXECUTE ON FUNCTION crm.score_features(crm.customer_code[], date, boolean) FROM PUBLIC; -- reads all customers

-- -- scoring ------------------------------------------------------------------------------------

CREATE FUNCTION crm.score_active(model text, OUT version integer, OUT domain text, OUT applies_to text[])
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    SELECT m.version, m.domain, m.applies_to INTO version, domain, applies_to
      FROM crm_data.score_model m WHERE m.model = score_active.model AND m.state = 'active';
    IF version IS NULL THEN
        RAISE EXCEPTION 'score model "%" has no active version', model USING ERRCODE = 'undefined_object',
            HINT = 'crm.approve_score_model() by a second person, then crm.activate_score_model().';
    END IF;
    PERFORM crm.score_require(domain);
END
$$;
ALTER FUNCTION crm.score_active(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_active(text) IS 'The active version of a model, after checking that the caller may use it (有效版本). Errors: 42704, 42501.';
REVOKE EXECUTE ON FUNCTION crm.score_active(text) FROM PUBLIC; -- tells of models
GRANT EXECUTE ON FUNCTION crm.score_active(text) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_inputs_of(model text, version integer, features jsonb) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT coalesce(jsonb_object_agg(c.input, features -> c.input) FILTER (WHERE features ? c.input), '{}')
      FROM crm_data.score_characteristic c WHERE c.model = $1 AND c.version = $2 $$;
COMMENT ON FUNCTION crm.score_inputs_of(text, integer, jsonb) IS 'Those of a customer''s features that a version reads (模型输入).';

CREATE FUNCTION crm.score_customer(code crm.customer_code, model text, as_of date DEFAULT crm.company_today())
    RETURNS TABLE (result_id bigint, version integer, total integer, score float8, grade text, reasons text[], points integer[], inputs jsonb, valid_until date)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    active record;
    survivor crm.customer_code := crm.resolve(code);
    known jsonb;
BEGIN
    SELECT * INTO active FROM crm.score_active(score_customer.model);
    SELECT f.features INTO known FROM crm.score_features(ARRAY[coalesce(survivor, code)], score_customer.as_of, active.domain = 'credit') f;
    IF known IS NULL THEN
        RAISE EXCEPTION 'no customer % to score', code USING ERRCODE = 'no_data_found';
    END IF;
    IF known ->> 'kind' <> ALL (active.applies_to) THEN
        RAISE EXCEPTION 'score model "%" is not made for customers of kind %', model, known ->> 'kind' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY INSERT INTO crm_data.score_result AS r (customer_code, model, version, as_of, inputs)
        SELECT coalesce(survivor, code), score_customer.model, active.version, score_customer.as_of, crm.score_inputs_of(score_customer.model, active.version, known)
        RETURNING r.result_id, r.version, r.total, r.score, r.grade, r.reasons, r.points, r.inputs, r.valid_until;
END
$$;
ALTER FUNCTION crm.score_customer(crm.customer_code, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_customer(crm.customer_code, text, date) IS
$$Score a customer by the active version of a model, and keep the result with its inputs (客户评分).
total in points; score on the common scale 0 to 100; reasons: codes of up to four characteristics that lost most points; points in the order of the characteristics. A merged customer is scored as the one that stands for it.
Errors: 42704 no active version, 42501, P0002 no such customer, 22023 another kind of customer.$$;
REVOKE EXECUTE ON FUNCTION crm.score_customer(crm.customer_code, text, date) FROM PUBLIC; -- writes results
GRANT EXECUTE ON FUNCTION crm.score_customer(crm.customer_code, text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.rescore(customer crm.customer_code, result bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held record;
    said crm.scored;
BEGIN
    SELECT r.*, m.scale_low, m.scale_high INTO held FROM crm_data.score_result r
      JOIN crm_data.score_model m ON m.model = r.model AND m.version = r.version
     WHERE r.customer_code = customer AND r.result_id = result;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM crm.score_require(held.domain);
    said := crm.score_inputs(held.model || '@' || held.version, held.inputs);
    RETURN (said.total, said.points, said.reasons, float8send(crm.common_score(said.total, held.scale_low, held.scale_high)))
         = (held.total, held.points, held.reasons, float8send(held.score));
END
$$;
ALTER FUNCTION crm.rescore(crm.customer_code, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.rescore(crm.customer_code, bigint) IS
$$Whether a result comes out again, to the bit, from its recorded inputs and its version (评分复核). Null when there is no such result. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.rescore(crm.customer_code, bigint) FROM PUBLIC; -- reads results
GRANT EXECUTE ON FUNCTION crm.rescore(crm.customer_code, bigint) TO crm_data_admin, crm_credit;

-- -- long work: what the room's procedures share --------------------------------------------------

CREATE FUNCTION crm.score_job_begin(kind text, subject text, total bigint) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ INSERT INTO crm_data.job (kind, subject, total) VALUES ($1, $2, $3) RETURNING job_id $$;
ALTER FUNCTION crm.score_job_begin(text, text, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_job_begin(text, text, bigint) IS 'Note a run in crm.job_progress; returns its number (登记任务). A part of the room''s procedures.';
REVOKE EXECUTE ON FUNCTION crm.score_job_begin(text, text, bigint) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.score_job_begin(text, text, bigint) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_job_step(job bigint, rows bigint) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ UPDATE crm_data.job j SET done = j.done + coalesce($2, 0), state = CASE WHEN $2 IS NULL THEN 'done' ELSE 'running' END, updated_at = clock_timestamp()
           WHERE j.job_id = $1 AND j.started_by = session_user $$;
ALTER FUNCTION crm.score_job_step(bigint, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_job_step(bigint, bigint) IS 'Note how far a run of one''s own is; null rows: done (任务进度). A part of the room''s procedures.';
REVOKE EXECUTE ON FUNCTION crm.score_job_step(bigint, bigint) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.score_job_step(bigint, bigint) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_codes(after crm.customer_code, size integer, kinds text[] DEFAULT NULL) RETURNS crm.customer_code[]
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- Two queries: of one with an OR the index would be read from its beginning for each batch.
    IF after IS NULL THEN
        RETURN (SELECT array_agg(x.customer_code) FROM (
            SELECT c.customer_code FROM crm_data.customer c
             WHERE c.lifecycle_state NOT IN ('merged', 'archived', 'cancelled', 'erased') AND (kinds IS NULL OR c.kind = ANY (kinds))
             ORDER BY c.customer_code LIMIT size) x);
    END IF;
    RETURN (SELECT array_agg(x.customer_code) FROM (
        SELECT c.customer_code FROM crm_data.customer c
         WHERE c.customer_code > after AND c.lifecycle_state NOT IN ('merged', 'archived', 'cancelled', 'erased')
           AND (kinds IS NULL OR c.kind = ANY (kinds))
         ORDER BY c.customer_code LIMIT size) x);
END
$$;
ALTER FUNCTION crm.score_codes(crm.customer_code, integer, text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_codes(crm.customer_code, integer, text[]) IS 'The next customers in order, without merged and closed ones (下一批客户). A part of the room''s procedures.';
REVOKE EXECUTE ON FUNCTION crm.score_codes(crm.customer_code, integer, text[]) FROM PUBLIC; -- lists customers
GRANT EXECUTE ON FUNCTION crm.score_codes(crm.customer_code, integer, text[]) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_batch(codes crm.customer_code[], model text, version integer, as_of date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    active record;
    scored bigint;
BEGIN
    SELECT * INTO active FROM crm.score_active(model);
    IF active.version <> score_batch.version THEN
        RAISE EXCEPTION 'another version of score model "%" was activated meanwhile', model USING ERRCODE = 'KH014',
            HINT = 'Begin again: the run goes on with the version that is active now.';
    END IF;
    INSERT INTO crm_data.score_result (customer_code, model, version, as_of, inputs)
    SELECT f.customer_code, score_batch.model, score_batch.version, score_batch.as_of, crm.score_inputs_of(score_batch.model, score_batch.version, f.features)
      FROM crm.score_features(codes, score_batch.as_of, active.domain = 'credit') f
     WHERE NOT EXISTS (SELECT FROM crm_data.score_result r WHERE r.customer_code = f.customer_code AND r.model = score_batch.model
                          AND r.version = score_batch.version AND r.as_of = score_batch.as_of);
    GET DIAGNOSTICS scored = ROW_COUNT;
    RETURN scored;
END
$$;
ALTER FUNCTION crm.score_batch(crm.customer_code[], text, integer, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_batch(crm.customer_code[], text, integer, date) IS
$$Score those customers that this version has not scored as of this day (批内评分). A part of crm.score_customers(). Errors: 42704, 42501, KH014.$$;
REVOKE EXECUTE ON FUNCTION crm.score_batch(crm.customer_code[], text, integer, date) FROM PUBLIC; -- writes results
GRANT EXECUTE ON FUNCTION crm.score_batch(crm.customer_code[], text, integer, date) TO crm_data_admin, crm_credit;

CREATE PROCEDURE crm.score_customers(model text, as_of date DEFAULT NULL, batch_size integer DEFAULT 5000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    active pg_catalog.record;
    codes crm.customer_code[];
    job bigint;
BEGIN
    PERFORM crm.require_batch_size(batch_size);
    as_of := COALESCE(as_of, crm.company_today());
    SELECT * INTO active FROM crm.score_active(model);
    job := crm.score_job_begin('score', pg_catalog.format('%s@%s %s', model, active.version, as_of), crm.score_population(active.applies_to));
    COMMIT;
    LOOP
        codes := crm.score_codes(codes[pg_catalog.cardinality(codes)], batch_size, active.applies_to);
        EXIT WHEN codes IS NULL;
        PERFORM crm.score_batch(codes, model, active.version, as_of);
        PERFORM crm.score_job_step(job, pg_catalog.cardinality(codes));
        COMMIT;
    END LOOP;
    PERFORM crm.score_job_step(job, NULL);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE crm.score_customers(text, date, integer) IS
$$Score all customers by the active version of a model, in batches that commit (批量评分).
as_of: default the company's today. A customer is scored once by a version as of a day, so that a run that was killed goes on where it was when it is called again. Progress: crm.job_progress.
Errors: 42704, 42501, KH014 when another version is activated meanwhile.$$;
REVOKE EXECUTE ON PROCEDURE crm.score_customers(text, date, integer) FROM PUBLIC; -- writes results
GRANT EXECUTE ON PROCEDURE crm.score_customers(text, date, integer) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.score_population(kinds text[]) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT count(*) FROM crm_data.customer c WHERE c.lifecycle_state <> 'merged'
             AND c.lifecycle_state NOT IN ('archived', 'cancelled', 'erased') AND (kinds IS NULL OR c.kind = ANY (kinds)) $$;
ALTER FUNCTION crm.score_population(text[]) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.score_population(text[]) IS 'How many customers there are to score (评分总数). A part of the room''s procedures.';
REVOKE EXECUTE ON FUNCTION crm.score_population(text[]) FROM PUBLIC; -- counts customers
GRANT EXECUTE ON FUNCTION crm.score_population(text[]) TO crm_data_admin, crm_credit;

-- -- judgements and requests -------------------------------------------------------------------------

CREATE FUNCTION crm.judge(customer crm.customer_code, input text, value jsonb, evidence text, valid_until date, domain text DEFAULT 'general',
                          valid_from date DEFAULT crm.company_today()) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM crm.score_require(domain);
    INSERT INTO crm_data.score_judgement (customer_code, input, value, domain, evidence, valid_from, valid_until)
    VALUES (customer, input, value, domain, evidence, valid_from, valid_until) RETURNING judgement_no INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.judge(crm.customer_code, text, jsonb, text, date, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.judge(crm.customer_code, text, jsonb, text, date, text, date) IS
$$Record what a person judges of a customer, with evidence, as an input of models (人工评价).
input: the characteristic's input; value: a number, text or boolean; the last one that is valid counts, and stands above what is reckoned. Nothing is changed afterwards: judge again.
Errors: 42501, 23514 without evidence or with an end before the beginning, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.judge(crm.customer_code, text, jsonb, text, date, text, date) FROM PUBLIC; -- writes judgements
GRANT EXECUTE ON FUNCTION crm.judge(crm.customer_code, text, jsonb, text, date, text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.request_score_change(customer crm.customer_code, kind text, subject text, wanted text, amount numeric, valid_until date,
                                         reason text, evidence text, valid_from date DEFAULT crm.company_today()) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    its_domain CONSTANT text := CASE kind WHEN 'level' THEN 'general' ELSE 'credit' END;
    made bigint;
BEGIN
    PERFORM crm.score_require(its_domain);
    INSERT INTO crm_data.score_request (customer_code, kind, domain, subject, wanted, amount, valid_from, valid_until, reason, evidence)
    VALUES (coalesce(crm.resolve(customer), customer), kind, its_domain, subject, wanted, amount, valid_from, valid_until, reason, evidence) RETURNING request_no INTO made;
    RETURN made;
END
$$;
ALTER FUNCTION crm.request_score_change(crm.customer_code, text, text, text, numeric, date, text, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.request_score_change(crm.customer_code, text, text, text, numeric, date, text, text, date) IS
$$Ask for something beyond the rules, which somebody else decides; returns the number of the request (申请例外).
kind grade: subject is a purpose, wanted the grade; limit: subject is a currency, wanted long_term, temporary or not_controlled, with amount; level: subject is a level scheme, wanted the level. Asked for a merged record, it is a request of the one that stands for it.
Errors: 42501, 23514 without reason or evidence, for a limit of another kind or a temporary one of more than 7 days, 23503.$$;
REVOKE EXECUTE ON FUNCTION crm.request_score_change(crm.customer_code, text, text, text, numeric, date, text, text, date) FROM PUBLIC; -- writes requests
GRANT EXECUTE ON FUNCTION crm.request_score_change(crm.customer_code, text, text, text, numeric, date, text, text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.decide_score_change(customer crm.customer_code, request bigint, approve boolean, note text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held crm_data.score_request;
BEGIN
    SELECT * INTO held FROM crm_data.score_request q WHERE q.customer_code IN (customer, crm.resolve(customer)) AND q.request_no = request FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'customer % has no request %', customer, request USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM crm.score_require(held.domain);
    -- What was asked for one record must not be granted to nobody: the other who stands for it now has figures of its own.
    IF approve AND crm.resolve(held.customer_code) <> held.customer_code THEN
        RAISE EXCEPTION 'request % is of a record that was merged since', request USING ERRCODE = 'KH006',
            DETAIL = format('%s is merged into %s.', held.customer_code, crm.resolve(held.customer_code)),
            HINT = 'Reject it, and ask anew: crm.request_score_change() asks for the one that stands for it.';
    END IF;
    IF approve AND held.kind = 'limit' AND held.wanted = 'not_controlled' AND held.seconded_by IS NULL AND held.state = 'requested' THEN
        UPDATE crm_data.score_request q SET seconded_by = session_user WHERE q.customer_code = held.customer_code AND q.request_no = request;
        RETURN;
    END IF;
    UPDATE crm_data.score_request q SET state = CASE WHEN approve THEN 'approved' ELSE 'rejected' END, decision_note = note
     WHERE q.customer_code = held.customer_code AND q.request_no = request;
    IF approve AND held.kind = 'limit' THEN
        PERFORM crm.credit_limit_from_request(held.customer_code, request);
    ELSIF approve AND held.kind = 'level' THEN
        PERFORM crm.level_from_request(held.customer_code, request);
    END IF;
END
$$;
ALTER FUNCTION crm.decide_score_change(crm.customer_code, bigint, boolean, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.decide_score_change(crm.customer_code, bigint, boolean, text) IS
$$Approve or reject a request of somebody else's; an approved limit or level takes effect at once (审批例外申请).
That a customer is not_controlled is approved by two, one after the other; one of them is enough to reject it.
Errors: KH004 one's own, KH006 decided already, or to be approved for a record that was merged since, 23502 a rejection without note, P0002, 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.decide_score_change(crm.customer_code, bigint, boolean, text) FROM PUBLIC; -- an approval
GRANT EXECUTE ON FUNCTION crm.decide_score_change(crm.customer_code, bigint, boolean, text) TO crm_data_admin, crm_credit;
