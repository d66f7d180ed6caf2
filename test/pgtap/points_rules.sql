-- Proves: points are reckoned from purchases, bills, tenure and events by versions of rules
-- that are rows: by the day of the element, once for each source, rounded with nothing lost,
-- within caps; a month is accrued by one call that can be killed and called again; what was
-- earned is recomputed from its recorded input; a version that was used stays; formulas are
-- never run as SQL; a version can be tried on what was recorded, and then nothing is posted; and who must not, does not. The set-based accrual agrees with a slow
-- loop over single elements on random bills.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();

-- -- the language ---------------------------------------------------------------------

SELECT is(points_formula(f, '{"amount": 12.80, "t": 30, "category": "话费", "yes": true, "text": "x"}'), v, f)
  FROM (VALUES ('amount', 12.80), ('floor(amount) * 0.1', 1.2), ('1 - 2 - 3', -4), ('2 + 3 * 4', 14), ('(2 + 3) * 4', 20), ('--5', 5), ('7 / 2', 3.5),
               ('if(t > 48, 0.4, if(t > 24, 0.2, 0.1))', 0.2), ('least(amount, 10) + greatest(1, 2)', 12), ('ceil(1.2) + round(2.5)', 5),
               ('if(category = ''话费'', 2, 1)', 2), ('if(yes, 1, 0)', 1), ('amount / 0', NULL), ('amount * missing', NULL), ('text * 2', NULL),
               ('if(missing > 1, 1, 7)', 7)) v (f, v);
SELECT is(points_condition(c, '{"amount": 12.80, "category": "gift", "n": null}'), holds, c)
  FROM (VALUES ('amount >= 12.8', true), ('amount > 12.8', false), ('category in (''gift'', ''deposit'')', true), ('category not in (''deposit'')', true),
               ('missing = 1', false), ('not missing = 1', false), ('missing = 1 or amount > 1', true), ('missing = 1 and amount > 1', false), ('n = 1', false),
               ('amount = ''12.80''', false), ('category < ''h''', true), ('not (amount = 1)', true)) v (c, holds);
SELECT throws_ok(format('SELECT crm.points_formula(%L, ''{}'')', f), '42601', NULL, f)
  FROM (VALUES (''), ('1 +'), ('1; DROP TABLE crm_data.points_rule'), ('(SELECT 1)'), ('pg_sleep(10)'), ('amount::text'), ('''a'' + 1'), ('amount > 1'), ('current_user'' || ''x')) v (f);

-- -- types ------------------------------------------------------------------------------

SELECT is(points_last_day(life, n, until, '2026-03-31'), last, life)
  FROM (VALUES ('natural_year', 3, NULL, '2028-12-31'::date), ('months', 36, NULL, '2029-03-31'), ('months', 11, NULL, '2027-02-28'), ('days', 30, NULL, '2026-04-30'),
               ('fixed', NULL, '2026-06-30'::date, '2026-06-30'), ('never', NULL, NULL, 'infinity')) v (life, n, until, last);
SELECT define_points_programme('club', '会员积分', 'Club');
SELECT define_points_type('club', 'spend', '消费积分', 'spending', priority => 1);
SELECT throws_ok($$SELECT define_points_type('club', 'bonus', '奖励', 'bonus', 'reward', 'bonus', priority => 0)$$, '22023', NULL, 'a priority that the order of classes cannot keep is refused');
SELECT throws_ok($$SELECT define_points_type('club', 'bonus', '奖励', 'bonus', 'reward', 'bonus', redeemable_for => '{ticket}')$$, '22023', NULL, 'directed points need a programme of their own');
SELECT lives_ok($$SELECT define_points_type('club', 'bonus', '奖励', 'bonus', 'reward', 'bonus', 'months', 12)$$, 'a second type');
SELECT throws_ok($$SELECT define_points_type('club', 'third', '三', 'third', class => 'bonus')$$, '23505', NULL, 'two types have two classes');
SELECT throws_ok($$SELECT define_points_type('club', 'third', '三', 'third', class => 'x', life => 'fixed')$$, '23514', NULL, 'a fixed end needs its day');

-- -- the usual rules: a month from bill to points -----------------------------------------

INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c::customer_code, 'individual', c::customer_code, at FROM (VALUES ('CUST202601010001', '2020-01-15 12:00+08'::timestamptz), ('CUST202601010002', '2024-05-01 00:00+08')) v (c, at);
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, currency, channel)
VALUES ('CUST202601010001', 'o1', '2026-03-02', 'phone', 1, 199.90, 'CNY', 'store'), ('CUST202601010001', 'o2', '2026-03-03', 'roaming', 1, 50, 'HKD', 'store'),
       ('CUST202601010001', 'o3', '2026-04-01', 'cable', 1, 9, 'CNY', 'store');
SELECT ok(record_points_element('CUST202601010001', 'bill', '2026-03/88', '2026-03-20', 120.80), 'a bill is recorded');
SELECT ok(NOT record_points_element('CUST202601010001', 'bill', '2026-03/88', '2026-03-20', 120.80), 'once');
SELECT throws_ok($$SELECT record_points_element('CUST202601010001', 'bill', '2026-03/88', '2026-03-20', 121)$$, 'KH014', NULL, 'other facts under its name are refused');
SELECT record_points_element('CUST202601010001', 'bill', '2026-03/89', '2026-03-21', 500, 'deposit');
SELECT record_points_element('CUST202601010002', 'bill', '2026-03/90', '2026-03-22', 99.99);
CALL points_accrue('main', '2026-03-01', '2026-04-05');
SELECT results_eq($$SELECT customer_code::text, request_id COLLATE "default", amount, expires_on, coalesce(class, ''), rule_version IS NOT NULL FROM points_journal WHERE programme = 'main' ORDER BY 1, 2$$,
    $$VALUES ('CUST202601010001', 'accrual:consumption:bill:2026-03/88', 120::bigint, '2028-12-31'::date, '', true),
             ('CUST202601010001', 'accrual:purchase:purchase:o1', 199, '2028-12-31', '', true),
             ('CUST202601010001', 'accrual:tenure:bill:2026-03/88', 48, '2028-12-31', 'tenure', true),
             ('CUST202601010002', 'accrual:consumption:bill:2026-03/90', 99, '2028-12-31', '', true),
             ('CUST202601010002', 'accrual:tenure:bill:2026-03/90', 9, '2028-12-31', 'tenure', true)$$,
    'one yuan received is one point, parts give none, deposits and foreign money neither, 40 % from the fifth year, 10 % in the second');
CREATE TEMPORARY TABLE before AS SELECT count(*) AS n FROM points_journal;
CALL points_accrue('main', '2026-03-01', '2026-04-06', 1);
SELECT is((SELECT count(*) FROM points_journal), (SELECT n FROM before), 'called again it gives nothing twice');
SELECT record_points_element('CUST202601010001', 'bill', '2026-03/91', '2026-03-30', 10);
CALL points_accrue('main', '2026-03-01', '2026-04-07');
SELECT is((SELECT count(*) FROM points_journal), (SELECT n + 2 FROM before), 'what comes late is made up');
SELECT is((SELECT state FROM job_progress WHERE kind = 'points accrual' ORDER BY job_id DESC LIMIT 1), 'done', 'the job is done');
SELECT throws_ok($$SELECT points_accrue_begin('main', '2026-03-02', '2026-04-05')$$, '22023', NULL, 'a period is a month');
SELECT throws_ok($$SELECT points_accrue_begin('club', '2026-03-01', '2026-04-05')$$, 'P0002', NULL, 'a programme without rules accrues nothing');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance, and every earning is what its rule gives');

-- -- versions --------------------------------------------------------------------------------

SELECT throws_ok($$SELECT define_points_rule('main', 'consumption', '2000-01-01', 'bill', 'consumption', 'amount * 2')$$, '55000', NULL, 'a version that was used stays');
SELECT throws_ok($$UPDATE crm_data.points_rule SET formula = '1000' WHERE rule = 'consumption'$$, '55000', NULL, 'even for a superuser');
SELECT throws_ok($$DELETE FROM crm_data.points_rule WHERE rule = 'consumption'$$, '55000', NULL, 'nor is it removed');
SELECT throws_ok($$TRUNCATE crm_data.points_rule$$, '55000', NULL, 'with all others neither');
SELECT lives_ok($$SELECT define_points_rule('main', 'consumption', '2026-05-10', 'bill', 'consumption', 'floor(amount) * 3')$$, 'a later version');
SELECT lives_ok($$SELECT define_points_rule('main', 'consumption', '2026-05-10', 'bill', 'consumption', 'floor(amount) * 2')$$, 'which is replaced as long as it was not used');
SELECT record_points_element('CUST202601010002', 'bill', 'v' || d, ('2026-05-' || d)::date, 10) FROM unnest(ARRAY['09', '10']) d;
CALL points_accrue('main', '2026-05-01', '2026-06-05');
SELECT results_eq($$SELECT request_id COLLATE "default", amount FROM points_journal WHERE request_id LIKE 'accrual:consumption:bill:v%' ORDER BY 1$$,
    $$VALUES ('accrual:consumption:bill:v09', 10::bigint), ('accrual:consumption:bill:v10', 20)$$, 'the day of the element decides which version counts');
SELECT throws_ok($$SELECT define_points_rule('main', 'r', '2026-01-01', 'bill', 'consumption', 'amount', 'drop table x')$$, '42601', NULL, 'a condition that is none');
SELECT throws_ok($$SELECT define_points_rule('main', 'r', '2026-01-01', 'bill', 'no type', 'amount')$$, '23503', NULL, 'an unknown type');

-- -- remainder and caps, against a slow loop ----------------------------------------------------

SELECT define_points_rule('club', 'tenth', '2026-01-01', 'bill', 'spend', 'amount * 0.1', rounding => 'carry');
SELECT define_points_rule('club', 'capped', '2026-01-01', 'visit', 'bonus', 'amount', multiplier => 1.5, cap_day => 20, cap_month => 60, cap_year => 90, cap_number => 9, cap_number_per => 'month');
SELECT define_points_rule('club', 'half', '2026-01-01', 'event', 'bonus', 'amount', rounding => 'half_up', valid_until => '2026-02-10');
SELECT setseed(0.4);
CREATE TEMPORARY TABLE random AS
SELECT crm.customer_code('2026-02-01', 1 + n % 7) AS customer, (ARRAY['bill', 'visit', 'visit', 'event'])[1 + floor(random() * 4)::int] AS kind, 'r' || n AS source,
       '2026-01-01'::date + floor(random() * 90)::int AS day, round((random() * 30)::numeric, 2) AS amount
  FROM generate_series(1, 700) n;
SELECT count(*) FROM (SELECT record_points_element(customer, kind, source, day, amount) FROM random WHERE source NOT LIKE '%7') x;
CALL points_accrue('club', '2026-01-01', '2026-04-05', 3);
CALL points_accrue('club', '2026-02-01', '2026-04-05', 100);
CALL points_accrue('club', '2026-03-01', '2026-04-05', 1);
-- The slow loop knows nothing of windows: it takes bills one by one and counts what it gave.
CREATE FUNCTION pg_temp.slow() RETURNS TABLE (customer crm.customer_code, source text, points bigint) LANGUAGE plpgsql AS $$
DECLARE
    r record;
    exact numeric;
    given bigint;
    rest jsonb := '{}';
BEGIN
    CREATE TEMPORARY TABLE gave (customer crm.customer_code, day date, rule text, raw bigint, given bigint);
    FOR r IN SELECT * FROM random x WHERE x.source NOT LIKE '%7' ORDER BY date_trunc('month', x.day), x.customer, x.day, x.kind, x.source LOOP
        CONTINUE WHEN r.kind = 'event' AND r.day > '2026-02-10';
        IF r.kind = 'bill' THEN
            exact := r.amount * 0.1 + coalesce((rest ->> r.customer::text)::numeric, 0);
            given := floor(exact);
            rest := jsonb_set(rest, ARRAY[r.customer::text], to_jsonb(exact - given));
        ELSIF r.kind = 'event' THEN
            given := round(r.amount);
        ELSE
            given := floor(r.amount * 1.5);
            exact := given;
            IF (SELECT count(*) FROM gave g WHERE g.customer = r.customer AND date_trunc('month', g.day) = date_trunc('month', r.day) AND g.raw > 0) >= 9 THEN
                given := 0;
            END IF;
            given := least(given, 20 - (SELECT coalesce(sum(g.given), 0) FROM gave g WHERE g.customer = r.customer AND g.day = r.day));
            given := least(given, 60 - (SELECT coalesce(sum(g.given), 0) FROM gave g WHERE g.customer = r.customer AND date_trunc('month', g.day) = date_trunc('month', r.day)));
            given := least(given, 90 - (SELECT coalesce(sum(g.given), 0) FROM gave g WHERE g.customer = r.customer));
            INSERT INTO gave VALUES (r.customer, r.day, r.kind, exact, given);
        END IF;
        customer := r.customer; source := r.source; points := given;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT set_eq($$SELECT customer_code::text, source, points FROM crm_data.points_earning WHERE programme = 'club' AND source LIKE 'r%'$$,
    $$SELECT customer::text, source, points FROM pg_temp.slow()$$, 'rounding, remainders and caps are those of a loop over single elements');
SELECT cmp_ok((SELECT count(*) FROM crm_data.points_earning WHERE programme = 'club' AND points < raw), '>', 20::bigint, 'caps were met');
SELECT ok((SELECT bool_and(k.exact = k.raw + m.remainder) FROM crm_data.points_remainder m,
                  LATERAL (SELECT sum(e.exact) AS exact, sum(e.raw) AS raw FROM crm_data.points_earning e WHERE e.customer_code = m.customer_code AND e.rule = 'tenth') k
            WHERE m.rule = 'tenth'), 'to a hundred millionth of a point nothing is lost to rounding');
-- A version is tried before it holds.
-- Whatever the random bills earned under every cap and rounding, the dry run of the same terms gives it again.

CREATE TEMPORARY TABLE journal_before AS SELECT (SELECT count(*) FROM points_journal) AS entries, (SELECT count(*) FROM crm_data.points_earning) AS earnings, (SELECT array_agg(state::text ORDER BY customer_code::text, programme) FROM crm_data.points_account) AS states;
CREATE TEMPORARY TABLE tried AS
SELECT r.rule, r.valid_from, define_points_rule(r.programme, r.rule, '2026-11-01', r.element, r.type, r.formula, r.condition, r.multiplier, r.rounding, r.cap_day, r.cap_month, r.cap_year, r.cap_number, r.cap_number_per) AS same,
       define_points_rule(r.programme, r.rule, '2026-12-01', r.element, r.type, r.formula, r.condition, r.multiplier * 2, r.rounding) AS twice
  FROM crm_data.points_rule r
 WHERE r.programme = 'club' AND EXISTS (SELECT FROM crm_data.points_earning k WHERE k.rule_version = r.version);
SELECT cmp_ok((SELECT count(*) FROM tried), '>=', 3::bigint, 'several rules are tried');
SELECT is_empty($$SELECT t.rule, d.* FROM tried t, points_rule_dry_run_elements(t.same, '2026-01-01', '2026-02-28', NULL) d
                   WHERE d.in_force IS DISTINCT FROM d.recorded OR d.in_force_version IS NOT NULL AND d.proposed IS DISTINCT FROM d.recorded$$, 'the same terms give the same, element by element');
SELECT is_empty($$SELECT d.* FROM tried t, points_rule_dry_run(t.same, '2026-01-01', '2026-02-28', NULL) d
                   WHERE d.in_force_version IS NOT NULL AND (d.difference <> 0 OR d.more > 0 OR d.less > 0 OR d.recorded <> d.in_force OR d.recorded_earnings <> d.in_force_earnings OR d.rule <> t.rule)$$, 'and in sum');
SELECT is((SELECT sum(d.recorded) FROM tried t, points_rule_dry_run(t.same, '2026-01-01', '2026-02-28', NULL) d),
          (SELECT sum(k.points) FROM crm_data.points_earning k WHERE k.rule IN (SELECT rule FROM tried) AND k.programme = 'club' AND k.occurred_on BETWEEN '2026-01-01' AND '2026-02-28'), 'all that was given is compared');
SELECT is_empty($$SELECT d.* FROM tried t, points_rule_dry_run(t.twice, '2026-01-01', '2026-02-28', NULL) d WHERE d.difference <= 0 OR d.more = 0 OR d.less > 0$$, 'twice as much without caps is more');
SELECT isnt(define_points_rule('main', 'consumption', '2999-01-01', 'bill', 'consumption', 'amount * 2', 'amount >= 100', rounding => 'half_up'), NULL, 'a draft of the usual rule');
SELECT version AS draft FROM points_rule WHERE rule = 'consumption' AND valid_from = '2999-01-01' \gset
SELECT results_eq(format('SELECT source, recorded, in_force, proposed FROM points_rule_dry_run_elements(%s, ''2026-03-01'', ''2026-03-31'') WHERE source LIKE ''2026-03/%%'' ORDER BY source', :draft),
    $$VALUES ('2026-03/88', 120::bigint, 120::bigint, 242::bigint), ('2026-03/89', NULL, NULL, 1000), ('2026-03/90', 99, 99, NULL), ('2026-03/91', 10, 10, NULL)$$, 'who would gain and who would lose');
SELECT results_eq(format('SELECT rule, in_force_version, elements, customers, recorded, recorded_earnings, in_force, in_force_earnings, proposed, proposed_earnings, difference, more, less FROM points_rule_dry_run(%s, ''2026-03-01'', ''2026-03-31'')', :draft),
    format($$SELECT 'consumption', in_force_version, count(*), count(DISTINCT customer_code::text), sum(recorded), count(recorded), sum(in_force), count(in_force), sum(proposed), count(proposed), sum(proposed) - sum(in_force),
             count(*) FILTER (WHERE coalesce(proposed, 0) > coalesce(in_force, 0)), count(*) FILTER (WHERE coalesce(proposed, 0) < coalesce(in_force, 0))
        FROM points_rule_dry_run_elements(%s, '2026-03-01', '2026-03-31') GROUP BY 2$$, :draft), 'in sum');
SELECT is((SELECT sum(customers) FROM points_rule_dry_run(:draft, '2026-03-01', '2026-03-31', 1)), 1::numeric, 'on a sample');
SELECT is_empty(format('SELECT * FROM points_rule_dry_run(%s, ''2026-03-31'', ''2026-03-01'')', :draft), 'a period of no days');
SELECT throws_ok($$SELECT * FROM points_rule_dry_run(-1, '2026-03-01', '2026-03-31')$$, '42704', NULL, 'no such version');
SELECT results_eq($$SELECT (SELECT count(*) FROM points_journal), (SELECT count(*) FROM crm_data.points_earning), (SELECT array_agg(state::text ORDER BY customer_code::text, programme) FROM crm_data.points_account)$$, 'SELECT * FROM journal_before', 'nothing was posted');
SELECT is((SELECT count(*) FROM crm_data.points_rule WHERE version IN (SELECT same FROM tried) AND used_at IS NOT NULL), 0::bigint, 'nor was a draft used');
-- The rest of the elements comes late, out of order.
SELECT count(*) FROM (SELECT record_points_element(customer, kind, source, day, amount) FROM random WHERE source LIKE '%7') x;
CALL points_accrue('club', '2026-03-01', '2026-05-05');
CALL points_accrue('club', '2026-01-01', '2026-05-05');
CALL points_accrue('club', '2026-02-01', '2026-05-05');
SELECT is_empty('SELECT * FROM points_audit()', 'every earning is still what its recorded input gives');
SELECT is_empty($$SELECT customer_code, occurred_on FROM crm_data.points_earning WHERE rule = 'capped' GROUP BY 1, 2 HAVING sum(points) > 20
                  UNION ALL SELECT customer_code, NULL FROM crm_data.points_earning WHERE rule = 'capped' GROUP BY 1 HAVING sum(points) > 90$$, 'and no cap is passed');
SELECT is((SELECT count(*) FROM points_recompute() WHERE recorded = recomputed AND (journalled = recorded OR recorded = 0)), (SELECT count(*) FROM crm_data.points_earning),
    'recomputing gives the journalled amount of each');
SELECT results_eq($$SELECT recorded, recomputed, journalled, rule_version = posted_version FROM points_recompute('CUST202601010001', 'accrual:tenure:bill:2026-03/88')$$,
    $$VALUES (48::bigint, 48::bigint, 48::bigint, true)$$, 'of one earning, too');

-- -- two programmes with a rule of one name ---------------------------------------------------------

SELECT define_points_rule('club', 'consumption', '2026-01-01', 'bill', 'spend', 'floor(amount) * 2') AS twin \gset
SELECT define_points_rule('club', 'consumption', '2026-01-01', 'bill', 'spend', 'floor(amount) * 3') AS twin \gset
SELECT record_points_element('CUST202601010009', 'bill', 'twin', '2026-08-01', 10);
CALL points_accrue('main', '2026-08-01', '2026-09-05');
CALL points_accrue('club', '2026-08-01', '2026-09-05');
CALL points_accrue('club', '2026-08-01', '2026-09-06');
SELECT results_eq($$SELECT programme, points, status FROM crm_data.points_earning WHERE source = 'twin' AND rule = 'consumption' ORDER BY 1$$,
    $$VALUES ('club', 30::bigint, 'ok'), ('main', 20, 'ok')$$, 'both give, each once');
SELECT results_eq($$SELECT programme, amount FROM points_journal WHERE customer_code = 'CUST202601010009' AND request_id LIKE 'accrual:consumption%' ORDER BY 1$$, $$VALUES ('club', 30::bigint), ('main', 20)$$, 'under requests of their own');
SELECT define_points_rule('club', 'consumption', '2999-01-01', 'bill', 'spend', 'amount') AS twin \gset
SELECT is((SELECT recorded FROM points_rule_dry_run_elements(:twin, '2026-08-01', '2026-08-31')), 30::bigint, 'which a dry run finds');
SELECT is_empty('SELECT * FROM points_audit()', 'and the books are in balance');

-- -- arrears, then payment ------------------------------------------------------------------------

INSERT INTO crm_data.points_standing (customer_code, arrears) VALUES ('CUST202601010002', true);
SELECT record_points_element('CUST202601010002', 'bill', 'late', '2026-06-10', 30);
CALL points_accrue('main', '2026-06-01', '2026-07-05');
SELECT is((SELECT count(*) FROM points_journal WHERE request_id = 'accrual:consumption:bill:late'), 0::bigint, 'arrears stop the accrual');
UPDATE crm_data.points_standing SET arrears = false;
CALL points_accrue('main', '2026-06-01', '2026-07-06');
SELECT is((SELECT amount FROM points_journal WHERE request_id = 'accrual:consumption:bill:late'), 60::bigint, 'payment makes it up');

-- -- what must not be ---------------------------------------------------------------------------------

DROP ROLE IF EXISTS crm_test_rules_writer;
DROP ROLE IF EXISTS crm_test_rules_nobody;
CREATE ROLE crm_test_rules_writer;
GRANT crm_writer TO crm_test_rules_writer;
CREATE ROLE crm_test_rules_nobody;
SET ROLE crm_test_rules_writer;
SELECT throws_ok(format('SELECT %s', call), '42501', NULL, 'a writer does not call ' || call)
  FROM (VALUES ($$crm.define_points_rule('main', 'mine', '2026-01-01', 'bill', 'consumption', 'amount * 1000')$$), ($$crm.points_accrue_begin('main', '2026-03-01', '2026-04-05')$$),
               ($$crm.points_accrue_batch('main', '2026-03-01', '2026-04-05', NULL, 10, 1)$$), ($$crm.points_accrue_customers('main', '2026-03-01', '{}', '2026-04-05')$$),
               ($$crm.points_post_ruled('{}')$$), ($$crm.points_recompute()$$), ($$crm.points_rule_dry_run(1, '2026-01-01', '2026-02-28')$$), ($$crm.points_rule_dry_run_elements(1, '2026-01-01', '2026-02-28')$$), ($$crm.define_points_type('main', 'x', 'x', 'x')$$)) v (call);
SELECT throws_ok('CALL crm.points_accrue(''main'', ''2026-03-01'')', '42501', NULL, 'or the procedure');
SELECT throws_ok($$INSERT INTO crm_data.points_element VALUES ('CUST202601010001', 'bill', 'mine', '2026-03-01', 1000000)$$, '42501', NULL, 'or writes elements past the function');
SELECT throws_ok($$UPDATE crm_data.points_earning SET points = 0$$, '42501', NULL, 'or earnings');
SET ROLE crm_test_rules_nobody;
SELECT throws_ok($$SELECT crm.record_points_element('CUST202601010001', 'bill', 'mine', '2026-03-01', 1000000)$$, '42501', NULL, 'nobody records elements by being PUBLIC');
SELECT cmp_ok((SELECT count(*) FROM crm.points_rule), '>', 3::bigint, 'but everybody may know the rules');
RESET ROLE;

-- -- tampering ---------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.found_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE statement;
        SELECT string_agg(DISTINCT a.invariant, ' ' ORDER BY a.invariant) INTO found FROM crm.points_audit() a;
        RAISE EXCEPTION USING ERRCODE = 'KH999';
    EXCEPTION WHEN SQLSTATE 'KH999' THEN
        RETURN found;
    END;
END
$$;
SELECT is(pg_temp.found_after(statement), found, statement)
  FROM (VALUES ($$UPDATE crm_data.points_earning SET points = points + 1, raw = raw + 1 WHERE source = '2026-03/88' AND rule = 'consumption'$$, 'rule_replay'),
               ($$UPDATE crm_data.points_earning SET facts = facts || '{"amount": 130}' WHERE source = '2026-03/88' AND rule = 'consumption'$$, 'rule_replay'),
               ($$DELETE FROM crm_data.points_earning WHERE source = '2026-03/88'$$, 'remainder rule_replay'),
               ($$UPDATE crm_data.points_remainder SET remainder = 0.987654$$, 'remainder'),
               ($$ALTER TABLE crm_data.points_rule DISABLE TRIGGER USER; UPDATE crm_data.points_rule SET formula = 'amount * 5' WHERE rule = 'consumption'$$, 'append_only rule_replay')) v (statement, found);

SELECT * FROM finish();
