-- Proves: below SQL and through SQL the postings write the same; below SQL nothing is lost of
-- what the executor would do: rights, read-only transactions, savepoints, several postings in
-- one statement and inside triggers, the generated column, the guards. Whatever somebody adds
-- to the tables (a trigger, a check, a policy, a rule, a column, an index of another kind)
-- makes postings go through SQL, where it takes effect, and says so.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;

SELECT is(points_write_path(), 'direct', 'as deployed, postings go below SQL');

-- -- the same by both ways ------------------------------------------------------------------

-- One story for two customers, one by each way: every kind of operation, refused ones too.
CREATE TEMPORARY TABLE step (n serial, call text);
INSERT INTO step (call) VALUES
    ($$points_earn(%1$L, 'main', 'a', 100, '2026-06-30', NULL, '2026-01-01')$$), ($$points_gift(%1$L, 'main', 'b', 50, '2026-03-31', 'gift', '2026-01-02')$$),
    ($$points_redeem(%1$L, 'main', 'c', 60, '2026-01-03')$$), ($$points_redeem(%1$L, 'main', 'c', 60, '2026-01-04')$$),
    ($$points_redeem(%1$L, 'main', 'c', 61, '2026-01-04')$$), ($$points_reverse(%1$L, 'main', 'd', 'c', 20, '2026-01-05')$$),
    ($$points_freeze(%1$L, 'main', 'e', 40, '2026-01-06')$$), ($$points_capture(%1$L, 'main', 'f', 'e', 15, '2026-01-07')$$),
    ($$points_unfreeze(%1$L, 'main', 'g', 'e', NULL, '2026-07-01')$$), ($$points_reverse(%1$L, 'main', 'h', 'f', NULL, '2026-07-02')$$),
    ($$points_redeem(%1$L, 'main', 'i', 1000, '2026-07-02')$$), ($$points_adjust(%1$L, 'main', 'j', 30, NULL, NULL, '2026-07-03')$$),
    ($$points_adjust(%1$L, 'main', 'k', -10, NULL, NULL, '2026-07-03')$$), ($$points_lock(%1$L, 'main', 'l', '2026-07-04')$$),
    ($$points_redeem(%1$L, 'main', 'm', 1, '2026-07-04')$$), ($$points_unlock(%1$L, 'main', 'n', '2026-07-04')$$),
    ($$points_reverse(%1$L, 'main', 'o', 'j', NULL, '2026-07-05')$$), ($$points_earn(%1$L, 'main', 'p', 5, '2027-12-31', 'B', '2026-07-06')$$),
    ($$points_transfer(%1$L, 'CUST202603010001', 'main', 'q ' || %1$L, 2, '2026-07-07')$$), ($$points_earn(%1$L, 'main', repeat('x', 200), 5, 'infinity', NULL, '2026-07-06')$$);
CREATE FUNCTION pg_temp.tell(way text, code text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s record;
    answer text;
BEGIN
    PERFORM set_config('crm.points_write_path', way, true);
    FOR s IN SELECT call FROM step ORDER BY n LOOP
        BEGIN
            EXECUTE format('SELECT ' || format(s.call, code) || '::text') INTO answer;
        EXCEPTION WHEN OTHERS THEN
            answer := sqlstate || ' ' || sqlerrm;
        END;
        RETURN NEXT answer;
    END LOOP;
    PERFORM set_config('crm.points_write_path', 'auto', true);
END
$$;
SELECT results_eq($$SELECT * FROM pg_temp.tell('auto', 'CUST202601010001')$$, $$SELECT * FROM pg_temp.tell('sql', 'CUST202601010002')$$, 'both ways give the same answers and errors');
SELECT cmp_ok((SELECT count(*) FROM crm_data.points_journal), '>', 30::bigint, 'there was something to compare');
CREATE FUNCTION pg_temp.entries(code text) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT replace((j.seq, j.amount, j.available, j.posted_at, j.business_date, j.expires_on, j.held, j.debt, j.counterparty, j.rule_version, j.is_rest,
                   j.request_id, j.programme, j.kind, j.ref, j.class, j.delta)::text, $1, '*') FROM crm_data.points_journal j WHERE j.customer_code = $1::customer_code ORDER BY j.seq $$;
SELECT results_eq($$SELECT * FROM pg_temp.entries('CUST202601010001')$$, $$SELECT * FROM pg_temp.entries('CUST202601010002')$$, 'the same entries, field by field');
SELECT results_eq($$SELECT seq, next_due, status, programme, state, chain IS NULL FROM crm_data.points_account WHERE customer_code = 'CUST202601010001'$$,
                  $$SELECT seq, next_due, status, programme, state, chain IS NULL FROM crm_data.points_account WHERE customer_code = 'CUST202601010002'$$, 'and the same account');
SELECT is_empty('SELECT * FROM points_audit()', 'the chains hold, the generated column is what the server would make of it');
SELECT is_empty($$SELECT FROM crm_data.points_account WHERE next_due IS DISTINCT FROM next_expiry(state)$$, 'next_due is generated below SQL as by the server');

-- -- a large batch -----------------------------------------------------------------------------

-- Below SQL entries are kept and written hundreds at a time. Between them stand refusals, what
-- refers to an entry, a name that was taken before and one that the batch itself takes twice.
CREATE FUNCTION pg_temp.large(scheme text) RETURNS points_op[] LANGUAGE sql AS $$
    SELECT array_agg(ROW(CASE n WHEN 700 THEN 'taken' WHEN 1333 THEN 'n1300' ELSE 'n' || n END, '2026-01-02',
               CASE WHEN n % 97 = 0 THEN 'redeem' WHEN n % 16 = 3 THEN 'redeem' WHEN n > 900 THEN 'earn' WHEN n % 16 = 5 THEN 'freeze' WHEN n % 16 = 6 THEN 'unfreeze' WHEN n % 16 = 9 THEN 'transfer'
                    WHEN n % 64 = 1 THEN 'lock' WHEN n % 64 = 12 THEN 'unlock' ELSE 'earn' END,
               scheme || n / 40 % 3 + 1, scheme || (n / 40 + 1) % 3 + 1, 'main', CASE WHEN n % 97 = 0 THEN 1000000 ELSE n % 5 + 1 END,
               CASE WHEN n > 900 THEN '2027-01-01'::date ELSE '2026-06-30'::date + n % 250 END, CASE WHEN n % 7 = 0 THEN 'gift' END, 'n' || n - 1)::points_op ORDER BY n)
      FROM generate_series(1, 1800) n $$;
CREATE FUNCTION pg_temp.large_answers(way text, scheme text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('crm.points_write_path', way, true), points_earn((scheme || c)::customer_code, 'main', 'taken', 1, business_date => '2026-01-01') FROM generate_series(1, 3) c;
    RETURN QUERY SELECT p::text FROM points_post_batch(pg_temp.large(scheme)) p;
    PERFORM set_config('crm.points_write_path', 'auto', true);
END
$$;
CREATE FUNCTION pg_temp.large_entries(scheme text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT (right(customer_code::text, 1), seq, kind, amount, available, held, debt, ref LIKE 'n%', expires_on, class, delta)::text
      FROM crm_data.points_journal WHERE customer_code::text LIKE scheme || '_' ORDER BY customer_code, seq $$;
CREATE TEMPORARY TABLE large AS SELECT answer, n FROM pg_temp.large_answers('auto', 'CUST20260301000') WITH ORDINALITY a(answer, n);
SELECT results_eq('SELECT answer FROM large ORDER BY n', $$SELECT * FROM pg_temp.large_answers('sql', 'CUST20260302000')$$, 'a large batch has the same answers by both ways');
SELECT is((SELECT array_agg(DISTINCT split_part(answer, ',', 2) ORDER BY split_part(answer, ',', 2)) FROM large), '{idem_conflict,insufficient,locked,not_found,ok,over_reversal}', 'of many kinds');
SELECT results_eq($$SELECT * FROM pg_temp.large_entries('CUST20260301000')$$, $$SELECT * FROM pg_temp.large_entries('CUST20260302000')$$, 'and writes the same entries');
SELECT results_eq($$SELECT (seq, next_due, status, state)::text FROM crm_data.points_account WHERE customer_code::text LIKE 'CUST20260301000_' ORDER BY customer_code$$,
    $$SELECT (seq, next_due, status, state)::text FROM crm_data.points_account WHERE customer_code::text LIKE 'CUST20260302000_' ORDER BY customer_code$$, 'and the same accounts');
SELECT results_eq($$SELECT status, count(*) FROM points_post_batch((SELECT array_agg((pg_temp.large('CUST20260301000'))[n] ORDER BY n) FROM large WHERE answer LIKE '%,ok,%')) GROUP BY 1$$,
    $$SELECT 'replay', count(*) FROM large WHERE answer LIKE '%,ok,%'$$, 'what it posted is not posted again');
SELECT results_eq($$SELECT * FROM pg_temp.large_entries('CUST20260301000')$$, $$SELECT * FROM pg_temp.large_entries('CUST20260302000')$$, 'indeed nothing');
SELECT is_empty('SELECT * FROM points_audit()', 'and the books are in balance');

-- -- within a transaction ----------------------------------------------------------------------

SELECT is((SELECT array_agg((points_earn('CUST202601020001', 'main', 's' || n, n, business_date => '2026-01-01')).available ORDER BY n) FROM generate_series(1, 5) n),
    '{1,3,6,10,15}', 'postings in one statement see one another');
SELECT is((points_earn('CUST202601020001', 'main', 's1', 1, business_date => '2026-01-01')).status, 'replay', 'also the name of an earlier one');
SAVEPOINT undone;
SELECT points_redeem('CUST202601020001', 'main', 'u', 5, '2026-01-01');
SELECT points_earn('CUST202601020002', 'main', 'u', 5);
ROLLBACK TO undone;
SELECT is((points_redeem('CUST202601020001', 'main', 'u', 4, '2026-01-01')).available, 11::bigint, 'what a savepoint undid is not there: neither points nor name');
SELECT is((SELECT count(*) FROM crm_data.points_account WHERE customer_code = 'CUST202601020002'), 0::bigint, 'nor an account');
CREATE TABLE public.bill (customer customer_code, id text, amount bigint);
CREATE FUNCTION public.bill_earns() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM crm.points_earn(new.customer, 'main', new.id, new.amount, business_date => '2026-01-01'); RETURN new; END $$;
CREATE TRIGGER earns AFTER INSERT ON public.bill FOR EACH ROW EXECUTE FUNCTION public.bill_earns();
INSERT INTO public.bill SELECT 'CUST202601030001', 'bill ' || n, n FROM generate_series(1, 100) n;
SELECT is((SELECT available(state, '2026-01-01') || ' ' || seq FROM crm_data.points_account WHERE customer_code = 'CUST202601030001'), '5050 100', 'a trigger posts for each row of a statement');
WITH posted AS (SELECT points_earn('CUST202601030002', 'main', 'w' || n, 1) FROM generate_series(1, 3) n) SELECT count(*) FROM posted;
DECLARE open_cursor CURSOR FOR SELECT seq FROM crm_data.points_account WHERE customer_code = 'CUST202601030001';
SELECT points_earn('CUST202601030001', 'main', 'later', 1, business_date => '2026-01-01');
FETCH open_cursor \gset cursor_
SELECT is(:cursor_seq, 100, 'a cursor goes on seeing what was there when it was opened');
CLOSE open_cursor;
SELECT throws_ok($$DO 'BEGIN SET LOCAL transaction_read_only = on; PERFORM crm.points_earn(''CUST202601030001'', ''main'', ''ro'', 1); END'$$, '25006', NULL, 'a read-only transaction posts nothing');
-- A batch that comes again is a batch of replays.
CREATE TEMPORARY TABLE batch AS SELECT array_agg(ROW('again ' || n, '2026-01-01', 'earn', customer_code(date '2026-01-04', n % 20 + 1), NULL, 'main', n, NULL, NULL, NULL)::points_op) AS ops FROM generate_series(1, 300) n;
SELECT results_eq('SELECT status, count(*) FROM batch, points_post_batch(ops) GROUP BY 1', $$VALUES ('ok', 300::bigint)$$, 'a batch opens its accounts');
SELECT results_eq('SELECT status, count(*) FROM batch, points_post_batch(ops) GROUP BY 1', $$VALUES ('replay', 300::bigint)$$, 'the same batch again changes nothing');
SELECT is((SELECT sum(seq)::int FROM crm_data.points_account WHERE code_day(customer_code) = '2026-01-04'), 300, 'each is there once');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

-- -- who may ---------------------------------------------------------------------------------------

CREATE ROLE crm_test_points_path_writer;
GRANT crm_writer TO crm_test_points_path_writer;
SELECT define_points_programme('main', '积分', 'Points', free_credit => true);
SET LOCAL ROLE crm_test_points_path_writer;
SELECT is((crm.points_earn('CUST202601030001', 'main', 'writer', 1)).status, 'ok', 'a writer posts, who may not name the tables');
SELECT throws_ok($$SELECT * FROM crm_data.points_account$$, '42501', NULL, 'and still may not');
SELECT throws_ok($$SET crm.points_write_path = sql$$, '42501', NULL, 'nor choose the way');
SELECT throws_ok($$SELECT crm.points_write_path()$$, '42501', NULL, 'nor ask for it');
RESET ROLE;

-- -- whatever is added makes postings go through SQL ------------------------------------------------

CREATE TABLE public.seen (what text);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (tg_table_name || ' ' || tg_op); RETURN new; END $$;
GRANT ALL ON public.seen TO PUBLIC;
-- The way after a statement, a posting, and that the way is direct again when the statement is undone.
CREATE FUNCTION pg_temp.way_after(statement text, posting text, OUT way text, OUT outcome text) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE statement;
        way := crm.points_write_path();
        BEGIN
            EXECUTE 'SELECT (' || posting || ').status' INTO outcome;
        EXCEPTION WHEN OTHERS THEN
            outcome := sqlstate;
        END;
        outcome := outcome || coalesce(' ' || (SELECT string_agg(what, ', ' ORDER BY what) FROM public.seen), '');
        RAISE EXCEPTION USING ERRCODE = 'KH999';
    EXCEPTION WHEN SQLSTATE 'KH999' THEN
        NULL;
    END;
    IF crm.points_write_path() <> 'direct' THEN
        outcome := outcome || ', and stays on this way';
    END IF;
END
$$;
SELECT is((SELECT w::text FROM pg_temp.way_after(v.statement, $$crm.points_redeem('CUST202601030001', 'main', 'way', 1, '2026-01-01')$$) w), expected, statement)
  FROM (VALUES
    ('SELECT 1', '(direct,ok)'),
    ('CREATE TRIGGER note AFTER INSERT ON crm_data.points_journal FOR EACH ROW EXECUTE FUNCTION public.note()',
     '("sql: points_journal: it has a trigger or is referred to","ok points_journal INSERT")'),
    ('CREATE TRIGGER note AFTER UPDATE ON crm_data.points_account FOR EACH STATEMENT EXECUTE FUNCTION public.note()',
     '("sql: points_account: it has a trigger or is referred to","ok points_account UPDATE")'),
    ('CREATE TRIGGER note AFTER UPDATE ON crm_data.points_account FOR EACH ROW EXECUTE FUNCTION public.note(); ALTER TABLE crm_data.points_account DISABLE TRIGGER note', '(direct,ok)'),
    ('ALTER TABLE crm_data.points_journal ADD CHECK (amount >= 0) NOT VALID', '("sql: points_journal: it has a check constraint",23514)'),
    ('ALTER TABLE crm_data.points_account ADD CHECK (seq < 100) NOT VALID', '("sql: points_account: it has a check constraint",23514)'),
    ('ALTER TABLE crm_data.points_account ADD note text DEFAULT ''new''', '("sql: points_account: its columns are not those that were deployed",ok)'),
    ('ALTER TABLE crm_data.points_journal ALTER class SET NOT NULL', NULL),
    ('CREATE RULE none AS ON INSERT TO crm_data.points_journal DO ALSO INSERT INTO public.seen VALUES (''a rule'')', '("sql: points_journal: it has a rule",0A000)'),
    ('CREATE POLICY nobody ON crm_data.points_journal AS RESTRICTIVE USING (amount > 0)', '("sql: points_journal: its owner, rights or policies are not those that were deployed",42501)'),
    ('DROP POLICY owner ON crm_data.points_account', '("sql: points_account: its owner, rights or policies are not those that were deployed",KH008)'),
    ('REVOKE INSERT ON crm_data.points_journal FROM crm_owner', '("sql: points_journal: its owner, rights or policies are not those that were deployed",42501)'),
    ('ALTER TABLE crm_data.points_account OWNER TO CURRENT_USER', '("sql: points_account: its owner, rights or policies are not those that were deployed",42501)'),
    ('CREATE INDEX ON crm_data.points_journal (posted_at)', '(direct,ok)'),
    ('CREATE INDEX ON crm_data.points_journal USING brin (posted_at)', '("sql: points_journal: it has an index that is no plain B-tree, or unique",ok)'),
    ('CREATE INDEX ON crm_data.points_journal (posted_at) WHERE amount > 0', '("sql: points_journal: it has an index that is no plain B-tree, or unique",ok)'),
    ('CREATE UNIQUE INDEX ON crm_data.points_account (customer_code)', '("sql: points_account: it has an index that is no plain B-tree, or unique",ok)'),
    ('ALTER TABLE crm_data.points_account ALTER next_due DROP EXPRESSION', '("sql: points_account: its columns are not those that were deployed",ok)'),
    ('SET LOCAL crm.points_write_path = sql', '("sql: of this transaction or setting",ok)')
  ) v (statement, expected) WHERE expected IS NOT NULL;

-- A plain index that was added is kept.
CREATE INDEX added ON crm_data.points_journal (posted_at, amount);
SELECT points_earn('CUST202601030001', 'main', 'indexed', 77, business_date => '2026-01-01');
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM crm_data.points_journal WHERE posted_at = now() AND amount = 77), (SELECT count(*) FROM crm_data.points_journal WHERE amount + 0 = 77), 'an index that was added finds the entry');
SELECT is((SELECT count(*) FROM crm_data.points_account WHERE next_due = '2026-06-30'), (SELECT count(*) FROM crm_data.points_account WHERE next_due + 0 = '2026-06-30'), 'as does that on the next expiry');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

SELECT * FROM finish();
ROLLBACK;
