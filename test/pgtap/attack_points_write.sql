-- Proves: an array of operations does no harm whatever is in it: rows that lack, of a domain, compressed,
-- put together in plpgsql, of a type that somebody altered; a batch that fails at any of its rows
-- leaves nothing behind, and the session posts on; wrappers that lie about what they do, or run in
-- parallel, get a right answer or an error; names that somebody puts before ours are not ours; a
-- programme's name is it as a whole; what a publication cannot publish is refused as by the server.
SET client_min_messages = error;
SET search_path = public, crm;
SELECT no_plan();
SELECT define_points_programme('main', '积分', 'Points', free_credit => true);
CREATE FUNCTION public.op(id text, amount bigint, op text DEFAULT 'earn', class text DEFAULT NULL, ref text DEFAULT NULL) RETURNS points_op LANGUAGE sql AS
$$ SELECT ROW(id, '2026-01-02', op, 'CUST202601010001', 'CUST202601010002', 'main', amount, '2027-12-31', class, ref)::crm.points_op $$;

-- -- programmes -------------------------------------------------------------------------------

SELECT define_points_programme(repeat('p', 31), '长', 'long');
SELECT throws_ok(format($$SELECT points_earn('CUST202601010001', %L, 'p', 1)$$, repeat('p', n)), '22023', 'no such points programme', n || ' letters are not 31 of them')
  FROM unnest(ARRAY[0, 32, 100000]) n;
SELECT is((points_earn('CUST202601010001', repeat('p', 31), 'p', 1)).status, 'ok', '31 are');

-- -- arrays -------------------------------------------------------------------------------------

SELECT is((SELECT count(*) FROM points_post_batch('{}')), 0::bigint, 'none');
SELECT throws_ok($$SELECT points_post_batch(ARRAY[op('n1', 1), NULL])$$, '22004', NULL, 'a row that is not there');
SELECT is((SELECT array_agg(available) FROM points_post_batch(ARRAY[[op('d1', 1), op('d2', 1)], [op('d3', 1), op('d4', 1)]])), '{1,2,3,4}', 'in two dimensions, one after the other');
CREATE DOMAIN public.checked_op AS points_op CHECK ((VALUE).amount > 0);
SELECT is((SELECT status FROM points_post_batch((ARRAY[op('dom', 1)]::public.checked_op[])::points_op[])), 'ok', 'of a domain');
CREATE TABLE public.waiting (ops points_op[]);
INSERT INTO public.waiting SELECT array_agg(op('t' || n, n, class => repeat('c', 15), ref => repeat('r', 3000)) ORDER BY n) FROM generate_series(1, 1200) n;
SELECT is((SELECT max(available) FROM public.waiting, points_post_batch(ops)), 5 + 1200 * 1201 / 2::bigint, 'compressed and out of line');
DROP TABLE public.waiting;
DROP DOMAIN public.checked_op;
SELECT lives_ok($test$DO $$
DECLARE
    ops points_op[];
    one points_op := op('x', 1);
BEGIN
    FOR i IN 1 .. 50 LOOP
        one.request_id := 'pl' || i;
        ops[i] := one;
    END LOOP;
    PERFORM points_post_batch(ops);
    ops[3].amount := 99;
    IF (SELECT array_agg(status) FROM points_post_batch(ops[2:4])) <> '{replay,idem_conflict,replay}' THEN
        RAISE 'an array that plpgsql keeps unpacked was misread';
    END IF;
END $$$test$, 'put together in plpgsql');
-- The type is the extension's, but a superuser can alter it.
SELECT throws_ok(format($test$DO $$ BEGIN ALTER TYPE crm.points_op %s; PERFORM points_post_batch(ARRAY[%s]::points_op[]); END $$$test$, change, line), 'XX000', NULL, change)
  FROM (VALUES ('ADD ATTRIBUTE more text', $$ROW('alt', '2026-01-02', 'earn', 'CUST202601010001', NULL, 'main', 1, NULL, NULL, NULL, 'x')$$),
               ('ADD ATTRIBUTE more int, ADD ATTRIBUTE still int', $$ROW('alt', '2026-01-02', 'earn', 'CUST202601010001', NULL, 'main', 1, NULL, NULL, NULL, 1, 1)$$),
               ('DROP ATTRIBUTE class', $$ROW('alt', '2026-01-02', 'earn', 'CUST202601010001', NULL, 'main', 1, NULL, NULL)$$),
               ('ALTER ATTRIBUTE ref TYPE int', $$ROW('alt', '2026-01-02', 'reverse_earn', 'CUST202601010001', NULL, 'main', 1, NULL, NULL, 5)$$),
               ('ALTER ATTRIBUTE amount TYPE text', $$ROW('alt', '2026-01-02', 'earn', 'CUST202601010001', NULL, 'main', 'x', NULL, NULL, NULL)$$)) v (change, line);

-- -- errors in the middle --------------------------------------------------------------------------

-- At each row an error of each kind, caught; then the session posts as if nothing had been.
CREATE FUNCTION public.fail_at(place integer, kind integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id text := place || '.' || kind || '.';
    ops points_op[] := ARRAY(SELECT op(id || i, i, CASE WHEN i % 7 = 3 THEN 'redeem' WHEN i % 9 = 4 THEN 'transfer' WHEN i % 11 = 5 THEN 'reverse_earn' ELSE 'earn' END, ref => id || i - 1) FROM generate_series(1, 30) i);
BEGIN
    IF kind = 1 THEN ops[place] := NULL;
    ELSIF kind = 2 THEN ops[place].amount := 9223372036854775807; ops[place].op := 'earn';
    ELSIF kind = 3 THEN ops[place].programme := 'none';
    END IF;
    PERFORM points_post_batch(ops);
    RAISE 'undone';
EXCEPTION WHEN OTHERS THEN
    PERFORM points_earn('CUST202601010001', 'main', 'after ' || id, 1, business_date => '2026-01-02');
    RETURN sqlstate;
END
$$;
CREATE FUNCTION public.journal() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM crm_data.points_journal';
SELECT journal() AS before \gset
SELECT is((SELECT array_agg(state ORDER BY kind) FROM (SELECT kind, string_agg(DISTINCT fail_at(place, kind), ',') AS state FROM generate_series(1, 30) place, generate_series(1, 4) kind GROUP BY kind) s),
    '{22004,22003,22023,P0001}', 'each error is told');
SELECT is(journal() - :before, 120::bigint, 'and leaves nothing');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

-- -- wrappers -----------------------------------------------------------------------------------------

CREATE TABLE public.number AS SELECT n FROM generate_series(1, 10) n;
CREATE FUNCTION public.stable_earn(n int) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT (crm.points_earn('CUST202601010003', 'main', 'st' || n, 1)).available $$;
SELECT is((SELECT array_agg(stable_earn(n) ORDER BY n) FROM public.number), '{1,2,3,4,5,6,7,8,9,10}', 'a function that is not as stable as it says posts each time');
CREATE FUNCTION public.parallel_earn(n int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN (crm.points_earn('CUST202601010003', 'main', 'pa' || n, 1)).status; END $$;
CREATE FUNCTION public.parallel_batch(n int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN (SELECT min(status) FROM crm.points_post_batch(ARRAY[public.op('pb' || n, 1), public.op('pc' || n, 1)])); END $$;
-- The setting has another name from 16 on.
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS always_parallel \gset
SET :always_parallel = on;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT throws_matching('SELECT parallel_earn(n) FROM public.number', 'parallel', 'a worker of a parallel plan posts nothing');
SELECT throws_matching('SELECT parallel_batch(n) FROM public.number', 'parallel', 'nor many');
RESET :always_parallel;
SELECT is((SELECT array_agg(DISTINCT parallel_earn(n)) FROM public.number), '{ok}', 'its leader may');

-- -- names before ours ------------------------------------------------------------------------------------

CREATE ROLE crm_test_shadow;
GRANT crm_writer TO crm_test_shadow;
GRANT CREATE ON SCHEMA public TO crm_test_shadow;
SET ROLE crm_test_shadow;
CREATE TEMPORARY TABLE points_account (customer_code text, programme text, state text);
CREATE TEMPORARY TABLE points_journal (x int);
CREATE TEMPORARY TABLE points_programme (programme text, redeem_min int);
CREATE TEMPORARY TABLE points_standing (customer_code text, arrears boolean, left_on date);
CREATE TEMPORARY TABLE pg_roles (rolname name, rolsuper boolean);
CREATE FUNCTION public.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE FUNCTION public.trap(crm.customer_code, crm.customer_code) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.trap);
CREATE OPERATOR public.>= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
CREATE OPERATOR public.= (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = public.trap);
CREATE FUNCTION public.points_records(crm.customer_code) RETURNS SETOF crm.customer_code LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE FUNCTION public.shadowed(way text) RETURNS text LANGUAGE plpgsql SET search_path = pg_temp, public, pg_catalog AS $$
BEGIN
    PERFORM crm.points_earn('CUST202601010004', 'main', way || 'e', 2000, business_date => '2026-01-02'), crm.points_redeem('CUST202601010004', 'main', way || 'r', 10, '2026-01-02'),
            crm.points_reverse('CUST202601010004', 'main', way || 'v', way || 'r', business_date => '2026-01-02'), crm.points_lock('CUST202601010004', 'main', way || 'l'),
            crm.points_unlock('CUST202601010004', 'main', way || 'u'), crm.points_statement('CUST202601010004', 'main', '2026-01-01', '2026-01-31');
    RETURN (crm.points_transfer('CUST202601010004', 'CUST202601010003', 'main', way || 't', 2000)).available::pg_catalog.text;
END
$$;
SELECT lives_ok($$SELECT public.shadowed('direct ')$$, 'nothing of theirs is taken for ours');
RESET ROLE;
SET crm.points_write_path = sql;
SET ROLE crm_test_shadow;
SELECT lives_ok($$SELECT public.shadowed('sql ')$$, 'nor through SQL');
RESET ROLE;
RESET crm.points_write_path;
DISCARD PLANS;
SELECT is((points_redeem('CUST202601010003', 'main', 'discarded', 20, '2026-01-02')).status, 'ok', 'nor is anything missed that the session had put by');
DROP OWNED BY crm_test_shadow CASCADE;
DROP ROLE crm_test_shadow;

-- -- publications --------------------------------------------------------------------------------------------

-- A filter or a list of columns without the key makes an update an error, as a subscriber could not find the row.
CREATE FUNCTION public.published(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE PUBLICATION told FOR TABLE ' || what;
    RETURN crm.points_write_path() || ' ' || (crm.points_earn('CUST202601010003', 'main', what, 1)).status;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END
$$;
SELECT is(published('crm_data.points_account, crm_data.points_journal'), 'direct ok', 'whole tables are published');
DROP PUBLICATION told;
SELECT is(published('crm_data.points_account WHERE (seq > 0)'), '42P10', 'a filter that is not on the key is refused');
SELECT is(published('crm_data.points_account (seq, state)'), '42P10', 'and columns without it');
SELECT is(crm.points_write_path(), 'direct', 'and nothing of it stays');

SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
SELECT * FROM finish();
