-- Proves: gifts come out of approved batches, by two persons, and never beyond the budget;
-- rewards take points and stock together or neither, from whoever qualifies; arrears block
-- and payment unblocks by itself, leaving voids; a cancelled redemption gives lots and stock
-- back, once; notices come once each; liability is told by month, type and level; the audit
-- names what a superuser changed. And the story of a customer, from first bill to last expiry.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
DROP ROLE IF EXISTS crm_test_gift_one, crm_test_gift_two, crm_test_gift_writer;
CREATE ROLE crm_test_gift_one LOGIN;
CREATE ROLE crm_test_gift_two LOGIN;
CREATE ROLE crm_test_gift_writer LOGIN;
GRANT crm_data_admin TO crm_test_gift_one, crm_test_gift_two;
GRANT crm_writer TO crm_test_gift_writer;
CREATE FUNCTION pg_temp.lots(text, text DEFAULT 'main') RETURNS text LANGUAGE sql AS
$$ SELECT state::text FROM crm_data.points_account WHERE customer_code = $1::crm.customer_code AND programme = $2 $$;

-- -- a customer's story ------------------------------------------------------------------

INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at) VALUES ('CUST202601010001', 'individual', 'CUST202601010001', '2024-12-15 10:00+08');
SELECT define_points_reward('cup', 'main', '杯子', 'cup', 800, valid_from => '2026-01-01', cash => 9.90);
SELECT is(points_stock('cup', 3), 3::bigint, 'three cups come in');
SELECT record_points_element('CUST202601010001', 'bill', '2026-01/1', '2026-01-31', 500.60);
CALL points_accrue('main', '2026-01-01', '2026-02-05');
SELECT is(pg_temp.lots('CUST202601010001'), '{500@2028-12-31, 50:tenure@2028-12-31}', 'January: 500 points for 500.60 yuan, 10 % on top in the second year');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010001', 'cup 1', 'cup', 1, 9.90, '2026-02-06')$$, 'KHP07', NULL, 'who never had 1,000 points does not qualify');
SELECT record_points_element('CUST202601010001', 'bill', '2026-02/1', '2026-02-28', 600);
CALL points_accrue('main', '2026-02-01', '2026-03-05');
SELECT is((redeem_reward('CUST202601010001', 'cup 1', 'cup', 1, 9.90, '2026-03-06')).available, 410::bigint, 'with 1,210 he does, and pays 800 and 9.90 yuan');
SELECT is((redeem_reward('CUST202601010001', 'cup 1', 'cup', 1, 9.90, '2026-03-07')).status, 'replay', 'the same request again takes nothing');
SELECT is(points_reward_obstacle('CUST202601010001', 'cup', 1, '2026-03-07'), NULL, 'once qualified he stays so');
SELECT is((SELECT stock FROM points_reward WHERE item = 'cup'), 2::bigint, 'one cup has gone');
SELECT points_set_standing('CUST202601010001', arrears => true, business_date => '2026-04-20');
SELECT throws_ok($$SELECT points_redeem('CUST202601010001', 'main', 'x', 10, '2026-04-21')$$, 'KHP03', NULL, 'arrears block redemption');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010001', 'x', 'cup', 1, 9.90, '2026-04-21')$$, 'KHP07', NULL, 'and rewards, which say why');
SELECT is((SELECT balance FROM points_statement('CUST202601010001', 'main', '2026-04-01', '2026-04-30') WHERE kind = 'closing'), 410::bigint, 'but not enquiry');
SELECT points_set_standing('CUST202601010001', arrears => false, business_date => '2026-05-02');
SELECT is((cancel_reward('CUST202601010001', 'cup 1 back', 'cup 1', '2026-05-03')).available, 1210::bigint, 'paid: the cup goes back, the points come back');
SELECT is(pg_temp.lots('CUST202601010001'), '{1100@2028-12-31, 110:tenure@2028-12-31}', 'as the lots that they were');
SELECT is((SELECT stock FROM points_reward WHERE item = 'cup'), 3::bigint, 'and the cup to the others');
SELECT is((cancel_reward('CUST202601010001', 'cup 1 back', 'cup 1', '2026-05-04')).status, 'replay', 'the same cancellation again does nothing');
SELECT throws_ok($$SELECT cancel_reward('CUST202601010001', 'once more', 'cup 1')$$, 'KHP01', NULL, 'and another one is refused');
SELECT is((SELECT stock FROM points_reward WHERE item = 'cup'), 3::bigint, 'stock stays');
CALL points_make_notices('2028-12-05');
CALL points_make_notices('2028-12-06', 1);
CALL points_make_notices('2028-12-26');
SELECT results_eq($$SELECT expires_on, days, amount, noted_on FROM crm_data.points_notice ORDER BY noted_on$$,
    $$VALUES ('2028-12-31'::date, 30::smallint, 1210::bigint, '2028-12-05'::date), ('2028-12-31', 7::smallint, 1210, '2028-12-26')$$, 'a notice 30 days before, one 7 days before, each once');
SELECT is(points_notices_sent('2028-12-10'), 1::bigint, 'the first is sent');
CALL points_expire_due('2029-01-01');
SELECT is(pg_temp.lots('CUST202601010001'), '{}', 'New Year: what was not used has ended');
SELECT results_eq($$SELECT kind, amount, balance, expiring FROM points_statement('CUST202601010001', 'main', '2028-12-20', '2029-01-31')$$,
    $$VALUES ('opening', NULL::bigint, 1210::bigint, NULL::bigint), ('expire', -1210, 0, NULL), ('closing', NULL, 0, 0)$$, 'the statement says so');
SELECT results_eq($$SELECT kind, balance, expiring FROM points_statement('CUST202601010001', 'main', '2028-12-01', '2028-12-10') WHERE kind = 'closing'$$,
    $$VALUES ('closing', 1210::bigint, 1210::bigint)$$, 'and said before what would end');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

-- -- gifts ----------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_gift_one;
SELECT crm.open_points_gift_batch('birthday', 'main', 'gift', '生日赠送', 100, '2026-12-31', '2026-01-01', '2027-06-30', 60);
SELECT throws_ok($$SELECT crm.approve_points_gift_batch('birthday')$$, 'KH004', NULL, 'who proposes does not approve');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010002', 'b', 'birthday', 50, '2026-03-01')$$, 'KH003', NULL, 'before approval nothing is given');
SELECT throws_ok($$UPDATE crm_data.points_gift_batch SET budget = 100000, approved_by = 'x'$$, '42501', NULL, 'nobody writes the batch itself');
SET SESSION AUTHORIZATION crm_test_gift_two;
SELECT crm.approve_points_gift_batch('birthday');
SET SESSION AUTHORIZATION crm_test_gift_writer;
SELECT throws_ok($$SELECT crm.approve_points_gift_batch('birthday')$$, '42501', NULL, 'a writer approves nothing');
SELECT throws_ok($$SELECT crm.open_points_gift_batch('mine', 'main', 'gift', 'x', 100, '2026-12-31')$$, '42501', NULL, 'nor proposes');
SELECT throws_ok($$SELECT crm.points_stock('cup', 1000)$$, '42501', NULL, 'nor makes goods');
SELECT throws_ok($$SELECT crm.define_points_reward('cup', 'main', 'x', 'x', 1)$$, '42501', NULL, 'nor prices');
SELECT throws_ok($$SELECT crm.points_lock_accounts('{}')$$, '42501', NULL, 'nor holds others up');
SELECT is((crm.give_points('CUST202601010002', 'b', 'birthday', 50, '2026-03-01')).breakdown::text, '{50:gift@2027-06-30}', 'but gives out of an approved batch');
SELECT is((crm.give_points('CUST202601010002', 'b', 'birthday', 50, '2026-03-02')).status, 'replay', 'once');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010002', 'b', 'birthday', 51, '2026-03-02')$$, 'KH014', NULL, 'another amount under its name is refused');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010002', 'b2', 'birthday', 11, '2026-03-02')$$, 'KHP07', NULL, 'one customer has his share');
SELECT is((crm.give_points('CUST202601010003', 'b', 'birthday', 45, '2026-03-02')).status, 'ok', 'another his');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'b', 'birthday', 6, '2026-03-02')$$, 'KHP06', NULL, 'and no more than the budget is given');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'b', 'birthday', 5, '2027-03-02')$$, 'KH007', NULL, 'nor after its time');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'b', 'nothing', 5)$$, 'P0002', NULL, 'nor out of nothing');
SELECT throws_ok($$SELECT crm.points_gift('CUST202601010004', 'main', 'raw', 5, '2027-06-30', 'gift', '2026-03-02')$$, 'KHP07', NULL, 'nor without a batch');
RESET SESSION AUTHORIZATION;
SELECT crm.points_gift('CUST202601010004', 'main', 'raw', 5, '2027-06-30', 'gift', '2026-03-02');
SET SESSION AUTHORIZATION crm_test_gift_writer;
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'raw', 'birthday', 5, '2026-03-02')$$, 'KH014', NULL, 'a gift that was given otherwise is not one of the batch');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT spent FROM crm_data.points_gift_batch), 95::bigint, 'what was refused took nothing of the budget');
SELECT close_points_gift_batch('birthday');
SELECT throws_ok($$SELECT give_points('CUST202601010004', 'b', 'birthday', 5, '2026-03-02')$$, 'KH007', NULL, 'a closed batch gives nothing');

-- -- rewards: who, when, how often -------------------------------------------------------------

SELECT define_points_redeem_rule('main', most_a_month => 2, most_points_a_month => 500);
SELECT define_points_reward('gold cup', 'main', '金杯', 'gold cup', 10, min_level => 'gold', valid_from => '2026-01-01', valid_until => '2026-06-30');
SELECT define_points_reward('pen', 'main', '笔', 'pen', 100, valid_from => '2026-01-01', most_per_customer => 3);
SELECT points_stock('gold cup', 10), points_stock('pen', 100);
SELECT points_earn('CUST202601010005', 'main', 'e', 5000, '2028-12-31', business_date => '2026-01-01');
SELECT throws_ok(format('SELECT redeem_reward(''CUST202601010005'', %s)', call), code, NULL, call)
  FROM (VALUES ($$'a', 'gold cup', business_date => '2026-02-01'$$, 'KHP07'), ($$'a', 'gold cup', business_date => '2026-07-01'$$, 'KH007'), ($$'a', 'nothing'$$, 'P0002'),
               ($$'a', 'pen', 0$$, '22023'), ($$'a', 'pen', 1, 5, '2026-02-01'$$, '22023'), ($$'a', 'pen', 4, 0, '2026-02-01'$$, 'KHP07'), ($$'a', 'cup', 1, 9.90, '2026-02-01'$$, 'KHP07'),
               ($$'e', 'pen', 1, 0, '2026-02-01'$$, 'KH014')) v (call, code);
SELECT points_set_standing('CUST202601010005', level => 'platinum');
SELECT throws_ok($$SELECT points_set_standing('CUST202601010005', level => 'emperor')$$, '22023', NULL, 'levels are of the list');
SELECT is((redeem_reward('CUST202601010005', 'a', 'gold cup', business_date => '2026-02-01')).status, 'ok', 'with the level he may');
SELECT is((redeem_reward('CUST202601010005', 'b', 'pen', 2, business_date => '2026-02-01')).status, 'ok', 'and a second time');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010005', 'c', 'pen', 1, 0, '2026-02-28')$$, 'KHP07', NULL, 'a third time a month he may not');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010005', 'c', 'pen', 2, 0, '2026-03-01')$$, 'KHP07', NULL, 'nor more pens than three');
SELECT is((redeem_reward('CUST202601010005', 'c', 'pen', 1, 0, '2026-03-01')).status, 'ok', 'the next month he may again');
SELECT points_redeem('CUST202601010005', 'main', 'raw', 100, '2026-04-01');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010005', 'raw', 'gold cup', 10, 0, '2026-04-01')$$, 'KH014', NULL, 'another redemption''s request is not taken for one of a reward');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010005', 'd', 'gold cup', 10, 0, '2026-05-01')$$, 'KHP06', NULL, 'there are not ten left');
SELECT throws_ok($$SELECT points_stock('gold cup', -10)$$, '23514', NULL, 'nor can they be taken away');

-- A directed programme buys one category only, and is not given away.
SELECT define_points_programme('film', '电影积分', 'Film points');
SELECT define_points_type('film', 'film', '电影', 'film', redeemable_for => '{ticket}', is_transferable => false);
SELECT define_points_reward('ticket', 'film', '电影票', 'ticket', 10, 'ticket', valid_from => '2026-01-01'), define_points_reward('popcorn', 'film', '爆米花', 'popcorn', 5, 'food', valid_from => '2026-01-01');
SELECT points_stock('ticket', 5), points_stock('popcorn', 5);
SELECT points_earn('CUST202601010006', 'film', 'e', 100, '2028-12-31', business_date => '2026-01-01');
SELECT is((redeem_reward('CUST202601010006', 't', 'ticket', business_date => '2026-02-01')).status, 'ok', 'directed points buy what they are for');
SELECT throws_ok($$SELECT redeem_reward('CUST202601010006', 'p', 'popcorn', business_date => '2026-02-01')$$, 'KHP07', NULL, 'and nothing else');
SELECT throws_ok($$SELECT transfer_points('CUST202601010006', 'CUST202601010005', 'film', 'g', 5)$$, 'KHP07', NULL, 'nor are they given to others');
SELECT is((transfer_points('CUST202601010005', 'CUST202601010006', 'main', 'g', 5, '2026-05-01')).status, 'ok', 'others are');

-- -- arrears and a lock by hand; leaving ----------------------------------------------------------

SELECT points_lock('CUST202601010006', 'film', 'by hand', '2026-05-01');
SELECT points_set_standing('CUST202601010006', arrears => true, business_date => '2026-05-02');
SELECT points_set_standing('CUST202601010006', arrears => true, business_date => '2026-05-03');
SELECT points_set_standing('CUST202601010006', arrears => false, business_date => '2026-05-04');
SELECT results_eq($$SELECT programme, status FROM points_account WHERE customer_code = 'CUST202601010006' ORDER BY 1$$, $$VALUES ('film', 'locked'), ('main', 'open')$$,
    'payment opens what arrears locked, and not what was locked by hand');
SELECT points_freeze('CUST202601010005', 'main', 'order', 50, '2026-06-01');
SELECT points_set_standing('CUST202601010005', has_left => true, business_date => '2026-06-02');
SELECT is(pg_temp.lots('CUST202601010005'), '{}', 'leaving voids all points, held ones too');
SELECT is(points_reward_obstacle('CUST202601010005', 'pen', 1, '2026-06-03'), 'the customer has left', 'and who has left redeems nothing');

-- -- holds: whether they stop expiry is the programme's to say ----------------------------------------

SELECT define_points_programme('guest', '客人', 'Guests'), define_points_programme('other', '其他', 'Others');
SELECT points_earn('CUST202601010008', p, p || ' e1', 100, '2026-06-30', business_date => '2026-01-01'), points_earn('CUST202601010008', p, p || ' e2', 50, '2027-12-31', business_date => '2026-01-02'),
       points_freeze('CUST202601010008', p, p || ' f1', 60, '2026-01-03', 'order'), points_freeze('CUST202601010008', p, p || ' f2', 60, '2026-01-03', 'dispute') FROM unnest('{guest,other}'::text[]) p;
CALL points_expire_due('2026-07-01');
SELECT is((SELECT array_agg(held ORDER BY programme) FROM points_account WHERE customer_code = 'CUST202601010008'), '{120,120}', 'held points do not expire');
SELECT define_points_hold_rule('guest', false);
CALL points_expire_due('2026-07-01');
SELECT is((SELECT array_agg(held ORDER BY programme) FROM points_account WHERE customer_code = 'CUST202601010008'), '{120,120}', 'nor where a rule says the same');
SELECT define_points_hold_rule('guest', true);
CALL points_expire_due('2026-06-30');
SELECT is((SELECT array_agg(held ORDER BY programme) FROM points_account WHERE customer_code = 'CUST202601010008'), '{120,120}', 'nor on their last day');
CALL points_expire_due('2026-07-01', 1);
CALL points_expire_due('2026-07-01');
SELECT is((SELECT array_agg(held ORDER BY programme) FROM points_account WHERE customer_code = 'CUST202601010008'), '{20,120}', 'where the rule says so they do, once, and what has not ended stays held');
SELECT results_eq($$SELECT kind, amount FROM points_journal WHERE customer_code = 'CUST202601010008' AND request_id ~ '^~lapse'$$, $$VALUES ('void', -100::bigint)$$, 'in one entry of an account');
SELECT throws_ok($$SELECT points_capture('CUST202601010008', 'guest', 'guest c1', 'guest f1')$$, 'KHP01', NULL, 'nothing remains of a hold that has ended');
SELECT is((points_capture('CUST202601010008', 'guest', 'guest c2', 'guest f2', business_date => '2026-07-02')).breakdown::text, '{hold 4: -20@2027-12-31}', 'of the other, the rest');
SELECT is((points_unfreeze('CUST202601010008', 'other', 'other u1', 'other f1', business_date => '2026-07-02')).available, 30::bigint, 'by the law, what is released past its day expires at once');
SELECT is((SELECT balance FROM points_statement('CUST202601010008', 'guest', '2026-01-01', '2026-12-31') WHERE kind = 'closing'), 30::bigint, 'the statement foots');
SELECT is_empty($$SELECT * FROM points_audit('CUST202601010008')$$, 'and the books are in balance');
SET ROLE crm_writer;
SELECT throws_ok($$SELECT crm.define_points_hold_rule('guest', false)$$, '42501', NULL, 'a writer makes no such rule');
RESET ROLE;

-- -- liability ---------------------------------------------------------------------------------------

SELECT points_set_standing('CUST202601010007', level => 'gold');
SELECT points_earn('CUST202601010007', 'main', 'e', 70, '2999-12-31', 'tenure'), points_freeze('CUST202601010007', 'main', 'f', 20);
SELECT results_eq($$SELECT expiry_month, type, customer_level, state, customers, amount FROM crm_report.points_liability_by_type WHERE expiry_month = '2999-12-01' ORDER BY state$$,
    $$VALUES ('2999-12-01'::date, 'tenure', 'gold', 'available', 1::bigint, 50::numeric), ('2999-12-01', 'tenure', 'gold', 'held', 1, 20)$$, 'what is outstanding, by month, type and level');

-- -- the audit ------------------------------------------------------------------------------------------

SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
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
  FROM (VALUES ($$UPDATE crm_data.points_gift_batch SET spent = 0$$, 'gift_budget'), ($$UPDATE crm_data.points_gift_use SET amount = 1$$, 'gift_budget gift_posted'),
               ($$UPDATE crm_data.points_reward SET stock = stock + 1$$, 'reward_stock'), ($$DELETE FROM crm_data.points_redemption WHERE item = 'pen'$$, 'reward_stock'),
               ($$UPDATE crm_data.points_redemption SET points = 1 WHERE item = 'pen'$$, 'reward_posted'),
               ($$UPDATE crm_data.points_redemption SET cancelled_by = NULL WHERE item = 'cup'$$, 'reward_posted reward_stock')) v (statement, found);

SELECT * FROM finish();
