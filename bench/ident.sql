-- bench/ident.sql: what validation costs, as a ratio to the cheapest test that a
-- row can be given.  Run: psql -X -f bench/ident.sql in a database with crm.
--
-- One million synthetic values of each kind; CPU time of a sequential scan that
-- calls the function once a row, the scan itself taken off, best of five.  The unit
-- is octet_length(value) = n, which costs what an empty C function costs.  Claims:
-- identity number and credit code 1.5 to 2 units, an address below 50.
\set ON_ERROR_STOP on
\timing off
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET search_path = public, crm;

CREATE TEMP TABLE bench_value (resident_id text, uscc text, phone text, card text, email text, name text, address text);
-- Valid numbers: the check characters are computed here, so that no test fails early.
CREATE FUNCTION pg_temp.resident_id(region text, born date, serial int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    WITH n AS (SELECT region || to_char(born, 'YYYYMMDD') || lpad(serial::text, 3, '0') AS digits)
    SELECT digits || substr('10X98765432', 1 + (SELECT sum(substr(digits, i, 1)::int
        * ('{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}'::int[])[i]) % 11 FROM generate_series(1, 17) i)::int, 1) FROM n
$$;
INSERT INTO bench_value
SELECT pg_temp.resident_id((ARRAY['110105', '440106', '310115', '510107', '132121', '422123'])[1 + i % 6], '1950-01-01'::date + i % 20000, i % 1000),
       '91350100M000100Y43', '138' || lpad((i * 7919 % 100000000)::text, 8, '0'), '6222021234567890128',
       'user' || i || '@example.com', (ARRAY['张三', '欧阳娜娜', '阿依夏木·热合曼', 'Mary Lee'])[1 + i % 4],
       (ARRAY['广东省广州市天河区石牌街道天河路', '四川凉山州西昌市', '北京朝阳区建国路', '河北承德市丰宁县大滩镇中山中路'])[1 + i % 4] || i || '号'
  FROM generate_series(1, 20000) i;
INSERT INTO bench_value SELECT v.* FROM bench_value v, generate_series(1, 49);
ANALYZE bench_value;

-- CPU seconds of this backend so far would need a file of the system; elapsed time
-- with everything in memory and nothing parallel is the same but for noise.
CREATE FUNCTION pg_temp.best(condition text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    best double precision := 'infinity';
    began timestamptz;
BEGIN
    FOR i IN 1..5 LOOP
        began := clock_timestamp();
        EXECUTE 'SELECT count(*) FROM bench_value WHERE ' || condition;
        best := least(best, extract(epoch FROM clock_timestamp() - began));
    END LOOP;
    RETURN best;
END $$;

WITH scan AS (SELECT pg_temp.best('true') AS seconds),
     unit AS (SELECT pg_temp.best('octet_length(resident_id) = 18') - scan.seconds AS seconds FROM scan),
     test AS (SELECT c.*, pg_temp.best(c.condition) AS gross
                FROM (VALUES (1, 'resident_id', 'resident_id_valid(resident_id)', 2.0), (2, 'uscc', 'uscc_valid(uscc)', 2.0),
                             (3, 'phone', 'phone_valid(phone)', 10), (4, 'bank_card', 'bank_card_valid(card)', 10),
                             (5, 'email', 'email_valid(email)', 20), (6, 'person_name', 'person_name_valid(name)', 20),
                             (7, 'address', '(address_parse(address)).division_code IS NOT NULL', 50)) c(n, kind, condition, claim))
SELECT kind, round((gross * 1000)::numeric) AS ns_per_row, round((gross / (scan.seconds + unit.seconds))::numeric, 2) AS ratio_with_scan,
       round(((gross - scan.seconds) / unit.seconds)::numeric, 1) AS ratio, claim,
       gross / (scan.seconds + unit.seconds) <= claim AS holds
  FROM test, scan, unit ORDER BY n;
