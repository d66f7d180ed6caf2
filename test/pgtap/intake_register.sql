-- Proves: crm.register_customer() judges every field, names all violations at once
-- and in the reader's language, tells a duplicate from a mistake, stands any shape
-- of JSON, writes nothing when it refuses (codes stay without gaps), and no part
-- of any refusal holds what was handed in.
BEGIN;
SELECT no_plan();
SELECT current_database() AS database \gset
\setenv CRM_TEST_DATABASE :database
SET LOCAL search_path = public, crm;
SET LOCAL crm.lang = 'en';
CREATE ROLE crm_test_writer LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_reader LOGIN IN ROLE crm_reader;
CREATE ROLE crm_test_searcher LOGIN IN ROLE crm_searcher;
CREATE ROLE crm_test_nobody LOGIN;
CREATE ROLE crm_test_data_admin LOGIN IN ROLE crm_data_admin;

-- What a refusal says, in full; state ZZ000 when there was none, and then nothing is kept.
CREATE TYPE pg_temp.refusal AS (state text, message text, detail text, hint text, context text);
CREATE FUNCTION pg_temp.refused(customer jsonb, suspected boolean DEFAULT false) RETURNS pg_temp.refusal LANGUAGE plpgsql AS $$
DECLARE
    r pg_temp.refusal;
BEGIN
    PERFORM crm.register_customer(customer, accept_suspected => suspected);
    RAISE EXCEPTION 'accepted' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS r.state = RETURNED_SQLSTATE, r.message = MESSAGE_TEXT, r.detail = PG_EXCEPTION_DETAIL,
        r.hint = PG_EXCEPTION_HINT, r.context = PG_EXCEPTION_CONTEXT;
    RETURN r;
END $$;
CREATE FUNCTION pg_temp.said(r pg_temp.refusal) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' | ', r.message, r.detail, r.hint, r.context) $$;
-- The violations of a refusal as field:reason: which ones together make its DETAIL.
CREATE FUNCTION pg_temp.in_words(violations text[]) RETURNS text[] LANGUAGE sql
    AS $$ SELECT array_agg(crm.violation_text(v) ORDER BY crm.violation_text(v) COLLATE "C") FROM unnest(violations) v $$;
CREATE FUNCTION pg_temp.sorted(detail text) RETURNS text[] LANGUAGE sql
    AS $$ SELECT array_agg(d ORDER BY d COLLATE "C") FROM unnest(string_to_array(detail, '; ')) d $$;
CREATE FUNCTION pg_temp.rows_of_all_tables() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
    n bigint;
    t regclass;
BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'crm_data'::regnamespace AND relkind = 'r' ORDER BY oid LOOP
        EXECUTE format('SELECT count(*) FROM %s', t) INTO n;
        total := total + n;
    END LOOP;
    RETURN total;
END $$;

-- One case a row: what is put into a good record, and every violation that must be named.
CREATE TEMP TABLE good AS SELECT '{"kind": "individual", "name": "张三丰", "document_number": "11010519491231002X",
    "sex": "F", "birth_date": "1949-12-31", "phone": "13800138000", "email": "zhang.sanfeng@example.com",
    "bank_card": "6217003644124028388", "address": "湖南省湘西土家族苗族自治州泸溪县枫叶街594号", "occupation": "牙科医师",
    "external_system": "planted-system", "external_id": "P-778899"}'::jsonb AS record;
CREATE TEMP TABLE bad (n int GENERATED ALWAYS AS IDENTITY, what text, patch jsonb, expected text[]);
INSERT INTO bad (what, patch, expected) VALUES
    ('no kind',                  '{"kind": null}', '{kind:required}'),
    ('a blank kind',             '{"kind": " 　 "}', '{kind:required}'),
    ('an unknown kind',          '{"kind": "alien-4711"}', '{kind:kind}'),
    ('a kind with a newline',    '{"kind": "individual\n"}', '{kind:kind}'),
    ('a number as kind',         '{"kind": 47114711}', '{kind:kind}'),
    ('no name',                  '{"name": null}', '{name:required}'),
    ('an empty name',            '{"name": ""}', '{name:required}'),
    ('a blank name',             '{"name": "   "}', '{name:required}'),
    ('a digit in a name',        '{"name": "欧阳锋7788"}', '{name:character}'),
    ('a control character',      '{"name": "欧阳\u0001锋铁"}', '{name:character}'),
    ('a lost character',         '{"name": "欧阳�锋铁"}', '{name:character}'),
    ('a long name',              jsonb_build_object('name', repeat('欧阳锋铁', 600)), '{name:length}'),
    ('a name of 12 kB',          jsonb_build_object('name', repeat('欧阳锋铁', 1000)), '{name:length}'),
    ('a name of 1 MB',           jsonb_build_object('name', repeat('欧阳锋铁', 90000)), '{name:length}'),
    ('an unknown document kind', '{"document_kind": "driver-4711"}', '{document_kind:kind}'),
    ('a company''s document',    '{"document_kind": "uscc"}', '{document_kind:kind}'),
    ('a kind that is no document', '{"document_kind": "phone"}', '{document_kind:kind}'),
    ('a wrong check digit',      '{"document_number": "110105194912310021"}', '{document_number:check_digit}'),
    ('a short number',           '{"document_number": "1101051949123"}', '{document_number:length}'),
    ('letters in a number',      '{"document_number": "1101051949QQ31002X"}', '{document_number:character}'),
    ('a number of 10 kB',        jsonb_build_object('document_number', repeat('1101051949', 1000)), '{document_number:length}'),
    ('a day that is not',        '{"document_number": "110105194902310025"}', NULL), -- judged below: date or check digit
    ('no such sex',              '{"sex": "Q-4711"}', '{sex:form}'),
    ('a sex that contradicts',   '{"sex": "M"}', '{sex:contradiction}'),
    ('a day that contradicts',   '{"birth_date": "1949-12-30"}', '{birth_date:contradiction}'),
    ('no such day',              '{"birth_date": "1949-02-30"}', '{birth_date:date}'),
    ('the day first',            '{"birth_date": "31/12/1949"}', '{birth_date:date}'),
    ('a time',                   '{"birth_date": "1949-12-31T00:00:00Z"}', '{birth_date:date}'),
    ('a day to come',            '{"birth_date": "2999-12-31", "document_number": null}', '{birth_date:future}'),
    ('no contact',               '{"phone": null, "email": null}', '{contact:required}'),
    ('blank contacts',           '{"phone": "　", "email": "\t"}', '{contact:required}'),
    ('a letter in a phone',      '{"phone": "1380013800a"}', '{phone:character}'),
    ('a phone of 10 kB',         jsonb_build_object('phone', repeat('1380013800', 1000)), '{phone:length}'),
    ('a phone that is a list',   '{"phone": ["13800138000", "13900139000"]}', '{phone:form}'),
    ('a phone that is an object', '{"phone": {"mobile": "13800138000"}}', '{phone:form}'),
    ('a phone that is true',     '{"phone": true}', '{phone:form}'),
    ('an occupation in a list',  '{"occupation": ["牙科医师"]}', '{occupation:form}'),
    ('an empty list',            '{"email": []}', '{email:form}'),
    ('an empty object',          '{"name": {}}', '{name:form}'),
    ('no domain',                '{"email": "ouyangfeng@"}', '{email:form}'),
    ('a wrong card',             '{"bank_card": "6217003644124028381"}', '{bank_card:check_digit}'),
    ('an address of nowhere',    '{"address": "幸福路一百二十三号"}', '{address:division}'),
    ('a control character in it', '{"address": "湖南省湘西土家族苗族自治州泸溪县枫叶\u0007街594号"}', '{address:character}'),
    ('an address of 10 kB',      jsonb_build_object('address', '湖南省湘西土家族苗族自治州泸溪县' || repeat('枫叶街594号', 700)), '{address:length}'),
    ('a long occupation',        jsonb_build_object('occupation', repeat('牙科医师', 17)), '{occupation:length}'),
    ('an occupation of 10 kB',   jsonb_build_object('occupation', repeat('牙科医师', 1000)), '{occupation:length}'),
    ('a control character in it', '{"occupation": "牙科\u001b医师"}', '{occupation:character}'),
    ('a long industry',          jsonb_build_object('industry', repeat('a', 201)), '{industry:length}'),
    ('a bad representative',     '{"legal_representative": "欧阳锋7788"}', '{legal_representative:character}'),
    ('a bad contact name',       '{"contact_name": "欧阳锋7788"}', '{contact_name:character}'),
    ('an id without a system',   '{"external_system": null}', '{external_system:required}'),
    ('a system without an id',   '{"external_id": null}', '{external_id:required}'),
    ('an id with a blank system', '{"external_system": " 　"}', '{external_system:required}'),
    ('a system with a blank id', '{"external_id": "  "}', '{external_id:required}'),
    ('a long id',                jsonb_build_object('external_id', repeat('P-778899', 30)), '{external_id:length}'),
    ('an unknown field',         '{"nick_name": "三丰三丰"}', '{nick_name:unknown}'),
    ('an unknown field with null', '{"nick_name": null}', '{nick_name:unknown}'),
    ('a line',                   '{"line": 4711}', '{line:unknown}'),
    ('much at once', '{"name": "欧阳锋7788", "document_number": "110105194912310021", "sex": "Q-4711", "birth_date": "1949-02-30",
                       "phone": "1380013800a", "email": "ouyangfeng@", "bank_card": "6217003644124028381", "address": "幸福路一百二十三号",
                       "occupation": "牙科\u001b医师", "external_system": null, "nick_name": "三丰三丰", "haus": 1}',
     '{name:character,document_number:check_digit,sex:form,birth_date:date,phone:character,email:form,bank_card:check_digit,address:division,occupation:character,external_system:required,nick_name:unknown,haus:unknown}');
UPDATE bad SET expected = '{document_number:date}' WHERE expected IS NULL;
CREATE TEMP TABLE answer (n int, r pg_temp.refusal);
GRANT ALL ON good, bad, answer TO PUBLIC;

SELECT pg_temp.rows_of_all_tables() AS rows_before \gset
SET SESSION AUTHORIZATION crm_test_writer;
INSERT INTO answer SELECT b.n, pg_temp.refused(g.record || b.patch) FROM good g, bad b;
SELECT is((a.r).state, 'KH001', b.what || ' is refused') FROM answer a JOIN bad b USING (n) ORDER BY n;
SELECT is(pg_temp.sorted((a.r).detail), pg_temp.in_words(b.expected), b.what || ': exactly what is wrong') FROM answer a JOIN bad b USING (n) ORDER BY n;
SELECT cmp_ok(count(*), '>', 50::bigint, 'that many cases') FROM answer;
SELECT is(count(*) FILTER (WHERE (r).hint = '' OR (r).message = '' OR length((r).message) > 80), 0::bigint, 'each has a short message and a hint') FROM answer;

-- What was handed in stands in no part of any refusal: neither the planted values of
-- the good record nor those of the case, nor the first and last bytes of long ones.
SELECT is(array_agg(DISTINCT b.what || ' leaks ' || v.key), NULL, 'no refusal holds a value')
  FROM answer a JOIN bad b USING (n), good g, jsonb_each_text(g.record || b.patch) v,
       unnest(ARRAY[v.value, left(v.value, 12), right(v.value, 12)]) piece
 WHERE length(piece) > 3 AND piece NOT IN ('individual') AND strpos(pg_temp.said(a.r), piece) > 0;

-- the words themselves, in both languages
SELECT is((pg_temp.refused(record || '{"name": null}')).detail, 'name: is required', 'in English') FROM good;
SELECT is((pg_temp.refused(record || '{"name": null}')).message, 'the customer''s record is not valid', 'the message in English') FROM good;
SET crm.lang = 'zh';
SELECT is((SELECT array_agg(d ORDER BY d COLLATE "C") FROM unnest(string_to_array((r).detail, '；')) d),
          ARRAY['x：不是客户记录的字段', '外部编号：为必填项', '姓名或名称：为必填项'], 'in Chinese, all at once')
  FROM good, pg_temp.refused(record || '{"name": null, "external_id": null, "x": 1}') r;
SELECT is(array_agg(what), NULL, 'every reason has Chinese words')
  FROM bad, unnest(expected) v WHERE crm.violation_text(v) !~ '：.*[一-龥]';
RESET crm.lang;
SET crm.lang = 'en';
SELECT is(array_agg(what), NULL, 'and English words') FROM bad, unnest(expected) v WHERE crm.violation_text(v) ~ '[一-龥：]' OR crm.violation_text(v) = v;

-- A field's name can be personal data too, when somebody turned the object round.
SELECT is((r).state, 'KH001', 'a telephone number as a field is refused') FROM good, pg_temp.refused(record || '{"13912345678": "phone"}') r;
SELECT unalike(pg_temp.said(r), '%13912345678%', 'and not repeated') FROM good, pg_temp.refused(record || '{"13912345678": "phone"}') r;
SELECT unalike(pg_temp.said(r), '%ouyang@example.com%', 'nor an address') FROM good, pg_temp.refused(record || '{"ouyang@example.com": "email"}') r;
SELECT unalike(pg_temp.said(r), '%11010519491231002X%', 'nor a document') FROM good, pg_temp.refused(record || '{"11010519491231002X": 1}') r;
SELECT cmp_ok(length((r).detail), '<', 300, 'nor a field of 10 kB') FROM good, pg_temp.refused(record || jsonb_build_object(repeat('feld', 2500), 1)) r;
SELECT is((r).state, 'KH001', 'a field with a colon') FROM good, pg_temp.refused(record || '{"a:b": 1}') r;

-- no object at all
SELECT is((r).state, 'KH001', 'refused as no record: ' || v) FROM unnest('{"[]","[{}]","\"三丰三丰\"","4711","null","true"}'::text[]) v, pg_temp.refused(v::jsonb) r;
SELECT unalike(pg_temp.said(pg_temp.refused('"三丰三丰"')), '%三丰%', 'a bare text is not repeated');
SELECT is(pg_temp.sorted((pg_temp.refused('{}')).detail), pg_temp.in_words('{kind:required,name:required,contact:required}'), 'an empty object');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "individual", "name": "张\u0000三"}')$$, '22P05', NULL, '\u0000 is no text');
SELECT is((r).state, 'KH001', 'a deep object') FROM good, pg_temp.refused(record || jsonb_build_object('name', (repeat('[', 500) || repeat(']', 500))::jsonb)) r;
SELECT is((r).state, 'KH001', 'ten thousand fields')
  FROM good, (SELECT jsonb_object_agg('f' || n, n) AS many FROM generate_series(1, 10000) n) m, pg_temp.refused(record || many) r;
SELECT cmp_ok(length((r).detail), '<', 10000, 'are not all repeated')
  FROM good, (SELECT jsonb_object_agg('f' || n, n) AS many FROM generate_series(1, 10000) n) m, pg_temp.refused(record || many) r;
-- Null arguments must not look like success.
SELECT throws_ok($$SELECT crm.register_customer(NULL)$$, NULL, NULL, 'no customer at all is an error');
SELECT throws_ok(format($$SELECT crm.register_customer(%L, day => NULL)$$, record), NULL, NULL, 'no day is an error, not a customer who is not there') FROM good;
SELECT throws_ok(format($$SELECT crm.register_customer(%L, channel => NULL)$$, record), NULL, NULL, 'nor is no channel') FROM good;
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.rows_of_all_tables(), :rows_before::bigint, 'nothing was written, not even a code taken');

-- accepted, with the code that follows; a refusal between two leaves no gap
SET SESSION AUTHORIZATION crm_test_writer;
SELECT crm.register_customer(record, day => '2021-05-06') AS first FROM good \gset
SELECT is(:'first'::text, 'CUST202105060001', 'the first code of the day');
SELECT throws_ok(format($$SELECT crm.register_customer(%L, day => '2021-05-06')$$, record), 'KH002', NULL, 'the same once more') FROM good;
SELECT throws_ok(format($$SELECT crm.register_customer(%L, day => '2021-05-06')$$, record || '{"name": ""}'), 'KH001', NULL, 'a bad one') FROM good;
SELECT is(crm.register_customer('{"kind": "企业", "name": "北京示例科技有限公司", "phone": "010-62345678"}', day => '2021-05-06')::text, 'CUST202105060002', 'no gap');
SELECT is(crm.register_customer('{"kind": "group", "name": "示例集团"}', day => '2021-05-06')::text, 'CUST202105060003', 'a group needs a name only');
SELECT is(crm.register_customer('{"kind": "individual", "name": "John Smith", "phone": 13900139000, "address": "12 High Street, Springfield"}', day => '2021-05-06')::text,
          'CUST202105060004', 'a telephone number as a number, a Latin name, an address abroad');

-- duplicates: the document in any spelling, the external id, name and telephone together
SELECT is((r).state, 'KH002', 'duplicate: ' || v.what)
  FROM (VALUES ('lower case',      '{"kind": "individual", "name": "李四", "email": "l@example.com", "document_number": "11010519491231002x"}'::jsonb),
               ('full width',      '{"kind": "individual", "name": "李四", "email": "l@example.com", "document_number": "１１０１０５１９４９１２３１００２Ｘ"}'),
               ('spaces',          '{"kind": "individual", "name": "李四", "email": "l@example.com", "document_number": " 110105 19491231 002X "}'),
               ('15 digits',       '{"kind": "individual", "name": "李四", "email": "l@example.com", "document_number": "110105491231002"}'),
               ('external id',     '{"kind": "individual", "name": "李四", "email": "l@example.com", "external_system": "planted-system", "external_id": "P-778899"}'),
               ('name and phone',  '{"kind": "individual", "name": "张三丰", "phone": "+86 138-0013-8000"}'),
               ('name and phone in full width', '{"kind": "individual", "name": "张 三丰", "phone": "１３８００１３８０００"}')) v (what, record),
       pg_temp.refused(v.record) r;
SELECT is((r).detail, crm.violation_text('document_number:duplicate'), 'and says which field') FROM good, pg_temp.refused(record - 'name' - 'phone' - 'external_system' - 'external_id' || '{"name": "李四"}') r;
SELECT unalike(pg_temp.said(r), '%李四%', 'and no value') FROM good, pg_temp.refused(record || '{"name": "李四"}') r;
SELECT is((r).state, 'ZZ000', 'name and telephone are a suspicion: accepted when asked for')
  FROM pg_temp.refused('{"kind": "individual", "name": "张三丰", "phone": "13800138000"}', true) r;
SELECT is((r).state, 'KH002', 'a document is none: refused even then') FROM good, pg_temp.refused(record, true) r;
SELECT is((r).state, 'ZZ000', 'another person may have the telephone') FROM pg_temp.refused('{"kind": "individual", "name": "张翠山", "phone": "13800138000"}') r;
SELECT is((r).state, 'KH001', 'wrong and there already: wrong comes first')
  FROM good, pg_temp.refused(record || '{"email": "@"}') r;

-- what is filled in from the document, and what is kept
RESET SESSION AUTHORIZATION;
SELECT is(ROW(i.sex::text, i.birth_date)::text, '(F,1949-12-31)', 'sex and birth date as given') FROM crm_data.individual i WHERE customer_code = :'first';
SELECT is((SELECT array_agg(x.customer_code::text) FROM crm_data.external_id x WHERE system = 'planted-system'), ARRAY['CUST202105060001'], 'the external id is kept');
SELECT is((SELECT count(*) FROM crm_data.customer c WHERE c.registered_by <> 'crm_test_writer' AND c.customer_code = :'first'), 0::bigint, 'registered by the user of the session');

-- code space, day, scheme, channel
SET SESSION AUTHORIZATION crm_test_writer;
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', channel => 'nowhere')$$, '23503', NULL, 'no such channel');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', scheme => 'NONE')$$, NULL, NULL, 'no such scheme');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', day => 'infinity')$$, NULL, NULL, 'no such day');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', day => '0044-03-15 BC')$$, NULL, NULL, 'before the calendar of codes');
RESET SESSION AUTHORIZATION;
SELECT crm.advance_code_counter('CUST202105089999');
SET SESSION AUTHORIZATION crm_test_writer;
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', day => '2021-05-08')$$, 'KH013', NULL, 'the codes of the day are used up');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团二"}', day => crm.company_today() + 2)$$, 'KH007', NULL, 'a day to come');

-- who may
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团三"}')$$, '42501', NULL, 'a reader may not');
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "individual", "name": "3"}')$$, '42501', NULL, 'nor learn what would be wrong');
SET SESSION AUTHORIZATION crm_test_searcher;
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团三"}')$$, '42501', NULL, 'nor a searcher');
SET SESSION AUTHORIZATION crm_test_nobody;
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团三"}')$$, '42501', NULL, 'nor anybody');
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT lives_ok($$SELECT crm.register_customer('{"kind": "group", "name": "示例集团三"}')$$, 'the data department may');
RESET SESSION AUTHORIZATION;

-- Without a key nothing comes in: another session, whose key file is not there.
\set no_key `PGOPTIONS='-c crm.key_file=/nonexistent/key' psql -XqAt -v VERBOSITY=verbose -d "$CRM_TEST_DATABASE" -c "SELECT crm.register_customer('{\"kind\": \"individual\", \"name\": \"欧阳锋铁\", \"phone\": \"13800138000\"}')" 2>&1`
SELECT matches(:'no_key'::text, 'KH012', 'no key, no customer');
SELECT doesnt_match(:'no_key'::text, '欧阳|13800138000', 'and the value is not in the message');
SELECT * FROM finish();
ROLLBACK;
