-- points_post: the postings. Each is one call, atomic with its caller's transaction.

CREATE TYPE crm.points_answer AS (status text, available bigint, held bigint, debt bigint, breakdown crm.points_ledger);
COMMENT ON TYPE crm.points_answer IS
$$Answer of a posting: status, balance afterwards, and the change lot by lot (积分操作结果).
status ok or replay; refusals are errors in the single functions and statuses in crm.points_post_batch(). available, held and debt are as of the business date; breakdown is what the operation itself moved.$$;
COMMENT ON COLUMN crm.points_answer.status IS 'ok, replay, or why it was refused (状态).';
COMMENT ON COLUMN crm.points_answer.available IS 'Points that can be used afterwards (可用积分).';
COMMENT ON COLUMN crm.points_answer.held IS 'Points in holds afterwards (冻结积分).';
COMMENT ON COLUMN crm.points_answer.debt IS 'Points owed afterwards (欠分).';
COMMENT ON COLUMN crm.points_answer.breakdown IS 'What the operation changed, lot by lot (明细).';

CREATE TYPE crm.points_op AS (request_id text, business_date date, op text, customer crm.customer_code, customer2 crm.customer_code,
    programme text, amount bigint, expires_on date, class text, ref text);
COMMENT ON TYPE crm.points_op IS
$$An operation for crm.points_post_batch() (积分操作).
op is earn, gift, redeem, reverse_redeem, reverse_earn, freeze, unfreeze, capture, adjust, transfer, lock or unlock. What an operation does not need is passed over.$$;

COMMENT ON COLUMN crm.points_op.request_id IS 'Unique for each customer (请求号).';
COMMENT ON COLUMN crm.points_op.business_date IS 'Day that decides expiry; null: today of the company (业务日期).';
COMMENT ON COLUMN crm.points_op.op IS 'The operation (操作).';
COMMENT ON COLUMN crm.points_op.customer IS 'Whose points (客户编号).';
COMMENT ON COLUMN crm.points_op.customer2 IS 'Receiver of a transfer (转入客户).';
COMMENT ON COLUMN crm.points_op.programme IS 'Programme (积分计划).';
COMMENT ON COLUMN crm.points_op.amount IS 'In the smallest unit; null in a reversal, unfreeze or capture: all that remains (分值).';
COMMENT ON COLUMN crm.points_op.expires_on IS 'Last usable day of a credit; null: never (有效期至).';
COMMENT ON COLUMN crm.points_op.class IS 'Class of points of a credit; null: plain (积分类别).';
COMMENT ON COLUMN crm.points_op.ref IS 'Request that is reversed, unfrozen or captured (原请求号).';

CREATE FUNCTION crm.points_earn(customer crm.customer_code, programme text, request_id text, amount bigint, expires_on date DEFAULT NULL, class text DEFAULT NULL, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_earn_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_earn(crm.customer_code, text, text, bigint, date, text, date) IS
$$Credit points earned (积分累积).
expires_on is the last usable day, null for never. A debt is paid first. The first credit opens the account where the programme allows.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, KH007 when past the last day, P0002 when the account does not open by itself, KHP07 where points come by the programme's rules only.$$;
REVOKE EXECUTE ON FUNCTION crm.points_earn(crm.customer_code, text, text, bigint, date, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_earn(crm.customer_code, text, text, bigint, date, text, date) TO crm_writer;

CREATE FUNCTION crm.points_gift(customer crm.customer_code, programme text, request_id text, amount bigint, expires_on date DEFAULT NULL, class text DEFAULT NULL, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_gift_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_gift(crm.customer_code, text, text, bigint, date, text, date) IS
$$Credit points given (积分赠送). As crm.points_earn().
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, KH007, P0002, KHP07 where points come by the programme's rules only.$$;
REVOKE EXECUTE ON FUNCTION crm.points_gift(crm.customer_code, text, text, bigint, date, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_gift(crm.customer_code, text, text, bigint, date, text, date) TO crm_writer;

CREATE FUNCTION crm.points_adjust(customer crm.customer_code, programme text, request_id text, amount bigint, expires_on date DEFAULT NULL, class text DEFAULT NULL, business_date date DEFAULT NULL, reason text DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_adjust_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_adjust(crm.customer_code, text, text, bigint, date, text, date, text) IS
$$Adjust points up or down (积分调整).
Up is a credit; down takes lots in order, also from a locked account, and is not reversed but adjusted. Beyond the programme's limit another person must have approved request and amount. reason is kept with the request (crm.points_reason) and is no part of its content.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, 23514 for a blank reason, KH003 and KH004 beyond the limit, KH008 when there are not enough, KH007, P0002.$$;
REVOKE EXECUTE ON FUNCTION crm.points_adjust(crm.customer_code, text, text, bigint, date, text, date, text) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_adjust(crm.customer_code, text, text, bigint, date, text, date, text) TO crm_data_admin;

CREATE FUNCTION crm.points_redeem(customer crm.customer_code, programme text, request_id text, amount bigint, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_redeem_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_redeem(crm.customer_code, text, text, bigint, date) IS
$$Redeem points (积分兑换).
Takes lots in order: first those that end first, never last, then by class.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, KHP03 when locked, KHP04 under the minimum, KH008 when there are not enough, KHP07 when the programme's rules forbid it (crm.points_obstacle()).$$;
REVOKE EXECUTE ON FUNCTION crm.points_redeem(crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_redeem(crm.customer_code, text, text, bigint, date) TO crm_writer;

CREATE FUNCTION crm.points_freeze(customer crm.customer_code, programme text, request_id text, amount bigint, business_date date DEFAULT NULL, reason text DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_freeze_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_freeze(crm.customer_code, text, text, bigint, date, text) IS
$$Hold points (积分冻结).
Takes lots as a redemption does and keeps them in a hold, where they do not expire; crm.points_unfreeze() and crm.points_capture() name this request as ref. reason is kept with the request (crm.points_reason) and is no part of its content.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, KHP03 when locked, KH008 when there are not enough, KHP07 when the programme's rules forbid it.$$;
REVOKE EXECUTE ON FUNCTION crm.points_freeze(crm.customer_code, text, text, bigint, date, text) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_freeze(crm.customer_code, text, text, bigint, date, text) TO crm_writer;

CREATE FUNCTION crm.points_unfreeze(customer crm.customer_code, programme text, request_id text, ref text, amount bigint DEFAULT NULL, business_date date DEFAULT NULL, reason text DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_unfreeze_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_unfreeze(crm.customer_code, text, text, text, bigint, date, text) IS
$$Give held points back (积分解冻).
Last taken first; null: all that remains. A debt is paid first; what is past its day expires at once. reason is kept with the request (crm.points_reason) and is no part of its content.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, P0002 when ref is no freeze of this account, KHP01 when more than remains.$$;
REVOKE EXECUTE ON FUNCTION crm.points_unfreeze(crm.customer_code, text, text, text, bigint, date, text) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_unfreeze(crm.customer_code, text, text, text, bigint, date, text) TO crm_writer;

CREATE FUNCTION crm.points_capture(customer crm.customer_code, programme text, request_id text, ref text, amount bigint DEFAULT NULL, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_capture_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_capture(crm.customer_code, text, text, text, bigint, date) IS
$$Use held points up (冻结积分扣减).
In order of use; counts as a redemption that can be reversed.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, P0002 when ref is no freeze of this account, KHP01 when more than remains.$$;
REVOKE EXECUTE ON FUNCTION crm.points_capture(crm.customer_code, text, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_capture(crm.customer_code, text, text, text, bigint, date) TO crm_writer;

CREATE FUNCTION crm.points_reverse(customer crm.customer_code, programme text, request_id text, ref text, amount bigint DEFAULT NULL, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_reverse_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_reverse(crm.customer_code, text, text, text, bigint, date) IS
$$Reverse a redemption, a capture or a credit, in whole or part (积分返销).
Redemptions give back the lots that were taken, last taken first, with their own last day. Credits are taken from their own lot first, then from others in order; the rest is owed where the programme allows.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, P0002 when ref cannot be reversed, KHP01 when more than remains, KHP02 when the credit is past its day, KHP07 for what was redeemed for a reward (crm.cancel_reward()), KH008 when no debt is allowed.$$;
REVOKE EXECUTE ON FUNCTION crm.points_reverse(crm.customer_code, text, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_reverse(crm.customer_code, text, text, text, bigint, date) TO crm_writer;

CREATE FUNCTION crm.points_transfer(customer crm.customer_code, customer2 crm.customer_code, programme text, request_id text, amount bigint, business_date date DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_transfer_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_transfer(crm.customer_code, crm.customer_code, text, text, bigint, date) IS
$$Transfer points to another customer of the programme (积分转赠).
The receiver gets the same lots with their last day; his debt is paid first.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, KHP05 to oneself, KHP03 when locked, KH008 when there are not enough, P0002 when the receiver's account does not open by itself, KHP07 when the programme's rules forbid it.$$;
REVOKE EXECUTE ON FUNCTION crm.points_transfer(crm.customer_code, crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_transfer(crm.customer_code, crm.customer_code, text, text, bigint, date) TO crm_writer;

CREATE FUNCTION crm.points_lock(customer crm.customer_code, programme text, request_id text, business_date date DEFAULT NULL, reason text DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_lock_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_lock(crm.customer_code, text, text, date, text) IS
$$Lock a points account: no redemption, freeze or transfer out (积分账户锁定).
Locking a locked account is no error. reason is kept with the request (crm.points_reason) and is no part of its content.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, none of its own.$$;
REVOKE EXECUTE ON FUNCTION crm.points_lock(crm.customer_code, text, text, date, text) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_lock(crm.customer_code, text, text, date, text) TO crm_writer;

CREATE FUNCTION crm.points_unlock(customer crm.customer_code, programme text, request_id text, business_date date DEFAULT NULL, reason text DEFAULT NULL) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_unlock_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_unlock(crm.customer_code, text, text, date, text) IS
$$Unlock a points account (积分账户解锁).
reason is kept with the request (crm.points_reason) and is no part of its content.
Same request with the same content: the first answer again, status replay. Errors: 22004 for what is missing, 22023, 22003, 54000, KH014 for another content, none of its own.$$;
REVOKE EXECUTE ON FUNCTION crm.points_unlock(crm.customer_code, text, text, date, text) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_unlock(crm.customer_code, text, text, date, text) TO crm_writer;

CREATE FUNCTION crm.points_post_batch(ops crm.points_op[])
    RETURNS TABLE (request_id text, status text, available bigint, held bigint, debt bigint, breakdown crm.points_ledger)
    AS 'MODULE_PATHNAME', 'crm_points_post_batch' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION crm.points_post_batch(crm.points_op[]) IS
$$Post many operations in order, one answer for each (批量积分操作).
The same as one by one, but refusals are statuses: bad_amount, insufficient, not_found, over_reversal, idem_conflict, already_expired, expired, locked, below_min, same_account; and not_allowed, which the law knows not: by a rule of the programme, or for a reward's points past crm.cancel_reward(), or for an adjustment beyond the limit that no other person approved. Each account is written once. Errors: 22004, 22023, 22003, 54000; then nothing of the batch is posted.$$;
REVOKE EXECUTE ON FUNCTION crm.points_post_batch(crm.points_op[]) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_post_batch(crm.points_op[]) TO crm_data_admin; -- it can adjust

CREATE TYPE crm.points_ruled_op AS (request_id text, business_date date, op text, customer crm.customer_code, customer2 crm.customer_code,
    programme text, amount bigint, expires_on date, class text, ref text, rule_version integer);
COMMENT ON TYPE crm.points_ruled_op IS 'An operation of crm.points_post_ruled(): as crm.points_op, and the version of the rule that it comes from (按规则的积分操作).';
COMMENT ON COLUMN crm.points_ruled_op.request_id IS 'Unique for each customer (请求号).';
COMMENT ON COLUMN crm.points_ruled_op.business_date IS 'Day that decides expiry (业务日期).';
COMMENT ON COLUMN crm.points_ruled_op.op IS 'The operation (操作).';
COMMENT ON COLUMN crm.points_ruled_op.customer IS 'Whose points (客户编号).';
COMMENT ON COLUMN crm.points_ruled_op.customer2 IS 'Receiver of a transfer (转入客户).';
COMMENT ON COLUMN crm.points_ruled_op.programme IS 'Programme (积分计划).';
COMMENT ON COLUMN crm.points_ruled_op.amount IS 'In the smallest unit (分值).';
COMMENT ON COLUMN crm.points_ruled_op.expires_on IS 'Last usable day (有效期至).';
COMMENT ON COLUMN crm.points_ruled_op.class IS 'Class of points (积分类别).';
COMMENT ON COLUMN crm.points_ruled_op.ref IS 'Request referred to (原请求号).';
COMMENT ON COLUMN crm.points_ruled_op.rule_version IS 'By which the amount was reckoned (规则版本).';

CREATE FUNCTION crm.points_post_ruled(ops crm.points_ruled_op[])
    RETURNS TABLE (request_id text, status text, available bigint, held bigint, debt bigint, breakdown crm.points_ledger)
    AS 'MODULE_PATHNAME', 'crm_points_post_batch' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION crm.points_post_ruled(crm.points_ruled_op[]) IS
'As crm.points_post_batch(), with the version of the rule in the journal (按规则批量积分操作). A part of crm.points_accrue().';
REVOKE EXECUTE ON FUNCTION crm.points_post_ruled(crm.points_ruled_op[]) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_post_ruled(crm.points_ruled_op[]) TO crm_owner;

-- -- programmes, approval ---------------------------------------------------------

CREATE FUNCTION crm.define_points_programme(programme text, label_zh text, label_en text, scale integer DEFAULT 0, redeem_min bigint DEFAULT 0,
        allow_debt boolean DEFAULT true, auto_open boolean DEFAULT true, is_chained boolean DEFAULT true, adjust_limit bigint DEFAULT NULL, free_credit boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- Entries without a hash between others are what the audit takes for tampering.
    IF is_chained AND EXISTS (SELECT FROM crm_data.points_programme p WHERE p.programme = $1 AND NOT p.is_chained)
       AND EXISTS (SELECT FROM crm_data.points_journal j WHERE j.programme = $1 AND j.hash IS NOT NULL) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = 'the hash chain of this programme was ended and cannot be taken up again',
            DETAIL = 'Entries were posted without a hash after others that have one.', HINT = 'Leave the chain off, or define a new programme.';
    END IF;
    INSERT INTO crm_data.points_programme AS p (programme, label_zh, label_en, scale, redeem_min, allow_debt, auto_open, is_chained, adjust_limit, free_credit)
    VALUES (programme, label_zh, label_en, scale, redeem_min, allow_debt, auto_open, is_chained, adjust_limit, free_credit)
    ON CONFLICT ON CONSTRAINT points_programme_pkey DO UPDATE
       SET label_zh = excluded.label_zh, label_en = excluded.label_en, scale = excluded.scale, redeem_min = excluded.redeem_min,
           allow_debt = excluded.allow_debt, auto_open = excluded.auto_open, is_chained = excluded.is_chained, adjust_limit = excluded.adjust_limit, free_credit = excluded.free_credit;
END
$$;
ALTER FUNCTION crm.define_points_programme(text, text, text, integer, bigint, boolean, boolean, boolean, bigint, boolean) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_programme(text, text, text, integer, bigint, boolean, boolean, boolean, bigint, boolean) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_programme(text, text, text, integer, bigint, boolean, boolean, boolean, bigint, boolean) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_programme(text, text, text, integer, bigint, boolean, boolean, boolean, bigint, boolean) IS
$$Make a points programme, or change its rules (定义积分计划).
scale: decimal places of a point; amounts are whole numbers of the smallest unit. adjust_limit: beyond it adjustments need a second person, null for no limit. free_credit: crm.points_earn() and crm.points_gift() stay open to writers also where the programme has rules of earning; without such rules they always are. is_chained: a chain may begin late, but what was ended does not begin again. Errors: 23502, 23514, 55000.$$;

CREATE FUNCTION crm.points_approve_adjustment(customer crm.customer_code, programme text, request_id text, amount bigint, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    INSERT INTO crm_data.points_approval (customer_code, request_id, programme, amount, reason)
    VALUES (customer, request_id, programme, amount, reason);
END
$$;
ALTER FUNCTION crm.points_approve_adjustment(crm.customer_code, text, text, bigint, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_approve_adjustment(crm.customer_code, text, text, bigint, text) FROM PUBLIC; -- one of four eyes
GRANT EXECUTE ON FUNCTION crm.points_approve_adjustment(crm.customer_code, text, text, bigint, text) TO crm_data_admin;
COMMENT ON FUNCTION crm.points_approve_adjustment(crm.customer_code, text, text, bigint, text) IS
$$Approve an adjustment beyond the programme's limit before another person posts it (积分调整审批).
Holds for this request and amount. Errors: 23505 when it is approved already, 23502.$$;

CREATE FUNCTION crm.points_note_reason(customer crm.customer_code, request_id text, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM crm_data.points_journal j WHERE j.customer_code = customer AND j.request_id = points_note_reason.request_id) THEN
        RAISE EXCEPTION 'there is no such posting of points' USING ERRCODE = 'no_data_found', DETAIL = format('Request %s.', request_id);
    END IF;
    INSERT INTO crm_data.points_reason (customer_code, request_id, reason) VALUES (customer, request_id, reason);
END
$$;
ALTER FUNCTION crm.points_note_reason(crm.customer_code, text, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_note_reason(crm.customer_code, text, text) FROM PUBLIC; -- stands beside the books
GRANT EXECUTE ON FUNCTION crm.points_note_reason(crm.customer_code, text, text) TO crm_writer, crm_data_admin;
COMMENT ON FUNCTION crm.points_note_reason(crm.customer_code, text, text) IS
$$Say why something was posted, where the posting itself could not: in a batch, or of a reversal or transfer (补记积分操作原因).
Once; who said it stands beside it. Errors: P0002 when nothing was posted under this request, 23505 when a reason is there, 23514 when it is blank, 23502.$$;

-- -- guards --------------------------------------------------------------------------

CREATE FUNCTION crm.points_keep() RETURNS trigger AS 'MODULE_PATHNAME', 'crm_points_keep' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_keep() IS 'Trigger: points are written by postings, and by a superuser who restores a dump (积分写保护). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.points_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_keep() TO crm_owner; -- who makes the triggers
CREATE FUNCTION crm.points_keep_records() RETURNS trigger AS 'MODULE_PATHNAME', 'crm_points_keep_records' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_keep_records() IS
$$Trigger: approvals, gifts, rewards, elements and standings are written by functions that run as the owner for others, not by whoever takes the owner's role; a superuser can, to restore a dump (积分业务记录写保护). Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.points_keep_records() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_keep_records() TO crm_owner; -- who makes the triggers

-- Whatever function writes it, and whoever wrote that function: two persons are two sessions.
CREATE FUNCTION crm.points_four_eyes() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    free CONSTANT text[] := ARRAY['spent', 'returned', 'approved_by', 'approved_at', 'closed_at'];
    is_true boolean := CASE
        WHEN TG_TABLE_NAME = 'points_approval' THEN TG_OP = 'INSERT' AND to_jsonb(NEW) ->> 'approved_by' = session_user
        WHEN TG_OP = 'INSERT' THEN to_jsonb(NEW) ->> 'opened_by' = session_user AND to_jsonb(NEW) ->> 'approved_by' IS NULL AND (to_jsonb(NEW) ->> 'spent')::bigint = 0 AND (to_jsonb(NEW) ->> 'returned')::bigint = 0
        WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) - free = to_jsonb(OLD) - free AND (to_jsonb(NEW) ->> 'spent')::bigint >= (to_jsonb(OLD) ->> 'spent')::bigint
             AND (to_jsonb(NEW) ->> 'returned')::bigint >= (to_jsonb(OLD) ->> 'returned')::bigint
             AND (to_jsonb(NEW) ->> 'approved_by' IS NOT DISTINCT FROM to_jsonb(OLD) ->> 'approved_by'
                  OR to_jsonb(OLD) ->> 'approved_by' IS NULL AND to_jsonb(NEW) ->> 'approved_by' = session_user AND to_jsonb(NEW) ->> 'opened_by' <> session_user)
        ELSE false END;
BEGIN
    IF NOT is_true AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION 'nobody writes another person''s part of four eyes' USING ERRCODE = 'KH004', DETAIL = format('Table %s.', TG_TABLE_NAME);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION crm.points_four_eyes() IS
$$Trigger: who proposes and who approves stand in a row as the sessions that did it, budget and terms stay as they were proposed (积分双人复核保护). Errors: KH004.$$;
REVOKE EXECUTE ON FUNCTION crm.points_four_eyes() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_four_eyes() TO crm_owner; -- who makes the triggers

CREATE FUNCTION crm.points_programme_changed() RETURNS trigger AS 'MODULE_PATHNAME', 'crm_points_programme_changed' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_programme_changed() IS 'Trigger: all sessions read the programmes and what rules they have again (积分计划变更).';
REVOKE EXECUTE ON FUNCTION crm.points_programme_changed() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.points_programme_changed() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.points_write_path() RETURNS text AS 'MODULE_PATHNAME', 'crm_points_write_path' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_write_path() IS
$$How a posting of this transaction would write: direct, or sql and why (积分写入方式).
sql is several times slower: in REPEATABLE READ and SERIALIZABLE, where crm.points_write_path says so, and where somebody has given points_account or points_journal a trigger, check, rule, policy, index of another kind or a publication that lacks what updates need.$$;
REVOKE EXECUTE ON FUNCTION crm.points_write_path() FROM PUBLIC; -- takes the locks of a posting
GRANT EXECUTE ON FUNCTION crm.points_write_path() TO crm_data_admin, crm_admin, crm_owner;

-- -- expiry ---------------------------------------------------------------------------

CREATE FUNCTION crm.points_expire_account(customer crm.customer_code, programme text, as_of date) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_expire_account' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_expire_account(crm.customer_code, text, date) IS
$$Post what is past its day in one account; false when nothing is (单户积分失效). No balance depends on it. A part of crm.points_expire_due().$$;
REVOKE EXECUTE ON FUNCTION crm.points_expire_account(crm.customer_code, text, date) FROM PUBLIC; -- writes the journal
GRANT EXECUTE ON FUNCTION crm.points_expire_account(crm.customer_code, text, date) TO crm_owner; -- as whom a batch runs

CREATE FUNCTION crm.points_expire_batch(as_of date, size integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    due record;
    done integer := 0;
BEGIN
    -- What somebody else holds is posted by him or by the next run.
    FOR due IN SELECT a.customer_code, a.programme FROM crm_data.points_account a
                WHERE a.next_due < as_of ORDER BY a.next_due LIMIT size FOR NO KEY UPDATE SKIP LOCKED LOOP
        done := done + points_expire_account(due.customer_code, due.programme, as_of)::integer;
    END LOOP;
    RETURN done;
END
$$;
ALTER FUNCTION crm.points_expire_batch(date, integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_expire_batch(date, integer) FROM PUBLIC; -- writes the journal
GRANT EXECUTE ON FUNCTION crm.points_expire_batch(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_expire_batch(date, integer) IS 'Post the expiry of so many accounts at most; gives their number (积分失效一批). A part of crm.points_expire_due().';

CREATE PROCEDURE crm.points_expire_due(as_of date DEFAULT crm.company_today(), size integer DEFAULT 10000)
    LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM crm.require_batch_size(size);
    as_of := COALESCE(as_of, crm.company_today());
    LOOP
        done := crm.points_expire_batch(as_of, size);
        EXIT WHEN done OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
    LOOP
        done := crm.points_expire_holds_batch(as_of, size);
        EXIT WHEN done OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.points_expire_due(date, integer) FROM PUBLIC; -- writes the journal
GRANT EXECUTE ON PROCEDURE crm.points_expire_due(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON PROCEDURE crm.points_expire_due(date, integer) IS
$$Post what is past its last day on the given day (积分到期失效).
Commits per batch, passes over accounts that somebody holds, and can be killed and called again at any time: no balance depends on it, but that of holds where crm.define_points_hold_rule() lets them expire. as_of null: today. Errors: 2D000 inside a transaction block, 22023.$$;

-- -- the audit ------------------------------------------------------------------------

CREATE FUNCTION crm.points_entry_hash(before bytea, customer crm.customer_code, seq bigint, amount bigint, business_date date, posted_at timestamptz,
        available bigint, held bigint, debt bigint, expires_on date, counterparty crm.customer_code, is_rest boolean, rule_version integer,
        request_id text, programme text, kind text, ref text, class text, delta crm.points_ledger) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_points_entry_hash' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_entry_hash(bytea, crm.customer_code, bigint, bigint, date, timestamptz, bigint, bigint, bigint, date, crm.customer_code, boolean, integer, text, text, text, text, text, crm.points_ledger) IS
$$SHA-256 of an entry and the hash before it, which is null for the first (流水哈希).
The form is in src/points/points_chain_core.c and doc/points.md.$$;

CREATE FUNCTION crm.points_audit_books(customer crm.customer_code)
    RETURNS TABLE (invariant text, customer_code crm.customer_code, programme text, detail text)
    AS 'MODULE_PATHNAME', 'crm_points_audit_books' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION crm.points_audit_books(crm.customer_code) IS 'What is wrong with accounts and entries, of one customer or, with null, of all (账目核对). A part of crm.points_audit().';
REVOKE EXECUTE ON FUNCTION crm.points_audit_books(crm.customer_code) FROM PUBLIC; -- reads every account
GRANT EXECUTE ON FUNCTION crm.points_audit_books(crm.customer_code) TO crm_owner; -- as whom the audit runs

CREATE FUNCTION crm.points_audit(customer crm.customer_code DEFAULT NULL)
    RETURNS TABLE (invariant text, customer_code crm.customer_code, programme text, detail text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    partners crm.customer_code[];
BEGIN
    RETURN QUERY SELECT b.* FROM points_audit_books(customer) b;
    RETURN QUERY SELECT * FROM points_rule_audit(customer);
    RETURN QUERY SELECT * FROM points_reward_audit(customer);
    RETURN QUERY SELECT * FROM points_merge_audit(customer);
    -- What one gives another gets, lot or debt: neither end stands without the other.
    partners := ARRAY(SELECT DISTINCT j.counterparty FROM crm_data.points_journal j WHERE j.customer_code = customer AND j.kind IN ('transfer', 'receive'));
    RETURN QUERY
    SELECT 'conservation'::text, (array_agg(j.customer_code))[1], j.programme, format('transfer %s: %s in all at both ends', CASE j.kind WHEN 'transfer' THEN j.request_id ELSE j.ref END, sum(j.amount))
      FROM crm_data.points_journal j
     WHERE j.kind IN ('transfer', 'receive') AND (customer IS NULL OR j.customer_code = customer OR j.customer_code = ANY (partners) AND j.counterparty = customer)
     GROUP BY CASE j.kind WHEN 'transfer' THEN j.customer_code ELSE j.counterparty END, CASE j.kind WHEN 'transfer' THEN j.counterparty ELSE j.customer_code END,
              CASE j.kind WHEN 'transfer' THEN j.request_id ELSE j.ref END, j.programme
    HAVING sum(j.amount) <> 0;
    RETURN QUERY
    SELECT 'append_only'::text, NULL::crm.customer_code, NULL::text, format('table %s has no guard %s that is on', t.name, t.guard)
      FROM (VALUES ('points_account', 'postings_only'), ('points_journal', 'postings_only'), ('points_reversal', 'postings_only'),
                   ('points_approval', 'functions_only'), ('points_approval', 'four_eyes'), ('points_reason', 'functions_only'), ('points_gift_batch', 'functions_only'), ('points_gift_batch', 'four_eyes'),
                   ('points_gift_use', 'functions_only'), ('points_reward', 'functions_only'), ('points_redemption', 'functions_only'), ('points_element', 'functions_only'),
                   ('points_earning', 'functions_only'), ('points_remainder', 'functions_only'), ('points_standing', 'functions_only'), ('points_draft', 'functions_only'), ('points_draft', 'terms_stay'), ('points_rule', 'versions_stay'), ('points_merge', 'functions_only'), ('points_promise', 'functions_only')) t (name, guard)
     WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = to_regclass('crm_data.' || t.name) AND g.tgname = t.guard AND g.tgenabled IN ('O', 'A'));
END
$$;
ALTER FUNCTION crm.points_audit(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_audit(crm.customer_code) FROM PUBLIC; -- reads every account
GRANT EXECUTE ON FUNCTION crm.points_audit(crm.customer_code) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_audit(crm.customer_code) IS
$$Every violated invariant of the points ledger by name; no rows when the books are in balance (积分核对).
type_laws, state_is_sum, no_negative_lot, debt_means_none_available, never_overdrawn, next_due, lock_is_posted, seq_dense, hash_chain, conservation, as_of, fifo, expired_early, expired_late, refusal_changes_nothing, batch_is_sequence, reversal_bound, hold_bound, merge_conserved, merge_stranded, rule_replay, remainder, gift_budget, gift_posted, reward_stock, reward_posted, exactly_once, append_only. Of one customer, or of all.$$;
GRANT EXECUTE ON FUNCTION crm.points_entry_hash(bytea, crm.customer_code, bigint, bigint, date, timestamptz, bigint, bigint, bigint, date, crm.customer_code, boolean, integer, text, text, text, text, text, crm.points_ledger) TO crm_owner;

CREATE FUNCTION crm.points_statement(customer crm.customer_code, programme text, from_on date, to_on date)
    RETURNS TABLE (seq bigint, business_date date, kind text, request_id text, amount bigint, balance bigint, expiring bigint)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    -- What has expired stands at the day after its last one, posted in time, late or not yet; what
    -- was given back past its day, at the day on which it was given back.
    WITH entry AS MATERIALIZED (
        SELECT j.seq, j.business_date, j.kind, j.request_id, j.amount, j.delta FROM crm_data.points_journal j WHERE j.customer_code = $1 AND j.programme = $2),
    lapse AS (
        SELECT e.seq, e.request_id, -l.amount AS amount,
               CASE WHEN EXISTS (SELECT FROM lots(b.delta) g WHERE (g.hold, g.expires_on, g.class) = (0, l.expires_on, l.class) AND g.amount > 0) THEN e.business_date ELSE l.expires_on + 1 END AS day
          FROM entry e CROSS JOIN LATERAL lots(e.delta) l LEFT JOIN entry b ON b.seq = e.seq - 1 AND b.business_date = e.business_date AND b.kind <> 'expire'
         WHERE e.kind = 'expire'
         UNION ALL
        SELECT NULL, NULL, l.amount, l.expires_on + 1
          FROM crm_data.points_account a CROSS JOIN LATERAL lots(a.state) l
         WHERE a.customer_code = $1 AND a.programme = $2 AND l.hold = 0 AND l.expires_on <> '-infinity' AND l.expires_on < $4),
    line AS (
        SELECT e.seq, e.business_date AS day, e.kind, e.request_id, e.amount, points_total(e.delta) AS change FROM entry e WHERE e.kind <> 'expire'
         UNION ALL
        SELECT p.seq, p.day, 'expire', p.request_id, -sum(p.amount)::bigint, -sum(p.amount)::bigint FROM lapse p GROUP BY 1, 2, 4),
    told AS (SELECT n.*, sum(n.change) OVER (ORDER BY n.day, n.kind <> 'expire' OR n.seq IS NOT NULL, n.seq)::bigint AS balance FROM line n)
    SELECT NULL::bigint, $3, 'opening', NULL::text, NULL::bigint, coalesce((SELECT sum(n.change) FROM line n WHERE n.day < $3), 0)::bigint, NULL::bigint
     UNION ALL
    (SELECT t.seq, t.day, t.kind, t.request_id, t.amount, t.balance, NULL
       FROM told t WHERE t.day BETWEEN $3 AND $4 ORDER BY t.day, t.kind <> 'expire' OR t.seq IS NOT NULL, t.seq)
     UNION ALL
    SELECT NULL, $4, 'closing', NULL, NULL, coalesce((SELECT sum(n.change) FROM line n WHERE n.day <= $4), 0)::bigint,
           coalesce((SELECT greatest(available(crm.sum(e.delta), $4) - available(crm.sum(e.delta), $4 + 31), 0) FROM entry e WHERE e.business_date <= $4), 0) $$;
ALTER FUNCTION crm.points_statement(crm.customer_code, text, date, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_statement(crm.customer_code, text, date, date) FROM PUBLIC; -- reads an account
GRANT EXECUTE ON FUNCTION crm.points_statement(crm.customer_code, text, date, date) TO crm_data_admin, crm_writer;
COMMENT ON FUNCTION crm.points_statement(crm.customer_code, text, date, date) IS
$$Statement of an account: opening balance, entries, closing balance and what ends within 30 days after it (积分对账单).
In order of business dates. balance is available plus held less debt, so that opening and changes come to closing; a hold changes nothing of it. What has expired stands at the day after its last one, whether that was posted then, later, or (seq null) not yet.$$;
