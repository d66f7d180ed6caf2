-- Proves: points of a reward do not come back while the goods stay out, whoever calls what in which order;
-- a size of batches that has no end, or a day left out, does not keep a procedure running or let it do nothing;
-- after all of it the books are in balance and no point was made or lost.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
INSERT INTO crm_data.customer (customer_code, kind, survivor_code, registered_at)
SELECT c, 'individual', c, '2024-12-15 10:00+08' FROM unnest(ARRAY['CUST202601010001', 'CUST202601010002']::crm.customer_code[]) c;

-- -- the goods and the points ---------------------------------------------------------------

SELECT define_points_reward('cup', 'main', '杯子', 'cup', 800, valid_from => '2026-01-01');
SELECT points_stock('cup', 3);
SELECT points_earn('CUST202601010001', 'main', 'e', 2000, '2028-12-31', NULL, '2026-02-01');
SET ROLE crm_writer;
SELECT is((redeem_reward('CUST202601010001', 'r', 'cup', 1, 0, '2026-02-02')).available, 1200::bigint, 'a cup is redeemed');
SELECT throws_ok($$SELECT points_reverse('CUST202601010001', 'main', 'x', 'r', NULL, '2026-02-02')$$, 'KHP07', NULL, 'its points do not come back without it');
SELECT throws_ok($$SELECT points_reverse('CUST202601010001', 'main', 'x', 'r', 1, '2026-02-02')$$, 'KHP07', NULL, 'nor one of them');
RESET ROLE;
SELECT is((points_post_batch(ARRAY[ROW('plain', '2026-02-02', 'redeem', 'CUST202601010001', NULL, 'main', 100, NULL, NULL, NULL)]::crm.points_op[])).status, 'ok', 'points that buy no reward');
SELECT results_eq($$SELECT request_id, status, available, breakdown::text FROM points_post_batch(ARRAY[
                         ROW('before', '2026-02-02', 'earn', 'CUST202601010001', NULL, 'main', 5, '2028-12-31', NULL, NULL),
                         ROW('y', '2026-02-02', 'reverse_redeem', 'CUST202601010001', NULL, 'main', NULL, NULL, NULL, 'r'),
                         ROW('z', '2026-02-02', 'reverse_redeem', 'CUST202601010001', NULL, 'main', 1, NULL, NULL, 'r'),
                         ROW('after', '2026-02-02', 'redeem', 'CUST202601010001', NULL, 'main', 5, NULL, NULL, NULL)]::crm.points_op[])$$,
                  $$VALUES ('before', 'ok', 1105::bigint, '{5@2028-12-31}'), ('y', 'not_allowed', 1105, NULL), ('z', 'not_allowed', 1105, NULL), ('after', 'ok', 1100, '{-5@2028-12-31}')$$,
                  'nor by a batch of postings, where each row has its status and the others are done');
SET ROLE crm_writer;
SELECT is((points_reverse('CUST202601010001', 'main', 'plain back', 'plain', 40, '2026-02-02')).available, 1140::bigint, 'other redemptions are reversed as before');
SELECT is((cancel_reward('CUST202601010001', 'c', 'r', '2026-02-03')).available, 1940::bigint, 'cancelled, points and goods come back');
SELECT is((cancel_reward('CUST202601010001', 'c', 'r', '2026-02-03')).status, 'replay', 'once');
SELECT throws_ok($$SELECT points_reverse('CUST202601010001', 'main', 'x', 'r', NULL, '2026-02-03')$$, 'KHP01', NULL, 'and not once more');
SELECT throws_ok($$SELECT cancel_reward('CUST202601010001', 'c2', 'r', '2026-02-03')$$, 'KHP01', NULL, 'by either way');
RESET ROLE;
SELECT results_eq($$SELECT stock, stocked FROM crm_data.points_reward$$, $$VALUES (3::bigint, 3::bigint)$$, 'all cups are there');
SELECT is((SELECT cancelled_by FROM crm_data.points_redemption), 'c', 'cancelled by the request that did it');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE crm_data.points_redemption SET cancelled_by = NULL, cancelled_at = NULL;
SELECT isnt_empty($$SELECT FROM points_audit() WHERE invariant = 'reward_posted'$$, 'the audit tells of points that came back for goods that did not');
ROLLBACK;

-- -- merges have one door --------------------------------------------------------------------

SET ROLE crm_data_admin;
SELECT throws_ok($$SELECT crm.points_merge_move('CUST202601010002', 'CUST202601010001', 'merge.1')$$, '42501', NULL, 'points are not moved past the approval of a merge, nor its request claimed before it');
SELECT merge('CUST202601010002', 'CUST202601010001', reason => 'test') AS m \gset
SELECT throws_ok(format('SELECT crm.points_merge_return(%L, %L)', 'merge.' || :m, 'x'), '42501', NULL, 'nor given back so that the merge could never be undone');
SELECT throws_ok($$SELECT crm.unmerge(NULL, 'test')$$, 'P0002', NULL, 'no merge is no merge');
SELECT lives_ok(format('SELECT crm.unmerge(%s, %L)', :m, 'test'), 'it is undone');
RESET ROLE;
SELECT is_empty('SELECT * FROM points_audit()', 'with the books in balance');

-- -- batches ----------------------------------------------------------------------------------

SET statement_timeout = '20s';
SELECT throws_ok(format('CALL crm.%s', call), '22023', NULL, call)
  FROM unnest(ARRAY['points_expire_due(''2026-02-01'', NULL)', 'points_expire_due(''2026-02-01'', 0)', 'points_make_notices(''2026-02-01'', NULL)', 'points_make_notices(''2026-02-01'', 0)',
                    'points_accrue(''main'', ''2026-01-01'', ''2026-02-01'', 0)', 'points_accrue(''main'', ''2026-01-01'', ''2026-02-01'', NULL)', 'assess_behaviour(NULL, 0)', 'assess_behaviour(NULL, -1)',
                    'assess_quality(NULL, 0)', 'credit_watch(NULL, 0)', 'score_customers(''x'', NULL, 0)']) call;
CALL points_expire_due(NULL);
CALL points_make_notices(NULL);
SELECT pass('without a day it is done as of today');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are still in balance');
SELECT * FROM finish();
