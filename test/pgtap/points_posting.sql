-- Proves: each refusal has its SQLSTATE and leaves no trace; a request is posted once and
-- another content is named; nobody but the posting functions writes accounts and journal,
-- the owner included; adjustments beyond the limit need two persons; expiry makes no
-- difference to a balance; what is asked amiss in a batch loses no other row; sums pass through any order;
-- a chain that was ended stays so; and the audit names what a superuser tampered with.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;

SELECT define_points_programme('club', '会员积分', 'Club', redeem_min => 10, allow_debt => false, adjust_limit => 50);
CREATE FUNCTION pg_temp.lots(text) RETURNS text LANGUAGE sql AS
$$ SELECT state::text FROM crm_data.points_account WHERE customer_code = $1::crm.customer_code AND programme = 'club' $$;

-- -- a worked story: from the first purchase to the last expiry ------------------------

SELECT is(points_earn(customer => 'CUST202601010001', programme => 'club', request_id => 'bill 2026-01', amount => 120, expires_on => '2028-12-31', business_date => '2026-01-05')::text,
    '(ok,120,0,0,{120@2028-12-31})', 'a bill of 120.80 gives 120 points to the end of the third year');
SELECT is(points_gift('CUST202601010001', 'club', 'birthday', 50, '2026-06-30', 'gift', '2026-02-01')::text, '(ok,170,0,0,{50:gift@2026-06-30})', 'a gift ends earlier');
SELECT is(points_redeem('CUST202601010001', 'club', 'cup', 80, '2026-03-01')::text, '(ok,90,0,0,"{-50:gift@2026-06-30, -30@2028-12-31}")', 'what ends first goes first');
SELECT is(points_reverse('CUST202601010001', 'club', 'cup back', 'cup', 40, '2026-03-02')::text, '(ok,130,0,0,"{10:gift@2026-06-30, 30@2028-12-31}")', 'redeem 80 and reverse 40 is redeem 40');
SELECT is(points_freeze('CUST202601010001', 'club', 'order 7', 25, '2026-03-03')::text,
    '(ok,105,25,0,"{-10:gift@2026-06-30, -15@2028-12-31, hold 5: 10:gift@2026-06-30, hold 5: 15@2028-12-31}")', 'an order holds points');
SELECT is(points_capture('CUST202601010001', 'club', 'order 7 sent', 'order 7', 5, '2026-07-01')::text, '(ok,105,20,0,"{hold 5: -5:gift@2026-06-30}")', 'held points do not expire while they are held');
SELECT is(points_unfreeze('CUST202601010001', 'club', 'order 7 void', 'order 7', business_date => '2026-07-01')::text,
    '(ok,120,0,0,"{5:gift@2026-06-30, 15@2028-12-31, hold 5: -5:gift@2026-06-30, hold 5: -15@2028-12-31}")', 'what comes back past its day expires at once');
SELECT is(points_transfer('CUST202601010001', 'CUST202601010002', 'club', 'to my wife', 20, '2026-07-02')::text, '(ok,100,0,0,{-20@2028-12-31})', 'points are given away with their day');
SELECT is(pg_temp.lots('CUST202601010002'), '{20@2028-12-31}', 'and arrive as they were');
SELECT is(points_lock('CUST202601010001', 'club', 'arrears', '2026-08-01')::text, '(ok,100,0,0,{})', 'arrears lock the account');
SELECT is(points_unlock('CUST202601010001', 'club', 'paid', '2026-09-01')::text, '(ok,100,0,0,{})', 'payment opens it');
SELECT is(crm.points_expire_batch('2029-01-01', 100), 2, 'the year end expires two accounts');
SELECT is(pg_temp.lots('CUST202601010001'), '{}', 'and nothing is left');
SELECT is(crm.points_expire_batch('2029-01-01', 100), 0, 'a second run finds nothing');
SELECT results_eq($$SELECT kind, amount, balance FROM points_statement('CUST202601010001', 'club', '2026-02-01', '2026-03-01')$$,
    $$VALUES ('opening', NULL::bigint, 120::bigint), ('gift', 50, 170), ('redeem', -80, 90), ('closing', NULL, 90)$$, 'the statement opens, lists and closes');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');

-- -- refusals ----------------------------------------------------------------------------

SELECT points_earn('CUST202601010003', 'club', 'e', 100, '2030-12-31', business_date => '2026-01-01');
SELECT points_redeem('CUST202601010003', 'club', 'r', 40, '2026-01-01');
CREATE TEMPORARY TABLE before AS SELECT (SELECT count(*) FROM crm_data.points_journal) AS entries, (SELECT crm.sum(state) FROM crm_data.points_account) AS total;
SELECT throws_ok(format('SELECT %s', call), code, NULL, call)
  FROM (VALUES ($$points_redeem('CUST202601010003', 'club', 'x', 61, '2026-01-01')$$, 'KH008'),
               ($$points_redeem('CUST202601010003', 'club', 'x', 9, '2026-01-01')$$, 'KHP04'),
               ($$points_redeem('CUST202601010003', 'club', 'x', 0, '2026-01-01')$$, '22023'),
               ($$points_redeem('CUST202601010003', 'club', 'x', NULL, '2026-01-01')$$, '22023'),
               ($$points_redeem('CUST202601010003', 'club', 'r', 41, '2026-01-01')$$, 'KH014'),
               ($$points_earn('CUST202601010003', 'club', 'x', 1, '2025-12-31', business_date => '2026-01-01')$$, 'KH007'),
               ($$points_earn('CUST202601010003', 'club', 'x', 9223372036854775807, business_date => '2026-01-01')$$, '22003'),
               ($$points_earn('CUST202601010003', 'club', 'x', 1, class => 'a b')$$, '22023'),
               ($$points_earn('CUST202601010003', 'none', 'x', 1)$$, '22023'),
               ($$points_earn('CUST202601010003', 'club', '~x', 1)$$, '22023'),
               ($$points_earn('CUST202601010003', 'club', NULL, 1)$$, '22004'),
               ($$points_reverse('CUST202601010003', 'club', 'x', 'nothing')$$, 'P0002'),
               ($$points_reverse('CUST202601010003', 'club', 'x', 'r', 41)$$, 'KHP01'),
               ($$points_reverse('CUST202601010003', 'club', 'x', 'e', 61, '2026-01-01')$$, 'KH008'),
               ($$points_reverse('CUST202601010003', 'club', 'x', 'e', 1, '2031-01-01')$$, 'KHP02'),
               ($$points_capture('CUST202601010003', 'club', 'x', 'r')$$, 'P0002'),
               ($$points_transfer('CUST202601010003', 'CUST202601010003', 'club', 'x', 1)$$, 'KHP05'),
               ($$points_adjust('CUST202601010003', 'club', 'x', 51)$$, 'KH003')) v (call, code);
SELECT results_eq('SELECT (SELECT count(*) FROM crm_data.points_journal), (SELECT crm.sum(state) FROM crm_data.points_account)', 'SELECT * FROM before',
    'no refusal left a trace');
SELECT lives_ok($$SELECT points_redeem('CUST202601010003', 'club', 'x', 60, '2026-01-01')$$, 'the id of a refused request can be used again');
SELECT is((points_redeem('CUST202601010003', 'club', 'r', 40, '2026-05-05')).status, 'replay', 'the same request again is a replay, also on another day');
SELECT is((points_redeem('CUST202601010003', 'club', 'r', 40)).available, 60::bigint, 'with the first answer');
SELECT points_lock('CUST202601010003', 'club', 'l');
SELECT throws_ok($$SELECT points_freeze('CUST202601010003', 'club', 'y', 1)$$, 'KHP03', NULL, 'a locked account holds nothing');
SELECT throws_ok($$SELECT points_redeem('CUST202601010003', 'club', 'r', 41)$$, 'KH014', 'idem_conflict: the request id was used with another amount', 'the conflict names the field');
-- A batch is the same as one by one.
SELECT results_eq($$SELECT request_id, status, available FROM points_post_batch(ARRAY[
        ROW('b1', '2026-01-01', 'earn', 'CUST202601010004', NULL, 'club', 100, '2026-12-31', NULL, NULL),
        ROW('b2', '2026-01-01', 'redeem', 'CUST202601010004', NULL, 'club', 30, NULL, NULL, NULL),
        ROW('b3', '2026-01-01', 'redeem', 'CUST202601010004', NULL, 'club', 71, NULL, NULL, NULL),
        ROW('b1', '2026-01-01', 'earn', 'CUST202601010004', NULL, 'club', 100, '2026-12-31', NULL, NULL),
        ROW('b4', '2026-01-01', 'reverse_redeem', 'CUST202601010004', NULL, 'club', NULL, NULL, NULL, 'b2'),
        ROW('b5', '2027-01-01', 'redeem', 'CUST202601010004', NULL, 'club', 10, NULL, NULL, NULL)]::points_op[])$$,
    $$VALUES ('b1', 'ok', 100::bigint), ('b2', 'ok', 70), ('b3', 'insufficient', 70), ('b1', 'replay', 100), ('b4', 'ok', 100), ('b5', 'insufficient', 0)$$,
    'statuses in order');
SELECT is((SELECT count(*) FROM points_post_batch('{}')), 0::bigint, 'an empty batch is no work');
-- Two postings in one statement, and one undone by a savepoint.
SELECT is((SELECT array_agg((points_earn('CUST202601010004', 'club', 's' || n, n, business_date => '2026-01-01')).available ORDER BY n) FROM generate_series(1, 3) n),
    '{101,103,106}', 'several postings in one statement see one another');
SAVEPOINT undone;
SELECT points_earn('CUST202601010004', 'club', 'u', 5);
ROLLBACK TO undone;
SELECT is((SELECT count(*) FROM crm_data.points_journal WHERE request_id = 'u'), 0::bigint, 'a savepoint undoes a posting');

-- -- four eyes -------------------------------------------------------------------------------

SELECT points_approve_adjustment('CUST202601010004', 'club', 'big', -60, 'counted twice');
SELECT results_eq($$SELECT request_id, status FROM points_post_batch(ARRAY[
        ROW('big 0', '2026-01-01', 'adjust', 'CUST202601010004', NULL, 'club', 51, NULL, NULL, NULL), ROW('big', '2026-01-01', 'adjust', 'CUST202601010004', NULL, 'club', -60, NULL, NULL, NULL),
        ROW('big 1', '2026-01-01', 'adjust', 'CUST202601010004', NULL, 'club', -1, NULL, NULL, NULL), ROW('big 2', '2026-01-01', 'adjust', 'CUST202601010004', NULL, 'club', 1, NULL, NULL, NULL)]::points_op[])$$,
    $$VALUES ('big 0', 'not_allowed'), ('big', 'not_allowed'), ('big 1', 'ok'), ('big 2', 'ok')$$, 'in a batch, who lacks a second person has a status, and the others are posted');
SELECT throws_ok($$SELECT points_adjust('CUST202601010004', 'club', 'big', -60, business_date => '2026-01-01')$$, 'KH004', NULL, 'who approved cannot post');
SELECT throws_ok($$SELECT points_adjust('CUST202601010004', 'club', 'big', -61, business_date => '2026-01-01')$$, 'KH003', NULL, 'another amount is not approved');
CREATE ROLE crm_test_points_two SUPERUSER;
SET LOCAL SESSION AUTHORIZATION crm_test_points_two;
SELECT is((points_adjust('CUST202601010004', 'club', 'big', -60, business_date => '2026-01-01')).available, 46::bigint, 'the second person posts it');
RESET SESSION AUTHORIZATION;

-- -- reasons: beside the books, with whoever said so, and the first one stays -----------------------

SELECT points_earn('CUST202601010006', 'club', 'e', 100, business_date => '2026-01-01'),
       points_freeze('CUST202601010006', 'club', 'f', 40, business_date => '2026-01-02', reason => 'order under review'),
       points_unfreeze('CUST202601010006', 'club', 'u', 'f', 10, '2026-01-03', 'part of the order cancelled'),
       points_lock('CUST202601010006', 'club', 'l', '2026-01-04', 'card reported stolen'),
       points_adjust('CUST202601010006', 'club', 'a', -5, business_date => '2026-01-05', reason => 'counted twice'),
       points_unlock('CUST202601010006', 'club', 'ul', '2026-01-06', 'card found'),
       points_unlock('CUST202601010006', 'club', 'ul 2', '2026-01-07');
SELECT results_eq($$SELECT request_id, kind, reason, noted_by FROM points_reason WHERE customer_code = 'CUST202601010006' ORDER BY seq$$,
    $$VALUES ('f' COLLATE "C", 'freeze', 'order under review', session_user), ('u', 'unfreeze', 'part of the order cancelled', session_user), ('l', 'lock', 'card reported stolen', session_user),
             ('a', 'adjust', 'counted twice', session_user), ('ul', 'unlock', 'card found', session_user)$$, 'freeze, lock and adjustment below the limit show why, and who said so');
SELECT is((points_freeze('CUST202601010006', 'club', 'f', 40, reason => 'another')).status, 'replay', 'the reason is no part of the content');
SELECT is((SELECT reason FROM points_reason WHERE customer_code = 'CUST202601010006' AND request_id = 'f'), 'order under review', 'and the first one stays');
SELECT throws_ok($$SELECT points_lock('CUST202601010006', 'club', 'l 3', reason => ' ')$$, '23514', NULL, 'a blank reason is none');
SELECT is((SELECT count(*) FROM crm_data.points_journal WHERE request_id = 'l 3'), 0::bigint, 'and nothing is posted with it');
SELECT throws_ok($$SELECT points_redeem('CUST202601010006', 'club', 'f', 40)$$, 'KH014', NULL, 'a request with a reason is a request');
SELECT is((SELECT (reason, approved_by)::text FROM points_reason WHERE customer_code = 'CUST202601010004' AND request_id = 'big'), format('("counted twice",%s)', session_user), 'an approval is a reason');
SELECT lives_ok($$SELECT points_note_reason('CUST202601010004', 'big 1', 'rounding of 2025')$$, 'what a batch posted is given its reason afterwards');
SELECT throws_ok($$SELECT points_note_reason('CUST202601010004', 'big 1', 'another')$$, '23505', NULL, 'once');
SELECT throws_ok($$SELECT points_note_reason('CUST202601010004', 'none', 'x')$$, 'P0002', NULL, 'what was not posted has none');

-- -- who may ---------------------------------------------------------------------------------

CREATE ROLE crm_test_points_writer;
GRANT crm_writer TO crm_test_points_writer;
CREATE ROLE crm_test_points_nobody;
SET LOCAL ROLE crm_test_points_nobody;
SELECT throws_ok($$SELECT crm.points_earn('CUST202601010004', 'club', 'n', 1)$$, '42501', NULL, 'nobody posts by being PUBLIC');
SELECT throws_ok($$SELECT * FROM crm.points_account$$, '42501', NULL, 'or reads');
SET LOCAL ROLE crm_test_points_writer;
SELECT is((crm.points_earn('CUST202601010004', 'club', 'w', 1, business_date => '2026-01-01')).status, 'ok', 'a writer posts');
SELECT throws_ok($$SELECT crm.points_adjust('CUST202601010004', 'club', 'wa', 1)$$, '42501', NULL, 'but does not adjust');
SET LOCAL ROLE crm_owner;
SELECT throws_ok(format(statement, name), '42501', NULL, format(statement, name) || ' is refused to the owner himself')
  FROM (VALUES ('UPDATE crm_data.%s SET customer_code = customer_code'), ('DELETE FROM crm_data.%s'), ('TRUNCATE crm_data.%s')) s (statement),
       (VALUES ('points_account'), ('points_journal'), ('points_reversal'), ('points_reason')) t (name);
SELECT throws_ok($$INSERT INTO crm_data.points_reversal VALUES ('CUST202601010004', 'b2', 1)$$, '42501', NULL, 'nothing is inserted either');
RESET ROLE;
SELECT is_empty('SELECT * FROM points_audit()', 'the books are still in balance');

-- -- tampering, which only a superuser can, is named ----------------------------------------------

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
  FROM (VALUES ($$UPDATE crm_data.points_account SET state = state + '{1@never}' WHERE seq = 2$$, 'state_is_sum'),
               ($$DELETE FROM crm_data.points_journal WHERE request_id = 'cup'$$, 'as_of batch_is_sequence expired_late fifo hash_chain refusal_changes_nothing reversal_bound seq_dense state_is_sum'),
               ($$UPDATE crm_data.points_journal SET posted_at = posted_at + interval '1 second' WHERE request_id = 'cup'$$, 'hash_chain'),
               ($$UPDATE crm_data.points_journal SET amount = amount - 1 WHERE request_id = 'cup'$$, 'batch_is_sequence conservation hash_chain'),
               ($$UPDATE crm_data.points_reversal SET reversed = reversed + 1$$, 'reversal_bound'),
               ($$UPDATE crm_data.points_account SET chain = NULL WHERE seq = 2$$, 'hash_chain'),
               ($$ALTER TABLE crm_data.points_journal DISABLE TRIGGER postings_only$$, 'append_only')) v (statement, found);

-- -- what is asked amiss is an answer of its row, and loses no other ----------------------------------

SELECT results_eq($$SELECT request_id, status, available, held, debt, breakdown::text FROM points_post_batch(ARRAY[
        ROW('amiss 1', '2029-02-01', 'earn', 'CUST202601010009', NULL, 'club', 7, NULL, NULL, NULL),
        ROW('amiss 1', '2029-02-01', 'earn', 'CUST202601010009', NULL, 'club', 8, NULL, NULL, NULL),
        ROW('amiss 2', '2029-02-01', 'capture', 'CUST202601010009', NULL, 'club', 1, NULL, NULL, NULL),
        ROW('amiss 3', '2029-02-01', 'reverse_earn', 'CUST202601010009', NULL, 'club', NULL, NULL, NULL, NULL),
        ROW('amiss 4', '2029-02-01', 'transfer', 'CUST202601010009', NULL, 'club', 1, NULL, NULL, NULL),
        ROW('amiss 5', '2029-02-01', 'adjust', 'CUST202601010009', NULL, 'club', -9223372036854775808, NULL, NULL, NULL),
        ROW('amiss 6', '2029-02-01', 'earn', 'CUST202601010009', NULL, 'club', 1, NULL, NULL, NULL)]::points_op[])$$,
    $$VALUES ('amiss 1', 'ok', 7::bigint, 0::bigint, 0::bigint, '{7@never}'), ('amiss 1', 'idem_conflict', 7, 0, 0, NULL), ('amiss 2', 'not_found', 7, 0, 0, NULL),
             ('amiss 3', 'not_found', 7, 0, 0, NULL), ('amiss 4', 'not_found', 7, 0, 0, NULL), ('amiss 5', 'insufficient', 7, 0, 0, NULL), ('amiss 6', 'ok', 8, 0, 0, '{1@never}')$$,
    'no receiver, no ref, a number without an opposite and another content are refused with what there is');
SELECT throws_ok($$SELECT points_reverse('CUST202601010009', 'club', 'amiss 7', NULL)$$, 'P0002', NULL, 'by itself it is an error');

-- -- sums and chains ------------------------------------------------------------------------------------

SELECT is((SELECT sum(d::points_ledger)::text FROM (VALUES ('{9223372036854775807@never}'), ('{9223372036854775807@never}'), ('{9223372036854775807@never, hold 3: 1@never}'),
    ('{-9223372036854775807@never}'), ('{-9223372036854775807@never}')) v (d)), '{9223372036854775807@never, hold 3: 1@never}', 'a sum passes through more than a lot holds');
SELECT throws_ok($$SELECT sum(d::points_ledger) FROM (VALUES ('{9223372036854775807@never}'), ('{1@never}')) v (d)$$, '22003', NULL, 'and must fit in the end');
SELECT lives_ok($$SELECT points_earn('CUST202601010009', 'main', 'turn 1', 9223372036854775807), points_redeem('CUST202601010009', 'main', 'turn 2', 9223372036854775807),
    points_earn('CUST202601010009', 'main', 'turn 3', 9223372036854775807), points_redeem('CUST202601010009', 'main', 'turn 4', 9223372036854775807)$$, 'a turnover may pass 64 bits');
SELECT is((SELECT s.balance FROM points_statement('CUST202601010009', 'main', company_today(), company_today()) s WHERE s.kind = 'closing'), 0::bigint, 'and has a statement');
SELECT define_points_programme('late', '迟', 'Late', is_chained => false);
SELECT points_earn('CUST202601010009', 'late', 'late 1', 1);
SELECT lives_ok($$SELECT define_points_programme('late', '迟', 'Late')$$, 'a chain may begin late');
SELECT points_earn('CUST202601010009', 'late', 'late 2', 1);
SELECT is_empty($$SELECT * FROM points_audit('CUST202601010009')$$, 'and the audit knows');
SELECT define_points_programme('late', '迟', 'Late', is_chained => false);
SELECT throws_ok($$SELECT define_points_programme('late', '迟', 'Late')$$, '55000', NULL, 'what was ended is not taken up again');

SELECT * FROM finish();
ROLLBACK;
