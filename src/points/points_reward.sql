-- points_reward: gifts with a budget, redemption for goods, standing of a customer, notices.

-- -- standing ------------------------------------------------------------------------------

-- The master's levels are assessed in room score, and there alone; what was said of the standing
-- counts for whom it does not assess. Without a SET clause, so that it melts into the owner's
-- query that asks; views say the same by crm.customer_points_level.
CREATE FUNCTION crm.points_level_at(customer crm.customer_code, as_of date) RETURNS TABLE (level text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    AS $$
    SELECT coalesce((SELECT d.points_level
                       FROM crm_data.customer c
                      CROSS JOIN LATERAL (SELECT DISTINCT ON (l.scheme) l.scheme, l.rule_version, l.level, l.valid_until FROM crm_data.customer_level l
                                           WHERE l.customer_code = c.survivor_code AND l.valid_from <= $2 ORDER BY l.scheme, l.valid_from DESC) held
                       JOIN crm_data.level_def d ON d.scheme = held.scheme AND d.version = held.rule_version AND d.level = held.level
                       JOIN crm_data.points_level p ON p.level = d.points_level
                      WHERE c.customer_code = $1 AND held.valid_until >= $2
                      ORDER BY p.rank DESC LIMIT 1),
                    (SELECT s.level FROM crm_data.points_standing s WHERE s.customer_code = $1)) $$;
REVOKE EXECUTE ON FUNCTION crm.points_level_at(crm.customer_code, date) FROM PUBLIC; -- tells how a customer stands
GRANT EXECUTE ON FUNCTION crm.points_level_at(crm.customer_code, date) TO crm_owner;
COMMENT ON FUNCTION crm.points_level_at(crm.customer_code, date) IS
$$The level by which points go, of crm_data.points_level, of a customer on a day; null for none (积分客户等级).
The highest that his valid levels of the master stand for (level_def.points_level); of a merged record, those of the one that stands for it. Where there is none, what crm.points_set_standing() said.$$;

-- Limits hold for a person, however many of his records were merged. Of a code that the master
-- does not know, itself.
CREATE FUNCTION crm.points_records(customer crm.customer_code) RETURNS TABLE (customer_code crm.customer_code)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT m.customer_code FROM crm_data.customer c JOIN crm_data.customer m ON m.survivor_code = c.survivor_code WHERE c.customer_code = $1
     UNION SELECT $1 $$;
REVOKE EXECUTE ON FUNCTION crm.points_records(crm.customer_code) FROM PUBLIC; -- tells who was merged with whom
GRANT EXECUTE ON FUNCTION crm.points_records(crm.customer_code) TO crm_owner;
COMMENT ON FUNCTION crm.points_records(crm.customer_code) IS
'All records of the customer that a record stands for or is merged into, itself among them (同一客户的全部编号). What limits for one customer count over.';

CREATE FUNCTION crm.points_month_use(customer crm.customer_code, programme text, on_day date, OUT number bigint, OUT points bigint)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT count(*), coalesce(sum(used), 0)
      FROM (SELECT -j.amount - coalesce((SELECT v.reversed FROM crm_data.points_reversal v WHERE v.customer_code = j.customer_code AND v.request_id = j.request_id), 0)
                   - CASE WHEN j.kind = 'freeze' THEN
                          (SELECT coalesce(sum(coalesce(v.reversed, u.amount)), 0) FROM crm_data.points_journal u
                             LEFT JOIN crm_data.points_reversal v ON v.customer_code = u.customer_code AND v.request_id = u.request_id AND u.kind = 'capture'
                            WHERE u.customer_code = j.customer_code AND u.programme = j.programme AND u.ref = j.request_id
                              AND (u.kind = 'unfreeze' OR u.kind = 'capture' AND v.reversed IS NOT NULL)) ELSE 0 END AS used
              FROM points_records($1) r JOIN crm_data.points_journal j ON j.customer_code = r.customer_code
             WHERE j.programme = $2 AND j.kind IN ('redeem', 'freeze') AND j.request_id NOT LIKE '~promise %' AND date_trunc('month', j.business_date) = date_trunc('month', $3)) x
     WHERE used > 0 $$;
REVOKE EXECUTE ON FUNCTION crm.points_month_use(crm.customer_code, text, date) FROM PUBLIC; -- reads the journal
GRANT EXECUTE ON FUNCTION crm.points_month_use(crm.customer_code, text, date) TO crm_owner;
COMMENT ON FUNCTION crm.points_month_use(crm.customer_code, text, date) IS
'How often and how much all records of a customer redeemed in the calendar month of a day, for rewards or not, what is on hold counted and what came back not (当月已兑次数与积分).';

CREATE FUNCTION crm.points_obstacle(customer crm.customer_code, programme text, kind text, amount bigint, on_day date) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    rule crm_data.points_redeem_rule;
    records crm.customer_code[] := ARRAY(SELECT r.customer_code FROM points_records(customer) r);
    use record;
BEGIN
    IF kind = 'unlock' THEN
        RETURN CASE WHEN EXISTS (SELECT FROM crm_data.points_standing s WHERE s.customer_code = ANY (records) AND s.arrears)
                    THEN 'the customer is in arrears, and crm.points_set_standing() opens what they locked when they are paid' END;
    END IF;
    IF EXISTS (SELECT FROM crm_data.customer c WHERE c.customer_code = customer AND c.survivor_code <> customer) THEN
        RETURN 'the code is a former one, crm.resolve() says who stands for it';
    ELSIF EXISTS (SELECT FROM crm_data.points_standing s WHERE s.customer_code = customer AND s.left_on IS NOT NULL) THEN
        RETURN 'the customer has left';
    ELSIF EXISTS (SELECT FROM crm_data.points_standing s WHERE s.customer_code = ANY (records) AND s.arrears) THEN
        RETURN 'the customer is in arrears';
    ELSIF kind IN ('transfer', 'give') AND EXISTS (SELECT FROM crm_data.points_type t WHERE t.programme = points_obstacle.programme AND NOT t.is_transferable) THEN
        RETURN 'points of this programme are not given to others';
    ELSIF kind = 'transfer' AND EXISTS (SELECT FROM crm_data.points_transfer_rule t WHERE t.programme = points_obstacle.programme AND (t.fee_percent > 0 OR t.fee_fixed > 0)) THEN
        RETURN 'points of this programme are given away for a fee, by crm.transfer_points()';
    ELSIF kind IN ('redeem', 'freeze') AND EXISTS (SELECT FROM crm_data.points_type t WHERE t.programme = points_obstacle.programme AND t.redeemable_for IS NOT NULL) THEN
        RETURN 'points of this programme buy certain rewards only, by crm.redeem_reward()';
    END IF;
    SELECT * INTO rule FROM crm_data.points_redeem_rule r WHERE r.programme = points_obstacle.programme;
    -- Had at once, at least once, by whichever record.
    IF rule.threshold > 0 AND NOT EXISTS (SELECT FROM crm_data.points_journal j WHERE j.customer_code = ANY (records) AND j.programme = points_obstacle.programme AND j.available >= rule.threshold) THEN
        RETURN 'the customer has never had as many points as qualify';
    ELSIF rule.min_tenure_months > 0 AND NOT EXISTS (SELECT FROM crm_data.customer c WHERE c.customer_code = ANY (records)
            AND c.registered_at <= (on_day - make_interval(months => rule.min_tenure_months)) AT TIME ZONE current_setting('crm.timezone')) THEN
        RETURN 'the customer has not been with us long enough';
    ELSIF kind IN ('transfer', 'give') OR rule.most_a_month IS NULL AND rule.most_points_a_month IS NULL THEN
        RETURN NULL;
    END IF;
    -- Former codes spend nothing, so one account stands for all records, and its poster holds it.
    SELECT * INTO use FROM points_month_use(customer, programme, on_day);
    RETURN CASE WHEN use.number >= rule.most_a_month THEN 'the customer has redeemed as often as one may in a month'
                WHEN use.points + amount > rule.most_points_a_month THEN 'the customer has redeemed as much as one may in a month' END;
END
$$;
REVOKE EXECUTE ON FUNCTION crm.points_obstacle(crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- tells how a customer stands
GRANT EXECUTE ON FUNCTION crm.points_obstacle(crm.customer_code, text, text, bigint, date) TO crm_owner;
COMMENT ON FUNCTION crm.points_obstacle(crm.customer_code, text, text, bigint, date) IS
$$Why the rules of a programme forbid to redeem, freeze, transfer or unlock; null when they do not (积分使用限制原因).
Asked by every posting of that kind in a programme that has a rule of redemption or of transfers or a type that is directed or not transferable, but those by crm_owner: functions that asked. Whoever may not redeem may not give away either. Over all records of a merged customer.$$;

CREATE FUNCTION crm.points_set_standing(customer crm.customer_code, arrears boolean DEFAULT NULL, level text DEFAULT NULL, has_left boolean DEFAULT NULL,
        business_date date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    s crm_data.points_standing;
    account record;
    today date := coalesce(business_date, company_today());
BEGIN
    IF level IS NOT NULL AND NOT EXISTS (SELECT FROM crm_data.points_level l WHERE l.level = points_set_standing.level) THEN
        RAISE EXCEPTION 'there is no such level of customers' USING ERRCODE = 'invalid_parameter_value', HINT = 'The table crm_data.points_level lists them.';
    END IF;
    -- In the order of postings: accounts, those that are not there yet, and then how he stands.
    PERFORM points_lock_accounts(ARRAY[customer]);
    PERFORM points_hold_openings(customer, ARRAY(SELECT p.programme FROM crm_data.points_programme p
                                                  WHERE NOT EXISTS (SELECT FROM crm_data.points_account a WHERE a.customer_code = customer AND a.programme = p.programme)));
    INSERT INTO crm_data.points_standing (customer_code) VALUES (customer) ON CONFLICT ON CONSTRAINT points_standing_pkey DO NOTHING;
    SELECT * INTO s FROM crm_data.points_standing p WHERE p.customer_code = customer FOR UPDATE;
    s.changes := s.changes + 1;
    IF has_left AND s.left_on IS NULL THEN
        PERFORM crm.require_no_hold(customer, 'points');
    END IF;
    -- Arrears lock what is open, and a posting locks what it opens while they last; payment opens what they locked and nothing else.
    IF arrears AND NOT s.arrears THEN
        FOR account IN SELECT a.programme FROM crm.points_account_status(customer) a WHERE NOT a.is_locked LOOP
            PERFORM points_lock(customer, account.programme, format('standing:%s:%s', s.changes, account.programme), today, 'arrears');
            s.locked := s.locked || account.programme;
        END LOOP;
    ELSIF NOT arrears AND s.arrears THEN
        FOR account IN SELECT p AS programme FROM unnest(s.locked) p LOOP
            PERFORM points_unlock(customer, account.programme, format('standing:%s:%s', s.changes, account.programme), today, 'arrears are paid');
        END LOOP;
        s.locked := '{}';
    END IF;
    -- On leaving, and on coming back: what was given back to who had left is void as well.
    IF has_left AND s.left_on IS NULL OR NOT has_left AND s.left_on IS NOT NULL THEN
        FOR account IN SELECT a.programme, a.lots FROM crm.points_account_status(customer) a WHERE a.lots IS NOT NULL LOOP
            PERFORM crm.require_no_hold(customer, 'points');
            PERFORM points_shift(customer, account.programme, format('~void %s %s', s.changes, account.programme), 'void', -account.lots, customer, format('standing:%s', s.changes), today);
        END LOOP;
    END IF;
    UPDATE crm_data.points_standing p
       SET arrears = coalesce(points_set_standing.arrears, p.arrears), level = coalesce(points_set_standing.level, p.level),
           left_on = CASE has_left WHEN true THEN coalesce(p.left_on, today) WHEN false THEN NULL ELSE p.left_on END,
           changes = s.changes, locked = s.locked, changed_by = session_user, changed_at = now()
     WHERE p.customer_code = customer;
END
$$;
ALTER FUNCTION crm.points_set_standing(crm.customer_code, boolean, text, boolean, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_set_standing(crm.customer_code, boolean, text, boolean, date) FROM PUBLIC; -- locks accounts
GRANT EXECUTE ON FUNCTION crm.points_set_standing(crm.customer_code, boolean, text, boolean, date) TO crm_writer;
COMMENT ON FUNCTION crm.points_set_standing(crm.customer_code, boolean, text, boolean, date) IS
$$Say how a customer stands; null leaves a part as it was (设置客户积分资格).
arrears: true locks his points accounts, those too that are opened while they last, false opens those that it locked and no others, and lets the accrual make up what it passed over. level: of crm_data.points_level; counts while crm.assess_level() has found none. has_left: true makes all his points void, held ones too; false lets him earn again, from nothing. Errors: 22023, 23502, KH011 when points under legal hold would become void.$$;

-- Locked or not, and all lots but the debt: null when there are none.
CREATE FUNCTION crm.points_account_status(customer crm.customer_code) RETURNS TABLE (programme text, is_locked boolean, lots crm.points_ledger)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM points_lock_accounts(ARRAY[customer]);
    RETURN QUERY
    SELECT a.programme, a.status = 'l', (SELECT crm.sum(points_lot(l.hold, l.expires_on, l.class, l.amount)) FROM lots(a.state) l WHERE l.expires_on <> '-infinity')
      FROM crm_data.points_account a WHERE a.customer_code = customer ORDER BY a.programme COLLATE "C";
END
$$;
COMMENT ON FUNCTION crm.points_account_status(crm.customer_code) IS 'The accounts of a customer, held until the transaction ends (客户积分账户状态). A part of crm.points_set_standing().';
REVOKE EXECUTE ON FUNCTION crm.points_account_status(crm.customer_code) FROM PUBLIC; -- holds others up
GRANT EXECUTE ON FUNCTION crm.points_account_status(crm.customer_code) TO crm_owner;

-- -- gifts ----------------------------------------------------------------------------------

CREATE FUNCTION crm.open_points_gift_batch(batch text, programme text, type text, label text, budget bigint, valid_until date,
        valid_from date DEFAULT NULL, expires_on date DEFAULT NULL, most_per_customer bigint DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    INSERT INTO crm_data.points_gift_batch (batch, programme, type, label, budget, valid_from, valid_until, expires_on, most_per_customer)
    VALUES (batch, programme, type, label, budget, coalesce(valid_from, company_today()), valid_until, expires_on, most_per_customer);
END
$$;
ALTER FUNCTION crm.open_points_gift_batch(text, text, text, text, bigint, date, date, date, bigint) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.open_points_gift_batch(text, text, text, text, bigint, date, date, date, bigint) FROM PUBLIC; -- the first two of four eyes
GRANT EXECUTE ON FUNCTION crm.open_points_gift_batch(text, text, text, text, bigint, date, date, date, bigint) TO crm_data_admin;
COMMENT ON FUNCTION crm.open_points_gift_batch(text, text, text, text, bigint, date, date, date, bigint) IS
$$Propose a batch of gift points with a budget; nothing is given before another person approves it (提交赠送积分批次).
expires_on: last usable day of what is given, null for the life of the type. Errors: 23502, 23503, 23505, 23514.$$;

CREATE FUNCTION crm.approve_points_gift_batch(batch text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    b crm_data.points_gift_batch;
BEGIN
    SELECT * INTO b FROM crm_data.points_gift_batch p WHERE p.batch = approve_points_gift_batch.batch FOR UPDATE;
    IF b.batch IS NULL THEN
        RAISE EXCEPTION 'there is no such batch of gift points to approve' USING ERRCODE = 'no_data_found';
    ELSIF b.opened_by = session_user THEN
        RAISE EXCEPTION 'who proposed a batch of gift points cannot approve it' USING ERRCODE = 'KH004', DETAIL = format('Batch %s.', batch);
    END IF;
    UPDATE crm_data.points_gift_batch p SET approved_by = session_user, approved_at = now()
     WHERE p.batch = approve_points_gift_batch.batch AND p.approved_by IS NULL;
END
$$;
ALTER FUNCTION crm.approve_points_gift_batch(text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.approve_points_gift_batch(text) FROM PUBLIC; -- the second two of four eyes
GRANT EXECUTE ON FUNCTION crm.approve_points_gift_batch(text) TO crm_data_admin;
COMMENT ON FUNCTION crm.approve_points_gift_batch(text) IS 'Approve a batch of gift points that another person proposed (审批赠送积分批次). Errors: P0002, KH004.';

CREATE FUNCTION crm.close_points_gift_batch(batch text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS 'UPDATE crm_data.points_gift_batch p SET closed_at = now() WHERE p.batch = $1 AND p.closed_at IS NULL';
ALTER FUNCTION crm.close_points_gift_batch(text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.close_points_gift_batch(text) FROM PUBLIC; -- ends a campaign
GRANT EXECUTE ON FUNCTION crm.close_points_gift_batch(text) TO crm_data_admin;
COMMENT ON FUNCTION crm.close_points_gift_batch(text) IS 'End a batch of gift points before its budget or its time is used up (关闭赠送积分批次).';

CREATE FUNCTION crm.give_points(customer crm.customer_code, request_id text, batch text, amount bigint, business_date date DEFAULT NULL) RETURNS crm.points_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    b crm_data.points_gift_batch;
    t crm_data.points_type;
    used crm_data.points_gift_use;
    answer crm.points_answer;
    today date := coalesce(business_date, company_today());
    last date;
BEGIN
    SELECT * INTO b FROM crm_data.points_gift_batch p WHERE p.batch = give_points.batch;
    IF b.batch IS NULL THEN
        RAISE EXCEPTION 'there is no such batch of gift points' USING ERRCODE = 'no_data_found';
    END IF;
    SELECT * INTO t FROM crm_data.points_type p WHERE p.programme = b.programme AND p.type = b.type;
    SELECT * INTO used FROM crm_data.points_gift_use u WHERE u.customer_code = customer AND u.request_id = give_points.request_id;
    last := coalesce(used.expires_on, b.expires_on, points_last_day(t.life, t.life_length, t.life_until, today));
    answer := points_gift(customer, b.programme, request_id, amount, last, nullif(t.class, ''), today);
    -- The account is held now, so what was there of this request and of this customer is known.
    IF answer.status = 'replay' THEN
        IF NOT EXISTS (SELECT FROM crm_data.points_gift_use u WHERE u.customer_code = customer AND u.request_id = give_points.request_id AND u.batch = b.batch) THEN
            RAISE EXCEPTION 'the request id was used for another gift' USING ERRCODE = 'KH014', DETAIL = format('Request %s.', request_id);
        END IF;
        RETURN answer;
    END IF;
    IF b.approved_by IS NULL THEN
        RAISE EXCEPTION 'this batch of gift points has not been approved' USING ERRCODE = 'KH003', DETAIL = format('Batch %s.', batch),
            HINT = 'Another person calls crm.approve_points_gift_batch().';
    ELSIF b.closed_at IS NOT NULL OR today NOT BETWEEN b.valid_from AND b.valid_until THEN
        RAISE EXCEPTION 'this batch of gift points is not open on this day' USING ERRCODE = 'KH007', DETAIL = format('Batch %s: from %s to %s.', batch, b.valid_from, b.valid_until);
    END IF;
    -- Whoever else gives from the batch waits for this row, and then sees what is left.
    UPDATE crm_data.points_gift_batch p SET spent = p.spent + give_points.amount
     WHERE p.batch = give_points.batch AND p.spent - p.returned + give_points.amount <= p.budget AND p.closed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the budget of this batch of gift points does not reach' USING ERRCODE = 'KHP06', DETAIL = format('Batch %s: budget %s.', batch, b.budget);
    END IF;
    IF amount + (SELECT coalesce(sum(u.amount - coalesce(v.reversed, 0)), 0) FROM points_records(customer) r
                   JOIN crm_data.points_gift_use u ON u.customer_code = r.customer_code
                   LEFT JOIN crm_data.points_reversal v ON v.customer_code = u.customer_code AND v.request_id = u.request_id
                  WHERE u.batch = b.batch) > b.most_per_customer THEN
        RAISE EXCEPTION 'the customer has had what this batch of gift points gives to one' USING ERRCODE = 'KHP07', DETAIL = format('Batch %s: at most %s.', batch, b.most_per_customer);
    END IF;
    INSERT INTO crm_data.points_gift_use (customer_code, request_id, batch, amount, expires_on) VALUES (customer, request_id, batch, amount, last);
    RETURN answer;
END
$$;
ALTER FUNCTION crm.give_points(crm.customer_code, text, text, bigint, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.give_points(crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.give_points(crm.customer_code, text, text, bigint, date) TO crm_writer;
COMMENT ON FUNCTION crm.give_points(crm.customer_code, text, text, bigint, date) IS
$$Give gift points out of an approved batch, never beyond its budget (按批次赠送积分).
What one customer may have of it counts over all his merged records. What crm.points_reverse() takes back of a gift is in the budget again, and the customer's share. The same request again gives the first answer. Errors: P0002, KH003 when not approved, KH007 when not open on the day, KHP06 when the budget does not reach, KHP07 when the customer has had his share, KH014, and those of crm.points_gift().$$;

-- -- rewards ----------------------------------------------------------------------------------

CREATE FUNCTION crm.define_points_reward(item text, programme text, label_zh text, label_en text, points bigint, category text DEFAULT 'general', cash numeric DEFAULT 0,
        min_level text DEFAULT 'none', valid_from date DEFAULT NULL, valid_until date DEFAULT NULL, most_per_customer integer DEFAULT NULL) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.points_draft_terms('reward', $1, jsonb_build_object('item', $1, 'programme', $2, 'label_zh', $3, 'label_en', $4, 'points', $5, 'category', $6, 'cash', $7, 'min_level', $8,
        'valid_from', coalesce($9, company_today()), 'valid_until', coalesce($10, 'infinity'), 'most_per_customer', $11)) $$;
ALTER FUNCTION crm.define_points_reward(text, text, text, text, bigint, text, numeric, text, date, date, integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_reward(text, text, text, text, bigint, text, numeric, text, date, date, integer) FROM PUBLIC; -- makes prices
GRANT EXECUTE ON FUNCTION crm.define_points_reward(text, text, text, text, bigint, text, numeric, text, date, date, integer) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_reward(text, text, text, text, bigint, text, numeric, text, date, date, integer) IS
$$Draft a reward, or its change for redemptions from now on (定义积分回馈产品).
It holds once somebody else approves it: crm.approve_points_draft(); that of a superuser at once. points and cash (yuan) are the price of one; min_level: of crm_data.points_level. It has no stock before crm.points_stock(). Errors: 23502, 23503, 23514.$$;

CREATE FUNCTION crm.points_stock(item text, change bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    now bigint;
BEGIN
    UPDATE crm_data.points_reward r SET stock = r.stock + change, stocked = r.stocked + change WHERE r.item = points_stock.item RETURNING r.stock INTO now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such reward to stock' USING ERRCODE = 'no_data_found';
    END IF;
    RETURN now;
END
$$;
ALTER FUNCTION crm.points_stock(text, bigint) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_stock(text, bigint) FROM PUBLIC; -- makes goods of nothing
GRANT EXECUTE ON FUNCTION crm.points_stock(text, bigint) TO crm_data_admin;
COMMENT ON FUNCTION crm.points_stock(text, bigint) IS 'Add to the stock of a reward, or take from it; gives what there is now (调整回馈产品库存). Errors: P0002, 23514 when there is not so much.';

CREATE FUNCTION crm.define_points_redeem_rule(programme text, threshold bigint DEFAULT 0, min_tenure_months integer DEFAULT 0, most_a_month integer DEFAULT NULL,
        most_points_a_month bigint DEFAULT NULL) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.points_draft_terms('redeem_rule', $1, jsonb_build_object('programme', $1, 'threshold', $2, 'min_tenure_months', $3, 'most_a_month', $4, 'most_points_a_month', $5)) $$;
ALTER FUNCTION crm.define_points_redeem_rule(text, bigint, integer, integer, bigint) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_redeem_rule(text, bigint, integer, integer, bigint) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_redeem_rule(text, bigint, integer, integer, bigint) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_redeem_rule(text, bigint, integer, integer, bigint) IS
$$Draft who may redeem rewards in a programme (定义积分回馈规则).
It holds once somebody else approves it: crm.approve_points_draft(); that of a superuser at once. threshold: points that must have been available once; who reached them stays qualified. min_tenure_months: with us at least so long. most_a_month, most_points_a_month: of redemptions in a calendar month. Arrears and leaving always block. Errors: 23502, 23503, 23514.$$;

-- Why a customer may not have a reward now; null when he may. A former code asks for who stands for it.
CREATE FUNCTION crm.points_reward_obstacle(customer crm.customer_code, item text, quantity bigint, on_day date) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    whom crm.customer_code := coalesce(resolve(customer), customer);
    r crm_data.points_reward;
    had bigint;
BEGIN
    SELECT * INTO r FROM crm_data.points_reward p WHERE p.item = points_reward_obstacle.item;
    IF r.item IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT sum(u.quantity) INTO had FROM points_records(whom) c JOIN crm_data.points_redemption u ON u.customer_code = c.customer_code
     WHERE u.item = r.item AND u.cancelled_by IS NULL;
    RETURN coalesce(
        -- Directed points buy rewards of their kinds, which is what is asked here.
        points_obstacle(whom, r.programme, 'reward', quantity * r.points, on_day),
        CASE WHEN (SELECT coalesce(min(p.rank), 0) FROM points_level_at(whom, on_day) l JOIN crm_data.points_level p ON p.level = l.level)
                  < (SELECT p.rank FROM crm_data.points_level p WHERE p.level = r.min_level) THEN 'the customer''s level is too low'
             WHEN EXISTS (SELECT FROM crm_data.points_type t WHERE t.programme = r.programme AND r.category <> ALL (t.redeemable_for)) THEN 'the points of this programme do not buy it'
             WHEN coalesce(had, 0) + quantity > r.most_per_customer THEN 'the customer has had as many of it as one may' END);
END
$$;
ALTER FUNCTION crm.points_reward_obstacle(crm.customer_code, text, bigint, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_reward_obstacle(crm.customer_code, text, bigint, date) FROM PUBLIC; -- tells how a customer stands
GRANT EXECUTE ON FUNCTION crm.points_reward_obstacle(crm.customer_code, text, bigint, date) TO crm_writer;
COMMENT ON FUNCTION crm.points_reward_obstacle(crm.customer_code, text, bigint, date) IS
'Why a customer may not redeem a reward on a day, other than points and stock; null when he may (兑换限制原因). Limits count over all his merged records.';

CREATE FUNCTION crm.points_redeemed_under(customer crm.customer_code, request_id text) RETURNS crm.customer_code
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT coalesce((SELECT u.customer_code FROM crm_data.points_redemption u WHERE u.customer_code = $1 AND u.request_id = $2),
                    (SELECT u.customer_code FROM crm_data.points_redemption u WHERE u.asked_code = $1 AND u.request_id = $2 ORDER BY u.redeemed_on DESC LIMIT 1)) $$;
REVOKE EXECUTE ON FUNCTION crm.points_redeemed_under(crm.customer_code, text) FROM PUBLIC; -- tells who was merged with whom
GRANT EXECUTE ON FUNCTION crm.points_redeemed_under(crm.customer_code, text) TO crm_owner;
COMMENT ON FUNCTION crm.points_redeemed_under(crm.customer_code, text) IS
'Under which record the redemption of a request is kept: its own, or the one that it was merged into then; null when there is none (兑换记录所在编号).';

CREATE FUNCTION crm.redeem_reward(customer crm.customer_code, request_id text, item text, quantity bigint DEFAULT 1, cash_paid numeric DEFAULT 0, business_date date DEFAULT NULL)
    RETURNS crm.points_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r crm_data.points_reward;
    known crm_data.points_redemption;
    answer crm.points_answer;
    obstacle text;
    today date := coalesce(business_date, company_today());
    whom crm.customer_code := coalesce(resolve(customer), customer);
    under crm.customer_code;
BEGIN
    IF quantity IS NULL OR quantity < 1 OR quantity > 1000000 THEN
        RAISE EXCEPTION 'a redemption is of one reward or more' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Request %s.', request_id);
    END IF;
    SELECT * INTO r FROM crm_data.points_reward p WHERE p.item = redeem_reward.item;
    IF r.item IS NULL THEN
        RAISE EXCEPTION 'there is no such reward' USING ERRCODE = 'no_data_found';
    END IF;
    -- Held first, so that limits hold for all sessions and records of a customer together.
    PERFORM points_lock_accounts(ARRAY(SELECT c.customer_code FROM points_records(whom) c));
    under := coalesce(points_redeemed_under(customer, request_id), whom);
    SELECT * INTO known FROM crm_data.points_redemption u WHERE u.customer_code = under AND u.request_id = redeem_reward.request_id;
    IF known.request_id IS NULL THEN
        IF today NOT BETWEEN r.valid_from AND r.valid_until THEN
            RAISE EXCEPTION 'this reward is not offered on this day' USING ERRCODE = 'KH007', DETAIL = format('Reward %s: from %s to %s.', item, r.valid_from, r.valid_until);
        ELSIF cash_paid IS DISTINCT FROM r.cash * quantity THEN
            RAISE EXCEPTION 'the money paid is not the price of this reward' USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('Reward %s: %s points and %s yuan each.', item, r.points, r.cash);
        END IF;
        -- Before the posting, so that who may not redeem is told why, and not that his account is locked.
        obstacle := points_reward_obstacle(whom, item, quantity, today);
        IF obstacle IS NOT NULL THEN
            RAISE EXCEPTION 'the customer may not redeem this reward' USING ERRCODE = 'KHP07', DETAIL = format('Reward %s: %s.', item, obstacle);
        END IF;
        answer := points_redeem(whom, r.programme, request_id, r.points * quantity, today);
        IF answer.status = 'replay' THEN
            RAISE EXCEPTION 'the request id was used for a redemption of no reward' USING ERRCODE = 'KH014', DETAIL = format('Request %s.', request_id);
        END IF;
        UPDATE crm_data.points_reward p SET stock = p.stock - quantity WHERE p.item = redeem_reward.item AND p.stock >= quantity AND p.points = r.points AND p.cash = r.cash;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is not enough of this reward in stock' USING ERRCODE = 'KHP06', DETAIL = format('Reward %s.', item);
        END IF;
        INSERT INTO crm_data.points_redemption (customer_code, request_id, item, programme, quantity, points, cash, redeemed_on, asked_code)
        VALUES (whom, request_id, item, r.programme, quantity, r.points * quantity, cash_paid, today, nullif(customer, whom));
        RETURN answer;
    END IF;
    IF known.item <> item OR known.quantity <> quantity OR known.cash <> cash_paid THEN
        RAISE EXCEPTION 'the request id was used for another redemption' USING ERRCODE = 'KH014', DETAIL = format('Request %s.', request_id);
    END IF;
    RETURN points_redeem(known.customer_code, known.programme, request_id, known.points, today);
END
$$;
ALTER FUNCTION crm.redeem_reward(crm.customer_code, text, text, bigint, numeric, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.redeem_reward(crm.customer_code, text, text, bigint, numeric, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.redeem_reward(crm.customer_code, text, text, bigint, numeric, date) TO crm_writer;
COMMENT ON FUNCTION crm.redeem_reward(crm.customer_code, text, text, bigint, numeric, date) IS
$$Redeem points for a reward: points and stock together or neither (积分兑换回馈产品).
cash_paid: what was paid beside, the reward's price in money times quantity. A former code redeems from the account of who stands for it, and is told the same again also after that merge was undone. The same request again gives the first answer. Errors: P0002, 22023, KH007 when not offered on the day, KHP06 when there is not enough in stock, KHP07 with the reason when the customer may not, KH014, and those of crm.points_redeem().$$;

CREATE FUNCTION crm.cancel_reward(customer crm.customer_code, request_id text, ref text, business_date date DEFAULT NULL) RETURNS crm.points_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    u crm_data.points_redemption;
    answer crm.points_answer;
    under crm.customer_code := points_redeemed_under(customer, ref);
BEGIN
    SELECT * INTO u FROM crm_data.points_redemption p WHERE p.customer_code = under AND p.request_id = ref;
    IF u.request_id IS NULL THEN
        RAISE EXCEPTION 'there is no such redemption' USING ERRCODE = 'no_data_found', DETAIL = format('Request %s.', ref);
    END IF;
    -- First: the points of what is not cancelled do not come back.
    UPDATE crm_data.points_redemption p SET cancelled_by = cancel_reward.request_id, cancelled_at = now()
     WHERE p.customer_code = u.customer_code AND p.request_id = ref AND p.cancelled_by IS NULL;
    answer := points_reverse(u.customer_code, u.programme, request_id, ref, NULL, business_date);
    IF answer.status = 'ok' THEN
        UPDATE crm_data.points_reward p SET stock = p.stock + u.quantity WHERE p.item = u.item;
    END IF;
    RETURN answer;
END
$$;
ALTER FUNCTION crm.cancel_reward(crm.customer_code, text, text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.cancel_reward(crm.customer_code, text, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.cancel_reward(crm.customer_code, text, text, date) TO crm_writer;
COMMENT ON FUNCTION crm.cancel_reward(crm.customer_code, text, text, date) IS
$$Cancel a redemption: its lots come back with their last days, the goods into stock (取消兑换).
Once; the same request again gives the first answer. Money is the caller's to give back. Errors: P0002, KHP01 when it was cancelled before, KH014.$$;

-- -- giving points away ---------------------------------------------------------------------------

CREATE FUNCTION crm.define_points_transfer_rule(programme text, fee_percent numeric DEFAULT 0, fee_fixed bigint DEFAULT 0, fee_rounding text DEFAULT 'ceil') RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT crm.points_draft_terms('transfer_rule', $1, jsonb_build_object('programme', $1, 'fee_percent', $2, 'fee_fixed', $3, 'fee_rounding', $4)) $$;
ALTER FUNCTION crm.define_points_transfer_rule(text, numeric, bigint, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_transfer_rule(text, numeric, bigint, text) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_transfer_rule(text, numeric, bigint, text) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_transfer_rule(text, numeric, bigint, text) IS
$$Draft what it costs to give points of a programme away (定义积分转赠规则).
It holds once somebody else approves it: crm.approve_points_draft(); that of a superuser at once. The giver pays on top, in points: fee_percent of what is given, rounded by fee_rounding (ceil, floor, half_up), and fee_fixed. ceil, for with floor a gift in small parts would cost nothing. Where there is a fee, points are given away by crm.transfer_points() alone. Errors: 23502, 23503, 23514.$$;

CREATE FUNCTION crm.points_transfer_fee(programme text, amount bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT coalesce((SELECT least(points_award(r.fee_rounding, amount * r.fee_percent * 0.01, 0) + r.fee_fixed, 9223372036854775807)
                       FROM crm_data.points_transfer_rule r WHERE r.programme = $1), 0)::bigint $$;
ALTER FUNCTION crm.points_transfer_fee(text, bigint) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_transfer_fee(text, bigint) FROM PUBLIC; -- as transfer_points()
GRANT EXECUTE ON FUNCTION crm.points_transfer_fee(text, bigint) TO crm_writer, crm_data_admin;
COMMENT ON FUNCTION crm.points_transfer_fee(text, bigint) IS
'What it would cost to give so many points of a programme away, in points on top of them; nothing is posted (积分转赠手续费试算). 0 where no rule asks for a fee.';

CREATE TYPE crm.points_transfer_answer AS (status text, available bigint, held bigint, debt bigint, breakdown crm.points_ledger, fee bigint);
COMMENT ON TYPE crm.points_transfer_answer IS 'Answer of crm.transfer_points(): as crm.points_answer, of the gift and its fee together, and the fee (积分转赠结果).';
COMMENT ON COLUMN crm.points_transfer_answer.status IS 'ok or replay (状态).';
COMMENT ON COLUMN crm.points_transfer_answer.available IS 'Points that the giver can use afterwards (可用积分).';
COMMENT ON COLUMN crm.points_transfer_answer.held IS 'His points in holds (冻结积分).';
COMMENT ON COLUMN crm.points_transfer_answer.debt IS 'His points owed (欠分).';
COMMENT ON COLUMN crm.points_transfer_answer.breakdown IS 'What left his account, gift and fee, lot by lot (明细).';
COMMENT ON COLUMN crm.points_transfer_answer.fee IS 'What of it was the fee; 0 for none (手续费).';

CREATE FUNCTION crm.points_take_fee(customer crm.customer_code, programme text, transfer text, fee bigint, business_date date) RETURNS crm.points_answer
    AS 'MODULE_PATHNAME', 'crm_points_take_fee' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_take_fee(crm.customer_code, text, text, bigint, date) IS
$$Take the fee of a transfer: an adjustment of its own, request ~fee and that of the transfer, which is its ref; no limit of adjustments binds it (扣收转赠手续费). A part of crm.transfer_points(). Errors: 22023, KH008.$$;
REVOKE EXECUTE ON FUNCTION crm.points_take_fee(crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- takes points
GRANT EXECUTE ON FUNCTION crm.points_take_fee(crm.customer_code, text, text, bigint, date) TO crm_owner;

CREATE FUNCTION crm.transfer_points(customer crm.customer_code, customer2 crm.customer_code, programme text, request_id text, amount bigint, business_date date DEFAULT NULL)
    RETURNS crm.points_transfer_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    today date := coalesce(business_date, company_today());
    obstacle text;
    given crm.points_answer;
    paid crm.points_answer;
    known crm_data.points_journal;
    fee bigint := 0;
BEGIN
    PERFORM points_lock_accounts(ARRAY[customer, customer2]);
    IF NOT EXISTS (SELECT FROM crm_data.points_journal j WHERE j.customer_code = customer AND j.request_id = transfer_points.request_id) THEN
        obstacle := points_obstacle(customer, programme, 'give', amount, today);
        fee := points_transfer_fee(programme, amount);
    END IF;
    IF obstacle IS NOT NULL THEN
        RAISE EXCEPTION 'the customer may not give these points away' USING ERRCODE = 'KHP07', DETAIL = format('Request %s: %s.', request_id, obstacle);
    END IF;
    given := points_transfer(customer, customer2, programme, request_id, amount, today);
    IF given.status = 'replay' THEN
        -- What it cost then, whatever it would cost now.
        SELECT * INTO known FROM crm_data.points_journal j WHERE j.customer_code = customer AND j.request_id = '~fee ' || transfer_points.request_id;
        IF known.request_id IS NOT NULL THEN
            fee := -known.amount;
            given := ('replay', known.available, coalesce(known.held, 0), coalesce(known.debt, 0), given.breakdown + known.delta);
        END IF;
    ELSIF fee > 0 THEN
        -- The law has said of the gift what is to be said, so here are the points for both, or not.
        IF given.available < fee THEN
            RAISE EXCEPTION 'insufficient: not enough points for the gift and its fee' USING ERRCODE = 'KH008',
                DETAIL = format('Request %s: %s to give, fee %s, available %s.', request_id, amount, fee, given.available + amount),
                HINT = 'crm.points_transfer_fee() tells what a gift costs.';
        END IF;
        paid := points_take_fee(customer, programme, request_id, fee, today);
        given := ('ok', paid.available, paid.held, paid.debt, given.breakdown + paid.breakdown);
    END IF;
    RETURN (given.status, given.available, given.held, given.debt, given.breakdown, fee);
END
$$;
ALTER FUNCTION crm.transfer_points(crm.customer_code, crm.customer_code, text, text, bigint, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.transfer_points(crm.customer_code, crm.customer_code, text, text, bigint, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.transfer_points(crm.customer_code, crm.customer_code, text, text, bigint, date) TO crm_writer;
COMMENT ON FUNCTION crm.transfer_points(crm.customer_code, crm.customer_code, text, text, bigint, date) IS
$$Transfer points where the types of the programme allow it and the customer may redeem, as his own wish, for the fee of the programme (按规则转赠积分).
The giver pays the fee on top, in points, by an entry of its own (request ~fee and this one); both or neither. The same request again gives the first answer, takes nothing, and tells the fee that was taken. Errors: KHP07 with the reason when he may not, KH008 also when it does not reach for the fee, and those of crm.points_transfer().$$;

-- -- holds -----------------------------------------------------------------------------------------

CREATE FUNCTION crm.define_points_hold_rule(programme text, expires boolean) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.points_hold_rule (programme, expires) VALUES ($1, $2)
    ON CONFLICT ON CONSTRAINT points_hold_rule_pkey DO UPDATE SET expires = excluded.expires $$;
ALTER FUNCTION crm.define_points_hold_rule(text, boolean) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_points_hold_rule(text, boolean) FROM PUBLIC; -- makes rules
GRANT EXECUTE ON FUNCTION crm.define_points_hold_rule(text, boolean) TO crm_data_admin;
COMMENT ON FUNCTION crm.define_points_hold_rule(text, boolean) IS
$$Say whether points of a programme expire while they are held; without it they do not (定义积分冻结规则).
expires true: crm.points_expire_due() makes void what is past its last day in holds; what is captured before it comes to that is captured. Errors: 23502, 23503.$$;

CREATE FUNCTION crm.points_expire_holds_batch(as_of date, size integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    programmes text[] := ARRAY(SELECT r.programme FROM crm_data.points_hold_rule r WHERE r.expires);
    account record;
    done integer := 0;
BEGIN
    IF programmes = '{}' THEN
        RETURN 0;
    END IF;
    FOR account IN SELECT a.customer_code, a.programme, a.seq, a.state FROM crm_data.points_account a
                    WHERE a.programme = ANY (programmes) AND EXISTS (SELECT FROM lots(a.state) l WHERE l.hold > 0 AND l.expires_on < as_of)
                    LIMIT size FOR NO KEY UPDATE SKIP LOCKED LOOP
        PERFORM points_shift(account.customer_code, account.programme, format('~lapse %s %s', account.programme, account.seq + 1), 'void',
                             (SELECT crm.sum(points_lot(l.hold, l.expires_on, l.class, -l.amount)) FROM lots(account.state) l WHERE l.hold > 0 AND l.expires_on < as_of),
                             account.customer_code, 'points_hold_rule', as_of);
        done := done + 1;
    END LOOP;
    RETURN done;
END
$$;
ALTER FUNCTION crm.points_expire_holds_batch(date, integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_expire_holds_batch(date, integer) FROM PUBLIC; -- writes the journal
GRANT EXECUTE ON FUNCTION crm.points_expire_holds_batch(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_expire_holds_batch(date, integer) IS
'Make void what is past its day in holds, where the programme says so, of so many accounts at most; gives their number (冻结积分失效一批). A part of crm.points_expire_due().';

-- -- notices ---------------------------------------------------------------------------------------

CREATE FUNCTION crm.points_notice_batch(as_of date, INOUT after_customer crm.customer_code, INOUT after_programme text, size integer, OUT made bigint, OUT looked bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    WITH due AS (
        SELECT a.customer_code, a.programme, a.state FROM crm_data.points_account a
         WHERE a.next_due <= as_of + 30 AND (after_customer IS NULL OR a.customer_code > after_customer OR a.customer_code = after_customer AND a.programme COLLATE "C" > after_programme)
         ORDER BY a.customer_code, a.programme COLLATE "C" LIMIT size),
    ending AS (
        SELECT d.customer_code, d.programme, l.expires_on, CASE WHEN l.expires_on <= as_of + 7 THEN 7 ELSE 30 END AS days, sum(l.amount) AS amount
          FROM due d, lots(d.state) l WHERE l.hold = 0 AND l.expires_on BETWEEN as_of AND as_of + 30 GROUP BY 1, 2, 3),
    noted AS (
        INSERT INTO crm_data.points_notice (customer_code, programme, expires_on, days, amount, noted_on)
        SELECT e.customer_code, e.programme, e.expires_on, e.days, e.amount, as_of FROM ending e
            ON CONFLICT ON CONSTRAINT points_notice_pkey DO NOTHING RETURNING 1)
    SELECT (SELECT count(*) FROM noted), (SELECT count(*) FROM due), d.customer_code, d.programme
      INTO made, looked, after_customer, after_programme
      FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT x.customer_code, x.programme FROM due x ORDER BY x.customer_code DESC, x.programme COLLATE "C" DESC LIMIT 1) d ON true;
END
$$;
ALTER FUNCTION crm.points_notice_batch(date, crm.customer_code, text, integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_notice_batch(date, crm.customer_code, text, integer) FROM PUBLIC; -- writes notices
GRANT EXECUTE ON FUNCTION crm.points_notice_batch(date, crm.customer_code, text, integer) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_notice_batch(date, crm.customer_code, text, integer) IS 'Notices for so many accounts after the given one (积分到期提醒一批). A part of crm.points_make_notices().';

CREATE PROCEDURE crm.points_make_notices(as_of date DEFAULT crm.company_today(), size integer DEFAULT 10000)
    LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    PERFORM crm.require_batch_size(size);
    as_of := COALESCE(as_of, crm.company_today());
    SELECT NULL::crm.customer_code AS after_customer, NULL::pg_catalog.text AS after_programme, 0::pg_catalog.int8 AS looked INTO part;
    LOOP
        part := crm.points_notice_batch(as_of, part.after_customer, part.after_programme, size);
        COMMIT;
        EXIT WHEN part.looked OPERATOR(pg_catalog.<) size;
    END LOOP;
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.points_make_notices(date, integer) FROM PUBLIC; -- writes notices
GRANT EXECUTE ON PROCEDURE crm.points_make_notices(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON PROCEDURE crm.points_make_notices(date, integer) IS
$$Note what ends within 30 days and within 7 days: one notice of each kind for each account and last day, once (生成积分到期提醒).
Run it daily; a day that was missed is caught up with, and what is 7 days away gets no 30-day notice any more. Whoever sends them reads crm_data.points_notice where sent_at is null and calls crm.points_notices_sent(). as_of null: today. Errors: 2D000 inside a transaction block, 22023.$$;

CREATE FUNCTION crm.points_notices_sent(noted_until date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    n bigint;
BEGIN
    UPDATE crm_data.points_notice p SET sent_at = now() WHERE p.sent_at IS NULL AND p.noted_on <= noted_until;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;
ALTER FUNCTION crm.points_notices_sent(date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_notices_sent(date) FROM PUBLIC; -- marks notices
GRANT EXECUTE ON FUNCTION crm.points_notices_sent(date) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_notices_sent(date) IS 'Mark the notices up to a day as sent; gives their number (标记提醒已发送).';

-- -- the audit's share --------------------------------------------------------------------------------

CREATE FUNCTION crm.points_reward_audit(customer crm.customer_code DEFAULT NULL)
    RETURNS TABLE (invariant text, customer_code crm.customer_code, programme text, detail text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT 'gift_budget'::text, NULL::crm.customer_code, b.programme,
           format('batch %s: budget %s, spent %s, given %s, returned %s, reversed %s', b.batch, b.budget, b.spent, coalesce(g.amount, 0), b.returned, coalesce(g.reversed, 0))
      FROM crm_data.points_gift_batch b
      LEFT JOIN (SELECT u.batch, sum(u.amount) AS amount, sum(v.reversed) AS reversed FROM crm_data.points_gift_use u
                   LEFT JOIN crm_data.points_reversal v ON v.customer_code = u.customer_code AND v.request_id = u.request_id GROUP BY u.batch) g ON g.batch = b.batch
     WHERE customer IS NULL AND (b.spent <> coalesce(g.amount, 0) OR b.returned <> coalesce(g.reversed, 0) OR b.spent - b.returned > b.budget);
    RETURN QUERY
    SELECT 'gift_posted'::text, u.customer_code, j.programme, format('request %s of batch %s: %s given, %s posted', u.request_id, u.batch, u.amount, j.amount)
      FROM crm_data.points_gift_use u LEFT JOIN crm_data.points_journal j ON j.customer_code = u.customer_code AND j.request_id = u.request_id
     WHERE (customer IS NULL OR u.customer_code = customer) AND (j.amount = u.amount AND j.kind = 'gift') IS NOT TRUE;
    RETURN QUERY
    SELECT 'reward_stock'::text, NULL::crm.customer_code, r.programme, format('reward %s: stocked %s, redeemed %s, in stock %s', r.item, r.stocked, u.quantity, r.stock)
      FROM crm_data.points_reward r,
           LATERAL (SELECT coalesce(sum(p.quantity), 0) AS quantity FROM crm_data.points_redemption p WHERE p.item = r.item AND p.cancelled_by IS NULL) u
     WHERE customer IS NULL AND r.stock <> r.stocked - u.quantity;
    RETURN QUERY
    SELECT 'reward_posted'::text, u.customer_code, u.programme, format('request %s for %s: %s points, %s posted, %s taken back', u.request_id, u.item, u.points, j.amount, v.reversed)
      FROM crm_data.points_redemption u
      LEFT JOIN crm_data.points_journal j ON j.customer_code = u.customer_code AND j.request_id = u.request_id
      LEFT JOIN crm_data.points_reversal v ON v.customer_code = u.customer_code AND v.request_id = u.request_id
     WHERE (customer IS NULL OR u.customer_code = customer)
       AND (j.kind = 'redeem' AND j.amount = -u.points AND CASE WHEN u.cancelled_by IS NULL THEN v.reversed IS NULL ELSE v.reversed = u.points END) IS NOT TRUE;
END
$$;
ALTER FUNCTION crm.points_reward_audit(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_reward_audit(crm.customer_code) FROM PUBLIC; -- reads every account
GRANT EXECUTE ON FUNCTION crm.points_reward_audit(crm.customer_code) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_reward_audit(crm.customer_code) IS
'What does not agree between gifts, rewards, stock and the journal: gift_budget, gift_posted, reward_stock, reward_posted (积分赠送与回馈核对). A part of crm.points_audit().';
