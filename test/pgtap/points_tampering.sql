-- Proves: whatever a superuser changes in the books, the audit names it; and every invariant
-- that the audit's comment lists is one that can fail, because here it does.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;

-- -- books with something of everything ------------------------------------------------------

SELECT points_earn('CUST202601010001', 'main', 'e1', 1200, '2028-12-31', business_date => '2026-01-01'), points_earn('CUST202601010001', 'main', 'e2', 50, '2026-02-28', business_date => '2026-01-02'),
       points_freeze('CUST202601010001', 'main', 'h', 20, '2026-01-03'), points_capture('CUST202601010001', 'main', 'c', 'h', 5, '2026-01-04'),
       points_redeem('CUST202601010001', 'main', 'r', 10, '2026-01-05'), points_reverse('CUST202601010001', 'main', 'v', 'r', 4, '2026-01-06');
SELECT points_expire_account('CUST202601010001', 'main', '2026-03-01');
SELECT points_earn('CUST202601010002', 'main', 'e', 30, '2028-12-31', business_date => '2026-01-01'), points_merge_move('CUST202601010001', 'CUST202601010002', 'm', '2026-03-02');
SELECT points_earn('CUST202601010003', 'main', 'e', 30, '2028-12-31', business_date => '2026-01-01'), points_redeem('CUST202601010003', 'main', 'r', 30, '2026-01-02'),
       points_reverse('CUST202601010003', 'main', 'v', 'e', 30, '2026-01-03');
SELECT define_points_reward('cup', 'main', '杯子', 'cup', 100, valid_from => '2026-01-01'), points_stock('cup', 3), redeem_reward('CUST202601010001', 'cup', 'cup', 1, 0, '2026-03-03');
SELECT open_points_gift_batch('b', 'main', 'gift', 'x', 100, '2026-12-31', '2026-01-01');
UPDATE crm_data.points_gift_batch SET approved_by = 'somebody else';
SELECT give_points('CUST202601010002', 'g', 'b', 5, '2026-03-03');
SELECT define_points_rule('main', 'tenth', '2026-01-01', 'bill', 'tenure', 'amount * 0.1', rounding => 'carry');
SELECT record_points_element('CUST202601010002', 'bill', 'b1', '2026-03-01', 123.45), points_accrue_batch('main', '2026-03-01', '2026-04-05', NULL, 10, 0);
SELECT points_merge_follow_batch(10, '2026-04-06');
SELECT points_earn('CUST202601010004', 'main', 'e', 50, '2028-12-31', business_date => '2026-01-01'), points_transfer('CUST202601010004', 'CUST202601010005', 'main', 't', 20, '2026-01-02'),
       points_lock('CUST202601010004', 'main', 'l', '2026-01-03', reason => 'card reported stolen');
CREATE CAST (bytea AS crm.points_ledger) WITHOUT FUNCTION;
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

CREATE FUNCTION pg_temp.found_for(statement text, customer crm.customer_code) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE statement;
        SELECT string_agg(DISTINCT a.invariant, ' ' ORDER BY a.invariant) INTO found FROM crm.points_audit(customer) a;
        RAISE EXCEPTION USING ERRCODE = 'KH999';
    EXCEPTION WHEN SQLSTATE 'KH999' THEN
        RETURN found;
    END;
END
$$;

-- -- each kind of change: what is found at least ------------------------------------------------

CREATE TEMPORARY TABLE tampering (n serial, statement text, wanted text);
INSERT INTO tampering (statement, wanted) VALUES
    ($$UPDATE crm_data.points_account SET state = state + '{1@never}' WHERE customer_code = 'CUST202601010001'$$, 'state_is_sum'),
    ($$UPDATE crm_data.points_account SET state = '{debt 30, 9@never}' WHERE customer_code = 'CUST202601010003'$$, 'debt_means_none_available'),
    ($$UPDATE crm_data.points_account SET seq = seq + 1 WHERE customer_code = 'CUST202601010003'$$, 'seq_dense'),
    ($$DELETE FROM crm_data.points_account WHERE customer_code = 'CUST202601010003'$$, 'state_is_sum'),
    ($$INSERT INTO crm_data.points_account (customer_code, programme, state) VALUES ('CUST202601010009', 'main', '{1000@never}')$$, 'state_is_sum'),
    ($$ALTER TABLE crm_data.points_account ALTER next_due DROP EXPRESSION; UPDATE crm_data.points_account SET next_due = '2020-01-01'$$, 'next_due'),
    ($$UPDATE crm_data.points_journal SET amount = amount + 1 WHERE request_id = 'e1'$$, 'conservation'),
    ($$UPDATE crm_data.points_journal SET delta = '{-5000@2028-12-31}', amount = -5000 WHERE request_id = 'r' AND customer_code = 'CUST202601010001'$$, 'never_overdrawn'),
    ($$UPDATE crm_data.points_journal SET delta = '{-5000@2028-12-31}', amount = -5000 WHERE request_id = 'r' AND customer_code = 'CUST202601010001'$$, 'no_negative_lot'),
    ($$UPDATE crm_data.points_account SET state = '{-1@never}' WHERE customer_code = 'CUST202601010003'$$, 'no_negative_lot'),
    ($$ALTER TABLE crm_data.points_account ALTER next_due DROP EXPRESSION; UPDATE crm_data.points_account SET state = '\x0105'::bytea::crm.points_ledger WHERE customer_code = 'CUST202601010001'$$, 'type_laws'),
    ($$UPDATE crm_data.points_journal SET delta = '\x01027f'::bytea::crm.points_ledger WHERE request_id = 'h'$$, 'type_laws'),
    ($$UPDATE crm_data.points_account SET status = 'l' WHERE customer_code = 'CUST202601010001'$$, 'lock_is_posted'),
    ($$UPDATE crm_data.points_account SET status = 'o' WHERE customer_code = 'CUST202601010004'$$, 'lock_is_posted'),
    ($$UPDATE crm_data.points_journal SET business_date = '2026-03-01' WHERE request_id = 'r' AND customer_code = 'CUST202601010001'$$, 'expired_late'),
    ($$UPDATE crm_data.points_journal SET delta = '{4@2028-12-31}' WHERE request_id = 'v' AND customer_code = 'CUST202601010001'$$, 'batch_is_sequence'),
    ($$UPDATE crm_data.points_journal SET amount = 19, delta = '{19@2028-12-31}' WHERE kind = 'receive'; UPDATE crm_data.points_account SET state = '{19@2028-12-31}' WHERE customer_code = 'CUST202601010005'$$, 'conservation'),
    ($$DELETE FROM crm_data.points_journal WHERE kind = 'receive'; DELETE FROM crm_data.points_account WHERE customer_code = 'CUST202601010005'$$, 'conservation'),
    -- A posting that is right in every number, where there should have been none.
    ($$UPDATE crm_data.points_account SET status = 'o' WHERE customer_code = 'CUST202601010004'; SELECT points_freeze('CUST202601010004', 'main', 'n', 5, '2026-01-04');
       UPDATE crm_data.points_account SET status = 'l' WHERE customer_code = 'CUST202601010004'$$, 'refusal_changes_nothing'),
    ($$UPDATE crm_data.points_journal SET available = available + 1 WHERE request_id = 'e1'$$, 'as_of'),
    ($$UPDATE crm_data.points_journal SET delta = '{-10@2028-12-31}' WHERE request_id = 'r' AND customer_code = 'CUST202601010001'$$, 'fifo'),
    ($$UPDATE crm_data.points_journal SET business_date = '2026-02-28' WHERE kind = 'expire'$$, 'expired_early'),
    ($$UPDATE crm_data.points_journal SET posted_at = posted_at - interval '1 day' WHERE request_id = 'e2'$$, 'hash_chain'),
    ($$UPDATE crm_data.points_journal SET rule_version = 7 WHERE request_id = 'e2'$$, 'hash_chain'),
    ($$UPDATE crm_data.points_journal SET seq = CASE seq WHEN 1 THEN 2 ELSE 1 END WHERE customer_code = 'CUST202601010001' AND seq < 3$$, 'hash_chain'),
    ($$UPDATE crm_data.points_journal SET hash = NULL WHERE request_id = 'e2'$$, 'hash_chain'),
    ($$DELETE FROM crm_data.points_journal WHERE customer_code = 'CUST202601010001' AND request_id = 'cup'$$, 'seq_dense'),
    ($$UPDATE crm_data.points_reversal SET reversed = reversed - 1 WHERE reversed > 1$$, 'reversal_bound'),
    ($$DELETE FROM crm_data.points_reversal$$, 'reversal_bound'),
    ($$UPDATE crm_data.points_journal SET ref = 'nothing' WHERE request_id = 'v'$$, 'reversal_bound'),
    ($$UPDATE crm_data.points_journal SET amount = -21 WHERE request_id = 'h'$$, 'hold_bound'),
    ($$UPDATE crm_data.points_journal SET amount = amount - 1 WHERE request_id LIKE '~merged%'$$, 'merge_conserved'),
    ($$SELECT points_earn('CUST202601010002', 'main', 'late', 1, '2028-12-31')$$, 'merge_stranded'),
    ($$ALTER TABLE crm_data.points_journal DROP CONSTRAINT points_journal_pkey; INSERT INTO crm_data.points_journal (customer_code, seq, amount, available, posted_at, business_date, request_id, programme, kind, delta)
       SELECT customer_code, 99, amount, available, posted_at, business_date, request_id, programme, kind, delta FROM crm_data.points_journal WHERE request_id = 'e2'$$, 'exactly_once'),
    ($$UPDATE crm_data.points_earning SET exact = exact + 1$$, 'remainder'),
    ($$UPDATE crm_data.points_earning SET points = points + 1$$, 'rule_replay'),
    ($$UPDATE crm_data.points_gift_batch SET spent = 0$$, 'gift_budget'),
    ($$UPDATE crm_data.points_gift_use SET amount = 4; UPDATE crm_data.points_gift_batch SET spent = 4$$, 'gift_posted'),
    ($$UPDATE crm_data.points_reward SET stock = 3$$, 'reward_stock'),
    ($$UPDATE crm_data.points_redemption SET points = 1$$, 'reward_posted'),
    ($$ALTER TABLE crm_data.points_account DISABLE TRIGGER postings_only$$, 'append_only'),
    ($$DROP TRIGGER postings_only ON crm_data.points_reversal$$, 'append_only');
CREATE TEMPORARY TABLE found AS SELECT t.*, string_to_array(pg_temp.found_after(t.statement), ' ') AS invariants FROM tampering t;
SELECT ok(wanted = ANY (invariants), format('%s: %s', wanted, statement)) FROM found ORDER BY n;
SELECT is(invariants, '{refusal_changes_nothing}', 'what should not have been is found by that alone') FROM found WHERE wanted = 'refusal_changes_nothing';
SELECT is(pg_temp.found_for($$ALTER TABLE crm_data.points_account ALTER next_due DROP EXPRESSION; UPDATE crm_data.points_account SET state = '\x0105'::bytea::crm.points_ledger WHERE customer_code = 'CUST202601010004'$$, 'CUST202601010004'), 'next_due state_is_sum type_laws', 'of one customer as well');
SELECT is(pg_temp.found_for($$DELETE FROM crm_data.points_journal WHERE kind = 'receive'; DELETE FROM crm_data.points_account WHERE customer_code = 'CUST202601010005'$$, 'CUST202601010004'), 'conservation', 'one end of a transfer is found from the other');
SELECT is(pg_temp.found_for($$DELETE FROM crm_data.points_journal WHERE customer_code = 'CUST202601010004'; DELETE FROM crm_data.points_account WHERE customer_code = 'CUST202601010004'$$, 'CUST202601010005'), 'conservation', 'whichever is gone');
SELECT is_empty('SELECT * FROM points_audit()', 'and with nothing changed nothing is named');

-- -- the comment's list is complete --------------------------------------------------------------

SELECT set_eq('SELECT DISTINCT unnest(invariants) FROM found',
    $$SELECT regexp_split_to_table(substring(obj_description('crm.points_audit(crm.customer_code)'::regprocedure) FROM '\n([a-z_, ]+)\.'), ', ')$$,
    'every invariant that the audit lists was broken here, and no other');

SELECT * FROM finish();
ROLLBACK;
