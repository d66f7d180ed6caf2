-- Proves: what limits give and count is net of what came back. Points that were earned up to a cap
-- and are taken back make room for what is reckoned later, of the day, month, year and number, over
-- all records of a customer; an earning keeps what it found, so that it is recomputed as it was
-- whatever is taken back before or after. A gift that is
-- taken back is in the budget of its batch and in the customer's share again, in part or whole,
-- once, and not beyond; the audit tells when the batch and the reversals disagree. A cancelled
-- reward and a reversed redemption free the customer's month. Arrears lock accounts that are opened
-- while they last, by whatever posting, on either way of writing, and payment opens exactly those.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();

-- -- caps of a rule ------------------------------------------------------------------------

SELECT define_points_programme('club', '会员积分', 'Club'), define_points_type('club', 'spend', '消费', 'spending');
SELECT define_points_rule('club', 'visit', '2026-01-01', 'visit', 'spend', 'amount', cap_day => 20, cap_month => 60, cap_year => 90),
       define_points_rule('club', 'thrice', '2026-01-01', 'visit', 'spend', 'amount', cap_number => 3, cap_number_per => 'month');
CREATE FUNCTION pg_temp.visit(day date, amount numeric, OUT source text, OUT visit bigint, OUT thrice bigint) LANGUAGE plpgsql AS $$
BEGIN
    source := 'v' || (SELECT count(*) + 1 FROM crm_data.points_element);
    PERFORM crm.record_points_element('CUST202601010001', 'visit', source, day, amount);
    PERFORM crm.points_accrue_customers('club', date_trunc('month', day)::date, ARRAY['CUST202601010001']::crm.customer_code[], '2026-12-31');
    SELECT max(k.points) FILTER (WHERE k.rule = 'visit'), max(k.points) FILTER (WHERE k.rule = 'thrice') INTO visit, thrice FROM crm_data.points_earning k WHERE k.source = visit.source;
END
$$;
CREATE FUNCTION pg_temp.back(rule text, source text, amount bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT (crm.points_reverse('CUST202601010001', 'club', format('%s %s back %s', rule, source, coalesce(amount::text, 'whole')), format('accrual:%s:visit:%s', rule, source), amount, '2026-12-31')).status $$;
SELECT is(pg_temp.visit('2026-01-05', 15)::text, '(v1,15,15)', 'a visit');
SELECT is(pg_temp.visit('2026-01-05', 15)::text, '(v2,5,15)', 'a second one meets the cap of the day');
SELECT is(pg_temp.back('visit', 'v1', 12), 'ok', 'twelve of the first are taken back');
SELECT is(pg_temp.visit('2026-01-05', 15)::text, '(v3,12,15)', 'and make room for twelve, that day');
SELECT is(pg_temp.visit('2026-01-05', 15)::text, '(v4,0,0)', 'and no more; three earnings a month are three');
SELECT is(pg_temp.back('thrice', 'v2', 14), 'ok', 'of one a part is taken back');
SELECT is((pg_temp.visit('2026-01-06', 15)).thrice, 0::bigint, 'it is still an earning');
SELECT is(pg_temp.back('thrice', 'v2', 1), 'ok', 'then the rest');
SELECT is((pg_temp.visit('2026-01-07', 15)).thrice, 0::bigint, 'but what met the cap counts in its number, as before');
-- v1 and v3 stand, v4 and v5 and v6 are numbers without points: five of three. Of a month without those it is plain.
SELECT is((pg_temp.visit('2026-02-01'::date + n, 5)).thrice, 5::bigint, 'February, one of three') FROM generate_series(0, 2) n;
SELECT is(pg_temp.back('thrice', (SELECT source FROM crm_data.points_element WHERE occurred_on = '2026-02-02')), 'ok', 'one is taken back whole');
SELECT is((pg_temp.visit('2026-02-04', 5)).thrice, 5::bigint, 'and another may be had');
SELECT is((pg_temp.visit('2026-02-05', 5)).thrice, 0::bigint, 'one');
-- The month of January: 20 on the 5th, 15 on the 6th and the 7th.
SELECT is((pg_temp.visit('2026-01-08', 15)).visit, 10::bigint, 'the cap of the month');
SELECT is(pg_temp.back('visit', (SELECT source FROM crm_data.points_element WHERE occurred_on = '2026-01-06')), 'ok', 'a day of it is taken back');
SELECT is((pg_temp.visit('2026-01-09', 18)).visit, 15::bigint, 'and so much may be had on another');
SELECT is((pg_temp.visit('2026-03-01', 20)).visit, 5::bigint, 'the cap of the year: 60, and 25 in February');
SELECT is(pg_temp.back('visit', (SELECT source FROM crm_data.points_element WHERE occurred_on = '2026-02-05')), 'ok', 'of February');
SELECT is((pg_temp.visit('2026-03-02', 20)).visit, 5::bigint, 'what is taken back may be had in March');
SELECT is((SELECT k.points FROM crm_data.points_earning k WHERE k.rule = 'visit' AND k.source = 'v2'), 5::bigint, 'what was cut short is not made up');
SELECT is((SELECT sum(k.points - coalesce(v.reversed, 0)) FROM crm_data.points_earning k LEFT JOIN crm_data.points_reversal v ON v.customer_code = k.customer_code AND v.request_id = k.request_id
            WHERE k.rule = 'visit'), 90::numeric, 'net, the year is full');
SELECT is_empty($$SELECT * FROM points_recompute() WHERE recomputed IS DISTINCT FROM recorded OR coalesce(journalled, 0) <> recorded$$, 'each earning is recomputed as it was journalled, whatever came back');
SELECT is((SELECT count(*) FROM points_recompute() WHERE recorded = recomputed), 2 * (SELECT count(*) FROM crm_data.points_element), 'all of them');
-- Records of one customer.
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'individual', c, '2025-01-01' FROM unnest('{CUST202601010005, CUST202601010006}'::crm.customer_code[]) c;
SELECT merge('CUST202601010005', 'CUST202601010006', reason => 'test') > 0;
SELECT record_points_element('CUST202601010006', 'visit', 'm1', '2026-01-05', 20), points_accrue_customers('club', '2026-01-01', '{CUST202601010005, CUST202601010006}', '2026-12-31');
SELECT is((points_reverse('CUST202601010006', 'club', 'm1 back', 'accrual:visit:visit:m1', 8, '2026-12-31')).status, 'ok', 'a merged record''s earning is taken back under its own code');
SELECT record_points_element('CUST202601010005', 'visit', 'm2', '2026-01-05', 20), points_accrue_customers('club', '2026-01-01', '{CUST202601010005, CUST202601010006}', '2026-12-31');
SELECT is((SELECT points FROM crm_data.points_earning WHERE source = 'm2' AND rule = 'visit'), 8::bigint, 'and makes room for who stands for it');
CALL points_merge_follow('2026-12-31');

-- -- gifts ------------------------------------------------------------------------------------

DROP ROLE IF EXISTS crm_test_limit_one, crm_test_limit_two;
CREATE ROLE crm_test_limit_one LOGIN;
CREATE ROLE crm_test_limit_two LOGIN;
GRANT crm_data_admin, crm_writer TO crm_test_limit_one, crm_test_limit_two;
SELECT define_points_type('club', 'gift', '赠送', 'gift', 'gift', 'gift');
SET SESSION AUTHORIZATION crm_test_limit_one;
SELECT crm.open_points_gift_batch('spring', 'club', 'gift', '春', 100, '2026-12-31', '2026-01-01', '2027-12-31', 60);
SET SESSION AUTHORIZATION crm_test_limit_two;
SELECT crm.approve_points_gift_batch('spring');
SELECT is((crm.give_points('CUST202601010003', 'g3', 'spring', 60, '2026-02-01')).status, 'ok', 'a gift');
SELECT is((crm.give_points('CUST202601010004', 'g4', 'spring', 40, '2026-02-01')).status, 'ok', 'and the budget is used up');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'g5', 'spring', 1, '2026-02-01')$$, 'KHP06', NULL, 'wholly');
SELECT is((crm.points_reverse('CUST202601010003', 'club', 'g3 back', 'g3', 25, '2026-02-02')).status, 'ok', 'a part is taken back');
SELECT is((crm.points_reverse('CUST202601010003', 'club', 'g3 back', 'g3', 25, '2026-02-02')).status, 'replay', 'once');
SELECT throws_ok($$SELECT crm.points_reverse('CUST202601010003', 'club', 'too much', 'g3', 36, '2026-02-02')$$, 'KHP01', NULL, 'and not more than was given');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT spent, returned FROM crm_data.points_gift_batch$$, 'VALUES (100::bigint, 25::bigint)', 'the batch knows both');
SET SESSION AUTHORIZATION crm_test_limit_two;
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'g5', 'spring', 26, '2026-02-03')$$, 'KHP06', NULL, 'so much and no more');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010004', 'g5', 'spring', 21, '2026-02-03')$$, 'KHP07', NULL, 'is in the budget again; the share of another is his');
SELECT is((crm.give_points('CUST202601010003', 'g6', 'spring', 25, '2026-02-03')).status, 'ok', 'and in the customer''s');
SELECT throws_ok($$SELECT crm.give_points('CUST202601010003', 'g7', 'spring', 1, '2026-02-03')$$, 'KHP06', NULL, 'once');
SELECT is((crm.give_points('CUST202601010003', 'g3', 'spring', 60, '2026-02-04')).status, 'replay', 'the first gift is told again as it was');
SELECT is((SELECT string_agg(b.status, ' ') FROM crm.points_post_batch(ARRAY[ROW('r1', '2026-02-05', 'reverse_earn', 'CUST202601010003', NULL, 'club', 10, NULL, NULL, 'g6'),
    ROW('r2', '2026-02-05', 'reverse_earn', 'CUST202601010004', NULL, 'club', NULL, NULL, NULL, 'g4')]::crm.points_op[]) b), 'ok ok', 'by a batch of postings as well');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT spent, returned FROM crm_data.points_gift_batch$$, 'VALUES (125::bigint, 75::bigint)', 'what was given and what came back');
SELECT throws_ok($$UPDATE crm_data.points_gift_batch SET returned = 126$$, '23514', NULL, 'no more comes back than was given');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
BEGIN;
UPDATE crm_data.points_gift_batch SET returned = 80;
SELECT string_agg(invariant, ' ') AS found FROM points_audit() \gset
ROLLBACK;
SELECT is(:'found'::text, 'gift_budget', 'what came back is told from the reversals');

-- -- a month's redemptions, a reward's share ------------------------------------------------------

SELECT define_points_redeem_rule('club', most_a_month => 2, most_points_a_month => 30);
SELECT define_points_reward('pen', 'club', '笔', 'pen', 10, valid_from => '2026-01-01', most_per_customer => 1), points_stock('pen', 9);
SELECT points_earn('CUST202601010008', 'club', 'e', 500, '2028-12-31', business_date => '2026-01-01');
SET SESSION AUTHORIZATION crm_test_limit_two;
SELECT is((crm.redeem_reward('CUST202601010008', 'p1', 'pen', business_date => '2026-03-01')).status, 'ok', 'a reward');
SELECT is((crm.points_redeem('CUST202601010008', 'club', 'p2', 20, '2026-03-02')).status, 'ok', 'and a redemption');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010008', 'club', 'p3', 5, '2026-03-03')$$, 'KHP07', NULL, 'are a month''s');
SELECT is((crm.cancel_reward('CUST202601010008', 'p1 back', 'p1', '2026-03-03')).status, 'ok', 'the reward is cancelled');
SELECT is((crm.redeem_reward('CUST202601010008', 'p4', 'pen', business_date => '2026-03-04')).status, 'ok', 'and can be had again: number, points, share and stock');
SELECT is((crm.points_reverse('CUST202601010008', 'club', 'p2 back', 'p2', 8, '2026-03-05')).status, 'ok', 'a part of the other comes back');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010008', 'club', 'p5', 5, '2026-03-06')$$, 'KHP07', NULL, 'it is a redemption still');
SELECT is((crm.points_reverse('CUST202601010008', 'club', 'p2 back too', 'p2', NULL, '2026-03-05')).status, 'ok', 'then the rest');
SELECT is((crm.points_redeem('CUST202601010008', 'club', 'p5', 20, '2026-03-06')).status, 'ok', 'and is none any more');
RESET SESSION AUTHORIZATION;
-- -- accounts that are opened in arrears -----------------------------------------------------------

SELECT define_points_programme(p, p, p) FROM unnest('{plain, other, third, batch}'::text[]) p;
CREATE FUNCTION pg_temp.status(customer text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(programme || ' ' || status, ', ' ORDER BY programme COLLATE "C") FROM crm.points_account WHERE customer_code = customer::crm.customer_code $$;
SELECT points_set_standing('CUST202601010010', arrears => true, business_date => '2026-03-01'), points_earn('CUST202601010011', 'plain', 'e', 100, business_date => '2026-03-01');
SET SESSION AUTHORIZATION crm_test_limit_two;
SELECT is((crm.points_earn('CUST202601010010', 'plain', 'e', 100, business_date => '2026-03-02')).breakdown::text, '{100@never}', 'who is in arrears is credited');
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010010', 'plain', 'r', 1, '2026-03-02')$$, 'KHP03', NULL, 'but does not redeem, in a programme without rules that he came to afterwards');
SELECT is((crm.points_earn('CUST202601010010', 'plain', 'e', 100, business_date => '2026-03-03')).status, 'replay', 'the credit is told again');
SELECT is((SELECT string_agg(b.status, ' ' ORDER BY b.n) FROM crm.points_post_batch(ARRAY[ROW('b1', '2026-03-02', 'earn', 'CUST202601010010', NULL, 'batch', 10, NULL, NULL, NULL),
    ROW('b2', '2026-03-02', 'redeem', 'CUST202601010010', NULL, 'batch', 5, NULL, NULL, NULL), ROW('b3', '2026-03-02', 'earn', 'CUST202601010012', NULL, 'batch', 10, NULL, NULL, NULL),
    ROW('b4', '2026-03-02', 'redeem', 'CUST202601010012', NULL, 'batch', 5, NULL, NULL, NULL)]::crm.points_op[]) WITH ORDINALITY b (request_id, status, available, held, debt, breakdown, n)), 'ok locked ok ok',
    'nor in the batch that opens it; others do');
RESET SESSION AUTHORIZATION;
SELECT is((points_transfer('CUST202601010011', 'CUST202601010010', 'plain', 't0', 10, '2026-03-02')).status, 'ok', 'he may be given points');
SET crm.points_write_path = sql;
SELECT points_earn('CUST202601010011', 'other', 'o', 10, business_date => '2026-03-02'), points_transfer('CUST202601010011', 'CUST202601010010', 'other', 'o2', 10, '2026-03-02');
RESET crm.points_write_path;
SELECT is(pg_temp.status('CUST202601010010'), 'batch locked, other locked, plain locked', 'which opens an account that is locked as well');
SELECT points_lock('CUST202601010010', 'third', 'by hand', '2026-03-02');
SELECT results_eq($$SELECT programme, request_id COLLATE "default", kind, seq FROM points_journal WHERE customer_code = 'CUST202601010010' AND kind = 'lock' ORDER BY programme$$,
    $$VALUES ('batch', '~arrears batch', 'lock', 2::bigint), ('other', '~arrears other', 'lock', 2), ('plain', '~arrears plain', 'lock', 2), ('third', 'by hand', 'lock', 1)$$, 'each lock is an entry');
SELECT is_empty($$SELECT * FROM points_audit()$$, 'the books are in balance');
SELECT points_set_standing('CUST202601010010', arrears => false, business_date => '2026-03-05');
SELECT is(pg_temp.status('CUST202601010010'), 'batch open, other open, plain open, third locked', 'payment opens what arrears locked, and not what was locked by hand');
SELECT is((points_redeem('CUST202601010010', 'plain', 'r', 1, '2026-03-06')).status, 'ok', 'and he redeems');
SELECT points_set_standing('CUST202601010010', arrears => true, business_date => '2026-03-07'), points_set_standing('CUST202601010010', arrears => false, business_date => '2026-03-08');
SELECT is(pg_temp.status('CUST202601010010'), 'batch open, other open, plain open, third locked', 'and so again');
SELECT is(pg_temp.status('CUST202601010012'), 'batch open', 'who owes nothing opens an account that is open');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
SELECT * FROM finish();
DROP OWNED BY crm_test_limit_one, crm_test_limit_two;
DROP ROLE crm_test_limit_one, crm_test_limit_two;
