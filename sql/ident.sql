-- Proves: every kind of identifier is judged by its standard and written one way,
-- a bad value never raises, facts come out as columns, the two types are complete
-- and their comparison leakproof, and nothing depends on the clock.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET search_path = public, crm;

-- One value of each kind, written as people write it, and one with a fault.
SELECT k AS kind, (validate(k, v)).* FROM (VALUES
    ('resident_id', '11010519491231002x'), ('resident_id', '１１０１０５ 19491231 002X'), ('resident_id', '110105491231002'),
    ('resident_id', '810000199303201806'), ('resident_id', '110105194912310021'), ('resident_id', '110105194902300026'),
    ('resident_id', '999999194912310025'), ('resident_id', '11010519491231002'), ('resident_id', '11010519491231002×'),
    ('uscc', '91350100M000100Y43'), ('uscc', '91350100m000100y4-3'), ('uscc', '91350100M000100Y44'), ('uscc', '91350100I000100Y43'),
    ('org_code', '25008768-x'), ('org_code', '25008768-1'),
    ('business_license', '610481 483422943'), ('business_license', '610481483422944'),
    ('passport', 'e12345678'), ('passport', 'EI1234567'), ('permit_to_hk_macau', 'C12345678'), ('permit_to_taiwan', 'L12345678'),
    ('hk_macau_resident_permit', 'H12345678'), ('taiwan_resident_permit', '12345678'),
    ('hk_id', 'A123456(3)'), ('hk_id', 'A123456(4)'), ('tw_id', 'A123456789'), ('tw_id', 'A323456789'),
    ('iban', 'GB82 WEST 1234 5698 7654 32'), ('iban', 'XX82 WEST 1234 5698 7654 32'), ('lei', '5493001KJTIIGC8Y1R12'),
    ('bank_card', '6222 0212 3456 7890 128'), ('bank_card', '6222021234567890127'), ('bank_card', '62220212'),
    ('phone', '138-0013-8000'), ('phone', '０１０－８８８８８８８８转801'), ('phone', '0571-87654321-801'), ('phone', '400-820-8820'),
    ('phone', '95588'), ('phone', '1064712345678'), ('phone', '+44 20 7946 0958'), ('phone', '12345678'), ('phone', '00000000000'),
    ('email', ' Zhang.San@Example.COM '), ('email', '张三@例子.中国'), ('email', 'a..b@example.com'), ('email', 'a@example'),
    ('postal_code', '１０００８４'), ('postal_code', '990000'), ('postal_code', '860100'), ('postal_code', '861269'), ('postal_code', '000000'),
    ('person_name', '　欧阳 娜娜'), ('person_name', '阿依夏木•热合曼'), ('person_name', 'Mary St John'), ('person_name', 'Mary St. John'), ('person_name', '张3'), ('person_name', 'null'),
    ('organization_name', '北京　某某科技（集团）有限公司'), ('organization_name', '1'),
    ('phone', ''), ('email', E'a\u200b')
) t(k, v);
SELECT validate('no_such_kind', 'x');
SELECT validate('phone', NULL), validate(NULL, '1') IS NULL AS strict;

-- The reasons in words, in two languages; an unknown word has none.
SELECT reason_text('check_digit', 'zh-CN'), reason_text('check_digit', 'en'), reason_text('whatever', 'zh') IS NULL AS unknown;

-- Yes or no.
SELECT resident_id_valid('11010519491231002X'), resident_id_valid('110105194912310020'),
       resident_id_valid('11010519491231002X', '1949-12-30') AS unborn, resident_id_valid('11010519491231002X', '1949-12-31') AS born;
SELECT uscc_valid('91350100M000100Y43'), organization_code_valid('M000100Y4'), business_license_valid('610481483422943'),
       travel_document_valid('passport', 'E12345678'), travel_document_valid('phone', '13800138000'), travel_document_valid('tw_id', 'A123456789');
SELECT bank_card_valid('6222021234567890128'), phone_valid('13800138000'), email_valid('a@example.com'), postal_code_valid('100084'),
       person_name_valid('张三'), organization_name_valid('某某公司');
SELECT phone_valid('13800138000' || repeat('0', 100000)), email_valid(repeat('x', 1000000)), person_name_valid(repeat('张', 1000));

-- Parsers.
SELECT (resident_id_parse('440106200002290024')).*;
SELECT (resident_id_parse('nothing')).*;
SELECT v, (phone_parse(v)).* FROM (VALUES ('0086 20 8765 4321'), ('(+86)13800138000'), ('02038229100转分机101'), ('8001234567'), ('nothing')) t(v);
SELECT (phone_parse('020 7946 0958', 'GB')).*, (phone_parse('020 7946 0958', 'no')).e164 IS NULL AS no_country;
SELECT (bank_card_info('4111 1111 1111 1111')).*, (bank_card_info('x')).last4 IS NULL AS none;
SELECT person_surname('欧阳娜娜'), person_surname('欧阳'), person_surname('张三'), person_surname('阿依夏木·热合曼') IS NULL AS dotted, person_surname('Mary Lee') IS NULL AS latin;
SELECT v AS address, (address_parse(v)).* FROM (VALUES
    ('广东省广州市天河区天河路385号'), ('广州天河区石牌街道天河路385号'), ('510620 廣東省廣州市天河區體育西路１號'),
    ('北京朝阳区建国路1号'), ('上海市上海市浦东新区世纪大道100号'), ('河北承德市丰宁县大滩镇中山中路7号'),
    ('湖北省襄樊市襄城区檀溪路1号'), ('朝阳区朝阳北街544弄'), ('天门市岳口镇学院路465号'), ('东莞市南城街道鸿福路1号'),
    ('四川省广元市利洲区东坝街道1号'), ('收件人：冯某，电话：13900002149，地址：四川省甘孜藏族自治州稻城县木拉乡1号'),
    ('南京路100号'), ('no address'), ('')
) t(v);

-- Divisions.
SELECT '440106'::division_code, division_name('440106'), division_name('130502'), division_name('999999') IS NULL AS never, (division_info('420600')).*;
-- A year that no list tells is null.
SELECT d, (division_info(d)).* FROM (VALUES ('110103'::division_code), ('110221'), ('710000')) t(d);
SELECT d, division_name(d), (division_info(d)).in_force FROM division_lookup('朝阳') d ORDER BY d;
SELECT count(*) FROM division_lookup('亚特兰蒂斯');
SELECT '44010'::division_code;
SELECT '44010x'::division_code;
SELECT '440006'::division_code;
SELECT v, division_code_valid(v) FROM (VALUES ('440106'), ('44010'), ('440006'), ('460021'), ('')) t(v);
SELECT division_code_send('440106');

-- Credit codes.
SELECT ' 91350100m000100y43'::unified_social_credit_code AS code, organization_code('91350100M000100Y43'), division('91350100M000100Y43');
SELECT '91350100M000100Y44'::unified_social_credit_code;
SELECT unified_social_credit_code_send('91350100M000100Y43');

-- The types are complete: operator classes valid, comparison leakproof, binary copy.
SELECT t.typname, am.amname, c.opcdefault, amvalidate(c.oid)
  FROM pg_opclass c JOIN pg_am am ON am.oid = c.opcmethod JOIN pg_type t ON t.oid = c.opcintype
 WHERE t.typname IN ('division_code', 'unified_social_credit_code') ORDER BY 1, 2;
SELECT t.typname, count(*) AS operators, bool_and(p.proleakproof) AS leakproof, bool_and(o.oprcom <> 0 AND o.oprnegate <> 0) AS paired
  FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_type t ON t.oid = o.oprleft
 WHERE t.typname IN ('division_code', 'unified_social_credit_code') GROUP BY 1 ORDER BY 1;
CREATE TABLE ident_company (code unified_social_credit_code PRIMARY KEY, division division_code NOT NULL);
INSERT INTO ident_company VALUES ('91350100M000100Y43', '350100'), ('92360981359704717P', '360981'), ('13422827MARCE13PX2', '422827');
INSERT INTO ident_company VALUES ('9135 0100 M000 100Y 43', '350100');
SELECT current_setting('data_directory') || '/crm_ident_test.bin' AS file \gset
CREATE TABLE ident_copy (LIKE ident_company);
COPY ident_company TO :'file' (FORMAT binary);
COPY ident_copy FROM :'file' (FORMAT binary);
SELECT * FROM ident_copy ORDER BY code DESC;
SET enable_seqscan = off;
SELECT division FROM ident_company WHERE code = '91350100M000100Y43';
RESET enable_seqscan;
SELECT count(*) FROM ident_company a JOIN ident_copy b USING (code);
COPY (SELECT 5::integer) TO :'file' (FORMAT binary);
CREATE TABLE ident_division (code division_code);
COPY ident_division FROM :'file' (FORMAT binary);
\set ECHO none
SELECT format('COPY (SELECT) TO PROGRAM %L', 'rm -f ' || :'file') \gexec
\set ECHO all

-- Every function of the room is immutable and parallel safe: none reads the clock.
SELECT count(*) > 40 AS some, bool_and(p.provolatile = 'i' AND p.proparallel = 's' AND p.proisstrict) AS pure
  FROM pg_proc p WHERE p.pronamespace = 'crm'::regnamespace
   AND (p.proname IN ('validate', 'reason_text', 'address_parse', 'phone_parse', 'resident_id_parse', 'bank_card_info', 'person_surname', 'organization_code')
     OR p.proname ~ '^(division|unified_social_credit_code_)'
     OR p.proname ~ '^(resident_id|uscc|organization_code|business_license|travel_document|bank_card|phone|email|postal_code|person_name|organization_name)_valid$');
DROP TABLE ident_company, ident_copy, ident_division;

-- names for comparison: the writing differs, the name does not
SELECT norm_org_name('示例（上海）科技有限责任公司') = norm_org_name('示例(上海) 科技有限公司') AS form_and_brackets,
       norm_org_name('ＡＣＭＥ Co., Ltd.') = norm_org_name('Acme Co Ltd') AS width_and_case,
       norm_org_name('示例股份公司') = norm_org_name('示例股份有限公司') AS stock,
       norm_org_name('示例有限公司上海分公司') <> norm_org_name('示例有限公司') AS branch_is_another,
       norm_org_name('') IS NULL AS nothing;
SELECT norm_name('阿依夏木•热合曼') = norm_name('阿依夏木·热合曼') AS dots, norm_name('MARY  Brown') = norm_name('Mary Brown') AS latin,
       norm_name('张伟') <> norm_name('张炜') AS others, norm_name('4711') IS NULL AS no_name;
