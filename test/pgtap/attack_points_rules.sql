-- Proves: the rules of a programme hold against who may post: a writer, and the data department with
-- its batches. Threshold, arrears, leaving, months' limits, direction and transferability bind
-- redemption, hold and transfer alike; credits come by rules and batches, or where the programme
-- says so; arrears are not unlocked by hand; what one customer may have counts over all his
-- merged records and again apart when they are undone; a former code redeems for its survivor,
-- once; and what four eyes rest on is written by nobody in another's name, the owner included.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
DROP ROLE IF EXISTS crm_test_rule_writer, crm_test_rule_admin, crm_test_rule_other;
CREATE ROLE crm_test_rule_writer LOGIN;
CREATE ROLE crm_test_rule_admin LOGIN;
CREATE ROLE crm_test_rule_other LOGIN;
GRANT crm_writer TO crm_test_rule_writer;
GRANT crm_data_admin, crm_writer TO crm_test_rule_admin, crm_test_rule_other;
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'individual', c, '2024-12-15 10:00+08' FROM (SELECT crm.customer_code('2026-01-01', n) FROM generate_series(1, 12) n) x (c);
CREATE FUNCTION pg_temp.post(VARIADIC ops crm.points_op[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(b.status, ' ' ORDER BY b.n) FROM crm.points_post_batch(ops) WITH ORDINALITY b (request_id, status, available, held, debt, breakdown, n) $$;

-- -- who does not qualify ---------------------------------------------------------------------

SELECT points_earn('CUST202601010001', 'main', 'e', 900, '2028-12-31', business_date => '2026-02-01');
SELECT points_earn('CUST202601010002', 'main', 'e', 1000, '2028-12-31', business_date => '2026-02-01');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok(format('SELECT %s', call), 'KHP07', 'not_allowed: the rules of the points programme do not allow this', 'under the threshold nothing is had by ' || call)
  FROM (VALUES ($$crm.points_redeem('CUST202601010001', 'main', 'x', 10, '2026-02-02')$$), ($$crm.points_freeze('CUST202601010001', 'main', 'x', 10, '2026-02-02')$$),
               ($$crm.points_transfer('CUST202601010001', 'CUST202601010002', 'main', 'x', 10, '2026-02-02')$$)) v (call);
SELECT throws_ok($$SELECT crm.transfer_points('CUST202601010001', 'CUST202601010002', 'main', 'x', 10, '2026-02-02')$$, 'KHP07', NULL, 'nor is it given to who qualifies');
SELECT is((crm.points_redeem('CUST202601010002', 'main', 'r', 950, '2026-02-02')).available, 50::bigint, 'who had a thousand once redeems');
SELECT is((crm.points_redeem('CUST202601010002', 'main', 's', 10, '2026-02-02')).available, 40::bigint, 'and stays qualified');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT is(pg_temp.post(ROW('b1', '2026-02-02', 'redeem', 'CUST202601010001', NULL, 'main', 10, NULL, NULL, NULL), ROW('b2', '2026-02-02', 'freeze', 'CUST202601010001', NULL, 'main', 10, NULL, NULL, NULL),
                       ROW('b3', '2026-02-02', 'transfer', 'CUST202601010001', 'CUST202601010002', 'main', 10, NULL, NULL, NULL), ROW('b4', '2026-02-02', 'redeem', 'CUST202601010001', NULL, 'main', 901, NULL, NULL, NULL),
                       ROW('b5', '2026-02-02', 'redeem', 'CUST202601010002', NULL, 'main', 1, NULL, NULL, NULL), ROW('r', '2026-02-02', 'redeem', 'CUST202601010002', NULL, 'main', 950, NULL, NULL, NULL)),
          'not_allowed not_allowed not_allowed insufficient ok replay', 'batches are bound as well, row by row; the law is asked first');

-- -- credits without a rule ----------------------------------------------------------------------

SELECT is(pg_temp.post(ROW('f1', '2026-02-02', 'earn', 'CUST202601010001', NULL, 'main', 100, '2028-12-31', NULL, NULL), ROW('f2', '2026-02-02', 'gift', 'CUST202601010001', NULL, 'main', 100, '2028-12-31', NULL, NULL)),
          'not_allowed not_allowed', 'points do not come by a batch of postings where there are rules of earning');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok($$SELECT crm.points_earn('CUST202601010001', 'main', 'f', 100, '2028-12-31')$$, 'KHP07', NULL, 'nor are they earned');
SELECT throws_ok($$SELECT crm.points_gift('CUST202601010001', 'main', 'f', 100, '2028-12-31')$$, 'KHP07', NULL, 'or given, by who may write');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.define_points_programme('main', '积分', 'Points', free_credit => true);
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT is((crm.points_earn('CUST202601010003', 'main', 'f', 2000, '2028-12-31', business_date => '2026-02-01')).status, 'ok', 'but where the programme says so, seen at once');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.define_points_programme('main', '积分', 'Points');
SELECT crm.define_points_programme('plain', '无规则', 'No rules');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT is((crm.points_earn('CUST202601010001', 'plain', 'p', 10, '2028-12-31', business_date => '2026-02-01')).status, 'ok', 'a programme without rules knows the law alone');
SELECT is((crm.points_redeem('CUST202601010001', 'plain', 'q', 4, '2026-02-01')).status, 'ok', 'for redemption');
SELECT is((crm.points_transfer('CUST202601010001', 'CUST202601010002', 'plain', 't', 4, '2026-02-01')).status, 'ok', 'and transfer');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.define_points_redeem_rule('plain', threshold => 100);
SET SESSION AUTHORIZATION crm_test_rule_other;
SELECT crm.approve_points_draft(d.draft) FROM crm.points_draft d WHERE d.kind = 'redeem_rule' AND d.name = 'plain';
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010001', 'plain', 'q2', 1, '2026-02-01')$$, 'KHP07', NULL, 'until it has some');
SELECT is((crm.points_redeem('CUST202601010001', 'plain', 'q', 4, '2026-02-03')).status, 'replay', 'what was redeemed before is told again');

-- -- arrears and leaving ----------------------------------------------------------------------------

SELECT crm.points_set_standing('CUST202601010003', arrears => true, business_date => '2026-02-02');
SELECT throws_ok($$SELECT crm.points_unlock('CUST202601010003', 'main', 'u', '2026-02-02')$$, 'KHP07', NULL, 'what arrears locked is not unlocked by hand');
RESET SESSION AUTHORIZATION;
-- Locked by hand before, so that arrears find nothing to lock: that is no way to open it afterwards.
SELECT points_earn('CUST202601010003', 'plain', 'p', 10, '2028-12-31', business_date => '2026-02-01'), points_set_standing('CUST202601010003', arrears => false, business_date => '2026-02-02');
SELECT points_lock('CUST202601010003', 'plain', 'first', '2026-02-02'), points_set_standing('CUST202601010003', arrears => true, business_date => '2026-02-02');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok($$SELECT crm.points_unlock('CUST202601010003', 'plain', 'u', '2026-02-02')$$, 'KHP07', NULL, 'nor what was locked by hand before them');
RESET SESSION AUTHORIZATION;
-- A superuser opens the lock.
SELECT points_unlock('CUST202601010003', 'main', 'u', '2026-02-02');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok(format('SELECT %s', call), 'KHP07', NULL, 'arrears bind ' || call)
  FROM (VALUES ($$crm.points_redeem('CUST202601010003', 'main', 'x', 10, '2026-02-02')$$), ($$crm.points_freeze('CUST202601010003', 'main', 'x', 10, '2026-02-02')$$),
               ($$crm.transfer_points('CUST202601010003', 'CUST202601010002', 'main', 'x', 10, '2026-02-02')$$), ($$crm.points_transfer('CUST202601010003', 'CUST202601010002', 'main', 'x', 10, '2026-02-02')$$)) v (call);
SELECT crm.points_set_standing('CUST202601010003', arrears => false, business_date => '2026-02-03');
SELECT is((crm.points_redeem('CUST202601010003', 'main', 'spent', 300, '2026-02-03')).status, 'ok', 'paid, he may');
SELECT crm.points_lock('CUST202601010003', 'main', 'by hand', '2026-02-03');
SELECT is((crm.points_unlock('CUST202601010003', 'main', 'by hand again', '2026-02-03')).status, 'ok', 'a lock by hand is opened by hand');
SELECT crm.points_set_standing('CUST202601010003', has_left => true, business_date => '2026-02-04');
SELECT is((crm.points_reverse('CUST202601010003', 'main', 'spent back', 'spent', NULL, '2026-02-05')).available, 300::bigint, 'goods come back from who has left, and so do the points');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010003', 'main', 'x', 10, '2026-02-05')$$, 'KHP07', NULL, 'but are of no use to him');
SELECT throws_ok($$SELECT crm.points_transfer('CUST202601010003', 'CUST202601010002', 'main', 'x', 10, '2026-02-05')$$, 'KHP07', NULL, 'or to a friend');
SELECT crm.points_set_standing('CUST202601010003', has_left => false, business_date => '2026-02-06');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010003', 'main', 'x', 10, '2026-02-06')$$, 'KH008', NULL, 'nor when he is with us again');
RESET SESSION AUTHORIZATION;

-- -- a month's limits, whatever it is called ---------------------------------------------------------

SELECT define_points_programme('club', '会员积分', 'Club'), define_points_redeem_rule('club', most_a_month => 3, most_points_a_month => 100);
SELECT points_earn('CUST202601010004', 'club', 'e', 5000, '2028-12-31', business_date => '2026-01-01');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT is((crm.points_redeem('CUST202601010004', 'club', 'a', 40, '2026-03-01')).status, 'ok', 'one redemption');
SELECT is((crm.points_freeze('CUST202601010004', 'club', 'h', 50, '2026-03-02')).status, 'ok', 'a hold is one too');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010004', 'club', 'b', 11, '2026-03-31')$$, 'KHP07', NULL, 'so no more than a hundred points a month');
SELECT is((crm.points_capture('CUST202601010004', 'club', 'c', 'h', 20, '2026-03-03')).status, 'ok', 'what was held is used without asking again');
SELECT is((crm.points_unfreeze('CUST202601010004', 'club', 'd', 'h', NULL, '2026-03-03')).status, 'ok', 'and what comes back');
SELECT is((crm.points_redeem('CUST202601010004', 'club', 'b', 40, '2026-03-31')).status, 'ok', 'may be redeemed');
SELECT throws_ok($$SELECT crm.points_freeze('CUST202601010004', 'club', 'i', 0 + 1, '2026-03-31')$$, 'KHP07', NULL, 'three times and no fourth');
SELECT is((crm.points_reverse('CUST202601010004', 'club', 'a back', 'a', NULL, '2026-03-31')).status, 'ok', 'what was reversed');
SELECT is((crm.points_redeem('CUST202601010004', 'club', 'i', 40, '2026-03-31')).status, 'ok', 'does not count');
SELECT is((crm.points_redeem('CUST202601010004', 'club', 'j', 100, '2026-04-01')).status, 'ok', 'a new month, a new limit');
RESET SESSION AUTHORIZATION;

-- -- directed points -------------------------------------------------------------------------------------

SELECT define_points_programme('film', '电影积分', 'Film points');
SELECT define_points_type('film', 'film', '电影', 'film', redeemable_for => '{ticket}', is_transferable => false);
SELECT define_points_reward('ticket', 'film', '电影票', 'ticket', 10, 'ticket', valid_from => '2026-01-01'), points_stock('ticket', 5);
SELECT points_earn('CUST202601010004', 'film', 'fe', 100, '2028-12-31', business_date => '2026-01-01');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010004', 'film', 'x', 10, '2026-02-02')$$, 'KHP07', NULL, 'directed points buy nothing without a name');
SELECT throws_ok($$SELECT crm.points_freeze('CUST202601010004', 'film', 'x', 10, '2026-02-02')$$, 'KHP07', NULL, 'nor by a hold');
SELECT throws_ok($$SELECT crm.points_transfer('CUST202601010004', 'CUST202601010002', 'film', 'x', 10, '2026-02-02')$$, 'KHP07', NULL, 'and what is not transferable stays');
SELECT is((crm.redeem_reward('CUST202601010004', 'film 1', 'ticket', 1, 0, '2026-02-02')).status, 'ok', 'they buy what they are for');
RESET SESSION AUTHORIZATION;

-- -- one customer, several records --------------------------------------------------------------------------

SELECT define_points_programme('shop', '商城', 'Shop'), define_points_redeem_rule('shop', most_a_month => 3);
SELECT define_points_type('shop', 'gift', '赠送', 'gift', 'gift', 'gift');
SELECT define_points_reward('pen', 'shop', '笔', 'pen', 10, valid_from => '2026-01-01', most_per_customer => 2), points_stock('pen', 100);
SELECT points_earn(c, 'shop', 'e', 500, '2028-12-31', business_date => '2026-01-01') FROM unnest(ARRAY['CUST202601010005', 'CUST202601010006', 'CUST202601010007']::crm.customer_code[]) c;
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.open_points_gift_batch('spring', 'shop', 'gift', '春', 1000, '2026-12-31', '2026-01-01', '2027-12-31', 60);
SELECT crm.points_approve_adjustment('CUST202601010005', 'shop', 'adj', 5, 'test');
SET SESSION AUTHORIZATION crm_test_rule_other;
SELECT crm.approve_points_gift_batch('spring');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT crm.give_points('CUST202601010005', 'g5', 'spring', 40, '2026-02-01'), crm.give_points('CUST202601010006', 'g6', 'spring', 15, '2026-02-01');
SELECT crm.redeem_reward('CUST202601010005', 'p5', 'pen', 1, 0, '2026-02-01'), crm.redeem_reward('CUST202601010006', 'p6', 'pen', 1, 0, '2026-02-01');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.merge('CUST202601010005', 'CUST202601010006', reason => 'test') AS m \gset
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT throws_ok($$SELECT crm.give_points('CUST202601010005', 'g7', 'spring', 6, '2026-02-02')$$, 'KHP07', NULL, 'merged, his share of gifts is one share');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010006', 'g7', 'spring', 6, '2026-02-02')$$, 'KHP07', NULL, 'under whichever code');
SELECT is((crm.give_points('CUST202601010006', 'g7', 'spring', 5, '2026-02-02')).status, 'ok', 'up to its end');
SELECT throws_ok($$SELECT crm.redeem_reward('CUST202601010005', 'p7', 'pen', 1, 0, '2026-02-02')$$, 'KHP07', NULL, 'two pens are two pens');
SELECT throws_ok($$SELECT crm.redeem_reward('CUST202601010006', 'p7', 'pen', 1, 0, '2026-03-02')$$, 'KHP07', NULL, 'under whichever code, in whatever month');
SELECT is((crm.cancel_reward('CUST202601010006', 'p6 back', 'p6', '2026-02-02')).status, 'ok', 'one comes back');
SELECT is((crm.redeem_reward('CUST202601010006', 'p8', 'pen', 1, 0, '2026-02-03')).breakdown::text, '{-10:gift@2027-12-31}', 'and another goes out, for a former code from the account of its survivor');
SELECT is((crm.redeem_reward('CUST202601010006', 'p8', 'pen', 1, 0, '2026-02-04')).status, 'replay', 'once');
SELECT is((crm.redeem_reward('CUST202601010005', 'p8', 'pen', 1, 0, '2026-02-04')).status, 'replay', 'under either code');
SELECT throws_ok($$SELECT crm.redeem_reward('CUST202601010006', 'p8', 'pen', 2, 0, '2026-02-04')$$, 'KH014', NULL, 'with one content');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010006', 'shop', 'x', 1, '2026-02-04')$$, 'KHP07', NULL, 'a bare redemption by a former code is told who stands for it');
SELECT is((crm.points_redeem('CUST202601010005', 'shop', 'third', 1, '2026-02-04')).status, 'ok', 'a third redemption of the month');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010005', 'shop', 'fourth', 1, '2026-02-05')$$, 'KHP07', NULL, 'and no fourth: months are counted over all records too');
RESET SESSION AUTHORIZATION;
SELECT points_set_standing('CUST202601010006', arrears => true, business_date => '2026-03-01');
SELECT is(points_reward_obstacle('CUST202601010005', 'pen', 1, '2026-03-01'), 'the customer is in arrears', 'arrears of one record are the customer''s');
SELECT points_set_standing('CUST202601010006', arrears => false, business_date => '2026-03-01');
SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.unmerge(:m, 'test');
SET SESSION AUTHORIZATION crm_test_rule_writer;
SELECT is((crm.redeem_reward('CUST202601010006', 'p8', 'pen', 1, 0, '2026-03-04')).status, 'replay', 'undone, the request that went to the survivor is still that one');
SELECT throws_ok($$SELECT crm.redeem_reward('CUST202601010005', 'p9', 'pen', 1, 0, '2026-03-04')$$, 'KHP07', NULL, 'he paid two pens and has had his share');
SELECT is((crm.redeem_reward('CUST202601010006', 'p9', 'pen', 2, 0, '2026-03-04')).status, 'ok', 'the other is somebody else again and has his own');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010006', 'g8', 'spring', 41, '2026-03-04')$$, 'KHP07', NULL, 'gifts likewise: 20 of 60 he had himself');
SELECT is((crm.give_points('CUST202601010006', 'g8', 'spring', 40, '2026-03-04')).status, 'ok', 'and 40 are left');
SELECT is((crm.cancel_reward('CUST202601010006', 'p8 back', 'p8', '2026-03-05')).status, 'ok', 'what a former code redeemed is cancelled by that code');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT customer_code, asked_code FROM crm_data.points_redemption WHERE cancelled_by = 'p8 back'$$, $$VALUES ('CUST202601010005'::crm.customer_code, 'CUST202601010006'::crm.customer_code)$$, 'where it was paid');
SELECT is((SELECT stock FROM crm_data.points_reward WHERE item = 'pen'), 97::bigint, 'and all pens are accounted for');

-- -- nobody writes in another's name -----------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_rule_admin;
SELECT crm.open_points_gift_batch('mine', 'shop', 'gift', 'x', 1000000, '2026-12-31', '2026-01-01');
RESET SESSION AUTHORIZATION;
GRANT crm_owner TO crm_test_rule_admin;
SET SESSION AUTHORIZATION crm_test_rule_admin;
SET ROLE crm_owner;
SELECT throws_ok(statement, '42501', 'records of points are written by their functions only', 'the owner is refused: ' || statement)
  FROM (SELECT format(v.statement, t.name) FROM unnest(ARRAY['points_approval', 'points_reason', 'points_promise', 'points_gift_batch', 'points_gift_use', 'points_reward', 'points_redemption', 'points_element', 'points_earning',
                                                              'points_remainder', 'points_standing', 'points_merge']) t (name),
               unnest(ARRAY['DELETE FROM crm_data.%s', 'TRUNCATE crm_data.%s CASCADE']) v (statement)
         UNION ALL SELECT unnest(ARRAY[$$UPDATE crm_data.points_gift_batch SET approved_by = 'crm_test_rule_other' WHERE batch = 'mine'$$, 'UPDATE crm_data.points_gift_batch SET budget = 1000000000',
            'UPDATE crm_data.points_gift_use SET amount = 1', 'UPDATE crm_data.points_redemption SET cancelled_by = NULL', 'UPDATE crm_data.points_reward SET stock = 1000, stocked = 1000',
            $$INSERT INTO crm_data.points_approval (customer_code, request_id, programme, amount, reason, approved_by) VALUES ('CUST202601010005', 'z', 'shop', 1000, 'x', 'crm_test_rule_other')$$,
            'UPDATE crm_data.points_standing SET arrears = false', 'UPDATE crm_data.points_element SET amount = amount * 100'])) x (statement);
-- A function that he makes himself is a function; whose name it writes is still seen.
CREATE FUNCTION crm_data.forge(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp AS $$ BEGIN EXECUTE statement; END $$;
SELECT throws_ok(format('SELECT crm_data.forge(%L)', statement), 'KH004', NULL, 'nor by a function of his own: ' || statement)
  FROM unnest(ARRAY[$$UPDATE crm_data.points_gift_batch SET approved_by = 'crm_test_rule_other' WHERE batch = 'mine'$$, $$UPDATE crm_data.points_gift_batch SET approved_by = session_user WHERE batch = 'mine'$$,
                    $$UPDATE crm_data.points_gift_batch SET budget = 1000000000$$, $$UPDATE crm_data.points_gift_batch SET spent = 0$$, $$UPDATE crm_data.points_gift_batch SET opened_by = 'x'$$,
                    $$DELETE FROM crm_data.points_gift_batch$$, $$DELETE FROM crm_data.points_approval$$, $$UPDATE crm_data.points_approval SET amount = 1000000$$,
                    $$INSERT INTO crm_data.points_approval (customer_code, request_id, programme, amount, reason, approved_by) VALUES ('CUST202601010005', 'z', 'shop', 1000, 'x', 'crm_test_rule_other')$$,
                    $$INSERT INTO crm_data.points_gift_batch (batch, programme, type, label, budget, valid_from, valid_until, opened_by) VALUES ('b', 'shop', 'gift', 'x', 1, '2026-01-01', '2026-12-31', 'crm_test_rule_other')$$]) statement;
DROP FUNCTION crm_data.forge(text);
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE crm_owner FROM crm_test_rule_admin;
SELECT is_empty('SELECT * FROM points_audit()', 'after all of it the books are in balance');
BEGIN;
ALTER TABLE crm_data.points_gift_batch DISABLE TRIGGER four_eyes;
SELECT string_agg(invariant, ' ') AS found FROM points_audit() \gset
ROLLBACK;
SELECT is(:'found'::text, 'append_only', 'a guard that was switched off is told');
SELECT * FROM finish();
DROP OWNED BY crm_test_rule_writer, crm_test_rule_admin, crm_test_rule_other;
DROP ROLE crm_test_rule_writer, crm_test_rule_admin, crm_test_rule_other;
