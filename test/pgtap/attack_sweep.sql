-- Proves: no argument of any function, procedure or aggregate of schema crm brings the server down,
-- makes it hang, or meets a check that should never fail (SQLSTATE XX...). Each one gets null, edges of
-- its types, empty, nested and null-ridden arrays and rows, one argument at a time and all by chance.
\set QUIET on
SET client_min_messages = error;
SET statement_timeout = '60s';
SET crm.score_fit_memory = '4MB';
BEGIN;
SELECT plan(4);

CREATE TEMP TABLE hostile (type text, value text);
INSERT INTO hostile VALUES
    ('text', ''''''), ('text', '''a'''), ('text', '''CUST202601010001'''), ('text', '''18''''"; --'''), ('text', 'repeat(''字'', 70000)'),
    ('text', '''%s%n%I'''), ('text', '''points'''), ('text', '''{'''), ('text', 'E''\u00a0\u200b\ufeff\uffff'''), ('text', '''NaN'''),
    ('name', '''a"b'''), ('name', 'repeat(''n'', 63)'), ('cstring', ''''''), ('cstring', '''zz'''),
    ('integer', '0'), ('integer', '-1'), ('integer', '1'), ('integer', '2147483647'), ('integer', '(-2147483647 - 1)'),
    ('smallint', '0'), ('smallint', '32767'), ('smallint', '(-32767 - 1)::int2'),
    ('bigint', '0'), ('bigint', '7'), ('bigint', '9223372036854775807'), ('bigint', '(-9223372036854775807 - 1)'),
    ('double precision', '''NaN'''), ('double precision', '''Infinity'''), ('double precision', '''-Infinity'''), ('double precision', '''-0'''),
    ('double precision', '1e308'), ('double precision', '5e-324'), ('double precision', '0.5'), ('double precision', '-3'),
    ('real', '''NaN'''), ('real', '3e38'),
    ('numeric', '''NaN'''), ('numeric', '''Infinity'''), ('numeric', '1e130000'), ('numeric', '1e-16000'), ('numeric', '0'), ('numeric', '-7.5'),
    ('boolean', 'true'), ('boolean', 'false'),
    ('date', '''infinity'''), ('date', '''-infinity'''), ('date', '''5874897-12-31'''), ('date', '''4714-11-24 BC'''), ('date', '''2026-02-28'''),
    ('timestamp with time zone', '''infinity'''), ('timestamp with time zone', '''4714-11-24 00:00:00+00 BC'''), ('timestamp with time zone', '''294276-12-31'''),
    ('timestamp without time zone', '''-infinity'''), ('interval', '''178000000 years'''), ('interval', '''-1 second'''),
    ('daterange', '''empty'''), ('daterange', '''(,)'''), ('tstzrange', '''empty'''), ('tstzrange', '''(,)'''),
    ('bytea', ''''''), ('bytea', '''\x00'''), ('bytea', '''\xffffffffffffffffffffffffffffffffffff'''), ('bytea', 'decode(repeat(''80'', 70000), ''hex'')'),
    ('jsonb', '''{}'''), ('jsonb', '''[]'''), ('jsonb', '''null'''), ('jsonb', '''[null, [[]], {"a": {"b": [1e400]}}]'''), ('jsonb', '''{"a": "b", "kind": 7}'''), ('jsonb', '''3'''),
    ('json', '''[{}]'''), ('regclass', '''pg_class'''), ('regclass', '0'), ('regclass', '''crm_data.customer'''), ('oid', '0'), ('oid', '4294967295'),
    ('regtype', '''text'''), ('regtype', '0'), ('uuid', '''00000000-0000-0000-0000-000000000000'''), ('tid', '''(4294967295,65535)'''),
    ('"char"', '''x'''), ('inet', '''0.0.0.0/0'''), ('anyelement', '7'), ('anyarray', 'ARRAY[7]'), ('anynonarray', '7'), ('"any"', '7'), ('record', 'ROW()'), ('record', 'ROW(1, NULL)'),
    ('crm.customer_code', '''CUST202601010001'''), ('crm.customer_code', '''CUST20261231999999'''), ('crm.division_code', '''110101'''),
    ('crm.unified_social_credit_code', '''91350100M000100Y43'''), ('crm.phone', '''+8613800138000'''), ('crm.email', '''a@example.com'''),
    ('crm.person_name', '''王小明'''), ('crm.postal_address', '''北京市东城区东华门街道1号'''), ('crm.private_text', '''secret'''), ('crm.id_number', '''11010519491231002X'''),
    ('crm.bank_card', '''4111111111111111''');
-- A type's text form that it does not take itself is no value here.
DELETE FROM hostile h WHERE to_regtype(h.type) IS NULL;

-- Values of any type as SQL: of the table, of arrays and rows by their parts.
CREATE FUNCTION pg_temp.hostile_values(wanted oid, depth integer DEFAULT 0) RETURNS text[]
    LANGUAGE plpgsql AS $$
DECLARE
    t pg_type := (SELECT t FROM pg_type t WHERE t.oid = wanted);
    label text := format_type(wanted, NULL);
    element text[];
    found text[];
BEGIN
    IF label = 'internal' OR t.typtype = 'p' AND NOT EXISTS (SELECT FROM hostile h WHERE to_regtype(h.type) = wanted) THEN
        RETURN CASE WHEN label IN ('trigger', 'event_trigger') THEN '{}' ELSE ARRAY['NULL'] END;
    ELSIF t.typcategory = 'A' AND t.typelem <> 0 AND t.typtype = 'b' THEN
        element := pg_temp.hostile_values(t.typelem, depth + 1);
        RETURN ARRAY[format('NULL::%s', label), format('''{}''::%s', label), format('ARRAY[NULL, NULL]::%s', label), format('ARRAY[ARRAY[%s], ARRAY[NULL]]::%s', element[2], label),
                     format('array_fill(%s::%s, ARRAY[3], ARRAY[-1])', element[2], format_type(t.typelem, NULL)),
                     format('array_fill(NULL::%s, ARRAY[1000])', format_type(t.typelem, NULL))]
            || ARRAY(SELECT format('ARRAY[%s]::%s', e, label) FROM unnest(element) e)
            || format('ARRAY[%s]::%s', array_to_string(element, ', '), label);
    ELSIF t.typtype = 'c' THEN
        IF depth > 2 THEN RETURN ARRAY[format('NULL::%s', label)]; END IF;
        SELECT ARRAY[format('NULL::%s', label), format('ROW(%s)::%s', string_agg('NULL', ', ' ORDER BY a.attnum), label)]
               || ARRAY(SELECT format('ROW(%s)::%s', string_agg(v[1 + (n * 7 + attnum) % cardinality(v)], ', ' ORDER BY attnum), label)
                          FROM generate_series(1, 12) n,
                               (SELECT b.attnum, pg_temp.hostile_values(b.atttypid, depth + 1) v FROM pg_attribute b WHERE b.attrelid = t.typrelid AND b.attnum > 0 AND NOT b.attisdropped OFFSET 0) parts
                         GROUP BY n)
          INTO found FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped;
        RETURN found;
    ELSIF t.typtype = 'e' THEN
        RETURN ARRAY[format('NULL::%s', label)] || ARRAY(SELECT format('%L::%s', e.enumlabel, label) FROM pg_enum e WHERE e.enumtypid = wanted);
    ELSIF t.typtype = 'd' THEN
        RETURN ARRAY(SELECT v FROM unnest(pg_temp.hostile_values(t.typbasetype, depth)) v);
    END IF;
    RETURN ARRAY[CASE t.typtype WHEN 'p' THEN 'NULL' ELSE format('NULL::%s', label) END]
        || ARRAY(SELECT CASE WHEN t.typtype = 'p' AND label <> 'cstring' THEN h.value ELSE format('%s::%s', h.value, label) END FROM hostile h WHERE to_regtype(h.type) = wanted);
END
$$;

CREATE TEMP TABLE victim AS
SELECT p.oid, p.prokind AS kind, p.oid::regprocedure::text AS signature, p.pronargs AS n, p.proargtypes::oid[] AS types, p.prorettype::regtype::text AS returns
  FROM pg_proc p
 WHERE p.pronamespace = 'crm'::regnamespace AND p.prokind IN ('f', 'p', 'a')
   -- The first two make the schema and the key anew; the others, for the owner alone, as many rows as a number says.
   AND p.proname !~ '^deploy|^key_generate$|^code_(free_stripes|take_striped|take)$';

CREATE TEMP TABLE outcome (signature text, state text, message text, statement text);

CREATE FUNCTION pg_temp.attack(signature text, statement text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        EXECUTE statement;
        INSERT INTO outcome VALUES (signature, '00000');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
        INSERT INTO outcome VALUES (signature, SQLSTATE, said, left(statement, 500));
    END;
END
$$;

CREATE FUNCTION pg_temp.call(v victim, arguments text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    list text := array_to_string(arguments, ', ');
    named text := format('crm.%I', (SELECT p.proname FROM pg_proc p WHERE p.oid = v.oid));
BEGIN
    IF v.kind = 'p' THEN
        PERFORM pg_temp.attack(v.signature, format('CALL %s(%s)', named, list));
    ELSIF v.kind = 'a' AND v.n > 0 THEN
        PERFORM pg_temp.attack(v.signature, format('SELECT %s(%s) FROM generate_series(1, 2)', named, list));
    ELSE
        PERFORM pg_temp.attack(v.signature, format('SELECT (SELECT %s(%s)::text)', named, list));
    END IF;
END
$$;

SELECT setseed(0.7);
DO $sweep$
DECLARE
    v victim;
    choices text[][];
    plain text[];
    chosen text[];
    parts jsonb;
    value text;
BEGIN
    FOR v IN SELECT * FROM victim ORDER BY signature LOOP
        SELECT jsonb_agg(to_jsonb(pg_temp.hostile_values(t)) ORDER BY i) INTO parts FROM unnest(v.types) WITH ORDINALITY u (t, i);
        IF v.n = 0 THEN PERFORM pg_temp.call(v, '{}'); CONTINUE; END IF;
        SELECT array_agg('NULL' || CASE WHEN t::regtype::text IN ('internal', 'cstring') OR (SELECT typtype FROM pg_type WHERE oid = t) = 'p' THEN '' ELSE '::' || format_type(t, NULL) END ORDER BY i),
               array_agg(coalesce(parts -> (i - 1)::int ->> 1, 'NULL') ORDER BY i)
          INTO chosen, plain FROM unnest(v.types) WITH ORDINALITY u (t, i);
        PERFORM pg_temp.call(v, chosen);
        PERFORM pg_temp.call(v, plain);
        FOR i IN 1 .. v.n LOOP
            FOR value IN SELECT jsonb_array_elements_text(parts -> (i - 1)) LOOP
                PERFORM pg_temp.call(v, plain[:i - 1] || value || plain[i + 1:]);
            END LOOP;
        END LOOP;
        FOR k IN 1 .. least(20, 4 * v.n) LOOP
            SELECT array_agg(coalesce(parts -> i ->> floor(random() * jsonb_array_length(parts -> i))::int, 'NULL') ORDER BY i) INTO chosen FROM generate_series(0, v.n - 1) i;
            PERFORM pg_temp.call(v, chosen);
        END LOOP;
    END LOOP;
END
$sweep$;
\o
SELECT cmp_ok((SELECT count(DISTINCT signature) FROM outcome), '=', (SELECT count(*) FROM victim), 'every function, procedure and aggregate was called');
SELECT cmp_ok((SELECT count(*) FROM outcome), '>', 10000::bigint, 'with more than 10,000 hostile calls');
SELECT cmp_ok((SELECT count(*) FROM outcome WHERE state = '00000'), '>', 3000::bigint, 'of which many are carried out, so the sweep gets past the first check');
SELECT is_empty($$SELECT DISTINCT signature, state, message, min(statement) FROM outcome WHERE state LIKE 'XX%' AND message <> 'called outside of an aggregate' GROUP BY 1, 2, 3 ORDER BY 1$$,
                'and none meets an internal error');
SELECT * FROM finish();
ROLLBACK;
