-- Proves: of the sample's customers the import takes exactly those that are right,
-- rejects the others for exactly the reasons that were planted, finds the planted
-- duplicates, and crm.register_customer() judges each line as the import does. First
-- the committed 200, then 3000 of another seed, where every planted fault occurs.
-- It commits, so it leaves customers behind.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SELECT no_plan();
SET search_path = public, crm;
SET crm.lang = 'en';
SELECT crm.define_code_scheme('SMP', '样本', 'sample', serial_digits => 6, widen => true);
CREATE TEMP TABLE given (line bigint, kind text, name text, document_kind text, document_number text, sex text, birth_date text, phone text,
    email text, bank_card text, address text, occupation text, industry text, legal_representative text, contact_name text,
    external_system text, external_id text);
CREATE TEMP TABLE truth (line bigint, expected text, reasons text, duplicate_of bigint);
-- Registers one record after the other, of those that are right one in so many; what each was answered: its violations in words, nothing when accepted.
CREATE FUNCTION pg_temp.registered(every int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    g given;
    answers jsonb := '{}';
    said text;
BEGIN
    FOR g IN SELECT * FROM given WHERE line % every = 0 OR line IN (SELECT duplicate_of FROM truth UNION ALL SELECT t.line FROM truth t WHERE expected <> 'ok')
              ORDER BY line LOOP
        BEGIN
            PERFORM crm.register_customer(jsonb_strip_nulls(to_jsonb(g)) - 'line', scheme => 'SMP');
            said := 'ok';
        EXCEPTION WHEN SQLSTATE 'KH001' OR SQLSTATE 'KH002' THEN
            GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
            said := (SELECT string_agg(d, '; ' ORDER BY d COLLATE "C") FROM unnest(string_to_array(said, '; ')) d);
        END;
        answers := answers || jsonb_build_object(g.line::text, said);
    END LOOP;
    RETURN answers;
END $$;
CREATE FUNCTION pg_temp.verdicts(b text) RETURNS TABLE (line bigint, reasons text, words text) LANGUAGE sql AS $$
    SELECT line, 'ok', 'ok' FROM crm.import_result WHERE batch = b
    UNION ALL
    SELECT line, string_agg(field || ':' || reason, ';' ORDER BY field || ':' || reason), string_agg(message, '; ' ORDER BY message COLLATE "C")
      FROM crm.import_error WHERE batch = b GROUP BY line $$;
-- The truth in the words of the import: ok; the reasons; or what makes a duplicate.
CREATE FUNCTION pg_temp.wanted(t truth) RETURNS text LANGUAGE sql AS $$
    SELECT CASE t.expected WHEN 'ok' THEN 'ok'
                WHEN 'rejected' THEN (SELECT string_agg(r, ';' ORDER BY r) FROM unnest(string_to_array(t.reasons, ';')) r)
                ELSE CASE WHEN t.reasons LIKE 'document_number%' THEN 'document_number:duplicate' ELSE 'name:suspected_duplicate' END END $$;
CREATE FUNCTION pg_temp.differences(b text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(t.line || ': wanted ' || pg_temp.wanted(t) || ', have ' || coalesce(v.reasons, 'nothing'), E'\n' ORDER BY t.line)
      FROM truth t FULL JOIN pg_temp.verdicts(b) v USING (line)
     WHERE v.reasons IS NULL OR t.line IS NULL
        OR t.expected <> 'duplicate' AND v.reasons <> pg_temp.wanted(t)
        OR t.expected = 'duplicate' AND NOT (pg_temp.wanted(t) = ANY (string_to_array(v.reasons, ';'))
                                             AND string_to_array(v.reasons, ';') <@ crm.duplicate_violations()) $$;

-- the 200 that are committed, from the staging table as a user would
\copy given FROM 'sample/customers.csv' CSV HEADER
\copy truth FROM 'sample/customers_truth.csv' CSV HEADER
SELECT is(count(*), 200::bigint, 'the sample has 200 lines') FROM given;
BEGIN;
SELECT pg_temp.registered(1) AS answers \gset
ROLLBACK;
\copy crm.customer_staging (line,kind,name,document_kind,document_number,sex,birth_date,phone,email,bank_card,address,occupation,industry,legal_representative,contact_name,external_system,external_id) FROM 'sample/customers.csv' CSV HEADER
CALL crm.import_customers('sample', scheme => 'SMP', batch_size => 37);
SELECT is(pg_temp.differences('sample'), NULL, 'each line has the verdict of the truth');
SELECT is((SELECT sum(records) FROM crm.import_report('sample') WHERE outcome IN ('accepted', 'rejected')), 200::numeric, 'accepted + rejected = staged');
SELECT is(count(*), 0::bigint, 'nothing stays staged') FROM crm.staged_customer;
SELECT is((SELECT jsonb_object_agg(line, words) FROM pg_temp.verdicts('sample')), :'answers'::jsonb, 'one by one they are judged alike');
SELECT is(count(*), (SELECT count(*) FROM truth WHERE expected = 'ok'), 'whoever was accepted is in the view once')
  FROM crm.customer_view v WHERE customer_code IN (SELECT customer_code FROM crm.import_result WHERE batch = 'sample');
SELECT is(array_agg(g.line), NULL, 'under the external id of his line')
  FROM given g JOIN crm.import_result r ON r.batch = 'sample' AND r.line = g.line
 WHERE crm.customer_by_external_id(g.external_system, g.external_id) IS DISTINCT FROM r.customer_code;
SELECT is(array_agg(g.line), NULL, 'and with what was given: found by document, telephone, mail and card, whatever the spelling')
  FROM given g JOIN crm.import_result r ON r.batch = 'sample' AND r.line = g.line
 WHERE g.document_number IS NOT NULL AND r.customer_code NOT IN (SELECT crm.customer_search('id_number', g.document_number))
    OR g.phone IS NOT NULL AND r.customer_code NOT IN (SELECT crm.customer_search('phone', g.phone))
    OR g.email IS NOT NULL AND r.customer_code NOT IN (SELECT crm.customer_search('email', g.email))
    OR g.bank_card IS NOT NULL AND r.customer_code NOT IN (SELECT crm.customer_search('bank_card', g.bank_card))
    OR r.customer_code NOT IN (SELECT crm.customer_search(CASE g.kind WHEN 'individual' THEN 'person_name' ELSE 'organization_name' END, g.name));
CALL crm.import_customers('sample', 'given', scheme => 'SMP');
SELECT is(pg_temp.differences('sample'), NULL, 'imported again from a table under the same name: the same');

-- 3000 of another seed, in two batch sizes
TRUNCATE given, truth;
\copy given FROM PROGRAM 'sample/generate --rows 3000 --seed 7' CSV HEADER
\copy truth FROM PROGRAM 'sample/generate --rows 3000 --seed 7 --table truth' CSV HEADER
UPDATE given SET external_system = 'demo-7';
SELECT cmp_ok(count(DISTINCT reasons), '>', 20::bigint, 'many faults are planted') FROM truth;
BEGIN;
SELECT pg_temp.registered(100) AS answers \gset
ROLLBACK;
CALL crm.import_customers('sample-7', 'given', scheme => 'SMP', batch_size => 1000);
SELECT is(array_agg(t.line), NULL, 'of the 3000 exactly the right ones are accepted, exactly the planted duplicates are refused as such')
  FROM truth t FULL JOIN pg_temp.verdicts('sample-7') v USING (line)
 WHERE t.expected IS DISTINCT FROM CASE WHEN v.reasons = 'ok' THEN 'ok'
                                        WHEN string_to_array(v.reasons, ';') <@ crm.duplicate_violations() THEN 'duplicate' ELSE 'rejected' END;
SELECT is(pg_temp.differences('sample-7'), NULL, 'and each for exactly the reasons of the truth');
SELECT is(count(*) || ' differences', '0 differences', 'one by one they are judged alike')
  FROM jsonb_each_text(:'answers') a FULL JOIN pg_temp.verdicts('sample-7') v ON v.line = a.key::bigint
 WHERE a.value IS NOT NULL AND a.value IS DISTINCT FROM v.words;
SELECT cmp_ok(count(*), '>', 150::bigint, 'that many') FROM jsonb_object_keys(:'answers');
SELECT * FROM finish();
