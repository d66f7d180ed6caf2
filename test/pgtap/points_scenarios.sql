-- Proves: the cases that go wrong elsewhere come out by hand-made sums: a leap day, the end of a
-- year, steps of tenure on their very day, a cap over two months and over a merge, a rule that
-- changes in mid-month, a thousand amounts with fen, carried parts of a point through merge and
-- unmerge, a purchase reversed when its points have expired, goods that come back past the day;
-- and that statements foot whatever order things were posted in, notices and liability
-- count what is there, and each earning is recomputed.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
CREATE FUNCTION pg_temp.lots(c text, p text DEFAULT 'main') RETURNS text LANGUAGE sql AS
$$ SELECT state::text FROM crm_data.points_account WHERE customer_code = $1::crm.customer_code AND programme = $2 $$;
CREATE FUNCTION pg_temp.code(n int) RETURNS crm.customer_code LANGUAGE sql AS $$ SELECT crm.customer_code('2026-01-01', n) $$;
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT pg_temp.code(n), 'individual', pg_temp.code(n), '2024-02-29 10:00+08' FROM generate_series(1, 20) n;
SELECT define_points_programme('club', '会员积分', 'Club'), define_points_type('club', 'spend', '消费', 'spending', life => 'months', life_length => 12);

-- -- days ----------------------------------------------------------------------------------------

SELECT is(points_last_day(life, n, NULL, day), last, format('%s %s from %s', n, life, day))
  FROM (VALUES ('months', 12, '2027-02-28'::date, '2028-02-29'::date), ('months', 12, '2028-02-29', '2029-02-28'), ('months', 1, '2028-01-31', '2028-02-29'), ('months', 48, '2024-02-29', '2028-02-29'),
               ('months', 0, '2028-02-01', '2028-02-29'), ('days', 366, '2028-02-29', '2029-03-01'), ('natural_year', 3, '2026-12-31', '2028-12-31'), ('natural_year', 3, '2027-01-01', '2029-12-31'),
               ('natural_year', 1, '2028-02-29', '2028-12-31')) v (life, n, day, last);
-- Registered on 29 February 2024: whole months are over on the 29th, or, where there is none, when the next month begins.
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(1), 'bill', day, day::date, 100)
  FROM unnest(ARRAY['2025-02-28', '2025-03-01', '2025-03-28', '2025-03-29', '2026-02-28', '2026-03-28', '2026-03-29', '2027-03-28', '2027-03-29', '2028-02-29', '2028-03-28', '2028-03-29']) day) x;
DO $$ DECLARE m date; BEGIN FOREACH m IN ARRAY ARRAY['2025-02-01', '2025-03-01', '2026-02-01', '2026-03-01', '2027-03-01', '2028-02-01', '2028-03-01']::date[] LOOP
    CALL crm.points_accrue('main', m, (m + interval '1 month')::date); END LOOP; END $$;
SELECT results_eq($$SELECT source, points, (facts ->> 'tenure_months')::int FROM crm_data.points_earning WHERE customer_code = pg_temp.code(1) AND rule = 'tenure' ORDER BY source$$,
    $$VALUES ('2025-03-29', 10::bigint, 13), ('2026-02-28', 10, 23), ('2026-03-28', 10, 24), ('2026-03-29', 20, 25), ('2027-03-28', 20, 36), ('2027-03-29', 30, 37), ('2028-02-29', 30, 48), ('2028-03-28', 30, 48), ('2028-03-29', 40, 49)$$,
    'tenure: nothing to 12 months, then 13 to 24, 25 to 36, 37 to 48, and over 48, by whole months');
SELECT is((SELECT string_agg(DISTINCT expires_on::text, ' ') FROM crm_data.points_earning WHERE source IN ('2028-02-29', '2028-03-29') AND customer_code = pg_temp.code(1)), '2030-12-31', 'three calendar years from a leap day');

-- -- a cap over two months, a rule that changes in the middle of one -------------------------------------

SELECT define_points_rule('club', 'visit', '2026-01-01', 'visit', 'spend', 'amount', cap_month => 100, cap_year => 150);
SELECT define_points_rule('club', 'visit', '2026-02-15', 'visit', 'spend', 'amount * 2', cap_month => 100, cap_year => 150);
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(2), 'visit', source, day::date, amount)
  FROM (VALUES ('a', '2026-01-30', 60), ('b', '2026-01-31', 60), ('c', '2026-02-14', 20), ('d', '2026-02-15', 20), ('e', '2026-02-28', 20), ('f', '2026-12-31', 20), ('g', '2027-01-01', 20)) v (source, day, amount)) x;
DO $$ DECLARE m date; BEGIN FOREACH m IN ARRAY ARRAY['2026-01-01', '2026-02-01', '2026-12-01', '2027-01-01']::date[] LOOP CALL crm.points_accrue('club', m, '2027-02-05'); END LOOP; END $$;
SELECT results_eq($$SELECT source, raw, points FROM crm_data.points_earning WHERE customer_code = pg_temp.code(2) ORDER BY occurred_on$$,
    $$VALUES ('a', 60::bigint, 60::bigint), ('b', 60, 40), ('c', 20, 20), ('d', 40, 30), ('e', 40, 0), ('f', 40, 0), ('g', 40, 40)$$,
    'the month ends at 100, the year at 150, the new version counts from its day, New Year begins anew');
SELECT is((SELECT count(DISTINCT rule_version) FROM crm_data.points_earning WHERE customer_code = pg_temp.code(2)), 2::bigint, 'by two versions');
SELECT is((SELECT status FROM crm_data.points_earning WHERE customer_code = pg_temp.code(2) AND source = 'a'), 'already_expired', 'what is past its day when it is posted is not given, and says so');

-- -- a thousand purchases with fen ----------------------------------------------------------------------------

SELECT define_points_rule('club', 'tenth', '2026-01-01', 'fen', 'spend', 'amount * 0.1', rounding => 'carry');
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(3), 'fen', 'f' || n, '2026-03-01'::date + n % 31, (n * 37 % 1999 + 1) / 100.0) FROM generate_series(1, 700) n) x;
CALL points_accrue('club', '2026-03-01', '2026-04-01');
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(3), 'fen', 'f' || n, '2026-03-01'::date + n % 31, (n * 37 % 1999 + 1) / 100.0) FROM generate_series(701, 1000) n) x;
CALL points_accrue('club', '2026-03-01', '2026-04-02');
SELECT is((SELECT sum(points) FROM crm_data.points_earning WHERE customer_code = pg_temp.code(3)), (SELECT floor(sum(amount) / 10) FROM crm_data.points_element WHERE customer_code = pg_temp.code(3)),
    'of a thousand amounts with fen nothing is lost to rounding');
SELECT is((SELECT remainder FROM crm_data.points_remainder WHERE customer_code = pg_temp.code(3)), (SELECT mod(sum(amount) / 10, 1) FROM crm_data.points_element WHERE customer_code = pg_temp.code(3)), 'but what is still carried');

-- -- parts of a point and caps, merged and not -----------------------------------------------------------------

SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(n), 'fen', 's', '2026-05-01', 6 + n % 2) FROM unnest(ARRAY[4, 5, 6]) n) x;
CALL points_accrue('club', '2026-05-01', '2026-06-01');
SELECT results_eq($$SELECT remainder FROM crm_data.points_remainder WHERE customer_code = ANY (ARRAY[pg_temp.code(4), pg_temp.code(5), pg_temp.code(6)]) ORDER BY customer_code$$, $$VALUES (0.6::numeric), (0.7), (0.6)$$, 'three records have parts of a point');
SET ROLE crm_data_admin;
SELECT crm.merge(pg_temp.code(4), pg_temp.code(5), reason => 'test') AS m \gset
SELECT crm.merge(pg_temp.code(4), pg_temp.code(6), reason => 'test') AS m2 \gset
RESET ROLE;
SELECT record_points_element(pg_temp.code(6), 'fen', 't', '2026-06-01', 0.5);
CALL points_accrue('club', '2026-06-01', '2026-07-01', 1);
SELECT results_eq($$SELECT carried_in, points FROM crm_data.points_earning WHERE customer_code = pg_temp.code(6) AND source = 't'$$, $$VALUES (1.9::numeric, 1::bigint)$$, 'merged, they are one customer''s: 0.6 and 0.7 and 0.6 and 0.05 give a point');
SELECT results_eq($$SELECT remainder, moved FROM crm_data.points_remainder WHERE customer_code = ANY (ARRAY[pg_temp.code(4), pg_temp.code(5), pg_temp.code(6)]) ORDER BY customer_code$$,
    $$VALUES (0.95::numeric, -0.35::numeric), (0, 0.7), (0, -0.35)$$, 'what is over is the survivor''s');
SELECT is_empty($$SELECT * FROM points_audit() WHERE invariant IN ('remainder', 'rule_replay')$$, 'and adds up');
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(n), 'visit', 'v', '2026-06-10', 80) FROM unnest(ARRAY[4, 5]) n) x;
CALL points_accrue('club', '2026-06-01', '2026-07-02', 1);
SELECT is((SELECT sum(points) FROM crm_data.points_earning WHERE source = 'v'), 100::numeric, 'a cap of 100 a month is one cap, whichever record earned');
SELECT record_points_element(pg_temp.code(6), 'visit', 'late', '2026-06-09', 80);
CALL points_accrue('club', '2026-06-01', '2026-07-03');
SELECT is((SELECT points FROM crm_data.points_earning WHERE source = 'late'), 0::bigint, 'also for what comes late');
SET ROLE crm_data_admin;
SELECT crm.unmerge(:m2, 'test'), crm.unmerge(:m, 'test');
RESET ROLE;
SELECT count(*) FROM (SELECT record_points_element(pg_temp.code(n), 'fen', 'u', '2026-07-01', 0.5) FROM unnest(ARRAY[4, 5]) n) x;
CALL points_accrue('club', '2026-07-01', '2026-08-01');
SELECT results_eq($$SELECT customer_code, points FROM crm_data.points_earning WHERE source = 'u' ORDER BY 1$$, $$VALUES (pg_temp.code(4), 1::bigint), (pg_temp.code(5), 0)$$, 'apart again, each carries his own');
SELECT record_points_element(pg_temp.code(5), 'visit', 'own', '2026-07-10', 80);
CALL points_accrue('club', '2026-07-01', '2026-08-02');
SELECT is((SELECT points FROM crm_data.points_earning WHERE source = 'own'), 100::bigint, 'and has his own caps: of June''s hundred he had nothing');
SELECT is_empty($$SELECT * FROM points_audit()$$, 'the books are in balance');

-- -- past the day --------------------------------------------------------------------------------------------------

SELECT define_points_programme('short', '短期', 'Short');
SELECT points_earn(pg_temp.code(7), 'short', 'bought', 100, '2026-03-31', business_date => '2026-03-01');
SELECT points_redeem(pg_temp.code(7), 'short', 'cup', 40, '2026-03-10');
SELECT throws_ok($$SELECT points_reverse(pg_temp.code(7), 'short', 'returned', 'bought', NULL, '2026-04-01')$$, 'KHP02', NULL, 'a purchase is not reversed when its points have expired');
SELECT is((points_reverse(pg_temp.code(7), 'short', 'cup back', 'cup', NULL, '2026-04-02')).available, 0::bigint, 'goods that come back past the day give nothing');
SELECT points_earn(pg_temp.code(7), 'short', 'bought 2', 50, '2026-05-31', business_date => '2026-05-01');
SELECT points_redeem(pg_temp.code(7), 'short', 'pen', 50, '2026-05-02');
SELECT is((points_reverse(pg_temp.code(7), 'short', 'returned 2', 'bought 2', NULL, '2026-05-03')).debt, 50::bigint, 'a purchase reversed when its points are spent is owed');
SELECT throws_ok($$SELECT points_reverse(pg_temp.code(7), 'short', 'returned 3', 'bought 2', NULL, '2026-05-03')$$, 'KHP01', NULL, 'once');

-- -- statements foot -------------------------------------------------------------------------------------------------

-- Posted in this order; the days are in another. Nothing has been posted of the end of the first 30.
SELECT points_earn(pg_temp.code(8), 'short', 'one', 30, '2026-01-31', business_date => '2026-01-10');
SELECT points_earn(pg_temp.code(8), 'short', 'three', 50, '2026-12-31', business_date => '2026-01-25');
SELECT points_earn(pg_temp.code(8), 'short', 'two', 20, '2026-12-31', business_date => '2026-01-20');
SELECT points_freeze(pg_temp.code(8), 'short', 'hold', 40, '2026-01-26');
SELECT results_eq($$SELECT seq, business_date, kind, amount, balance, expiring FROM points_statement(pg_temp.code(8), 'short', '2026-01-20', '2026-02-10')$$,
    $$VALUES (NULL::bigint, '2026-01-20'::date, 'opening', NULL::bigint, 30::bigint, NULL::bigint), (3, '2026-01-20', 'earn', 20, 50, NULL), (2, '2026-01-25', 'earn', 50, 100, NULL), (4, '2026-01-26', 'freeze', -40, 100, NULL),
            (NULL, '2026-02-10', 'closing', NULL, 100, 0)$$, 'by business dates, whatever the order of posting; held points do not expire');
SELECT points_unfreeze(pg_temp.code(8), 'short', 'free', 'hold', NULL, '2026-02-20');
SELECT points_earn(pg_temp.code(8), 'short', 'four', 5, '2026-02-20', business_date => '2026-02-20');
SELECT results_eq($$SELECT business_date, kind, amount, balance, expiring FROM points_statement(pg_temp.code(8), 'short', '2026-02-01', '2026-03-10')$$,
    $$VALUES ('2026-02-01'::date, 'opening', NULL::bigint, 100::bigint, NULL::bigint), ('2026-02-20', 'unfreeze', 40, 100, NULL), ('2026-02-20', 'expire', -30, 70, NULL), ('2026-02-20', 'earn', 5, 75, NULL),
            ('2026-02-21', 'expire', -5, 70, NULL), ('2026-03-10', 'closing', NULL, 70, 0)$$, 'what was released past its day ends that day, what is not yet posted stands at its day');
CREATE TEMPORARY TABLE told AS SELECT business_date, kind, amount, balance FROM points_statement(pg_temp.code(8), 'short', '2026-02-01', '2026-03-10');
CALL points_expire_due('2026-03-05');
SELECT results_eq($$SELECT business_date, kind, amount, balance FROM points_statement(pg_temp.code(8), 'short', '2026-02-01', '2026-03-10')$$, 'SELECT * FROM told', 'and is the same when it was posted, late');
SELECT is((SELECT expiring FROM points_statement(pg_temp.code(8), 'short', '2026-11-01', '2026-12-01') WHERE kind = 'closing'), 70::bigint, 'what ends 30 days after the last day is named');
SELECT is((SELECT expiring FROM points_statement(pg_temp.code(8), 'short', '2026-11-01', '2026-11-30') WHERE kind = 'closing'), 0::bigint, 'what ends 31 days after is not');
-- Whatever the months, each closes where the next opens.
SELECT is_empty($$SELECT c.customer_code, c.programme, m FROM crm_data.points_account c, generate_series('2025-01-01'::date, '2029-01-01', interval '1 month') m,
    LATERAL (SELECT balance FROM points_statement(c.customer_code, c.programme, m::date, (m + interval '1 month - 1 day')::date) WHERE kind = 'closing') a,
    LATERAL (SELECT balance FROM points_statement(c.customer_code, c.programme, (m + interval '1 month')::date, (m + interval '1 month')::date) WHERE kind = 'opening') b
    WHERE a.balance <> b.balance$$,
    'months fit together');
SELECT is_empty($$SELECT a.customer_code, a.programme FROM crm_data.points_account a,
    LATERAL (SELECT s.balance FROM points_statement(a.customer_code, a.programme, '2020-01-01', company_today()) s WHERE s.kind = 'closing') c
    WHERE c.balance <> available(a.state, company_today()) + held(a.state) - debt(a.state) AND a.customer_code = ANY (ARRAY[pg_temp.code(7), pg_temp.code(8)])$$, 'today''s closing is today''s balance');

-- -- notices and liability --------------------------------------------------------------------------------------------

SELECT points_earn(pg_temp.code(9), 'short', 'leap', 10, '2028-02-29', business_date => '2026-06-01'), points_earn(pg_temp.code(10), 'short', 'leap', 7, '2028-02-29', business_date => '2026-06-01'),
       points_earn(pg_temp.code(10), 'short', 'held', 5, '2028-02-28', business_date => '2026-06-01'), points_freeze(pg_temp.code(10), 'short', 'order', 5, '2026-06-02');
SET ROLE crm_data_admin;
SELECT crm.merge(pg_temp.code(9), pg_temp.code(10), reason => 'test') AS m \gset
RESET ROLE;
CALL points_make_notices('2028-01-29');
SELECT is((SELECT count(*) FROM crm_data.points_notice WHERE expires_on = '2028-02-29'), 0::bigint, '31 days before there is no notice');
CALL points_make_notices('2028-01-30');
CALL points_make_notices('2028-02-21');
CALL points_make_notices('2028-02-22');
CALL points_make_notices('2028-02-29');
SELECT results_eq($$SELECT customer_code, days, amount, noted_on FROM crm_data.points_notice WHERE expires_on BETWEEN '2028-02-01' AND '2028-03-31' ORDER BY noted_on$$,
    $$VALUES (pg_temp.code(9), 30::smallint, 17::bigint, '2028-01-30'::date), (pg_temp.code(9), 7::smallint, 17, '2028-02-22')$$, 'of a merged customer one notice each, 30 and 7 days before a leap day, without what is held');
SELECT results_eq($$SELECT expiry_month, state, customers, amount FROM crm_report.points_liability_by_type WHERE programme = 'short' AND expiry_month = '2028-02-01' ORDER BY state$$,
    $$VALUES ('2028-02-01'::date, 'available', 1::bigint, 17::numeric), ('2028-02-01', 'held', 1, 5)$$, 'liability of a merged customer is one customer''s');
SELECT is((SELECT sum(amount) FROM crm_report.points_liability_by_type), (SELECT sum(available(state, company_today()) + held(state) - debt(state)) FROM crm_data.points_account), 'all liabilities are all balances');
SELECT is((SELECT sum(amount) FROM crm_report.points_liability), (SELECT sum(available(state, company_today()) + held(state) - debt(state)) FROM crm_data.points_account), 'in either report');

SELECT is((SELECT count(*) FROM points_recompute() WHERE recorded = recomputed AND coalesce(journalled, 0) IN (recorded, 0)), (SELECT count(*) FROM crm_data.points_earning), 'every earning is recomputed');
SELECT is_empty('SELECT * FROM points_audit()', 'and the books are in balance');
SELECT * FROM finish();
