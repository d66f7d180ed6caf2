-- intake: how customers come in. One check for all ways in; governed functions
-- run as crm_owner, because nobody else may write the customer's tables.

CREATE TYPE crm.customer_input AS (
    line                 bigint,
    kind                 text,
    name                 crm.private_text,
    document_kind        text,
    document_number      crm.private_text,
    sex                  text,
    birth_date           crm.private_text,
    phone                crm.private_text,
    email                crm.private_text,
    bank_card            crm.private_text,
    address              crm.private_text,
    occupation           text,
    industry             text,
    legal_representative crm.private_text,
    contact_name         crm.private_text,
    external_system      text,
    external_id          text
);
COMMENT ON TYPE crm.customer_input IS
$$A customer's record as it comes in, before any check; what is personal is encrypted (待录入客户).
The columns that crm.import_customers() looks for in its source, and the fields of crm.register_customer().$$;

CREATE TYPE crm.customer_checked AS (
    line                 bigint,
    violations           text[],
    kind                 text,
    person_name          crm.person_name,
    organization_name    text,
    document_kind        text,
    document_number      crm.id_number,
    uscc                 text,
    sex                  "char",
    birth_date           date,
    phone                crm.phone,
    email                crm.email,
    bank_card            crm.bank_card,
    division             crm.division_code,
    address              crm.postal_address,
    occupation           text,
    industry             text,
    legal_representative crm.person_name,
    contact_name         crm.person_name,
    external_system      text,
    external_id          text
);
COMMENT ON TYPE crm.customer_checked IS
$$A customer's record after the check: values validated, normalised and sealed, or all violations (校验结果).
A violation is field:reason; crm.violation_text() puts it into words.$$;

CREATE FUNCTION crm.customer_check(input crm.customer_input, required integer[], today date) RETURNS crm.customer_checked
    AS 'MODULE_PATHNAME', 'crm_customer_check' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION crm.customer_check(crm.customer_input, integer[], date) IS
$$Validate, normalise and seal one customer's record; all violations at once (校验客户记录).
required: crm.intake_required(); today: nobody is born later. Never raises for a bad record.
Errors: 42501 without crm_writer, KH012 without key.$$;
REVOKE EXECUTE ON FUNCTION crm.customer_check(crm.customer_input, integer[], date) FROM PUBLIC; -- takes personal data
GRANT EXECUTE ON FUNCTION crm.customer_check(crm.customer_input, integer[], date) TO crm_writer, crm_owner;

CREATE FUNCTION crm.intake_field_mask(field text) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_intake_field_mask' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.intake_field_mask(text) IS
$$The bit that stands for a field in crm.intake_required() (字段位).
Errors: 22023 for a name that is no field.$$;

CREATE FUNCTION crm.intake_required() RETURNS integer[]
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT array_agg(mask ORDER BY sort)
      FROM (SELECT k.sort, coalesce(bit_or(crm.intake_field_mask(r.field)), 0) AS mask
              FROM crm_data.customer_kind k
              LEFT JOIN crm_data.intake_rule r ON r.kind = k.code AND r.is_required
             GROUP BY k.code, k.sort) masks $$;
ALTER FUNCTION crm.intake_required() OWNER TO crm_owner;
COMMENT ON FUNCTION crm.intake_required() IS
$$What crm_data.intake_rule requires of individuals, organisations and groups, one mask each (必填项).$$;

-- -- violations in words -------------------------------------------------------

CREATE FUNCTION crm.intake_reasons() RETURNS TABLE (reason text, text_en text, text_zh text)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('kind',                'is not one of the kinds that there are',      '没有这种类型'),
    ('required',            'is required',                                 '为必填项'),
    ('contradiction',       'contradicts the identity number',             '与证件号码不一致'),
    ('future',              'lies in the future',                          '晚于当前日期'),
    ('division',            'names no administrative division',            '未写明省市区'),
    ('duplicate',           'belongs to a customer already',               '已登记于其他客户'),
    ('suspected_duplicate', 'a customer of this name and telephone exists', '已有同名同电话的客户'),
    ('unknown',             'is no field of a customer''s record',         '不是客户记录的字段'),
    ('field',               'has fields that a customer''s record has not', '含有客户记录没有的字段'),
    ('object',              'is not an object of fields',                  '不是由字段组成的对象') $$;
COMMENT ON FUNCTION crm.intake_reasons() IS
$$The reasons of intake beside those of crm.validate(), in English and Chinese (录入原因).$$;

CREATE FUNCTION crm.violation_text(violation text, lang text DEFAULT crm.lang()) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT coalesce(CASE lang WHEN 'zh' THEN p.label_zh ELSE p.label_en END, v.field)
           || CASE lang WHEN 'zh' THEN '：' ELSE ': ' END
           || coalesce((SELECT CASE lang WHEN 'zh' THEN r.text_zh ELSE r.text_en END FROM crm.intake_reasons() r WHERE r.reason = v.reason),
                       rtrim(crm.reason_text(v.reason, lang), '.。'), v.reason)
      FROM (SELECT split_part(violation, ':', 1), split_part(violation, ':', 2)) v (field, reason)
      -- record:... speaks of the record as a whole, whose label has no field.
      LEFT JOIN crm_data.field_policy p ON p.object = 'customer_input' AND p.field IS NOT DISTINCT FROM nullif(v.field, 'record') $$;
ALTER FUNCTION crm.violation_text(text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.violation_text(text, text) IS
$$A violation (field:reason) in the words of a language, zh or en (校验信息).
Holds no value of the field. Default: the language of the session, crm.lang().$$;

-- -- records into the tables ---------------------------------------------------

CREATE FUNCTION crm.intake_judge(records crm.customer_input[], accept_suspected boolean)
    RETURNS TABLE (input crm.customer_input, checked crm.customer_checked, verdict text[], awaits boolean)
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, crm, pg_temp SET work_mem = '64MB' SET jit = off
    -- The planner takes an array for ten rows and would compare each record with each refusal.
    SET enable_bitmapscan = off SET enable_nestloop = off
    AS $$
    -- Duplicates: a document or external id that somebody has, or the same name and
    -- telephone; in the tables, or earlier among these records. It is tokens that are
    -- compared and sorted: whole records would cost more than all else.
    WITH checked AS MATERIALIZED (
        SELECT r AS input, crm.customer_check(r, rules.required, rules.today) AS c
          FROM (SELECT crm.intake_required() AS required, crm.company_today() AS today OFFSET 0) rules, unnest(records) r
    ), sound AS MATERIALIZED (
        SELECT (k.c).line AS line, (k.c).document_kind AS kind, crm.token((k.c).document_number) AS document,
               (k.c).external_system AS system, (k.c).external_id AS id,
               CASE WHEN (k.c).phone IS NOT NULL AND NOT accept_suspected THEN crm.token((k.c).person_name) END AS person,
               crm.token((k.c).phone) AS phone
          FROM checked k WHERE (k.c).violations IS NULL
    ), known AS MATERIALIZED (
        SELECT s.*, array_remove(ARRAY[
               CASE WHEN s.document IS NOT NULL AND EXISTS (
                         SELECT FROM crm_data.document_claim d WHERE d.number_token = s.document AND d.kind = s.kind)
                    THEN 'document_number:duplicate' END,
               CASE WHEN s.id IS NOT NULL AND EXISTS (
                         SELECT FROM crm_data.external_id_claim e WHERE e.system = s.system AND e.value = s.id)
                    THEN 'external_id:duplicate' END,
               CASE WHEN s.person IS NOT NULL AND EXISTS (
                         SELECT FROM crm_data.contact_point p
                          WHERE p.token = s.phone
                            AND s.person = (SELECT i.name_token FROM crm_data.individual i WHERE i.customer_code = p.customer_code))
                    THEN 'name:suspected_duplicate' END], NULL) AS reasons
          FROM sound s
    ), ranked AS (
        -- Only among those who are not there yet: who is refused stands in nobody's way.
        SELECT n.line, array_remove(ARRAY[
               CASE WHEN n.document IS NOT NULL AND row_number() OVER (PARTITION BY n.document, n.kind ORDER BY n.line) > 1
                    THEN 'document_number:duplicate' END,
               CASE WHEN n.id IS NOT NULL AND row_number() OVER (PARTITION BY n.system, n.id ORDER BY n.line) > 1
                    THEN 'external_id:duplicate' END,
               CASE WHEN n.person IS NOT NULL AND row_number() OVER (PARTITION BY n.person, n.phone ORDER BY n.line) > 1
                    THEN 'name:suspected_duplicate' END], NULL) AS reasons
          FROM known n WHERE n.reasons = '{}'
    ), refused AS MATERIALIZED (
        SELECT n.line, n.reasons, false AS awaits FROM known n WHERE n.reasons <> '{}'
        UNION ALL
        SELECT r.line, r.reasons, true FROM ranked r WHERE r.reasons <> '{}'
    )
    -- In the order of the records, which is that of their codes.
    SELECT NULL::crm.customer_input, k.c, NULL::text[], false
      FROM checked k WHERE (k.c).violations IS NULL AND (k.c).line NOT IN (SELECT r.line FROM refused r)
    UNION ALL
    SELECT k.input, k.c, r.reasons, r.awaits FROM refused r, checked k WHERE (k.c).line = r.line AND (k.c).violations IS NULL
    UNION ALL
    SELECT k.input, k.c, (k.c).violations, false FROM checked k WHERE (k.c).violations IS NOT NULL $$;
ALTER FUNCTION crm.intake_judge(crm.customer_input[], boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.intake_judge(crm.customer_input[], boolean) IS
$$Check records and look for customers who are there already; writes nothing (校验与查重).
Verdict null: acceptable; else the record itself stands beside it. awaits: refused for another of these records only, which may itself be refused. accept_suspected: the same name and telephone is no reason to refuse.
Errors: 42501 without crm_writer, KH012 without key.$$;
REVOKE EXECUTE ON FUNCTION crm.intake_judge(crm.customer_input[], boolean) FROM PUBLIC; -- tells who is a customer

CREATE FUNCTION crm.intake_accept(records crm.customer_input[], day date, scheme text, channel text, accept_suspected boolean)
    RETURNS TABLE (line bigint, customer_code crm.customer_code, violations text[], input crm.customer_input)
    AS 'MODULE_PATHNAME', 'crm_intake_accept' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, crm, pg_temp SET jit = off SET work_mem = '64MB';
ALTER FUNCTION crm.intake_accept(crm.customer_input[], date, text, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.intake_accept(crm.customer_input[], date, text, text, boolean) IS
$$Records into the customer's tables: judged, coded, written; one answer a record (写入客户记录).
Either customer_code is set, or violations and the record itself. What import and registration share; lines must differ.
Errors: 42501 without crm_writer, KH012 without key, KH013 when the day's codes are used up, 22023 for lines that are not unique, 23505 when another session registers the same customer at this moment.$$;
REVOKE EXECUTE ON FUNCTION crm.intake_accept(crm.customer_input[], date, text, text, boolean) FROM PUBLIC; -- writes customers

CREATE FUNCTION crm.duplicate_violations() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT ARRAY['document_number:duplicate', 'external_id:duplicate', 'name:suspected_duplicate'] $$;
COMMENT ON FUNCTION crm.duplicate_violations() IS
$$The violations that say that the customer is there already, not that the record is wrong (重复类违规).$$;

-- -- one customer ---------------------------------------------------------------

CREATE FUNCTION crm.intake_shape(fields jsonb, OUT known jsonb, OUT violations text[])
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    names CONSTANT text[] := ARRAY(SELECT f.field FROM crm.intake_fields() f);
    shown text[];
    strangers bigint;
BEGIN
    IF jsonb_typeof(fields) IS DISTINCT FROM 'object' THEN
        known := '{}';
        violations := '{record:object}';
        RETURN;
    END IF;
    -- A name that is none of ours is repeated only when it looks like a name and not
    -- like a value: no number, no address, nothing long; and twenty of them at most.
    SELECT array_agg(key || ':unknown' ORDER BY key) FILTER (WHERE key ~ '^[[:alpha:]_ ]{1,30}[0-9]{0,2}$' AND n <= 20), count(*)
      INTO shown, strangers
      FROM (SELECT key, row_number() OVER (ORDER BY key) AS n FROM jsonb_object_keys(fields) key WHERE key <> ALL (names)) k;
    violations := coalesce(shown, '{}')
               || CASE WHEN strangers > coalesce(cardinality(shown), 0) THEN ARRAY['record:field'] ELSE '{}' END
               || ARRAY(SELECT key || ':form' FROM jsonb_each(fields)
                         WHERE key = ANY (names) AND jsonb_typeof(value) IN ('array', 'object', 'boolean') ORDER BY key);
    -- Longer than any field may be is cut, so that it is refused as too long, not as unfit for its type.
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN length(value) > 2048 THEN left(ltrim(value), 2048) ELSE value END), '{}')
      INTO known FROM jsonb_each_text(fields) WHERE key = ANY (names);
END
$$;
COMMENT ON FUNCTION crm.intake_shape(jsonb) IS
$$Fields of a customer's record in an object: those that there are, as text, and what is wrong with their shape (字段整理).
Unknown fields, and lists, objects and booleans where a text belongs. Repeats no value.$$;

CREATE FUNCTION crm.intake_one(base crm.customer_input, fields jsonb, day date, scheme text, channel text, accept_suspected boolean)
    RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    shape record := crm.intake_shape(fields);
    answer record;
    violations text[];
    attempt int := 0;
BEGIN
    LOOP
        BEGIN
            SELECT * INTO STRICT answer
              FROM crm.intake_accept(ARRAY[jsonb_populate_record(base, shape.known || jsonb_build_object('line', coalesce(base.line, 1)))],
                                     day, scheme, channel, accept_suspected);
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            -- Somebody registered this customer since we looked: look again, unless
            -- this transaction cannot see it.
            attempt := attempt + 1;
            IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RAISE EXCEPTION 'another session registered this customer at the same moment' USING ERRCODE = 'serialization_failure',
                    HINT = 'Try the transaction again; it will find the customer.';
            ELSIF attempt >= 5 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    -- What has the wrong shape was judged as the text that it is not.
    violations := shape.violations || ARRAY(SELECT v FROM unnest(answer.violations) v
                                             WHERE split_part(v, ':', 1) || ':form' <> ALL (shape.violations));
    IF shape.violations = '{record:object}' THEN
        violations := shape.violations;
    END IF;
    IF cardinality(violations) > 0 THEN
        PERFORM crm.refuse_record(violations);
    END IF;
    -- Taken in on somebody's word: it stays on the work list until it is decided.
    IF accept_suspected THEN
        PERFORM crm.duplicate_look(answer.customer_code);
    END IF;
    -- Whoever is spelt otherwise, too, with reasons: the entry is kept with its candidates.
    IF base IS NULL THEN
        PERFORM crm.duplicate_look_alike(answer.customer_code, fields);
    END IF;
    RETURN answer.customer_code;
END
$$;
ALTER FUNCTION crm.intake_one(crm.customer_input, jsonb, date, text, text, boolean) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.intake_one(crm.customer_input, jsonb, date, text, text, boolean) IS
$$Take one customer's record in, or refuse it: the fields over those of base (录入一条). What registration and correction share.
Errors: KH001, KH002, as crm.intake_accept(); 40001 instead of 23505 in the higher isolation levels.$$;
REVOKE EXECUTE ON FUNCTION crm.intake_one(crm.customer_input, jsonb, date, text, text, boolean) FROM PUBLIC; -- writes customers

CREATE FUNCTION crm.register_customer(customer jsonb, channel text DEFAULT 'counter', day date DEFAULT crm.company_today(),
                                      scheme text DEFAULT 'CUST', accept_suspected boolean DEFAULT false, consents jsonb DEFAULT '[]')
    RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    code crm.customer_code;
BEGIN
    -- Not strict: a null answer would look like a customer who was registered.
    IF num_nulls(channel, day, scheme, accept_suspected, consents) > 0 THEN
        RAISE EXCEPTION 'channel, day, scheme, accept_suspected and consents must not be null' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'Leave an argument out for its default.';
    ELSIF NOT EXISTS (SELECT FROM crm_data.channel c WHERE c.code = channel AND c.active) THEN
        RAISE EXCEPTION 'no such channel of registration' USING ERRCODE = 'foreign_key_violation',
            HINT = 'Take a code from crm_data.channel, or add one there.';
    END IF;
    code := crm.intake_one(NULL, customer, day, scheme, channel, accept_suspected);
    PERFORM crm.consent_take(code, consents);
    PERFORM crm.require_intake_consent(code, ARRAY(SELECT f.key FROM jsonb_each(customer) f WHERE f.value <> 'null'));
    RETURN code;
END
$$;
ALTER FUNCTION crm.register_customer(jsonb, text, date, text, boolean, jsonb) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.register_customer(jsonb, text, date, text, boolean, jsonb) IS
$$Register one customer by the rules of the import; returns the new customer code (登记客户).
customer: an object with the columns of crm.customer_input, without line; values are texts or numbers. channel: see crm_data.channel. day: registration day. scheme: code scheme. consents: a list of {purpose, channel, status, kind, notice_version, evidence, captured_at, valid_until} as for crm.consent_grant(), status given unless it says otherwise; all or nothing with the customer.
Errors: KH001 with all violations in DETAIL, KH005 when a field needs a consent that is not among them, 22023 for consents that cannot be recorded, KH002 when the customer is there already, KH012, KH013, 42501 without crm_writer, 23503 for an unknown channel, 22004, 40001 when another session registers the same customer and the isolation level hides it. Pass the object as a parameter, not as a literal, so that it stays out of the server's log.$$;
REVOKE EXECUTE ON FUNCTION crm.register_customer(jsonb, text, date, text, boolean, jsonb) FROM PUBLIC; -- writes customers
GRANT EXECUTE ON FUNCTION crm.register_customer(jsonb, text, date, text, boolean, jsonb) TO crm_writer;

CREATE FUNCTION crm.intake_fields() RETURNS TABLE (field text, type regtype)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT a.attname::text, a.atttypid::regtype
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.oid = 'crm.customer_input'::regclass AND a.attnum > 1 AND NOT a.attisdropped
     ORDER BY a.attnum $$;
COMMENT ON FUNCTION crm.intake_fields() IS $$The fields of a customer's record on its way in (录入字段).$$;

-- The one place that refuses a record.
CREATE FUNCTION crm.refuse_record(violations text[]) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    is_duplicate boolean := violations <@ crm.duplicate_violations();
    zh boolean := crm.lang() = 'zh';
BEGIN
    RAISE EXCEPTION '%', CASE WHEN is_duplicate AND zh THEN '该客户已存在'
                              WHEN is_duplicate THEN 'the customer is there already'
                              WHEN zh THEN '客户记录未通过校验'
                              ELSE 'the customer''s record is not valid' END
        USING ERRCODE = CASE WHEN is_duplicate THEN 'KH002' ELSE 'KH001' END,
              DETAIL = (SELECT string_agg(crm.violation_text(v), CASE WHEN zh THEN '；' ELSE '; ' END ORDER BY n)
                          FROM unnest(violations) WITH ORDINALITY v (v, n)),
              HINT = CASE WHEN violations = '{name:suspected_duplicate}' AND zh
                          THEN '如确为另一人，请以 accept_suspected => true 登记；否则用 crm.customer_search() 查找该客户。'
                          WHEN violations = '{name:suspected_duplicate}'
                          THEN 'If it is another person, register with accept_suspected => true; else look the customer up with crm.customer_search().'
                          WHEN is_duplicate AND zh THEN '请用 crm.customer_search() 查找该客户，并在其记录上补充。'
                          WHEN is_duplicate THEN 'Look the customer up with crm.customer_search() and add to that record.'
                          WHEN zh THEN '请更正以上全部字段后重新登记；未写入任何数据。'
                          ELSE 'Correct all of these fields and register again; nothing was written.' END;
END
$$;
COMMENT ON FUNCTION crm.refuse_record(text[]) IS
$$Raise KH001 or KH002 with all violations of a record in words (拒绝记录).$$;
