-- import: a table of customers in batches that commit. The procedure runs as its
-- caller, because it commits and because it may read only what the caller may;
-- what writes runs as crm_owner, one batch at a time.

CREATE FUNCTION crm.import_source(source regclass) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    relation text := (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = source);
    fields text;
BEGIN
    IF 3 <> (SELECT count(*) FROM pg_attribute WHERE attrelid = source AND attname IN ('line', 'kind', 'name') AND NOT attisdropped) THEN
        RAISE EXCEPTION 'relation % cannot be imported', relation USING ERRCODE = 'undefined_column',
            DETAIL = 'It needs the columns line, kind and name at least.',
            HINT = 'CREATE TABLE mine (LIKE crm.customer_staging INCLUDING ALL) makes one with all columns.';
    END IF;
    -- A column of the right type is taken as it is; another one is read as text and encrypted here.
    SELECT string_agg(CASE WHEN a.attname IS NULL THEN 'NULL'
                           WHEN a.atttypid = f.type THEN format('s.%I', f.field)
                           WHEN f.type = 'text'::regtype THEN format('s.%I::pg_catalog.text', f.field)
                           -- Longer than any field may be is cut, so that it is rejected and does not stop the import.
                           ELSE format('pg_catalog.left(s.%I::pg_catalog.text, 2048)::%I.%I', f.field, n.nspname, t.typname) END, ', ' ORDER BY f.ord)
      INTO fields
      FROM crm.intake_fields() WITH ORDINALITY f (field, type, ord)
      JOIN pg_type t ON t.oid = f.type
      JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = source AND a.attname = f.field AND NOT a.attisdropped;
    RETURN format('SELECT ROW(s.line::pg_catalog.int8, %s)::crm.customer_input AS r FROM %s s', fields, relation);
END
$$;
COMMENT ON FUNCTION crm.import_source(regclass) IS
$$The query that reads customers' records from a table, foreign table or view (导入来源).
Columns are found by name, those of crm.customer_input; line, kind and name must be there, line must be unique.
Errors: 42703.$$;

CREATE FUNCTION crm.import_require_own(batch text) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- Two users who give their files the same name would lose lines: each line number
    -- of a batch is taken once.
    IF EXISTS (SELECT FROM crm_data.import_batch b WHERE b.batch = import_require_own.batch AND b.begun_by <> session_user)
       AND NOT pg_has_role(session_user, 'crm_data_admin', 'MEMBER') THEN
        RAISE EXCEPTION 'the batch was begun by another user' USING ERRCODE = 'insufficient_privilege',
            HINT = 'Give your own import another name; members of crm_data_admin go on with anybody''s.';
    END IF;
END
$$;
ALTER FUNCTION crm.import_require_own(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_require_own(text) IS
$$Refuse who neither began the batch nor belongs to the data department (本人批次). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.import_require_own(text) FROM PUBLIC; -- tells which batches there are

CREATE FUNCTION crm.import_begin(batch text, source text, staged bigint, day date, scheme text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    this_job bigint;
BEGIN
    IF coalesce(btrim(batch), '') = '' THEN
        RAISE EXCEPTION 'an import needs the name of its batch' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use the name of the file or of the delivery; the same name again goes on where it stopped.';
    END IF;
    PERFORM crm.import_require_own(batch);
    INSERT INTO crm_data.import_batch (batch, source, registration_day, scheme) VALUES (batch, source, day, scheme)
    ON CONFLICT ON CONSTRAINT import_batch_pkey DO UPDATE
       -- The latest day and scheme: corrections go on with what the import went on with.
       SET source = EXCLUDED.source, registration_day = EXCLUDED.registration_day, scheme = EXCLUDED.scheme, finished_at = NULL;
    INSERT INTO crm_data.job (kind, subject, total) VALUES ('import', batch, staged) RETURNING job_id INTO this_job;
    RETURN this_job;
END
$$;
ALTER FUNCTION crm.import_begin(text, text, bigint, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_begin(text, text, bigint, date, text) IS
$$Open a batch, or open it again; returns the number of its job (开始导入). A part of crm.import_customers().
Errors: 22023 without a name, 42501 when another user began it.$$;
REVOKE EXECUTE ON FUNCTION crm.import_begin(text, text, bigint, date, text) FROM PUBLIC; -- writes the batch register
GRANT EXECUTE ON FUNCTION crm.import_begin(text, text, bigint, date, text) TO crm_writer;

CREATE FUNCTION crm.intake_given(records crm.customer_input[]) RETURNS text[]
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT array_agg(DISTINCT f.key) FROM unnest(records) r, jsonb_each(to_jsonb(r)) f WHERE f.value <> 'null' $$;
COMMENT ON FUNCTION crm.intake_given(crm.customer_input[]) IS $$Fields that any of these records has a value of (已填字段).$$;

CREATE FUNCTION crm.import_rows(batch text, records crm.customer_input[], day date, scheme text,
                                accept_suspected boolean, job bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    -- Two sessions with the same batch take turns; the second finds the lines done.
    held crm_data.import_batch := (SELECT b FROM crm_data.import_batch b WHERE b.batch = import_rows.batch FOR UPDATE);
    -- By range, so that a batch of a million lines is not read again for each thousand.
    lines int8range := (SELECT int8range(min(r.line), max(r.line), '[]') FROM unnest(records) r);
    done bigint[] := ARRAY(SELECT l.line FROM crm_data.import_line l
                            WHERE l.batch = import_rows.batch AND l.line BETWEEN lower(lines) AND upper(lines));
    todo crm.customer_input[] := CASE WHEN done = '{}' THEN records
                                      ELSE ARRAY(SELECT r FROM unnest(records) r WHERE r.line <> ALL (done)) END;
    attempt int := 0;
BEGIN
    PERFORM crm.import_require_own(batch);
    -- A null would make a strict function below take nothing and say nothing.
    IF num_nulls(records, day, scheme, accept_suspected) > 0 THEN
        RAISE EXCEPTION 'records, day, scheme and accept_suspected must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF (SELECT count(*) <> count(DISTINCT r.line) FROM unnest(records) r) THEN
        RAISE EXCEPTION 'lines of the records are missing or not unique' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Number the records, each once; nothing was taken.';
    END IF;
    IF held.batch IS NULL THEN
        RAISE EXCEPTION 'batch "%" was never begun', batch USING ERRCODE = 'no_data_found', HINT = 'CALL crm.import_customers(batch => ...).';
    END IF;
    -- A file brings no consents. Most companies want none at this point, and nothing is looked at.
    IF EXISTS (SELECT FROM crm_data.intake_rule r WHERE r.consent_purpose IS NOT NULL) THEN
        PERFORM crm.refuse_consent('missing', format('Field %s, purpose %s: an import brings no consents.', r.field, r.consent_purpose))
           FROM crm_data.intake_rule r, crm.intake_given(todo) g
          WHERE r.consent_purpose IS NOT NULL AND (r.field = ANY (g) OR r.field = 'contact' AND g && ARRAY['phone', 'email']) LIMIT 1;
    END IF;
    LOOP
        BEGIN
            PERFORM crm.import_write(batch, todo, day, scheme, accept_suspected);
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            -- Somebody registered one of these customers since we looked: look again.
            attempt := attempt + 1;
            IF attempt >= 5 THEN RAISE; END IF;
        END;
    END LOOP;
    -- Whom the new ones resemble waits on the work list when the batch is there.
    PERFORM crm.duplicate_look_batch(batch, lower(lines), upper(lines) - 1);
    UPDATE crm_data.job j SET done = j.done + cardinality(records), updated_at = clock_timestamp(), pid = pg_backend_pid()
     WHERE j.job_id = job;
    RETURN cardinality(records) - cardinality(todo);
END
$$;
ALTER FUNCTION crm.import_rows(text, crm.customer_input[], date, text, boolean, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_rows(text, crm.customer_input[], date, text, boolean, bigint) IS
$$Take records of a batch: accepted ones become customers, the others stay with their reasons (导入一批). A part of crm.import_customers().
Returns how many lines were passed over because they were accepted before, so a batch can be sent again.
Errors: as crm.intake_accept(); P0002 for a batch that was not begun, 22023 for lines that are missing or not unique, 22004.$$;
REVOKE EXECUTE ON FUNCTION crm.import_rows(text, crm.customer_input[], date, text, boolean, bigint) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON FUNCTION crm.import_rows(text, crm.customer_input[], date, text, boolean, bigint) TO crm_writer;

CREATE FUNCTION crm.import_write(batch text, records crm.customer_input[], day date, scheme text, accept_suspected boolean) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp SET jit = off SET work_mem = '64MB'
    AS $$
    WITH answer AS MATERIALIZED (
        SELECT * FROM crm.intake_accept(records, day, scheme, 'import', accept_suspected)
    ), taken AS (
        INSERT INTO crm_data.import_line (batch, line, customer_code)
        SELECT import_write.batch, a.line, a.customer_code FROM answer a WHERE a.violations IS NULL
    ), corrected AS (
        DELETE FROM crm_data.import_reject x USING answer a
         WHERE x.batch = import_write.batch AND x.line = a.line AND a.violations IS NULL
           AND x.line BETWEEN (SELECT min(line) FROM answer) AND (SELECT max(line) FROM answer)
    )
    INSERT INTO crm_data.import_reject AS x (batch, line, violations, input)
    SELECT import_write.batch, a.line, a.violations, a.input FROM answer a WHERE a.violations IS NOT NULL
    ON CONFLICT ON CONSTRAINT import_reject_pkey DO UPDATE
       SET violations = EXCLUDED.violations, input = EXCLUDED.input, attempts = x.attempts + 1, rejected_at = now() $$;
ALTER FUNCTION crm.import_write(text, crm.customer_input[], date, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_write(text, crm.customer_input[], date, text, boolean) IS
$$Write one batch: customers, their lines, and the rejected records (写入一批). A part of crm.import_rows().$$;
REVOKE EXECUTE ON FUNCTION crm.import_write(text, crm.customer_input[], date, text, boolean) FROM PUBLIC; -- writes customers

CREATE FUNCTION crm.import_finish(batch text, job bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    rows bigint;
BEGIN
    UPDATE crm_data.import_batch b SET finished_at = clock_timestamp() WHERE b.batch = import_finish.batch;
    UPDATE crm_data.job j SET state = 'done', updated_at = clock_timestamp() WHERE j.job_id = import_finish.job RETURNING j.done INTO rows;
    -- By the server's own measure, but now: until its daemon came round, a search in what
    -- was imported would be planned as if each customer had many merged records.
    IF rows > 50 + 0.1 * (SELECT c.reltuples FROM pg_class c WHERE c.oid = 'crm_data.customer'::regclass) THEN
        ANALYZE (SKIP_LOCKED) crm_data.customer, crm_data.individual, crm_data.organization, crm_data.customer_group,
            crm_data.identity_document, crm_data.document_claim, crm_data.contact_point, crm_data.bank_account,
            crm_data.address, crm_data.external_id, crm_data.external_id_claim;
    END IF;
END
$$;
ALTER FUNCTION crm.import_finish(text, bigint) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_finish(text, bigint) IS $$Close a batch, and have the planner look at the tables when they grew by a tenth (结束导入). A part of crm.import_customers().$$;
REVOKE EXECUTE ON FUNCTION crm.import_finish(text, bigint) FROM PUBLIC; -- writes the batch register
GRANT EXECUTE ON FUNCTION crm.import_finish(text, bigint) TO crm_writer;

CREATE FUNCTION crm.import_stage(batch text, source regclass) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    AS $$
DECLARE
    query CONSTANT text := crm.import_source(source);
    total bigint;
    lines bigint;
BEGIN
    EXECUTE pg_catalog.concat('SELECT pg_catalog.count(*), pg_catalog.count(DISTINCT s.line) FROM (', query, ') q, LATERAL (SELECT (q.r).line) s')
       INTO total, lines;
    IF total OPERATOR(pg_catalog.<>) lines THEN
        RAISE EXCEPTION 'the lines of the source are not unique' USING ERRCODE = 'unique_violation',
            DETAIL = pg_catalog.format('%s rows, %s different line numbers.', total, lines),
            HINT = 'Number the rows of the source in column line, each once; nothing was imported.';
    END IF;
    -- What an interrupted import of this batch had staged is read afresh.
    DELETE FROM crm.staged_customer s WHERE s.batch OPERATOR(pg_catalog.=) import_stage.batch;
    EXECUTE pg_catalog.concat('INSERT INTO crm.customer_staging (batch, line',
                              (SELECT pg_catalog.string_agg(pg_catalog.concat(', ', f.field), '') FROM crm.intake_fields() f),
                              ') SELECT $1, (q.r).* FROM (', query, ' OFFSET 0) q') USING batch;
    RETURN total;
END
$$;
COMMENT ON FUNCTION crm.import_stage(text, regclass) IS
$$Copy a source into crm.customer_staging under the name of the batch, encrypted; returns how many rows (暂存来源数据). A part of crm.import_customers(); runs as its caller, who must be able to read the source.
Errors: 23505 when line numbers are missing or not unique, 42703.$$;
REVOKE EXECUTE ON FUNCTION crm.import_stage(text, regclass) FROM PUBLIC; -- writes staged customers
GRANT EXECUTE ON FUNCTION crm.import_stage(text, regclass) TO crm_writer;

-- The staging table was filled just now and is emptied here, so the planner knows
-- nothing of it: it is held to the primary key, in whose order this walks.
CREATE FUNCTION crm.import_take(batch text, past bigint, size integer, OUT records crm.customer_input[], OUT upto bigint)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, crm, pg_temp SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
    AS $$
BEGIN
    SELECT array_agg(p.r), max((p.r).line) INTO records, upto
      FROM (SELECT ROW(s.line, s.kind, s.name, s.document_kind, s.document_number, s.sex, s.birth_date, s.phone, s.email,
                       s.bank_card, s.address, s.occupation, s.industry, s.legal_representative, s.contact_name,
                       s.external_system, s.external_id)::crm.customer_input AS r
              FROM crm.staged_customer s
             WHERE s.batch = import_take.batch AND s.line > past
             ORDER BY s.line LIMIT size) p;
    -- Gone in the same transaction in which it is taken or rejected.
    DELETE FROM crm.staged_customer s WHERE s.batch = import_take.batch AND s.line > past AND s.line <= upto;
END
$$;
COMMENT ON FUNCTION crm.import_take(text, bigint, integer) IS
$$Take the next rows that the session's user has staged, in the order of their lines (取出暂存数据). A part of crm.import_customers().
Null when there are no more.$$;
REVOKE EXECUTE ON FUNCTION crm.import_take(text, bigint, integer) FROM PUBLIC; -- removes staged rows
GRANT EXECUTE ON FUNCTION crm.import_take(text, bigint, integer) TO crm_writer;

CREATE PROCEDURE crm.import_customers(batch text, source regclass DEFAULT to_regclass('crm.customer_staging'), day date DEFAULT NULL,
                                      scheme text DEFAULT 'CUST', accept_suspected boolean DEFAULT false,
                                      batch_size integer DEFAULT 2000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- Rows that COPY put into the staging table bear no batch's name; those of another source do.
    staged_as CONSTANT text := CASE WHEN source OPERATOR(pg_catalog.=) 'crm.customer_staging'::pg_catalog.regclass THEN '' ELSE batch END;
    total bigint;
    job bigint;
    upto bigint;
    past bigint := -9223372036854775808;
    passed_over bigint := 0;
    records crm.customer_input[];
BEGIN
    IF pg_catalog.num_nulls(source, scheme, accept_suspected, batch_size) OPERATOR(pg_catalog.>) 0 OR batch_size OPERATOR(pg_catalog.<) 1 THEN
        RAISE EXCEPTION 'source, scheme, accept_suspected and batch_size must not be null, and batch_size not below 1'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave an argument out for its default.';
    END IF;
    day := COALESCE(day, crm.company_today());
    IF staged_as OPERATOR(pg_catalog.<>) '' THEN
        total := crm.import_stage(batch, source);
    ELSE
        SELECT pg_catalog.count(*) INTO total FROM crm.staged_customer s
         WHERE s.batch OPERATOR(pg_catalog.=) '';
    END IF;
    job := crm.import_begin(batch, source::pg_catalog.text, total, day, scheme);
    COMMIT;
    LOOP
        SELECT t.records, t.upto INTO records, upto FROM crm.import_take(staged_as, past, batch_size) t;
        EXIT WHEN upto IS NULL;
        passed_over := passed_over OPERATOR(pg_catalog.+) crm.import_rows(batch, records, day, scheme, accept_suspected, job);
        COMMIT;
        past := upto;
    END LOOP;
    PERFORM crm.import_finish(batch, job);
    COMMIT;
    IF passed_over OPERATOR(pg_catalog.>) 0 THEN
        RAISE NOTICE '% lines of batch "%" were accepted before and passed over', passed_over, batch
            USING HINT = 'If this is another file, import it under another name of batch.';
    END IF;
END
$$;
COMMENT ON PROCEDURE crm.import_customers(text, regclass, date, text, boolean, integer) IS
$$Import customers from a table in batches that commit; bad rows stay in crm.import_error with all their reasons (批量导入客户).
source: crm.customer_staging, whose rows are purged as they are taken, or any table, foreign table or view with the columns of crm.customer_input. day: registration day, default the company's today. scheme: code scheme of the new codes. accept_suspected: take also who has name and telephone of a customer. batch_size: rows per transaction.
Who has a card, or two of name, telephone and e-mail in common with another comes on crm.duplicate_worklist with its batch; CALL crm.match_catch_up('customer') and crm.duplicate_collect('customer') find who is spelt otherwise.
Killed or failed, it goes on where it was when it is called again; a line that was accepted is never taken twice. Progress: crm.job_progress. Result: crm.import_report(), crm.import_result, crm.import_error.
Errors: 22023, 23505 (line numbers), 42703 (columns), 42501, KH012, KH013.$$;
REVOKE EXECUTE ON PROCEDURE crm.import_customers(text, regclass, date, text, boolean, integer) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON PROCEDURE crm.import_customers(text, regclass, date, text, boolean, integer) TO crm_writer;

-- -- what became of it ------------------------------------------------------------

CREATE FUNCTION crm.import_report(batch text)
    RETURNS TABLE (outcome text, field text, reason text, records bigint, meaning text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT 'staged', NULL, NULL, (SELECT count(*) FROM crm_data.import_line l WHERE l.batch = import_report.batch)
                               + (SELECT count(*) FROM crm_data.import_reject x WHERE x.batch = import_report.batch), NULL
    UNION ALL
    SELECT 'accepted', NULL, NULL, count(*), NULL FROM crm_data.import_line l WHERE l.batch = import_report.batch
    UNION ALL
    SELECT 'rejected', NULL, NULL, count(*), NULL FROM crm_data.import_reject x WHERE x.batch = import_report.batch
    UNION ALL
    (SELECT 'reason', split_part(v, ':', 1), split_part(v, ':', 2), count(*), crm.violation_text(v)
       FROM crm_data.import_reject x, unnest(x.violations) v
      WHERE x.batch = import_report.batch
      GROUP BY v ORDER BY count(*) DESC, v) $$;
ALTER FUNCTION crm.import_report(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_report(text) IS
$$What became of a batch: staged = accepted + rejected, then how often each reason occurs (导入报告).
A record with several violations counts under each of them.$$;
REVOKE EXECUTE ON FUNCTION crm.import_report(text) FROM PUBLIC; -- counts customers
GRANT EXECUTE ON FUNCTION crm.import_report(text) TO crm_writer, crm_data_admin;

CREATE FUNCTION crm.import_correct(batch text, line bigint, fields jsonb, accept_suspected boolean DEFAULT false)
    RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    rejected crm_data.import_reject;
    held crm_data.import_batch;
    code crm.customer_code;
BEGIN
    PERFORM crm.import_require_own(batch);
    SELECT * INTO held FROM crm_data.import_batch b WHERE b.batch = import_correct.batch FOR UPDATE;
    SELECT * INTO rejected FROM crm_data.import_reject x WHERE x.batch = import_correct.batch AND x.line = import_correct.line FOR UPDATE;
    IF rejected.input IS NULL THEN
        RAISE EXCEPTION 'batch "%" has no rejected line % to correct', batch, line USING ERRCODE = 'no_data_found',
            HINT = 'crm.import_error lists the rejected lines; one that was discarded must be staged again.';
    END IF;
    code := crm.intake_one(rejected.input, fields, held.registration_day, held.scheme, 'import', accept_suspected);
    PERFORM crm.require_intake_consent(code, crm.intake_given(ARRAY[jsonb_populate_record(rejected.input, fields)]));
    DELETE FROM crm_data.import_reject x WHERE x.batch = import_correct.batch AND x.line = import_correct.line;
    INSERT INTO crm_data.import_line (batch, line, customer_code) VALUES (batch, line, code);
    RETURN code;
END
$$;
ALTER FUNCTION crm.import_correct(text, bigint, jsonb, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_correct(text, bigint, jsonb, boolean) IS
$$Correct fields of a rejected line and take it in; the other fields stay as they were staged (更正导入行).
fields: an object with the fields to change; null empties a field.
Errors: KH001 with what is still wrong, KH002, P0002 when there is no such line.$$;
REVOKE EXECUTE ON FUNCTION crm.import_correct(text, bigint, jsonb, boolean) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON FUNCTION crm.import_correct(text, bigint, jsonb, boolean) TO crm_writer;

CREATE FUNCTION crm.import_restage(batch text) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.import_require_own(batch);
    WITH back AS (
        INSERT INTO crm.customer_staging (staged_by, batch, line, kind, name, document_kind, document_number, sex, birth_date, phone, email,
                                          bank_card, address, occupation, industry, legal_representative, contact_name,
                                          external_system, external_id)
        SELECT session_user, '', (x.input).* FROM crm_data.import_reject x
         WHERE x.batch = import_restage.batch AND NOT x.input IS NULL -- IS NOT NULL would ask it of every field
        RETURNING 1)
    SELECT count(*) FROM back $$;
ALTER FUNCTION crm.import_restage(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_restage(text) IS
$$Put the rejected lines of a batch back into crm.customer_staging, encrypted, to be corrected by UPDATE of crm.staged_customer and imported again under the same name (退回暂存区).
Returns how many. They stay in crm.import_error until they are accepted.
Errors: 23505 when the caller has lines of the same numbers staged.$$;
REVOKE EXECUTE ON FUNCTION crm.import_restage(text) FROM PUBLIC; -- writes staged customers
GRANT EXECUTE ON FUNCTION crm.import_restage(text) TO crm_writer;

CREATE FUNCTION crm.import_discard(batch text) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.import_require_own(batch);
    WITH purged AS (
        UPDATE crm_data.import_reject x SET input = NULL WHERE x.batch = import_discard.batch AND NOT x.input IS NULL RETURNING 1)
    SELECT count(*) FROM purged $$;
ALTER FUNCTION crm.import_discard(text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.import_discard(text) IS
$$Give the rejected lines of a batch up: their data is purged, their reasons stay for the report (清除被拒数据).
Returns how many.$$;
REVOKE EXECUTE ON FUNCTION crm.import_discard(text) FROM PUBLIC; -- removes data
GRANT EXECUTE ON FUNCTION crm.import_discard(text) TO crm_writer;
