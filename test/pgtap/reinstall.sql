-- Proves: dropping the extension and making it again in one session leaves nothing of
-- the first one behind in the session: a plan kept for types that are gone broke the
-- next registration.
SELECT plan(2);
SET client_min_messages = error;
SET search_path = public, crm;
SELECT lives_ok($$SELECT register_customer('{"kind": "individual", "name": "测试员", "phone": "13800138001"}')$$, 'a customer');
DROP EXTENSION crm CASCADE;
DROP SCHEMA crm_data, crm_secure, crm_report, crm CASCADE;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT count(*) >= 0 AS key FROM crm.key_generate() \g /dev/null
SELECT lives_ok($$SELECT register_customer('{"kind": "individual", "name": "测试员", "phone": "13800138002"}')$$, 'a customer of the second one');
SELECT * FROM finish();
