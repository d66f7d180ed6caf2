-- Proves: the unified view has exactly one row for each customer, whatever hangs on
-- it; layers are null for who may not see them; a merge shows the survivor with what
-- both have, and nothing else changes; the card and the search answer for codes of
-- today and of before, in every spelling; all of it masked; and the dictionary
-- explains every column in two languages.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'Asia/Shanghai';
CREATE ROLE crm_test_reader LOGIN IN ROLE crm_reader;
CREATE ROLE crm_test_agent LOGIN IN ROLE crm_reader, crm_searcher;
CREATE ROLE crm_test_data_admin LOGIN IN ROLE crm_data_admin;
SELECT crm.register_customer('{"kind": "individual", "name": "张三丰", "document_number": "11010519491231002X", "phone": "13800138000",
    "bank_card": "6217003644124027778", "occupation": "牙科医师", "external_system": "one", "external_id": "P-1",
    "address": "湖南省湘西土家族苗族自治州泸溪县枫叶街594号"}', day => '2021-05-06') AS a,
       crm.register_customer('{"kind": "individual", "name": "张君宝", "phone": "13900139000", "email": "junbao.zhang@example.com",
    "external_system": "two", "external_id": "P-2"}', day => '2021-05-06') AS b,
       crm.register_customer('{"kind": "individual", "name": "John Smith", "phone": "13700137000", "document_kind": "passport", "document_number": "E12345678"}', day => '2021-05-06') AS c,
       crm.register_customer('{"kind": "organization", "name": "北京示例科技有限公司", "document_number": "91110000600037341L", "phone": "010-62345678",
    "industry": "软件", "legal_representative": "王小明", "contact_name": "李小华"}', day => '2021-05-06') AS o,
       crm.register_customer('{"kind": "group", "name": "示例集团"}', day => '2021-05-06') AS g,
       crm.register_customer('{"kind": "organization", "name": "上海旧名有限公司", "phone": "021-62345678"}', day => '2021-05-06') AS p \gset
SELECT count(*) AS n FROM (SELECT crm.record_purchase(:'a', 'A-' || n, '2022-01-01'::date + n, '产品' || n, 1, 100.50) FROM generate_series(1, 7) n) x \gset
SELECT crm.record_purchase(:'a', 'A-8', '2022-03-01', '进口产品', 2, 30, 'USD'), crm.record_purchase(:'a', 'A-8', '2022-03-01', '进口产品', 2, 30, 'USD') AS again,
       crm.record_purchase(:'b', 'A-8', '2022-02-01', '另一产品', 1, 1000) AS other_customer \gset r_
SELECT count(*) AS n FROM (SELECT crm.record_interaction(:'a', '2022-01-01 12:00+08'::timestamptz + n * interval '1 day', 'phone', 'inbound', '主题' || n, 'resolved', n) FROM generate_series(1, 6) n) x \gset
SELECT crm.record_interaction(:'b', '2022-06-01 12:00+08', 'visit', 'outbound', '乙的主题') AS n \gset
SELECT is(:'r_record_purchase' || :'r_again' || :'r_other_customer', 'tft', 'an order is recorded once for each customer');

-- what recording refuses
SELECT throws_ok($$SELECT crm.record_purchase('CUST202105069999', 'x', '2022-01-01', 'x', 1, 1)$$, '23503', NULL, 'a purchase of an unknown customer');
SELECT throws_ok(format($$SELECT crm.record_purchase(%L, 'x', '2022-01-01', 'x', 1, 1, channel => 'nowhere')$$, :'a'), '23503', NULL, 'by an unknown channel');
SELECT throws_ok(format($$SELECT crm.record_purchase(%L, 'x', NULL, 'x', 1, 1)$$, :'a'), '23502', NULL, 'without a day');
SELECT throws_ok(format($$SELECT crm.record_purchase(%L, 'x', '2022-01-01', 'x', 0, 1)$$, :'a'), '23514', NULL, 'of nothing');
SELECT throws_ok(format($$SELECT crm.record_purchase(%L, 'x', '2022-01-01', 'x', 1, 1, 'yen')$$, :'a'), '23514', NULL, 'in no currency');
SELECT throws_ok($$SELECT crm.record_interaction('CUST202105069999', now(), 'phone', 'inbound', 'x')$$, '23503', NULL, 'an interaction with an unknown customer');
SELECT throws_ok(format($$SELECT crm.record_interaction(%L, now(), 'phone', 'sideways', 'x')$$, :'a'), '23514', NULL, 'in no direction');
SELECT throws_ok(format($$SELECT crm.record_interaction(%L, now(), 'phone', 'inbound', NULL)$$, :'a'), '23502', NULL, 'without subject');

-- 1. one row a customer
CREATE FUNCTION pg_temp.of(c crm.customer_code, columns text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r text;
BEGIN
    EXECUTE format('SELECT string_agg(ROW(%s)::text, %L) FROM crm.customer_view WHERE customer_code = %L', columns, ' AND ', c) INTO r;
    RETURN r;
END $$;
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is(count(*), count(DISTINCT customer_code), 'one row a customer') FROM crm.customer_view;
SELECT is((SELECT count(*) FROM crm.customer_view), (SELECT count(*) FROM crm.customer_basic), 'as many as in the basic layer');
SELECT is(pg_temp.of(:'a', 'kind, lifecycle_state, name, sex, birth_year, document_kind, document_number, phone, email, division_name'),
          '(individual,registered,张**,F,1949,resident_id,1****************X,138****8000,,泸溪县)', 'a person, basic and masked');
SELECT is(pg_temp.of(:'a', 'purchases, last_purchase_on, last_product, interactions, last_interaction_at, last_subject, last_outcome, occupation, external_ids, merged_codes'),
          '(8,2022-03-01,进口产品,6,"2022-01-07 12:00:00+08",主题6,resolved,牙科医师,"{""one"": [""P-1""]}",)', 'service and extended');
SELECT is(purchase_amounts, '{"CNY": 703.50, "USD": 30.00}', 'amounts by currency, not added up') FROM crm.customer_view WHERE customer_code = :'a';
SELECT is(age, date_part('year', age(crm.company_today(), '1949-12-31'))::smallint, 'the age in full years') FROM crm.customer_view WHERE customer_code = :'a';
SELECT matches(bank_card::text, '^\*+7778$', 'the card with its last four digits') FROM crm.customer_view WHERE customer_code = :'a';
SELECT is(pg_temp.of(:'o', 'kind, name, document_kind, uscc, industry, legal_representative, contact_name, sex, birth_year, age, purchases, interactions'),
          '(organization,北京示例科技有限公司,uscc,91110000600037341L,软件,王**,李**,,,,0,0)', 'an organisation');
SELECT is(pg_temp.of(:'g', 'kind, name, phone, purchases, merged_codes'), '(group,示例集团,,0,)', 'a group with nothing but a name');
-- more of everything still makes one row
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
INSERT INTO crm_data.contact_point (customer_code, contact_no, phone) SELECT :'a', n, ('1380013800' || n)::phone FROM generate_series(2, 4) n;
INSERT INTO crm_data.contact_point (customer_code, contact_no, email) SELECT :'a', n, ('sanfeng' || n || '@example.com')::email FROM generate_series(5, 6) n;
INSERT INTO crm_data.address (customer_code, address_no, detail, valid_during) SELECT :'a', n, '北京市朝阳区建国路88号', daterange('2020-01-01', '2020-06-01') FROM generate_series(2, 3) n;
INSERT INTO crm_data.bank_account (customer_code, account_no, card) VALUES (:'a', 2, '6225888697015273');
INSERT INTO crm_data.external_id_claim (system, value, customer_code) VALUES ('one', 'P-1b', :'a');
INSERT INTO crm_data.external_id (system, value, customer_code) VALUES ('one', 'P-1b', :'a');
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is(count(*), 1::bigint, 'several of everything: one row') FROM crm.customer_view WHERE customer_code = :'a';
SELECT is(pg_temp.of(:'a', 'phone, division_name'), '(138****8000,泸溪县)', 'the preferred telephone, the address that holds');
SELECT ok(external_ids::text LIKE '%"P-1"%' AND external_ids::text LIKE '%"P-1b"%', 'two identifiers of one system are both there: ' || external_ids::text) FROM crm.customer_view WHERE customer_code = :'a';

-- 2. the reader
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(array_agg(customer_code), NULL, 'no service and no extended column for a reader, in any row')
  FROM crm.customer_view v WHERE num_nonnulls(purchases, purchase_amounts, last_purchase_on, last_product, interactions, last_interaction_at, last_subject, last_outcome,
       age, nationality, occupation, industry, uscc, legal_representative, bank_card, external_ids, merged_codes) > 0;
SELECT is(count(*) FILTER (WHERE name IS NULL OR registered_at IS NULL), 0::bigint, 'but the basic one') FROM crm.customer_view;

-- 3. masked in every column of every view
CREATE TEMP TABLE planted AS SELECT unnest('{三丰,君宝,John Smith,Smith,小明,小华,0013800,0013900,0013700,1231002,1949-12,E12345678,1234567,junbao,sanfeng,枫叶街,594号,建国路,88号,62170036,2588869}'::text[]) AS word;
CREATE FUNCTION pg_temp.leaks() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v regclass;
BEGIN
    FOR v IN SELECT oid FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relname LIKE 'customer\_%' AND relkind = 'v' AND has_table_privilege(oid, 'SELECT')
                AND relname <> 'customer_token' LOOP
        RETURN QUERY EXECUTE format($q$
            WITH shown AS MATERIALIZED (SELECT x::text || to_jsonb(x)::text AS all_of_it FROM %s x WHERE customer_code BETWEEN 'CUST202105060001' AND 'CUST202105069999')
            SELECT %L || ' shows ' || word FROM shown, planted WHERE strpos(all_of_it, word) > 0 $q$, v, v);
    END LOOP;
    RETURN QUERY
        WITH shown AS MATERIALIZED (SELECT crm.customer_card(customer_code)::text AS card FROM crm.customer_basic WHERE customer_code BETWEEN 'CUST202105060001' AND 'CUST202105069999')
        SELECT 'the card shows ' || word FROM shown, planted WHERE strpos(card, word) > 0;
END $$;
GRANT SELECT ON planted TO PUBLIC;
SELECT is(array_agg(DISTINCT l), NULL, 'no value in clear in any view or card, for a reader') FROM pg_temp.leaks() l;
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is(array_agg(DISTINCT l), NULL, 'nor for the data department') FROM pg_temp.leaks() l;

-- 4. a merge: b is a from now on
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
SELECT count(*) AS before FROM crm.customer_basic \gset
RESET ROLE;
SELECT crm.merge(:'a', :'b') AS ab, crm.merge(:'o', :'p') AS op \gset
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is((SELECT count(*) FROM crm.customer_view), :before - 2::bigint, 'two rows less');
SELECT is(pg_temp.of(:'b', '1'), NULL, 'none for the one that was merged');
SELECT is(pg_temp.of(:'a', 'name, phone, email, purchases, last_product, interactions, last_subject, last_outcome, merged_codes'),
          format('(张**,138****8000,s***@example.com,9,进口产品,7,乙的主题,,{%s})', :'b'), 'the survivor: its own first, then what the other had, all counted');
SELECT is(purchase_amounts, '{"CNY": 1703.50, "USD": 30.00}', 'the purchases of both') FROM crm.customer_view WHERE customer_code = :'a';
SELECT is(external_ids, external_ids || '{"two": ["P-2"]}', 'the identifiers of both') FROM crm.customer_view WHERE customer_code = :'a';
SELECT is(count(*) || ' ' || count(DISTINCT customer_code), '8 1', 'the contacts of both, under one code') FROM crm.customer_contact WHERE customer_code IN (:'a', :'b');
SELECT is(count(*), 9::bigint, 'the purchases of both, each once') FROM crm.customer_purchase WHERE customer_code = :'a';
SELECT is(jsonb_array_length(crm.customer_card(:'a') -> 'contacts'), 8, 'on the card as well');

SELECT is(crm.record_purchase(:'b', 'A-8', '2022-02-01', '另一产品', 1, 1000), false, 'an order of either is recorded once, also after the merge');

-- 5. the card
SELECT is(crm.customer_card(:'a') ? 'asked_for', false, 'of the customer''s own code');
SELECT is(crm.customer_card(:'b') ->> 'asked_for', :'b', 'of a former code: says so');
SELECT is(crm.customer_card(:'b') - 'asked_for', crm.customer_card(:'a'), 'and is the survivor''s');
SELECT is(crm.customer_card(:'a') #>> '{basic,customer_code}', :'a', 'under the code of today');
SELECT is(jsonb_array_length(crm.customer_card(:'a') -> 'recent_purchases') || ' ' || (crm.customer_card(:'a') #>> '{recent_purchases,0,order_no}'), '5 A-8', 'the last five purchases, the newest first');
SELECT is(jsonb_array_length(crm.customer_card(:'a') -> 'recent_interactions') || ' ' || (crm.customer_card(:'a') #>> '{recent_interactions,0,subject}'), '5 乙的主题', 'the last five interactions');
SELECT is(crm.customer_card(:'a') #>> '{service,purchases}', '9', 'with the service layer');
SELECT throws_ok($$SELECT crm.customer_card('CUST202105069999')$$, 'P0002', NULL, 'of an unknown code');
SELECT throws_ok($$SELECT crm.customer_card('CUST20210506')$$, '22P02', NULL, 'of no code');
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
INSERT INTO crm_data.customer_code_alias (customer_code, survivor_code, reason) VALUES ('CUST201901010001', :'b', 'recoded');
INSERT INTO crm_data.customer_code_alias (customer_code, survivor_code, reason) VALUES ('CUST201901010002', NULL, 'erased');
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_reader;
SELECT is(crm.customer_card('CUST201901010001') #>> '{basic,customer_code}', :'a', 'of a code two steps before');
SELECT throws_ok($$SELECT crm.customer_card('CUST201901010002')$$, 'P0002', NULL, 'of an erased customer');
SELECT is(ARRAY(SELECT jsonb_object_keys(crm.customer_card(:'a')) k WHERE true ORDER BY 1), '{addresses,basic,contacts,documents}', 'a reader''s card has the basic layer alone');
SELECT is(array_agg(DISTINCT l), NULL, 'and no value in clear') FROM pg_temp.leaks() l;

-- 6. the search
SET SESSION AUTHORIZATION crm_test_data_admin;
CREATE TEMP TABLE spelling (kind text, value text, found text[]);
INSERT INTO spelling VALUES
    ('phone', '13800138000', ARRAY[:'a']), ('phone', '+86 138-0013-8000', ARRAY[:'a']), ('phone', '008613800138000', ARRAY[:'a']),
    ('phone', '１３８００１３８０００', ARRAY[:'a']), ('phone', '138 0013 8000', ARRAY[:'a']), ('phone', '13900139000', ARRAY[:'a']),
    ('phone', '01062345678', ARRAY[:'o']), ('phone', '(010) 6234-5678', ARRAY[:'o']), ('phone', '13900139001', NULL),
    ('email', 'junbao.zhang@example.com', ARRAY[:'a']), ('email', 'junbao.zhang@EXAMPLE.com', ARRAY[:'a']), ('email', 'ｊｕｎｂａｏ.zhang@example.com', ARRAY[:'a']),
    ('id_number', '11010519491231002X', ARRAY[:'a']), ('id_number', '11010519491231002x', ARRAY[:'a']), ('id_number', '１１０１０５１９４９１２３１００２Ｘ', ARRAY[:'a']),
    ('id_number', '110105 19491231 002X', ARRAY[:'a']), ('id_number', '110105491231002', ARRAY[:'a']), ('id_number', 'e12345678', ARRAY[:'c']),
    ('id_number', '91110000600037341L', ARRAY[:'o']), ('id_number', '91110000600037341l', ARRAY[:'o']),
    ('bank_card', '6217003644124027778', ARRAY[:'a']), ('bank_card', '6217 0036 4412 4027 778', ARRAY[:'a']),
    ('person_name', '张三丰', ARRAY[:'a']), ('person_name', '张 三丰', ARRAY[:'a']), ('person_name', '张君宝', ARRAY[:'a']), ('person_name', 'John  Smith', ARRAY[:'c']),
    ('person_name', '李三丰', NULL),
    ('organization_name', '北京示例科技有限公司', ARRAY[:'o']), ('organization_name', ' 北京示例科技有限公司　', ARRAY[:'o']), ('organization_name', '示例集团', ARRAY[:'g']),
    ('organization_name', '上海旧名有限公司', ARRAY[:'o']), ('organization_name', '张三丰', NULL);
SELECT is((SELECT array_agg(c::text) FROM crm.customer_search(s.kind, s.value) c), s.found, format('search by %s: %s', s.kind, s.value)) FROM spelling s;
SELECT is((SELECT array_agg(c::text) FROM crm.customer_search('organization_name', '张**') c), NULL, 'a mask is not a name');
SELECT throws_ok($$SELECT crm.customer_search('address', 'x')$$, '22023', NULL, 'no search by address');
SELECT throws_ok($$SELECT crm.customer_search('PHONE', '13800138000')$$, '22023', NULL, 'kinds are lower case');
SELECT throws_ok($$SELECT crm.customer_search('nonsense', '13800138000')$$, '22023', NULL, 'nor by nonsense');
CREATE FUNCTION pg_temp.said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    m text; d text; h text; c text;
BEGIN
    EXECUTE statement;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
    -- the statement itself stands in the context, as EXECUTE puts it there
    RETURN concat_ws(' | ', SQLSTATE, m, d, h, replace(c, statement, ''));
END $$;
SELECT ok(said LIKE '22P02%' AND strpos(said, value) = 0, 'a value that is no ' || kind || ' is refused and not repeated: ' || said)
  FROM (VALUES ('phone', '1380013800a77'), ('email', 'ouyang77@'), ('id_number', '11010519491231Q77'), ('bank_card', '621700364412402838Q'), ('person_name', '欧阳7788')) v (kind, value),
       LATERAL pg_temp.said(format('SELECT crm.customer_search(%L, %L)', kind, value)) said;
SET SESSION AUTHORIZATION crm_test_agent;
SELECT is((SELECT array_agg(c::text) FROM crm.customer_search('phone', '13800138000') c), ARRAY[:'a'], 'a call centre agent finds by telephone');
SELECT is((SELECT array_agg(c::text) FROM crm.customer_search('bank_card', '6217003644124027778') c), NULL, 'but not by a card, which is not of his layer');
SET SESSION AUTHORIZATION crm_test_reader;
SELECT throws_ok($$SELECT crm.customer_search('phone', '13800138000')$$, '42501', NULL, 'a reader cannot search');
SELECT throws_ok($$SELECT * FROM crm.customer_token$$, '42501', NULL, 'nor see tokens');

-- 7. a merge of what was merged; and undone
RESET SESSION AUTHORIZATION;
SELECT crm.merge(:'c', :'a') AS ca \gset
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is(crm.resolve(:'b')::text, :'c', 'b, merged into a, merged into c, is c');
SELECT is(purchases, 9::bigint, 'the purchases of all three') FROM crm.customer_view WHERE customer_code = :'c';
SELECT is(count(*), 9::bigint, 'the contacts of all three') FROM crm.customer_contact WHERE customer_code = :'c';
SELECT is(merged_codes::text, format('{%s,%s}', :'a', :'b'), 'both former codes') FROM crm.customer_view WHERE customer_code = :'c';
SELECT is(crm.customer_card(:'b') ->> 'asked_for' || ' ' || (crm.customer_card(:'b') #>> '{basic,customer_code}'), format('%s %s', :'b', :'c'), 'the card of either former code is c''s, and says so');
SELECT is(crm.customer_card(:'b') - 'asked_for', crm.customer_card(:'c'), 'in full');
RESET SESSION AUTHORIZATION;
SELECT crm.unmerge(:ab, 'a test'), crm.unmerge(:ca, 'a test'), crm.unmerge(:op, 'a test') \gset undone_
SET ROLE crm_owner;
SELECT throws_ok(format('UPDATE crm_data.customer SET survivor_code = %L WHERE customer_code = %L', :'a', :'b'), '23514', NULL, 'a merge says so in the state');
SELECT throws_ok(format('UPDATE crm_data.customer SET lifecycle_state = %L WHERE customer_code = %L', 'merged', :'b'), '23514', NULL, 'and the state has a survivor');
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is((SELECT count(*) FROM crm.customer_view), :before::bigint, 'undone, all are there again');
SELECT is(pg_temp.of(:'b', 'name, phone, email, purchases, merged_codes'), '(张**,139****9000,j***@example.com,1,)', 'with what was theirs');

-- 8. the dictionary
SELECT is(array_agg(n.nspname || '.' || c.relname || '.' || a.attname), NULL, 'every column of every table and view has a row')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname IN ('crm', 'crm_data') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND (SELECT count(*) FROM crm.dictionary d WHERE d.schema = n.nspname AND d.object = c.relname AND d.field = a.attname) <> 1;
SELECT cmp_ok(count(*), '>', 150::bigint, 'that many') FROM crm.dictionary;
SELECT is(array_agg(schema || '.' || object || '.' || field), NULL, 'with a meaning in both languages') FROM crm.dictionary WHERE coalesce(meaning, '') !~ '[A-Za-z].*[(（].*[一-龥]';
SELECT is(array_agg(object || '.' || field), NULL, 'the tables with labels in both languages, sensitivity and level')
  FROM crm.dictionary WHERE schema = 'crm_data' AND (label_en IS NULL OR label_zh !~ '[一-龥]' OR category IS NULL OR layer IS NULL) AND object NOT IN ('job', 'schema_version');
SELECT is(array_agg(object || '.' || field), NULL, 'without exception') FROM crm.dictionary WHERE schema = 'crm_data' AND label_en IS NULL;
SELECT is(array_agg(object || '.' || field), NULL, 'whatever is encrypted is sensitive') FROM crm.dictionary WHERE schema = 'crm_data' AND is_encrypted AND sensitivity <> 'sensitive';
SELECT is(array_agg(object || '.' || field), NULL, 'whatever is sensitive is not of the lowest level') FROM crm.dictionary WHERE schema = 'crm_data' AND sensitivity = 'sensitive' AND secrecy_level = 3;
-- How often the layer of dealings was made for two of the customers.
CREATE FUNCTION pg_temp.layers(codes customer_code[]) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) SELECT interactions, age FROM crm.customer_view WHERE customer_code = ANY ($1)' INTO plan USING codes;
    RETURN (SELECT max((l #>> '{}')::numeric) FROM jsonb_path_query(plan::jsonb, '$.**?(@."Relation Name" == "interaction")."Actual Loops"') l);
END $$;
SET SESSION AUTHORIZATION crm_test_data_admin;
SELECT is(pg_temp.layers(ARRAY[:'a', :'o']::customer_code[]), 2::numeric, 'a layer is made for the customers asked for, not for all');
RESET SESSION AUTHORIZATION;
SELECT is(array_agg(p.object || '.' || p.field), NULL, 'no row for a column that is not there')
  FROM crm_data.field_policy p WHERE p.field IS NOT NULL AND (p.object, p.field) <> ('customer_input', 'contact')
   AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname = p.object AND a.attname = p.field AND NOT a.attisdropped);
SET crm.lang = 'zh';
SELECT is(label, '证件号码', 'labels in Chinese') FROM crm.dictionary WHERE object = 'identity_document' AND field = 'number';
SET crm.lang = 'en';
SELECT is(label, 'document number', 'and in English') FROM crm.dictionary WHERE object = 'identity_document' AND field = 'number';
SELECT matches(meaning, 'Kind of document', 'a document''s kind is a kind of document') FROM crm.dictionary WHERE object = 'customer_document' AND field = 'kind';
SELECT doesnt_match(meaning, '集团', 'the name of any customer is not that of a group') FROM crm.dictionary WHERE object IN ('customer_view', 'customer_basic') AND field = 'name';
SELECT is(array_agg(object || '.' || field), NULL, 'views have labels, sensitivity and level of what they show')
  FROM crm.dictionary v WHERE schema = 'crm' AND object ~ '^customer_(view|basic|service|extended|document|contact|address|purchase|interaction)$'
   AND (label_en IS NULL OR label_zh IS NULL OR is_encrypted AND sensitivity <> 'sensitive');
SELECT * FROM finish();
ROLLBACK;
