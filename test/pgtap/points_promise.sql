-- Proves: promised points are a credit into a hold: not available before their day, by whatever
-- posting, and there on it, once; with their own last day; cancelled they leave nothing; a debt is
-- paid at once; they are released where a merge has moved them; and the books stay in balance.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
SELECT define_points_programme('club', '会员积分', 'Club'), define_points_programme('strict', '严', 'Strict', allow_debt => false);

-- -- before the day, and on it ---------------------------------------------------------------

SELECT points_earn('CUST202601010001', 'club', 'e', 40, '2026-06-30', business_date => '2026-01-01');
SELECT is((points_promise('CUST202601010001', 'club', 'p', 100, '2026-03-01', '2027-12-31', 'gift', '2026-01-02'))::text, '(ok,40,100,0,"{hold 3: 100:gift@2027-12-31}")', 'a credit into a hold');
SELECT is((points_promise('CUST202601010001', 'club', 'p', 100, '2026-03-01', '2027-12-31', 'gift', '2026-01-09'))::text, '(replay,40,100,0,"{hold 3: 100:gift@2027-12-31}")', 'the same again is answered alike');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'p', 100, '2026-03-02', '2027-12-31', 'gift')$$, 'KH014', NULL, 'with another day it is another');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'p', 101, '2026-03-01', '2027-12-31', 'gift')$$, 'KH014', NULL, 'with another amount too');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'e', 40, '2026-03-01', '2026-06-30')$$, 'KH014', NULL, 'an earning is no promise');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'q', 1, '2026-03-02', '2026-03-01')$$, 'KH007', NULL, 'what ends before it comes is refused');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'q', 1, NULL)$$, '23502', NULL, 'a promise has a day');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'q', 0, '2026-03-01')$$, '22023', NULL, 'and an amount');
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'main', 'q', 1, '2026-03-01')$$, 'KHP07', NULL, 'where rules give, nobody promises past them');
SELECT throws_ok($$SELECT points_redeem('CUST202601010001', 'club', 'r', 41, '2026-02-01')$$, 'KH008', NULL, 'they are not available before their day');
CREATE ROLE crm_test_promise_writer LOGIN;
GRANT crm_writer TO crm_test_promise_writer;
SET SESSION AUTHORIZATION crm_test_promise_writer;
SELECT throws_ok($$SELECT crm.points_unfreeze('CUST202601010001', 'club', 'u', '~promise CUST202601010001 p', 1, '2026-02-01')$$, 'KHP07', NULL, 'nobody releases them before');
SELECT throws_ok($$SELECT crm.points_capture('CUST202601010001', 'club', 'u', '~promise CUST202601010001 p', 1, '2026-02-01')$$, 'KHP07', NULL, 'or takes them');
SELECT throws_ok($$CALL crm.points_release_due('2026-12-31')$$, '42501', NULL, 'a writer does not turn the days');
SELECT is((crm.points_promise('CUST202601010002', 'club', 'p', 10, '2026-03-01', business_date => '2026-01-02')).status, 'ok', 'he promises');
RESET SESSION AUTHORIZATION;
CALL points_release_due('2026-02-28');
SELECT is((SELECT (available, held)::text FROM points_account WHERE customer_code = 'CUST202601010002'), '(0,10)', 'the day before, nothing');
CALL points_release_due('2026-03-03', 1);
CALL points_release_due('2026-03-03', 1);
SELECT is((SELECT state::text FROM points_account WHERE customer_code = 'CUST202601010001'), '{40@2026-06-30, 100:gift@2027-12-31}', 'a day that was missed is caught up with: the lots that were promised');
SELECT is((SELECT count(*) FROM points_journal WHERE kind = 'unfreeze'), 2::bigint, 'once');
SELECT is((points_promise('CUST202601010001', 'club', 'p', 100, '2026-03-01', '2027-12-31', 'gift')).status, 'replay', 'and the promise is not made again');
SELECT throws_ok($$SELECT cancel_points_promise('CUST202601010001', 'c', 'p')$$, 'KHP01', NULL, 'what was kept is not cancelled');
SELECT is((points_reverse('CUST202601010001', 'club', 'v', 'p', 30, '2026-03-04')).available, 110::bigint, 'but reversed');

-- -- a debt, a cancellation, leaving -----------------------------------------------------------

SELECT points_earn('CUST202601010003', 'club', 'e', 50, '2026-12-31', business_date => '2026-01-01'), points_redeem('CUST202601010003', 'club', 'r', 50, '2026-01-01'), points_reverse('CUST202601010003', 'club', 'v', 'e', NULL, '2026-01-01');
SELECT is((SELECT (a.available, a.held, a.debt)::text FROM points_promise('CUST202601010003', 'club', 'p', 30, '2026-03-01', business_date => '2026-01-02') a), '(0,0,20)', 'a debt takes all of a small promise');
SELECT is((SELECT (a.available, a.held, a.debt)::text FROM points_promise('CUST202601010003', 'club', 'p2', 30, '2026-03-01', business_date => '2026-01-02') a), '(0,10,0)', 'and of the next what it is');
CALL points_release_due('2026-03-01');
SELECT is((SELECT state::text FROM points_account WHERE customer_code = 'CUST202601010003'), '{10@never}', 'the rest comes on its day');
SELECT points_promise('CUST202601010004', 'strict', 'p', 30, '2026-05-01', business_date => '2026-01-02');
SELECT throws_ok($$SELECT points_reverse('CUST202601010004', 'strict', 'v', 'p')$$, 'KH008', NULL, 'a promise is not reversed where no debt is allowed');
SELECT is((cancel_points_promise('CUST202601010004', 'c', 'p', '2026-02-01'))::text, '(ok,0,0,0,{-30@never})', 'but cancelled');
SELECT is((cancel_points_promise('CUST202601010004', 'c', 'p', '2026-02-02')).status, 'replay', 'once');
SELECT throws_ok($$SELECT cancel_points_promise('CUST202601010004', 'c2', 'p')$$, 'KHP01', NULL, 'not twice');
SELECT throws_ok($$SELECT cancel_points_promise('CUST202601010004', 'c2', 'nothing')$$, 'P0002', NULL, 'nor what was not promised');
SELECT points_promise('CUST202601010005', 'club', 'p', 30, '2026-05-01', business_date => '2026-01-02'), points_set_standing('CUST202601010005', has_left => true, business_date => '2026-02-01');

-- -- merged: the hold is where the customer is ---------------------------------------------------

SELECT points_promise('CUST202601010007', 'club', 'p', 30, '2026-05-01', '2027-12-31', business_date => '2026-01-02'), points_merge_move('CUST202601010006', 'CUST202601010007', 'm', '2026-02-01'),
       points_merge_move('CUST202601010008', 'CUST202601010006', 'm2', '2026-02-02');
SELECT points_promise('CUST202601010009', 'club', 'p', 20, '2026-05-01', '2027-12-31', business_date => '2026-01-02'), points_merge_move('CUST202601010008', 'CUST202601010009', 'm3', '2026-02-01');
SELECT points_merge_return('m3', 'm3 back', '2026-02-03');
SELECT request_id AS moved FROM points_journal WHERE customer_code = 'CUST202601010008' AND kind = 'freeze' AND ref = '~promise CUST202601010007 p' \gset
SET SESSION AUTHORIZATION crm_test_promise_writer;
SELECT throws_ok(format('SELECT crm.points_unfreeze(''CUST202601010008'', ''club'', ''u'', %L, 1, ''2026-02-03'')', :'moved'), 'KHP07', NULL, 'two merges are no way to release it before');
RESET SESSION AUTHORIZATION;
CALL points_release_due('2026-05-01');
SELECT results_eq($$SELECT customer_code::text, state::text FROM points_account WHERE customer_code BETWEEN 'CUST202601010005' AND 'CUST202601010009' ORDER BY 1$$,
    $$VALUES ('CUST202601010005', '{}'), ('CUST202601010006', '{}'), ('CUST202601010007', '{}'), ('CUST202601010008', '{30@2027-12-31}'), ('CUST202601010009', '{20@2027-12-31}')$$, 'released where it went, and where it came back; not what was void');
SELECT is((SELECT count(*) FROM points_promised WHERE closed_at IS NULL), 0::bigint, 'no promise is open');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

-- A rule that nobody approved yet gives nothing, and so stands in nobody's way.
CREATE ROLE crm_test_promise_admin;
GRANT crm_data_admin TO crm_test_promise_admin;
SELECT define_points_type('club', 'plain', '普通', 'Plain');
SET SESSION AUTHORIZATION crm_test_promise_admin;
SELECT crm.define_points_rule('club', 'bills', '2999-01-01', 'bill', 'plain', 'amount') AS drafted \gset
RESET SESSION AUTHORIZATION;
SELECT is((points_promise('CUST202601010001', 'club', 'beside a draft', 1, '2999-01-01')).held, 1::bigint, 'a draft shuts out no promises');
SELECT approve_points_rule(:drafted);
SELECT throws_ok($$SELECT points_promise('CUST202601010001', 'club', 'beside a rule', 1, '2999-01-01')$$, 'KHP07', NULL, 'a rule does');
DROP ROLE crm_test_promise_admin;
SELECT * FROM finish();
