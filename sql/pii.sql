-- Proves: the personal-data types print masks, take envelopes and plain values and
-- never masks; compare, sort, join and hash by token; their errors repeat no value.
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET search_path = public, crm;

-- keys: the second call changes nothing
SELECT data_keys_created FROM key_generate();
SELECT * FROM key_generate();
SELECT source, loaded, detail, encryption_key_id, token_key_id, data_keys FROM key_status();
SELECT key_id, purpose, length(wrapped), state FROM crm_secure.key_ring ORDER BY purpose;

-- masks
SELECT '13800138000'::phone AS mobile, '010-62345678'::phone AS beijing, '(0755) 8765 4321'::phone AS shenzhen,
       '+1 415 555 2671'::phone AS abroad, '+852 2345 6789'::phone AS hongkong, '4008208820'::phone AS toll_free,
       '95588'::phone AS service_code, '0571-87654321-801'::phone AS extension;
SELECT '11010519491231002X'::id_number AS resident, 'E12345678'::id_number AS passport, '6222021234567890128'::bank_card AS card;
SELECT 'zhang.san@Example.COM'::email AS email, 'a@example.com'::email AS short, '"odd name"@example.com'::email AS quoted;
SELECT '张三'::person_name, '张三丰'::person_name, '欧阳修'::person_name, '司马'::person_name, '买买提·艾力'::person_name, 'John Doe'::person_name;
SELECT '北京市朝阳区建国路88号'::postal_address AS district, '外滩 18 号'::postal_address AS unknown;
SELECT 'any text, 5 * 3'::private_text, ''::private_text;

-- one value, many spellings
SELECT '138-0013-8000'::phone = '+86 13800138000'::phone AS phone,
       '１３８００１３８０００'::phone = '13800138000'::phone AS full_width,
       '110105 19491231 002x'::id_number = '11010519491231002X'::id_number AS document,
       'x@EXAMPLE.com'::email = 'x@example.com'::email AS email,
       '上海市　黄浦区  １号'::postal_address = '上海市 黄浦区 1号'::postal_address AS address;

-- refused, and the value is nowhere in the message
SELECT '1380013800'::phone;
SELECT '110105194912310021'::id_number;
SELECT '6222021234567890123'::bank_card;
SELECT 'nobody at example'::email;
SELECT 'null'::person_name;
SELECT '   '::postal_address;
SELECT repeat('x', 8193)::private_text;
-- masks are refused
SELECT '138****8000'::phone;
SELECT '张*'::person_name;
SELECT 'a***@example.com'::email;
SELECT '北京市朝阳区＊＊＊'::postal_address;
SELECT '***'::private_text;
-- envelopes that are none
SELECT 'crm1:'::phone;
SELECT 'crm1:AQEAAAAB'::phone;
SELECT 'crm1:AQI='::phone;
SELECT 'crm1:AgEAAAABAAGE4j2v4F9lI6I8W0LB1xka7pQaxolEEXzN0sHArb5pzMFuJVgaVZHdiftNg81L0f9nNAw7wsPSTBK'::phone;

-- a nested statement does not show its literal either
DO $$ BEGIN EXECUTE 'SELECT ''1380013800''::crm.phone'; END $$;
-- COPY keeps the line number
CREATE TABLE contact (id int PRIMARY KEY, phone phone, note private_text);
COPY contact FROM stdin;
1	13800138000	first
2	1380013800	second
\.
COPY contact FROM stdin;
1	13800138000	first
2	138****8000	second
\.
COPY contact FROM stdin;
1	13800138000	first
2	13900139000	second
3	\N	third
\.
SELECT * FROM contact ORDER BY id;

-- envelope: what is printed is taken back, and only as its own type
SET crm.pii_output = envelope;
SELECT phone::text ~ '^crm1:[A-Za-z0-9_-]+$' AS text_form, length(phone::text), length(note::text) FROM contact WHERE id = 1;
SELECT phone::text AS envelope FROM contact WHERE id = 1 \gset
RESET crm.pii_output;
SELECT :'envelope'::phone, :'envelope'::phone = phone AS same FROM contact WHERE id = 1;
SELECT :'envelope'::id_number;
SELECT :'envelope'::private_text;
SELECT overlay(e placing CASE substr(e, 60, 1) WHEN 'A' THEN 'B' ELSE 'A' END from 60) AS altered FROM (VALUES (:'envelope')) v(e) \gset
SELECT :'altered'::phone;
SELECT (:'envelope' || 'A')::phone;
-- two encryptions of one value differ, their tokens do not
SELECT phone_send('13800138000') <> phone_send('13800138000') AS nonce,
       token('13800138000'::phone) = token('+8613800138000'::phone) AS token,
       token('13800138000'::phone) <> token('13900139000'::phone) AS other;
-- the same digits as another type have another token
SELECT substr(phone_send('13800138000'), 9, 16) <> substr(postal_address_send('+8613800138000'), 9, 16) AS by_type;

-- COPY of the table is a dump: envelopes; COPY of a query is a screen: masks
\copy contact (id, phone) to program 'cut -c 1-7'
COPY (SELECT id, phone FROM contact ORDER BY id) TO stdout;

-- indexes
INSERT INTO contact SELECT i, ('139' || lpad(i::text, 8, '0'))::phone, 'n' FROM generate_series(4, 3000) i;
CREATE UNIQUE INDEX contact_phone ON contact (phone);
CREATE INDEX contact_phone_hash ON contact USING hash (phone);
INSERT INTO contact VALUES (3001, '138 0013 8000');
ANALYZE contact;
SELECT null_frac > 0 AS nulls, avg_width, n_distinct < -0.9 AS distinct,
       most_common_vals IS NULL AND most_common_freqs IS NULL AND histogram_bounds IS NULL AND correlation IS NULL AS no_values
  FROM pg_stats WHERE tablename = 'contact' AND attname = 'phone';
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT id, phone FROM contact WHERE phone = '13900001000';
SELECT count(*) FROM contact WHERE phone IN ('13900001000', '13900001001', '13900009999');
DROP INDEX contact_phone;
SELECT id, phone FROM contact WHERE phone = '13900001000';
RESET enable_seqscan;
RESET enable_bitmapscan;
-- sort, with and without abbreviated keys, is the order of <
SELECT count(*) FILTER (WHERE NOT coalesce(before < phone, true)) AS out_of_order, count(*)
  FROM (SELECT phone, lag(phone) OVER (ORDER BY phone) AS before FROM contact WHERE phone IS NOT NULL) s;
SELECT count(DISTINCT phone), min(n), max(n) FROM (SELECT phone, count(*) AS n FROM contact GROUP BY phone) g;
SELECT bool_and(a.phone <= b.phone AND NOT a.phone > b.phone AND a.phone >= b.phone AND NOT a.phone <> b.phone AND NOT a.phone < b.phone
                AND phone_cmp(a.phone, b.phone) = 0)
  FROM contact a JOIN contact b ON a.phone = b.phone;
SET enable_hashjoin = off;
SELECT count(*) FROM contact a JOIN contact b USING (phone);
SET enable_mergejoin = off;
SET enable_hashjoin = on;
SELECT count(*) FROM contact a JOIN contact b USING (phone);
RESET enable_mergejoin;
RESET enable_hashjoin;
SELECT bool_and(phone_hash(phone) = (phone_hash_extended(phone, 0) & 4294967295)::bit(32)::int) AS seed_0,
       count(DISTINCT phone_hash(phone)) > 2990 AS spread
  FROM contact WHERE phone IS NOT NULL;
-- partitioned by hash: the operator class serves a partition key
CREATE TABLE part (phone phone) PARTITION BY HASH (phone);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part SELECT phone FROM contact WHERE phone IS NOT NULL;
SELECT sum(n), min(n) > 1300 AS even FROM (SELECT count(*) AS n FROM part GROUP BY tableoid) s;
SELECT count(*) FROM part WHERE phone = '13900001000';

-- a stored token column
CREATE TABLE searched (phone phone, phone_token uuid GENERATED ALWAYS AS (token(phone)) STORED UNIQUE);
INSERT INTO searched VALUES ('13800138000');
\set VERBOSITY terse
INSERT INTO searched VALUES ('+86 138 0013 8000');
\set VERBOSITY default
SELECT phone FROM searched WHERE phone_token = token('13800138000'::phone);

-- what does not exist: no LIKE, no cast but through text, no operators on private text
SELECT * FROM contact WHERE phone LIKE '138%';
SELECT * FROM contact WHERE note = 'first';
SELECT castsource::regtype, casttarget::regtype FROM pg_cast
 WHERE castsource IN ('phone'::regtype, 'private_text'::regtype) OR casttarget IN ('phone'::regtype, 'private_text'::regtype);

-- reveal: a purpose is needed; the record is in the server's log
SELECT reveal(phone, 'call back about order'), reveal(note, 'call back about order') FROM contact WHERE id = 1;
SELECT reveal(NULL::phone, 'nothing there') IS NULL AS null_for_null;
SELECT reveal(phone, ' ') FROM contact WHERE id = 1;
SELECT reveal(phone, NULL) FROM contact WHERE id = 1;
SELECT reveal(phone, E'two\nlines') FROM contact WHERE id = 1;
SELECT reveal(phone, repeat('x', 201)) FROM contact WHERE id = 1;
SELECT reveal(NULL::phone, '');
SET log_min_messages = fatal;
SELECT reveal(phone, 'unlogged') FROM contact WHERE id = 1;
RESET log_min_messages;
-- every type gives back what it took, normalised
SELECT reveal('0571-87654321-801'::phone, 't'), reveal('110105 19491231 002x'::id_number, 't'), reveal('6222 0212 3456 7890 128'::bank_card, 't'),
       reveal('x@EXAMPLE.com'::email, 't'), reveal('欧阳　修'::person_name, 't'), reveal(' 上海市　１号 '::postal_address, 't'),
       reveal(E' as\tit * is '::private_text, 't');
SELECT length(reveal(repeat('长', 2730)::private_text, 't'));

-- masks can be set
SELECT * FROM mask_settings() WHERE pii_type IN ('phone', 'id_number');
SELECT mask_set('phone', 'public', 0::smallint, 2::smallint);
SELECT phone FROM contact WHERE id = 1;
SELECT mask_set('id_number', 'public', 6::smallint, 4::smallint);
SELECT '11010519491231002X'::id_number;
SELECT mask_set('email', 'public', 0::smallint, 0::smallint), mask_set('person_name', 'public', 0::smallint, 1::smallint), mask_set('postal_address', 'public', 1::smallint, 0::smallint);
SELECT 'zhang.san@example.com'::email, '张三丰'::person_name, '张三'::person_name, 'John Doe'::person_name, '广东省深圳市南山区科技路1号'::postal_address;
SELECT mask_set('phone', 'public', 4::smallint, 4::smallint);
SELECT mask_set('telephone', 'public', 1::smallint, 1::smallint);
SELECT mask_set('phone', 'no_such_role', 1::smallint, 1::smallint);
SELECT * FROM mask_settings() WHERE NOT is_default;
SELECT mask_reset(pii_type, role_name) FROM mask_settings() WHERE NOT is_default;
SELECT mask_reset('phone', 'public');
SELECT phone, '张三丰'::person_name FROM contact WHERE id = 1;

-- without a key: *** and no error, KH012 where a key is needed, and back again
CREATE TABLE kept AS SELECT phone, note FROM contact WHERE id = 1;
SELECT current_setting('crm.key_file') AS key_file \gset
SET crm.key_file = '';
SELECT phone, note FROM kept;
SELECT loaded, detail FROM key_status();
SELECT reveal(phone, 'no key') FROM kept;
SELECT '13800138000'::phone;
DO $$ BEGIN EXECUTE 'SELECT ''13800138000''::crm.phone'; END $$;
SELECT :'envelope'::phone, :'envelope'::phone = phone AS same FROM kept;
SELECT :'altered'::phone AS unverified;
SELECT key_generate();
SET crm.key_file = 'relative.key';
SELECT loaded, detail FROM key_status();
SELECT current_setting('data_directory') || '/crm.key' AS inside \gset
SET crm.key_file = :'inside';
SELECT loaded, detail FROM key_status();
SELECT key_generate();
SET crm.key_file = '/nonexistent/crm.key';
SELECT loaded, detail FROM key_status();
SELECT key_generate();
SELECT regexp_replace(current_setting('data_directory'), '/[^/]+/?$', '') || '/crm_open.key' AS open_file \gset
DO $$ BEGIN EXECUTE format('COPY (SELECT repeat(''0'', 64)) TO %L', regexp_replace(current_setting('data_directory'), '/[^/]+/?$', '') || '/crm_open.key'); END $$;
SET crm.key_file = :'open_file';
SELECT loaded, detail FROM key_status();
SET crm.key_command = 'echo 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
SELECT source, loaded, detail FROM key_status();
SELECT key_generate();
SET crm.key_command = 'echo secret';
SELECT loaded, detail FROM key_status();
SET crm.key_command = 'false';
SELECT loaded, detail FROM key_status();
RESET crm.key_command;
SET crm.key_file = :'key_file';
SELECT phone, note FROM kept;
-- a rollback brings back the keys that it takes back
BEGIN;
DELETE FROM crm_secure.key_ring;
SELECT phone, note FROM kept;
SAVEPOINT s;
SET LOCAL crm.key_file = '/nonexistent/crm.key';
SELECT key_generate();
ROLLBACK TO s;
SELECT data_keys_created FROM key_generate();
SELECT phone, note FROM kept;
ROLLBACK;
SELECT phone, note FROM kept;

DROP TABLE contact, part, searched, kept;
