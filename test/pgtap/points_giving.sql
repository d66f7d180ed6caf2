-- Proves: giving points away costs the giver what the programme's row says, on top, in points, by an
-- entry of its own that refers to the transfer; gift and fee both or neither, with the law's reasons
-- first; told beforehand what it costs; the same request again takes no second fee and answers as
-- the first time, also when the rule changed; no limit of adjustments stops it and nobody names such
-- an entry himself; whoever is bound by rules does not walk past it; and the books stay in balance.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
DROP ROLE IF EXISTS crm_test_giver;
CREATE ROLE crm_test_giver LOGIN;
GRANT crm_writer TO crm_test_giver;
SELECT define_points_programme('club', '会员积分', 'Club', adjust_limit => 1);
SELECT points_earn('CUST202601010001', 'club', 'e1', 130, '2026-06-30', business_date => '2026-01-01'), points_earn('CUST202601010001', 'club', 'e2', 1000, '2027-12-31', business_date => '2026-01-01');
SET SESSION AUTHORIZATION crm_test_giver;
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'free', 10, '2026-02-01'))::text, '(ok,1120,0,0,{-10@2026-06-30},0)', 'without a row there is no fee');
SELECT is(crm.points_transfer_fee('club', 99), 0::bigint, 'nor is one told');
SELECT throws_ok($$SELECT crm.define_points_transfer_rule('club', 20)$$, '42501', NULL, 'a writer makes no rules');
SELECT throws_ok($$SELECT crm.points_take_fee('CUST202601010001', 'club', 'free', 5, '2026-02-01')$$, '42501', NULL, 'nor takes fees');
RESET SESSION AUTHORIZATION;
SELECT define_points_transfer_rule('club', 20);
SELECT is(points_transfer_fee('club', v.amount), v.fee, 'a fifth, rounded up: ' || v.amount) FROM (VALUES (1::bigint, 1::bigint), (5, 1), (6, 2), (100, 20), (9223372036854775807, 1844674407370955162)) v (amount, fee);
SET SESSION AUTHORIZATION crm_test_giver;
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'gift', 101, '2026-02-02'))::text,
    '(ok,998,0,0,"{-120@2026-06-30, -2@2027-12-31}",21)', 'the giver pays the gift and a fifth of it');
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'gift', 101, '2026-02-03'))::text,
    '(replay,998,0,0,"{-120@2026-06-30, -2@2027-12-31}",21)', 'the same request again is told the same and takes nothing');
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'free', 10, '2026-02-03'))::text, '(replay,1120,0,0,{-10@2026-06-30},0)', 'what was free stays free');
SELECT throws_ok($$SELECT crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'gift', 102, '2026-02-03')$$, 'KH014', NULL, 'another amount under its name is refused');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT customer_code::text, kind, amount, ref, delta::text FROM points_journal WHERE business_date = '2026-02-02' ORDER BY customer_code, seq$$,
    $$VALUES ('CUST202601010001', 'transfer', -101::bigint, NULL, '{-101@2026-06-30}'), ('CUST202601010001', 'adjust', -21, 'gift', '{-19@2026-06-30, -2@2027-12-31}'),
             ('CUST202601010002', 'receive', 101, 'gift', '{101@2026-06-30}')$$, 'the fee is an entry that refers to the transfer, and nobody gets it');
SELECT is((SELECT string_agg(request_id, ' ') FROM points_journal WHERE ref = 'gift' AND kind = 'adjust'), '~fee gift', 'under a name that the product gives');
SELECT is((SELECT state::text FROM points_account WHERE customer_code = 'CUST202601010002'), '{111@2026-06-30}', 'the receiver has what was given');

-- Both or neither; the law says its reasons first.
SET SESSION AUTHORIZATION crm_test_giver;
SELECT throws_ok($$SELECT crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'much', 832, '2026-02-04')$$, 'KH008', 'insufficient: not enough points for the gift and its fee', '832 and 167 are more than 998');
SELECT throws_ok($$SELECT crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'much', 999, '2026-02-04')$$, 'KH008', 'insufficient: not enough points', 'nor does it reach for the gift');
SELECT throws_ok(format('SELECT crm.transfer_points(''CUST202601010001'', %s, ''2026-02-04'')', call), code, NULL, call)
  FROM (VALUES ($$'CUST202601010001', 'club', 'x', 999$$, 'KHP05'), ($$'CUST202601010002', 'club', 'x', 0$$, '22023'), ($$'CUST202601010002', 'club', 'x', 9223372036854775807$$, 'KH008'),
               ($$'CUST202601010002', 'club', '~fee x', 5$$, '22023'), ($$'CUST202601010002', 'none', 'x', 5$$, '22023')) v (call, code);
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM points_journal WHERE request_id ~ 'much|x$'), 0::bigint, 'what was refused left nothing');
SET SESSION AUTHORIZATION crm_test_giver;
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'much', 831, '2026-02-04'))::text, '(ok,0,0,0,{-998@2027-12-31},167)', '831 and 167 are all he has');
SELECT throws_ok($$SELECT crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'more', 1, '2026-02-04')$$, 'KH008', NULL, 'so one more is too much');

-- Nobody walks past it.
SELECT throws_ok($$SELECT crm.points_transfer('CUST202601010002', 'CUST202601010001', 'club', 'past', 5, '2026-02-04')$$, 'KHP07', NULL, 'a bare transfer is refused where there is a fee');
RESET SESSION AUTHORIZATION;
SET ROLE crm_data_admin;
SELECT is((SELECT string_agg(status, ' ') FROM crm.points_post_batch(ARRAY[ROW('past', '2026-02-04', 'transfer', 'CUST202601010002', 'CUST202601010001', 'club', 5, NULL, NULL, NULL)]::crm.points_op[])), 'not_allowed', 'in a batch, too');
RESET ROLE;
SELECT is((points_transfer('CUST202601010002', 'CUST202601010001', 'club', 'bare', 5, '2026-02-04')).status, 'ok', 'a superuser posts the bare law');
SELECT throws_ok($$SELECT points_reverse('CUST202601010001', 'club', 'fee back', '~fee gift')$$, 'P0002', NULL, 'a fee is not reversed');

-- Another rule, for what is given from then on; a receiver, not the giver, gets no fee of it.
SELECT define_points_transfer_rule('club', 12.5, 3, 'half_up');
SELECT is(points_transfer_fee('club', amount), fee, 'an eighth, rounded half up, and 3: ' || amount) FROM (VALUES (3::bigint, 3::bigint), (4, 4), (20, 6), (800, 103)) v (amount, fee);
SELECT define_points_transfer_rule('club', 12.5, 3, 'floor');
SELECT is(points_transfer_fee('club', 20), 5::bigint, 'or down');
SELECT is((transfer_points('CUST202601010002', 'CUST202601010003', 'club', 'on', 20, '2026-02-05')).fee, 5::bigint, 'is what the next one pays');
SELECT is((transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'gift', 101, '2026-02-06')).fee, 21::bigint, 'and what was paid before is told as it was');
SELECT is((SELECT sum(points_total(state)) FROM points_account WHERE programme = 'club'), 1130::numeric - 21 - 167 - 5, 'fees are gone from the programme, and nothing else');
SELECT throws_ok(format('SELECT define_points_transfer_rule(''club'', %s)', rule), '23514', NULL, rule) FROM unnest(ARRAY['-1', '101', '1, -1', '1, 1, ''up''']) rule;
SELECT define_points_transfer_rule('club');
SELECT is((transfer_points('CUST202601010002', 'CUST202601010003', 'club', 'free again', 20, '2026-02-07')).fee, 0::bigint, 'a rule of nothing is no fee');
SET SESSION AUTHORIZATION crm_test_giver;
SELECT is((crm.points_transfer('CUST202601010002', 'CUST202601010003', 'club', 'bare again', 20, '2026-02-07')).status, 'ok', 'and the bare transfer is free to all again');
RESET SESSION AUTHORIZATION;

-- The other way of writing, and a rule that says who may give.
SELECT define_points_transfer_rule('club', 10), define_points_redeem_rule('club', threshold => 1000);
SET crm.points_write_path = sql;
SELECT points_earn('CUST202601010004', 'club', 'e', 1000, '2027-12-31', business_date => '2026-01-01');
SELECT is((transfer_points('CUST202601010004', 'CUST202601010002', 'club', 'sql', 50, '2026-02-08'))::text, '(ok,945,0,0,{-55@2027-12-31},5)', 'through SQL as well');
SELECT is((transfer_points('CUST202601010004', 'CUST202601010002', 'club', 'sql', 50, '2026-02-08'))::text, '(replay,945,0,0,{-55@2027-12-31},5)', 'and once');
RESET crm.points_write_path;
SELECT throws_ok($$SELECT transfer_points('CUST202601010003', 'CUST202601010002', 'club', 'under', 1, '2026-02-08')$$, 'KHP07', NULL, 'who may not redeem does not give, for whatever fee');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
SELECT * FROM finish();
DROP OWNED BY crm_test_giver;
DROP ROLE crm_test_giver;
