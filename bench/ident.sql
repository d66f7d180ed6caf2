-- Room ident measured: lines of claim, our ns a row, the peer's, ratio, bound.
-- psql -XqAt -v rows=1000000 -f bench/ident.sql, in an empty database.
--
-- A count over one table with the check in its WHERE clause, everything in memory,
-- nothing parallel; the best of five, our run and the peer's by turns. The peer is
-- octet_length(value) = n, which costs what an empty C function costs.
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET search_path = public, crm;

-- What a team without the extension writes; region and calendar left out.
CREATE FUNCTION plain_resident_id_valid(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    weight constant int[] := '{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}';
    total int := 0;
BEGIN
    IF value !~ '^[0-9]{17}[0-9X]$' THEN
        RETURN false;
    END IF;
    FOR i IN 1..17 LOOP
        total := total + substr(value, i, 1)::int * weight[i];
    END LOOP;
    RETURN substr('10X98765432', 1 + total % 11, 1) = right(value, 1);
END $$;

-- Valid numbers, so that no check ends early.
CREATE TABLE sample (resident_id text, uscc text, phone text, card text, email text, name text, address text);
INSERT INTO sample
SELECT digits || substr('10X98765432', 1 + (SELECT sum(substr(digits, i, 1)::int * ('{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}'::int[])[i]) % 11
                                              FROM generate_series(1, 17) i)::int, 1),
       '91350100M000100Y43', '138' || lpad((n * 7919 % 100000000)::text, 8, '0'), '6222021234567890128', 'user' || n || '@example.com',
       (ARRAY['张三', '欧阳娜娜', '阿依夏木·热合曼', 'Mary Lee'])[1 + n % 4],
       (ARRAY['广东省广州市天河区石牌街道天河路', '四川凉山州西昌市', '北京朝阳区建国路', '河北承德市丰宁县大滩镇中山中路'])[1 + n % 4] || n || '号'
  FROM (SELECT n, (ARRAY['110105', '440106', '310115', '510107', '132121', '422123'])[1 + n % 6]
                  || to_char('1950-01-01'::date + n % 20000, 'YYYYMMDD') || lpad((n % 1000)::text, 3, '0') AS digits
          FROM generate_series(1, 20000) n) t;
INSERT INTO sample SELECT s.* FROM sample s, generate_series(2, greatest(:rows / 20000, 1));
VACUUM ANALYZE sample;

CREATE TABLE claim (no int, what text, ours text, peer text, bound text, our_ns float8, peer_ns float8);
INSERT INTO claim VALUES
    (1, 'identity number; peer: octet_length', 'resident_id_valid(resident_id)', 'octet_length(resident_id) = 18', 'at most 1.5'),
    (2, 'identity number; peer: checksum in PL/pgSQL', 'resident_id_valid(resident_id)', 'plain_resident_id_valid(resident_id)', 'at most 0.05'),
    (3, 'credit code; peer: octet_length', 'uscc_valid(uscc)', 'octet_length(uscc) = 18', 'at most 1.5'),
    (4, 'phone; peer: octet_length', 'phone_valid(phone)', 'octet_length(phone) = 11', 'at most 3'),
    (5, 'bank card; peer: octet_length', 'bank_card_valid(card)', 'octet_length(card) = 19', 'at most 3'),
    (6, 'e-mail; peer: octet_length', 'email_valid(email)', 'octet_length(email) < 99', 'at most 3'),
    (7, 'person''s name; peer: octet_length', 'person_name_valid(name)', 'octet_length(name) < 99', 'at most 3'),
    (8, 'address taken apart; peer: octet_length', '(address_parse(address)).division_code IS NOT NULL', 'octet_length(address) < 99', 'at most 50');

DO $$
DECLARE
    c claim;
    began timestamptz;
    rows bigint;
    passed bigint;
BEGIN
    SELECT count(*) INTO rows FROM sample;
    FOR i IN 1..5 LOOP
        FOR c IN SELECT * FROM claim LOOP
            CONTINUE WHEN c.no = 2 AND i > 1; -- slow, and far from its bound
            began := clock_timestamp();
            EXECUTE 'SELECT count(*) FROM sample WHERE ' || c.ours INTO passed;
            UPDATE claim SET our_ns = least(our_ns, extract(epoch FROM clock_timestamp() - began) * 1e9 / rows) WHERE no = c.no;
            ASSERT passed = rows, c.what || ': the sample is not valid';
            began := clock_timestamp();
            EXECUTE 'SELECT count(*) FROM sample WHERE ' || c.peer INTO passed;
            UPDATE claim SET peer_ns = least(peer_ns, extract(epoch FROM clock_timestamp() - began) * 1e9 / rows) WHERE no = c.no;
        END LOOP;
    END LOOP;
END $$;
SELECT concat_ws(E'\t', what || ', ns a row', round(our_ns), round(peer_ns), round((our_ns / peer_ns)::numeric, 3), bound) FROM claim ORDER BY no;
