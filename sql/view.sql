-- Proves: what comes out: the unified view and its layers, the card, the search, a
-- merge and its undoing, as the data department and as a reader. Rolled back.
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
SET search_path = public, crm;
BEGIN;
SET LOCAL crm.lang = 'en';
SELECT count(*) AS keys FROM crm.key_generate();
CREATE ROLE regress_crm_reader IN ROLE crm_reader;
CREATE ROLE regress_crm_admin IN ROLE crm_data_admin;
SELECT crm.register_customer('{"kind": "individual", "name": "张三丰", "document_number": "11010519491231002X", "phone": "13800138000",
    "bank_card": "6217003644124028388", "occupation": "医师", "address": "北京市朝阳区建国路88号", "external_system": "old", "external_id": "1"}', day => '2021-05-06');
SELECT crm.register_customer('{"kind": "individual", "name": "张君宝", "phone": "13900139000", "email": "junbao@example.com", "external_system": "old", "external_id": "2"}', day => '2021-05-06');
SELECT crm.register_customer('{"kind": "organization", "name": "北京示例科技有限公司", "document_number": "91110000600037341L", "phone": "010-62345678", "contact_name": "李小华"}', day => '2021-05-06');
SELECT crm.record_purchase('CUST202105060001', 'SO-1', '2022-01-01', '净水器', 1, 2706), crm.record_purchase('CUST202105060001', 'SO-1', '2022-01-01', '净水器', 1, 2706),
       crm.record_purchase('CUST202105060002', 'SO-1', '2022-02-01', '滤芯', 2, 30, 'USD');
SELECT count(crm.record_interaction('CUST202105060002', '2022-03-01 12:00+08', 'phone', 'inbound', '保修查询', 'resolved', 60));

SET ROLE regress_crm_admin;
\pset format unaligned
SELECT (to_jsonb(v) - 'registered_at' - 'age')::text FROM crm.customer_view v ORDER BY customer_code;
\pset format aligned
SELECT customer_code, name, phone, purchases, last_product, interactions FROM crm.customer_view ORDER BY customer_code;
SELECT crm.customer_search('phone', '+86 138-0013-8000'), crm.customer_search('organization_name', '北京示例科技有限公司');

-- the reader sees the basic layer
SET ROLE regress_crm_reader;
SELECT customer_code, name, phone, birth_year, address, purchases, last_product, bank_card FROM crm.customer_view ORDER BY customer_code;
SELECT count(*) AS purchases FROM crm.customer_purchase;
SELECT jsonb_pretty(crm.customer_card('CUST202105060001') #- '{basic,registered_at}');
SAVEPOINT s;
SELECT * FROM crm_data.individual;
ROLLBACK TO s;
SELECT crm.customer_card('CUST202105069999');
ROLLBACK TO s;

-- two are one
RESET ROLE;
UPDATE crm_data.customer SET survivor_code = 'CUST202105060001', lifecycle_state = 'merged' WHERE customer_code = 'CUST202105060002';
SET ROLE regress_crm_admin;
SELECT customer_code, name, phone, email, purchases, purchase_amounts, interactions, external_ids, merged_codes FROM crm.customer_view ORDER BY customer_code;
SELECT crm.customer_card('CUST202105060002') ->> 'asked_for' AS asked_for, crm.customer_search('person_name', '张君宝');
RESET ROLE;
UPDATE crm_data.customer SET survivor_code = customer_code, lifecycle_state = 'registered' WHERE customer_code = 'CUST202105060002';
SET ROLE regress_crm_admin;
SELECT customer_code, name, phone, email, purchases, external_ids, merged_codes FROM crm.customer_view ORDER BY customer_code;

SELECT object, field, label_en, label_zh, sensitivity, secrecy_level, layer, is_encrypted FROM crm.dictionary WHERE object = 'identity_document' ORDER BY field;
ROLLBACK;
