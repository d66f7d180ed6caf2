-- Proves: rows that an import writes by pages obey what a plain INSERT obeys: defaults,
-- generated columns, constraints, unique indexes; and as soon as somebody has put a
-- trigger, a rule, a reference or a restrictive policy on a table, it is kept as well.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
CREATE FUNCTION pg_temp.person(n int) RETURNS jsonb LANGUAGE sql AS
    $$ SELECT jsonb_build_object('kind', 'individual', 'name', '测试员', 'phone', '138' || lpad(n::text, 8, '0'), 'email', 'p' || n || '@example.com') $$;

-- as deployed
SELECT register_customer(pg_temp.person(1)) AS one \gset
SELECT is(count(*), 2::bigint, 'both contact points are there, with their tokens') FROM crm_data.contact_point
 WHERE customer_code = :'one' AND token = coalesce(crm.token(phone), crm.token(email));
SELECT is(registered_by, session_user::name, 'a default is filled in') FROM crm_data.customer WHERE customer_code = :'one';
SELECT is(survivor_code, customer_code, 'and what the statement gives') FROM crm_data.customer WHERE customer_code = :'one';

-- a column with a default, and one that is generated
ALTER TABLE crm_data.customer ADD COLUMN tier text DEFAULT 'new' || 'comer', ADD COLUMN kind_length int GENERATED ALWAYS AS (length(kind)) STORED;
SELECT register_customer(pg_temp.person(2)) AS two \gset
SELECT is(ROW(tier, kind_length)::text, '(newcomer,10)', 'columns that came later get their default and their expression')
  FROM crm_data.customer WHERE customer_code = :'two';

-- constraints
ALTER TABLE crm_data.individual ADD CONSTRAINT no_occupation CHECK (occupation IS NULL);
SELECT throws_ok(format('SELECT register_customer(%L)', pg_temp.person(3) || '{"occupation": "医生"}'), '23514', NULL, 'a check that came later holds');
ALTER TABLE crm_data.customer ADD COLUMN must_be text NOT NULL DEFAULT 'given';
ALTER TABLE crm_data.customer ALTER COLUMN must_be DROP DEFAULT;
SELECT throws_ok(format('SELECT register_customer(%L)', pg_temp.person(3)), '23502', NULL, 'a NOT NULL as well');
ALTER TABLE crm_data.customer DROP COLUMN must_be;
CREATE UNIQUE INDEX one_name ON crm_data.individual (name_token) WHERE sex = 'F';
SELECT lives_ok(format('SELECT register_customer(%L)', pg_temp.person(3) || '{"sex": "F"}'), 'the first of a partial unique index');
SELECT throws_ok(format('SELECT register_customer(%L)', pg_temp.person(4) || '{"sex": "F"}'), '23505', NULL, 'the second is refused');

-- a trigger
CREATE TABLE seen (code customer_code);
GRANT ALL ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (NEW.customer_code); RETURN NULL; END $$;
CREATE TRIGGER see AFTER INSERT ON crm_data.address FOR EACH ROW EXECUTE FUNCTION see();
SELECT register_customer(pg_temp.person(5) || '{"address": "浙江省杭州市西湖区文三路5号"}') AS five \gset
SELECT results_eq('SELECT code FROM seen', format('SELECT %L::customer_code', :'five'), 'a trigger that came later fires');
ALTER TABLE crm_data.address DISABLE TRIGGER see;
SELECT register_customer(pg_temp.person(6) || '{"address": "浙江省杭州市西湖区文三路6号"}') \g /dev/null
SELECT is(count(*), 1::bigint, 'not when it is switched off') FROM seen;

-- a reference to elsewhere
CREATE TABLE known_division (division division_code PRIMARY KEY);
GRANT SELECT ON known_division TO crm_owner;
ALTER TABLE crm_data.address ADD FOREIGN KEY (division) REFERENCES known_division NOT VALID;
SELECT throws_ok(format('SELECT register_customer(%L)', pg_temp.person(7) || '{"address": "浙江省杭州市西湖区文三路7号"}'), '23503', NULL,
                 'a reference that came later holds');
INSERT INTO known_division VALUES ('330106');
SELECT lives_ok(format('SELECT register_customer(%L)', pg_temp.person(7) || '{"address": "浙江省杭州市西湖区文三路7号"}'), 'and lets through what it knows');

-- a restrictive policy
CREATE POLICY no_groups ON crm_data.customer AS RESTRICTIVE FOR INSERT TO crm_owner WITH CHECK (kind <> 'group');
SELECT throws_ok($$SELECT register_customer('{"kind": "group", "name": "试验集团"}')$$, '42501', NULL, 'a restrictive policy that came later holds');
SELECT lives_ok(format('SELECT register_customer(%L)', pg_temp.person(8)), 'and lets the others in');

-- a retired code is not given to a customer again
SELECT retire_customer_code(customer_code(company_today(), code_serial(max(customer_code)) + 1), 'erased') FROM crm_data.customer \g /dev/null
SELECT throws_ok(format('SELECT register_customer(%L)', pg_temp.person(9)), '23505', NULL, 'a retired code is refused by pages too');

SELECT * FROM finish();
ROLLBACK;
