-- Room ident measured: lines of claim, our ns a row, the peer's, ratio, bound.
-- psql -XqAt -v rows=1000000 -v noop=FILE -f bench/ident.sql, in an empty database;
-- FILE is bench/ident/noop.c, compiled.
--
-- A count over one table with the check in its WHERE clause, everything in memory,
-- nothing parallel. Our run and the peer's by turns, 25 short ones of each, and the
-- best of them: what other programs do meanwhile falls on some turns and not on all.
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET search_path = public, crm;

CREATE FUNCTION noop(text) RETURNS boolean AS :'noop', 'bench_noop' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- The peers in PL/pgSQL: the same rules, as a careful author writes them without C.
-- What is cheap is tested first, nothing raises, and the look-up is an index's.
CREATE TEMP TABLE division AS
SELECT code FROM (SELECT lpad(n::text, 6, '0') AS code FROM generate_series(110000, 830000) n) t
 WHERE division_code_valid(code) AND division_name(code::division_code) IS NOT NULL;
ALTER TABLE division ADD PRIMARY KEY (code);
ANALYZE division;

CREATE FUNCTION plain_fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN upper(translate(value, '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ'
                                  || E'- \t\r\n\u00a0\u2002\u2003\u2009\u200b\u3000\ufeff\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d',
                                  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ'));
END $$;

CREATE FUNCTION plain_resident_id_valid(value text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    weight constant int[] := '{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}';
    number text := plain_fold(value);
    total int := 0;
    born_year int;
    born_month int;
    born_day int;
BEGIN
    IF number ~ '^[0-9]{15}$' THEN
        number := substr(number, 1, 6) || '19' || substr(number, 7);
    ELSIF number !~ '^[0-9]{17}[0-9X]$' THEN
        RETURN false;
    END IF;
    born_year := substr(number, 7, 4);
    born_month := substr(number, 11, 2);
    born_day := substr(number, 13, 2);
    IF born_year NOT BETWEEN 1900 AND 2030 OR born_month NOT BETWEEN 1 AND 12 OR born_day < 1
       OR born_day > (CASE WHEN born_month = 2 THEN CASE WHEN born_year % 4 = 0 AND (born_year % 100 <> 0 OR born_year % 400 = 0) THEN 29 ELSE 28 END
                          WHEN born_month IN (4, 6, 9, 11) THEN 30 ELSE 31 END) THEN
        RETURN false;
    END IF;
    IF length(number) = 18 THEN
        FOR i IN 1..17 LOOP
            total := total + substr(number, i, 1)::int * weight[i];
        END LOOP;
        IF substr('10X98765432', 1 + total % 11, 1) <> right(number, 1) THEN
            RETURN false;
        END IF;
    END IF;
    RETURN EXISTS (SELECT FROM division WHERE code = substr(number, 1, 6));
END $$;

CREATE FUNCTION plain_uscc_valid(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    alphabet constant text := '0123456789ABCDEFGHJKLMNPQRTUWXY';
    weight constant int[] := '{1,3,9,27,19,26,16,17,20,29,25,13,8,24,10,30,28}';
    number text := plain_fold(value);
    total int := 0;
BEGIN
    IF number !~ '^[1-9ANY][0-9A-HJ-NP-RTUWXY][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}$' THEN
        RETURN false;
    END IF;
    FOR i IN 1..17 LOOP
        total := total + (strpos(alphabet, substr(number, i, 1)) - 1) * weight[i];
    END LOOP;
    RETURN substr(alphabet, 1 + (31 - total % 31) % 31, 1) = right(number, 1);
END $$;

-- Valid numbers, so that no check ends early; a key in front, as tables have.
CREATE TABLE sample (id int, resident_id text, uscc text, phone text, card text, email text, name text, address text);
INSERT INTO sample
SELECT n, digits || substr('10X98765432', 1 + (SELECT sum(substr(digits, i, 1)::int * ('{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}'::int[])[i]) % 11
                                              FROM generate_series(1, 17) i)::int, 1),
       body || substr('0123456789ABCDEFGHJKLMNPQRTUWXY',
                      1 + (31 - (SELECT sum((strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(body, i, 1)) - 1)
                                            * ('{1,3,9,27,19,26,16,17,20,29,25,13,8,24,10,30,28}'::int[])[i]) % 31
                                   FROM generate_series(1, 17) i)::int) % 31, 1),
       CASE n % 4 WHEN 0 THEN '0571-8' || lpad((n * 7919 % 10000000)::text, 7, '0')
                  WHEN 1 THEN '+86 139 ' || lpad((n * 31 % 10000)::text, 4, '0') || ' ' || lpad((n * 7919 % 10000)::text, 4, '0')
                  ELSE '138' || lpad((n * 7919 % 100000000)::text, 8, '0') END,
       '6222021234567890128', 'user' || n || '@example.com',
       (ARRAY['张三', '欧阳娜娜', '阿依夏木·热合曼', 'Mary Lee'])[1 + n % 4],
       (ARRAY['广东省广州市天河区石牌街道天河路', '四川凉山州西昌市', '北京朝阳区建国路', '河北承德市丰宁县大滩镇中山中路'])[1 + n % 4] || n || '号'
  FROM (SELECT n, region || to_char('1950-01-01'::date + n % 20000, 'YYYYMMDD') || lpad((n % 1000)::text, 3, '0') AS digits,
               '91' || region || 'MA' || lpad((n * 104729 % 1000000)::text, 6, '0') || (n % 10) AS body
          FROM (SELECT n, (ARRAY['110105', '440106', '310115', '510107', '132121', '422123'])[1 + n % 6] AS region
                  FROM generate_series(1, 20000) n) r) t;
INSERT INTO sample SELECT s.* FROM sample s, generate_series(2, greatest(:rows / 20000, 1));
VACUUM ANALYZE sample;

CREATE TABLE claim (no int, what text, ours text, peer text, bound text, our_ns float8, peer_ns float8);
INSERT INTO claim VALUES
    (1, 'identity number; peer: empty C function', 'resident_id_valid(resident_id)', 'noop(resident_id)', 'at most 1.5'),
    (2, 'identity number; peer: the rule in PL/pgSQL', 'resident_id_valid(resident_id)', 'plain_resident_id_valid(resident_id)', 'at most 0.0125'),
    (3, 'credit code; peer: empty C function', 'uscc_valid(uscc)', 'noop(uscc)', 'at most 1.5'),
    (4, 'credit code; peer: the rule in PL/pgSQL', 'uscc_valid(uscc)', 'plain_uscc_valid(uscc)', 'at most 0.0125'),
    (5, 'address taken apart; peer: empty C function', '(address_parse(address)).division_code IS NOT NULL', 'noop(address)', 'at most 50'),
    (6, 'phone; peer: empty C function', 'phone_valid(phone)', 'noop(phone)', 'at most 3'),
    (7, 'bank card; peer: empty C function', 'bank_card_valid(card)', 'noop(card)', 'at most 3'),
    (8, 'e-mail; peer: empty C function', 'email_valid(email)', 'noop(email)', 'at most 3'),
    (9, 'person''s name; peer: empty C function', 'person_name_valid(name)', 'noop(name)', 'at most 3');

-- PL/pgSQL is measured on 5,000 of the rows: it is slow, and a row costs it the same.
CREATE TABLE few AS SELECT * FROM sample LIMIT 5000;
VACUUM ANALYZE few;

CREATE FUNCTION ns_a_row(condition text, source regclass) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    passed bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s WHERE %s', source, condition) INTO passed;
    RETURN extract(epoch FROM clock_timestamp() - began) * 1e9 / passed;
END $$;

DO $$
DECLARE
    c claim;
    all_rows bigint;
    passed bigint;
BEGIN
    SELECT count(*) INTO all_rows FROM sample;
    FOR c IN SELECT * FROM claim LOOP
        EXECUTE 'SELECT count(*) FROM sample WHERE ' || c.ours INTO passed;
        ASSERT passed = all_rows, c.what || ': the sample is not valid';
    END LOOP;
    FOR i IN 1..25 LOOP
        FOR c IN SELECT * FROM claim LOOP
            UPDATE claim SET our_ns = least(our_ns, ns_a_row(c.ours, 'sample')) WHERE no = c.no;
            UPDATE claim SET peer_ns = least(peer_ns, ns_a_row(c.peer, CASE WHEN c.peer ~ '^plain' THEN 'few' ELSE 'sample' END::regclass)) WHERE no = c.no;
        END LOOP;
    END LOOP;
END $$;
SELECT concat_ws(E'\t', what || ', ns a row', round(our_ns), round(peer_ns), round((our_ns / peer_ns)::numeric, 4), bound) FROM claim ORDER BY no;
