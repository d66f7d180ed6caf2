-- Proves: a merge moves exactly the lots of a customer, holds and debt included, with their
-- last days, and its return gives exactly these back; what the survivor spent meanwhile he
-- pays from other lots or owes; a chain of merges is undone in its middle; the same request
-- again changes nothing; books stay in balance at every step; and nobody merges who must not.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;

SELECT define_points_programme('club', '会员积分', 'Club');
CREATE FUNCTION pg_temp.lots(text, text DEFAULT 'club') RETURNS text LANGUAGE sql AS
$$ SELECT state::text FROM crm_data.points_account WHERE customer_code = $1::crm.customer_code AND programme = $2 $$;
CREATE FUNCTION pg_temp.balanced(text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT is_empty('SELECT * FROM points_audit()', $1) $$;

-- -- there and back ---------------------------------------------------------------------

SELECT points_earn('CUST202601010001', 'club', 'e', 100, '2028-12-31', business_date => '2026-01-01');
SELECT points_earn('CUST202601010002', 'club', 'e1', 50, '2027-12-31', business_date => '2026-01-01');
SELECT points_gift('CUST202601010002', 'club', 'g1', 30, '2026-06-30', 'gift', '2026-01-01');
SELECT points_freeze('CUST202601010002', 'club', 'order 7', 40, '2026-01-02');
SELECT points_earn('CUST202601010002', 'main', 'e1m', 5, business_date => '2026-01-01');
SELECT is(pg_temp.lots('CUST202601010002'), '{40@2027-12-31, hold 3: 30:gift@2026-06-30, hold 3: 10@2027-12-31}', 'what the loser has');
SELECT points_merge_move('CUST202601010001', 'CUST202601010002', 'm1', '2026-02-01');
SELECT is(pg_temp.lots('CUST202601010001'), '{40@2027-12-31, 100@2028-12-31, hold 2: 30:gift@2026-06-30, hold 2: 10@2027-12-31}', 'the survivor has it, the hold under a number of his own');
SELECT is(pg_temp.lots('CUST202601010001', 'main'), '{5@never}', 'in every programme');
SELECT is(pg_temp.lots('CUST202601010002'), '{}', 'and the loser nothing');
SELECT pg_temp.balanced('in balance after the move');
SELECT points_merge_move('CUST202601010001', 'CUST202601010002', 'm1', '2026-02-03');
SELECT is(pg_temp.lots('CUST202601010001', 'main'), '{5@never}', 'the same request again moves nothing');
SELECT throws_ok($$SELECT points_merge_move('CUST202601010003', 'CUST202601010002', 'm1')$$, 'KH014', NULL, 'nor another under its name');
SELECT throws_ok($$SELECT points_merge_move('CUST202601010003', 'CUST202601010003', 'm2')$$, 'KHP05', NULL, 'nobody is merged with himself');
SELECT throws_ok($$SELECT points_merge_move(NULL, 'CUST202601010003', 'm2')$$, '22004', NULL, 'or with nobody');
SELECT throws_ok($$SELECT points_merge_return('m9', 'b9')$$, 'P0002', NULL, 'what was not moved is not returned');

-- The order goes on at the survivor: 25 sent, 5 released, 10 still held.
SELECT is((SELECT ref FROM points_journal WHERE customer_code = 'CUST202601010001' AND request_id = '~hold 3 1 club m1'), 'order 7', 'the new hold names the old one');
SELECT is((points_capture('CUST202601010001', 'club', 'sent', '~hold 3 1 club m1', 25, '2026-03-01')).status, 'ok', 'a moved hold is captured');
SELECT is(points_unfreeze('CUST202601010001', 'club', 'not sent', '~hold 3 1 club m1', 5, '2026-03-01')::text,
    '(ok,145,10,0,"{5@2027-12-31, hold 2: -5@2027-12-31}")', 'and released');
SAVEPOINT at_once;
SELECT points_merge_return('m1', 'b1', '2026-04-01');
SELECT is(pg_temp.lots('CUST202601010002'), '{45@2027-12-31, hold 3: 5:gift@2026-06-30, hold 3: 5@2027-12-31}', 'the loser has his lots back, less what was sent');
SELECT is(pg_temp.lots('CUST202601010001'), '{100@2028-12-31}', 'and the survivor his own');
SELECT is(pg_temp.lots('CUST202601010001', 'main'), '{}', 'in every programme');
SELECT pg_temp.balanced('in balance after the return');
SELECT points_merge_return('m1', 'b1', '2026-04-01');
SELECT is(pg_temp.lots('CUST202601010001'), '{100@2028-12-31}', 'the same return again changes nothing');
SELECT throws_ok($$SELECT points_merge_return('m1', 'b2')$$, 'KHP01', NULL, 'nor is it returned twice');
SELECT is((points_capture('CUST202601010002', 'club', 'sent later', 'order 7', business_date => '2026-07-01')).status, 'ok', 'the old hold works again');
SELECT points_merge_move('CUST202601010001', 'CUST202601010002', 'm1 again', '2026-07-01');
SELECT pg_temp.balanced('merged once more under another request');
ROLLBACK TO at_once;

-- The survivor spends more than his own first.
SELECT points_redeem('CUST202601010001', 'club', 'trip', 120, '2026-04-01');
SELECT points_merge_return('m1', 'b1', '2026-07-01');
SELECT is(pg_temp.lots('CUST202601010002'), '{45@2027-12-31, hold 3: 5:gift@2026-06-30, hold 3: 5@2027-12-31}', 'the loser has the same');
SELECT is(pg_temp.lots('CUST202601010001'), '{debt 20}', 'and the survivor owes what he spent of it');
SELECT pg_temp.balanced('in balance after a return into debt');

-- -- expiry between -------------------------------------------------------------------------

SELECT points_gift('CUST202601020002', 'club', 'g', 30, '2026-06-30', 'gift', '2026-01-01');
SELECT points_earn('CUST202601020001', 'club', 'e', 10, '2028-12-31', business_date => '2026-01-01');
SELECT points_merge_move('CUST202601020001', 'CUST202601020002', 'x1', '2026-02-01');
SELECT points_expire_account('CUST202601020001', 'club', '2026-08-01');
SELECT points_merge_return('x1', 'y1', '2026-08-02');
SELECT results_eq($$SELECT customer_code::text, state::text FROM crm_data.points_account WHERE code_day(customer_code) = '2026-01-02' ORDER BY 1$$,
    $$VALUES ('CUST202601020001', '{10@2028-12-31}'), ('CUST202601020002', '{}')$$, 'what ended meanwhile has ended for the loser, and costs the survivor nothing');
SELECT pg_temp.balanced('in balance when lots ended between');

-- -- debt ------------------------------------------------------------------------------------

SELECT points_earn('CUST202601030002', 'club', 'e', 50, '2027-12-31', business_date => '2026-01-01');
SELECT points_redeem('CUST202601030002', 'club', 'r', 50, '2026-01-01');
SELECT points_reverse('CUST202601030002', 'club', 'v', 'e', 50, '2026-01-01');
SELECT points_earn('CUST202601030001', 'club', 'e', 20, '2028-12-31', business_date => '2026-01-01');
SELECT points_merge_move('CUST202601030001', 'CUST202601030002', 'd1', '2026-02-01');
SELECT is(pg_temp.lots('CUST202601030001'), '{debt 30}', 'a debt comes too, and is paid as far as it goes');
SELECT points_earn('CUST202601030001', 'club', 'e2', 45, '2029-12-31', business_date => '2026-02-02');
SELECT points_merge_return('d1', 'd2', '2026-02-03');
SELECT is(pg_temp.lots('CUST202601030002'), '{debt 50}', 'it goes back to who made it');
SELECT is(pg_temp.lots('CUST202601030001'), '{20@2028-12-31, 45@2029-12-31}', 'and the lots that paid it come back, those of before and those of after');
SELECT pg_temp.balanced('in balance after a debt has gone and come');

-- -- a chain: 3 into 2, 2 into 1; the first is undone -----------------------------------------

SELECT points_earn('CUST202601040001', 'club', 'e', 1, '2028-12-31', 'one', '2026-01-01');
SELECT points_earn('CUST202601040002', 'club', 'e', 20, '2028-12-31', 'two', '2026-01-01');
SELECT points_earn('CUST202601040003', 'club', 'e', 300, '2028-12-31', 'three', '2026-01-01');
SELECT points_freeze('CUST202601040003', 'club', 'h', 100, '2026-01-01');
SELECT points_merge_move('CUST202601040002', 'CUST202601040003', 'c32', '2026-02-01');
SELECT points_merge_move('CUST202601040001', 'CUST202601040002', 'c21', '2026-02-02');
SELECT is(pg_temp.lots('CUST202601040001'), '{1:one@2028-12-31, 200:three@2028-12-31, 20:two@2028-12-31, hold 2: 100:three@2028-12-31}', 'the chain''s end has everything');
SELECT points_merge_return('c32', 'back 3', '2026-02-03');
SELECT is(pg_temp.lots('CUST202601040003'), '{200:three@2028-12-31, hold 2: 100:three@2028-12-31}', 'the first of the chain has his own back, hold and all');
SELECT is(pg_temp.lots('CUST202601040002'), '{}', 'the middle still has nothing');
SELECT is(pg_temp.lots('CUST202601040001'), '{1:one@2028-12-31, 20:two@2028-12-31}', 'the end keeps the middle''s');
SELECT points_merge_return('c21', 'back 2', '2026-02-04');
SELECT is(pg_temp.lots('CUST202601040002'), '{20:two@2028-12-31}', 'and the middle comes back by the request that moved it');
SELECT is(pg_temp.lots('CUST202601040001'), '{1:one@2028-12-31}', 'nothing is left over');
SELECT pg_temp.balanced('in balance after the chain');

-- -- who may, and what the audit sees ------------------------------------------------------------

CREATE ROLE crm_test_points_writer;
GRANT crm_writer TO crm_test_points_writer;
SET LOCAL ROLE crm_test_points_writer;
SELECT throws_ok($$SELECT crm.points_merge_move('CUST202601040001', 'CUST202601040002', 'w')$$, '42501', NULL, 'a writer merges no points');
SELECT throws_ok($$SELECT crm.points_merge_return('c21', 'w')$$, '42501', NULL, 'and returns none');
SELECT throws_ok($$SELECT crm.points_shift('CUST202601040001', 'club', 'w', 'merge', '{1000@never}', 'CUST202601040002', 'w', '2026-01-01')$$, '42501', NULL, 'and makes none of nothing');
SELECT throws_ok($$INSERT INTO crm_data.points_merge (request_id) VALUES ('w')$$, '42501', NULL, 'or says that some were moved');
RESET ROLE;
UPDATE crm_data.points_journal SET amount = amount + 1 WHERE request_id = '~merged 1 club c21';
SELECT ok((SELECT bool_or(invariant = 'merge_conserved') FROM points_audit()), 'a merge of which one end was changed is named');

SELECT * FROM finish();
ROLLBACK;
