-- points_merge: lots that move with their customer, exactly and back again.

CREATE FUNCTION crm.points_shift(customer crm.customer_code, programme text, request_id text, kind text, change crm.points_ledger,
        counterparty crm.customer_code, ref text, business_date date) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_shift_sql' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_shift(crm.customer_code, text, text, text, crm.points_ledger, crm.customer_code, text, date) IS
$$Post lots as they are said to come and go; gives the number of the entry (积分批次移动). A part of merging and voiding.
kind is merge or void, or freeze for a hold that lots will come into. What is to go and is no longer there is taken from other lots in order, the rest is owed. Errors: 22003, 54000.$$;
REVOKE EXECUTE ON FUNCTION crm.points_shift(crm.customer_code, text, text, text, crm.points_ledger, crm.customer_code, text, date) FROM PUBLIC; -- makes points of nothing
GRANT EXECUTE ON FUNCTION crm.points_shift(crm.customer_code, text, text, text, crm.points_ledger, crm.customer_code, text, date) TO crm_owner;

CREATE FUNCTION crm.points_lot(hold bigint, expires_on date, class text, amount bigint) RETURNS crm.points_ledger
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT CASE WHEN $4 = 0 THEN '{}' ELSE
           format('{%s%s}', CASE WHEN $1 > 0 THEN format('hold %s: ', $1) END,
                  CASE WHEN $2 = '-infinity' THEN format('debt %s', -$4::numeric)
                       ELSE format('%s%s@%s', $4, ':' || nullif($3, ''), CASE WHEN $2 = 'infinity' THEN 'never' ELSE to_char($2, 'YYYY-MM-DD') END) END) END::crm.points_ledger
$$;
COMMENT ON FUNCTION crm.points_lot(bigint, date, text, bigint) IS
$$A ledger of one lot: the opposite of crm.lots() (单批次积分).
hold 0 is available; infinity is never, -infinity the debt, whose amount is negative. Errors: 22P02.$$;

-- The moves of a programme's lots from one customer to the other. Holds get the numbers of
-- entries that stand for them, by which the survivor's orders are captured and released.
CREATE FUNCTION crm.points_merge_post(survivor crm.customer_code, loser crm.customer_code, programme text, id text, request_id text, business_date date) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    state crm.points_ledger;
    coming crm.points_ledger;
    hold record;
    marker bigint;
BEGIN
    PERFORM points_expire_account(loser, programme, business_date);
    SELECT a.state INTO state FROM crm_data.points_account a WHERE a.customer_code = loser AND a.programme = points_merge_post.programme;
    IF state IS NULL OR state = '{}' THEN
        RETURN;
    END IF;
    coming := (SELECT crm.sum(points_lot(0, l.expires_on, l.class, l.amount)) FROM lots(state) l WHERE l.hold = 0);
    FOR hold IN SELECT l.hold, CASE WHEN j.ref LIKE '~promise %' THEN j.ref ELSE j.request_id END AS name, crm.sum(points_lot(0, l.expires_on, l.class, l.amount)) AS lots
                  FROM lots(state) l JOIN crm_data.points_journal j
                    ON j.customer_code = loser AND j.programme = points_merge_post.programme AND j.seq = l.hold
                 WHERE l.hold > 0 GROUP BY l.hold, j.request_id, j.ref ORDER BY l.hold LOOP
        marker := points_shift(survivor, programme, format('~hold %s %s', hold.hold, id), 'freeze', '{}', loser, hold.name, business_date);
        coming := coalesce(coming, '{}') + (SELECT crm.sum(points_lot(marker, l.expires_on, l.class, l.amount)) FROM lots(hold.lots) l);
    END LOOP;
    PERFORM points_shift(loser, programme, format('~merge %s', id), 'merge', -state, survivor, request_id, business_date);
    PERFORM points_shift(survivor, programme, format('~merged %s', id), 'merge', coming, loser, request_id, business_date);
END
$$;
COMMENT ON FUNCTION crm.points_merge_post(crm.customer_code, crm.customer_code, text, text, text, date) IS
'The two ends of a move of a programme''s lots (积分合并过账). A part of crm.points_merge_move().';
REVOKE EXECUTE ON FUNCTION crm.points_merge_post(crm.customer_code, crm.customer_code, text, text, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_merge_post(crm.customer_code, crm.customer_code, text, text, text, date) TO crm_owner;

-- What a move brought, taken back: the lots of each hold as far as they are still held, what was
-- released since as available, what was captured since stays gone.
CREATE FUNCTION crm.points_merge_undo(survivor crm.customer_code, loser crm.customer_code, programme text, id text, new_id text, request_id text, business_date date) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    gone crm.points_ledger := (SELECT j.delta FROM crm_data.points_journal j WHERE j.customer_code = loser AND j.request_id = '~merge ' || id);
    came crm.points_ledger := (SELECT j.delta FROM crm_data.points_journal j WHERE j.customer_code = survivor AND j.request_id = '~merged ' || id);
    state crm.points_ledger;
    since bigint := (SELECT j.seq FROM crm_data.points_journal j WHERE j.customer_code = survivor AND j.request_id = '~merged ' || id);
    back crm.points_ledger;
    take crm.points_ledger;
    hold record;
    was crm.points_ledger;
    paid record;
    surplus bigint;
BEGIN
    IF gone IS NULL THEN
        RETURN;
    END IF;
    PERFORM points_expire_account(survivor, programme, business_date);
    SELECT a.state INTO state FROM crm_data.points_account a WHERE a.customer_code = survivor AND a.programme = points_merge_undo.programme;
    back := coalesce((SELECT crm.sum(points_lot(0, l.expires_on, l.class, -l.amount)) FROM lots(gone) l WHERE l.hold = 0), '{}');
    take := coalesce((SELECT crm.sum(points_lot(0, l.expires_on, l.class, l.amount)) FROM lots(came) l WHERE l.hold = 0), '{}');
    FOR hold IN SELECT DISTINCT l.hold, m.seq AS marker, m.request_id
                  FROM lots(gone) l JOIN crm_data.points_journal m
                    ON m.customer_code = survivor AND m.request_id = format('~hold %s %s', l.hold, id)
                 WHERE l.hold > 0 ORDER BY l.hold LOOP
        was := coalesce((SELECT crm.sum(points_lot(0, l.expires_on, l.class, -l.amount)) FROM crm_data.points_journal j, lots(j.delta) l
                  WHERE j.customer_code = survivor AND j.programme = points_merge_undo.programme AND j.kind = 'unfreeze' AND j.ref = hold.request_id
                    AND l.hold = hold.marker), '{}');
        back := back + was + coalesce((SELECT crm.sum(points_lot(hold.hold, l.expires_on, l.class, l.amount)) FROM lots(state) l WHERE l.hold = hold.marker), '{}');
        take := take + was + coalesce((SELECT crm.sum(points_lot(l.hold, l.expires_on, l.class, l.amount)) FROM lots(state) l WHERE l.hold = hold.marker), '{}');
    END LOOP;
    -- The loser's debt was paid meanwhile by credits of the survivor: he gets them back, the newest first.
    surplus := -coalesce((SELECT l.amount FROM lots(take) l WHERE l.expires_on = '-infinity'), 0) - debt(state);
    IF surplus > 0 THEN
        take := take + points_lot(0, '-infinity', '', surplus);
        FOR paid IN SELECT j.expires_on, coalesce(j.class, '') AS class, l.amount
                      FROM crm_data.points_journal j, lots(j.delta) l
                     WHERE j.customer_code = survivor AND j.programme = points_merge_undo.programme AND j.seq > since
                       AND l.expires_on = '-infinity' AND l.amount > 0 AND j.expires_on IS NOT NULL ORDER BY j.seq DESC LOOP
            EXIT WHEN surplus = 0;
            take := take + points_lot(0, paid.expires_on, paid.class, -least(surplus, paid.amount));
            surplus := surplus - least(surplus, paid.amount);
        END LOOP;
        take := take + points_lot(0, 'infinity', '', -surplus);
    END IF;
    PERFORM points_shift(survivor, programme, format('~return %s', new_id), 'merge', -take, loser, request_id, business_date);
    PERFORM points_shift(loser, programme, format('~returned %s', new_id), 'merge', back, survivor, request_id, business_date);
END
$$;
COMMENT ON FUNCTION crm.points_merge_undo(crm.customer_code, crm.customer_code, text, text, text, text, date) IS
'The two ends of the way back (积分合并撤销过账). A part of crm.points_merge_return().';
REVOKE EXECUTE ON FUNCTION crm.points_merge_undo(crm.customer_code, crm.customer_code, text, text, text, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_merge_undo(crm.customer_code, crm.customer_code, text, text, text, text, date) TO crm_owner;

-- Whoever moves points between customers holds all their accounts first, in the order of all postings.
CREATE FUNCTION crm.points_lock_accounts(customers crm.customer_code[]) RETURNS SETOF text
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT p.programme FROM (SELECT a.programme, a.customer_code FROM crm_data.points_account a
                              WHERE a.customer_code = ANY (customers) ORDER BY a.customer_code, a.programme COLLATE "C" FOR NO KEY UPDATE) p
     GROUP BY p.programme ORDER BY p.programme COLLATE "C"
$$;
COMMENT ON FUNCTION crm.points_lock_accounts(crm.customer_code[]) IS
'Hold all points accounts of some customers until the transaction ends; gives their programmes (锁定积分账户行).';
REVOKE EXECUTE ON FUNCTION crm.points_lock_accounts(crm.customer_code[]) FROM PUBLIC; -- holds others up
GRANT EXECUTE ON FUNCTION crm.points_lock_accounts(crm.customer_code[]) TO crm_owner;

CREATE FUNCTION crm.points_hold_openings(customer crm.customer_code, programmes text[]) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_points_hold_openings' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.points_hold_openings(crm.customer_code, text[]) IS
'Keep others from opening an account of a customer in some programmes until the transaction ends (锁定积分开户). A part of crm.points_set_standing(). Errors: 22023 no such programme, 22004.';
REVOKE EXECUTE ON FUNCTION crm.points_hold_openings(crm.customer_code, text[]) FROM PUBLIC; -- holds others up
GRANT EXECUTE ON FUNCTION crm.points_hold_openings(crm.customer_code, text[]) TO crm_owner;

CREATE FUNCTION crm.points_merge_move(survivor crm.customer_code, loser crm.customer_code, request_id text, business_date date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    known crm_data.points_merge;
    programme text;
BEGIN
    IF survivor IS NULL OR loser IS NULL OR request_id IS NULL THEN
        RAISE EXCEPTION 'a merge of points lacks its survivor, its loser or its request' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF survivor = loser THEN
        RAISE EXCEPTION 'a customer''s points cannot be merged with themselves' USING ERRCODE = 'KHP05',
            DETAIL = format('Request %s.', request_id);
    END IF;
    INSERT INTO crm_data.points_merge (request_id, survivor_code, loser_code, business_date)
    VALUES (request_id, survivor, loser, coalesce(business_date, company_today())) ON CONFLICT ON CONSTRAINT points_merge_pkey DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO known FROM crm_data.points_merge m WHERE m.request_id = points_merge_move.request_id;
        IF known.survivor_code <> survivor OR known.loser_code <> loser THEN
            RAISE EXCEPTION 'the request id was used for another merge of points' USING ERRCODE = 'KH014',
                DETAIL = format('Request %s.', request_id), HINT = 'A new merge needs a request id of its own.';
        END IF;
        RETURN;
    END IF;
    FOREACH programme IN ARRAY ARRAY(SELECT points_lock_accounts(ARRAY[survivor, loser])) LOOP
        PERFORM points_merge_post(survivor, loser, programme, format('1 %s %s', programme, request_id), request_id, coalesce(business_date, company_today()));
    END LOOP;
END
$$;
ALTER FUNCTION crm.points_merge_move(crm.customer_code, crm.customer_code, text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_merge_move(crm.customer_code, crm.customer_code, text, date) FROM PUBLIC; -- moves all of a customer's points: crm.merge() asks whether it may
COMMENT ON FUNCTION crm.points_merge_move(crm.customer_code, crm.customer_code, text, date) IS
$$Move all lots of the loser to the survivor, with their last days, in every programme (积分合并).
Holds and debt come too: a hold has a new entry of kind freeze at the survivor, whose ref is the loser's request, and is captured or released by that entry's request id; a debt is paid from what is there. What the loser is posted later is moved by another request.
The same request again changes nothing. Errors: 22004, KHP05 for oneself, KH014 for another content, 22003, 54000.$$;

-- What is posted to a merged code is kept under it, so that requests are known again and can be
-- taken back; its lots go after those of the merge, as moves of their own that return with it.
CREATE FUNCTION crm.points_merge_follow_batch(size integer, business_date date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    waiting crm_data.points_merge[];
    m crm_data.points_merge;
    fresh text;
BEGIN
    -- Moves in their order, then accounts in theirs, as crm.points_merge_return() does.
    waiting := ARRAY(SELECT p FROM crm_data.points_merge p
                      WHERE p.returned_by IS NULL AND p.request_id IN (SELECT s.request_id FROM crm.points_merge_stranded() s ORDER BY s.merge_no LIMIT size)
                      ORDER BY p.merge_no FOR UPDATE);
    PERFORM points_lock_accounts(ARRAY(SELECT c FROM unnest(waiting) w, unnest(ARRAY[(w).survivor_code, (w).loser_code]) c));
    -- A survivor that was merged himself comes later, and takes what came to him along.
    FOREACH m IN ARRAY waiting LOOP
        fresh := format('%s+%s', m.request_id, (SELECT count(*) + 1 FROM crm_data.points_merge p WHERE p.follows = m.request_id));
        PERFORM points_merge_move(m.survivor_code, m.loser_code, fresh, business_date);
        UPDATE crm_data.points_merge p SET follows = m.request_id WHERE p.request_id = fresh;
    END LOOP;
    RETURN cardinality(waiting);
END
$$;
ALTER FUNCTION crm.points_merge_follow_batch(integer, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_merge_follow_batch(integer, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_merge_follow_batch(integer, date) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_merge_follow_batch(integer, date) IS 'Move what was posted to so many merged codes; gives how many were moved (合并后积分跟转一批). A part of crm.points_merge_follow().';

CREATE FUNCTION crm.points_merge_stranded(customer crm.customer_code DEFAULT NULL) RETURNS TABLE (loser_code crm.customer_code, merge_no bigint, request_id text, programme text, state crm.points_ledger)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT p.loser_code, p.merge_no, p.request_id, a.programme, a.state
      FROM crm_data.points_merge p JOIN crm_data.points_account a ON a.customer_code = p.loser_code
     WHERE p.returned_by IS NULL AND p.follows IS NULL AND ($1 IS NULL OR p.loser_code = $1) AND a.state <> '{}'
       -- Not who survived a later one: moves go to later merges only, so that following comes to an end.
       AND NOT EXISTS (SELECT FROM crm_data.points_merge l
                        WHERE l.survivor_code = p.loser_code AND l.merge_no > p.merge_no AND l.returned_by IS NULL AND l.follows IS NULL) $$;
ALTER FUNCTION crm.points_merge_stranded(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_merge_stranded(crm.customer_code) FROM PUBLIC; -- reads accounts
GRANT EXECUTE ON FUNCTION crm.points_merge_stranded(crm.customer_code) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_merge_stranded(crm.customer_code) IS
'Points that were posted to a merged code since the merge and wait for crm.points_merge_follow() (滞留在被并编号上的积分).';

CREATE PROCEDURE crm.points_merge_follow(business_date date DEFAULT NULL, size integer DEFAULT 500)
    LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        EXIT WHEN crm.points_merge_follow_batch(size, business_date) OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.points_merge_follow(date, integer) FROM PUBLIC; -- moves points
GRANT EXECUTE ON PROCEDURE crm.points_merge_follow(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON PROCEDURE crm.points_merge_follow(date, integer) IS
$$Move to the survivors what was posted to merged codes since: credits, debts of reversals, lots given back (合并后积分跟转).
Postings to a former code stay possible, by whoever knows no other: their requests, answers and reversals are those of that code. Run it daily; crm.points_accrue() ends with it. crm.unmerge() returns what it moved. crm.points_audit() names what waits (merge_stranded). Errors: 2D000 inside a transaction block.$$;

CREATE FUNCTION crm.points_merge_return(request_id text, new_request_id text, business_date date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    m crm_data.points_merge;
    onward crm_data.points_merge[];
    step crm_data.points_merge;
    programmes text[];
    programme text;
    today date := coalesce(business_date, company_today());
BEGIN
    IF request_id IS NULL OR new_request_id IS NULL THEN
        RAISE EXCEPTION 'a return of merged points lacks one of its requests' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO m FROM crm_data.points_merge p WHERE p.request_id = points_merge_return.request_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no points were merged under this request' USING ERRCODE = 'no_data_found', DETAIL = format('Request %s.', request_id);
    END IF;
    IF m.returned_by = new_request_id THEN
        RETURN;
    ELSIF m.returned_by IS NOT NULL THEN
        RAISE EXCEPTION 'these points were returned before' USING ERRCODE = 'KHP01',
            DETAIL = format('Request %s was returned by %s.', request_id, m.returned_by);
    END IF;
    -- Where the survivor was merged himself later, and so on, that is undone first and done again afterwards.
    WITH RECURSIVE later AS (
        SELECT p, 1 AS depth FROM crm_data.points_merge p
         WHERE p.loser_code = m.survivor_code AND p.returned_by IS NULL AND p.merge_no > m.merge_no
        UNION ALL
        -- Not p again: that would be the column p of later, for ever.
        SELECT q, l.depth + 1 FROM later l JOIN crm_data.points_merge q
            ON q.loser_code = (l.p).survivor_code AND q.returned_by IS NULL AND q.merge_no > (l.p).merge_no)
    SELECT array_agg(DISTINCT l.p) INTO onward FROM later l;
    onward := ARRAY(SELECT p FROM unnest(onward) p ORDER BY (p).merge_no DESC);
    PERFORM FROM crm_data.points_merge p WHERE p.request_id IN (SELECT o.request_id FROM unnest(onward) o) ORDER BY p.merge_no FOR UPDATE;
    programmes := ARRAY(SELECT points_lock_accounts(ARRAY(SELECT c FROM (SELECT o.survivor_code FROM unnest(onward || m) o UNION SELECT o.loser_code FROM unnest(onward || m) o) x (c))));
    -- What followed goes back first, the last before the others; what went on with it is moved anew.
    FOR step IN SELECT * FROM crm_data.points_merge p WHERE p.follows = m.request_id AND p.returned_by IS NULL ORDER BY p.merge_no DESC LOOP
        PERFORM points_merge_return(step.request_id, new_request_id || substr(step.request_id, length(m.request_id) + 1), today);
    END LOOP;
    onward := ARRAY(SELECT p FROM crm_data.points_merge p WHERE p.request_id IN (SELECT o.request_id FROM unnest(onward) o) ORDER BY p.merge_no DESC);
    FOREACH programme IN ARRAY programmes LOOP
        FOREACH step IN ARRAY onward LOOP
            PERFORM points_merge_undo(step.survivor_code, step.loser_code, programme, format('%s %s %s', step.attempt, programme, step.request_id),
                                      format('%s %s %s by %s', step.attempt, programme, step.request_id, new_request_id), step.request_id, today);
        END LOOP;
        PERFORM points_merge_undo(m.survivor_code, m.loser_code, programme, format('%s %s %s', m.attempt, programme, m.request_id),
                                  format('%s %s %s by %s', m.attempt, programme, m.request_id, new_request_id), m.request_id, today);
        FOR step IN SELECT o.* FROM unnest(onward) o ORDER BY o.merge_no LOOP
            PERFORM points_merge_post(step.survivor_code, step.loser_code, programme, format('%s %s %s', step.attempt + 1, programme, step.request_id), step.request_id, today);
        END LOOP;
    END LOOP;
    UPDATE crm_data.points_merge p SET attempt = p.attempt + 1 WHERE p.request_id IN (SELECT o.request_id FROM unnest(onward) o);
    UPDATE crm_data.points_merge p SET returned_by = new_request_id, returned_at = now() WHERE p.request_id = m.request_id;
END
$$;
ALTER FUNCTION crm.points_merge_return(text, text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_merge_return(text, text, date) FROM PUBLIC; -- a part of crm.unmerge()
COMMENT ON FUNCTION crm.points_merge_return(text, text, date) IS
$$Give the loser of a merge exactly the lots back that were moved, holds and debt included (积分合并撤销).
What the survivor has spent of them is taken from his other lots in order, the rest he owes, also where the programme allows no debt: a mistake must be undone. What was captured from a moved hold stays gone, what was released comes back as available; what is past its day expires at the loser. Where the survivor was merged on, that move is undone before and done again after.
The same requests again change nothing. Errors: 22004, P0002 for an unknown request, KHP01 when returned before.$$;

CREATE FUNCTION crm.points_merge_audit(customer crm.customer_code DEFAULT NULL)
    RETURNS TABLE (invariant text, customer_code crm.customer_code, programme text, detail text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- What one end of a merge gave, the other got.
    RETURN QUERY
    SELECT 'merge_conserved'::text, m.survivor_code, j.programme, format('request %s: its entries come to %s', m.request_id, sum(j.amount))
      FROM crm_data.points_merge m, unnest(ARRAY[m.survivor_code, m.loser_code]) side (code), crm_data.points_journal j
     WHERE j.customer_code = side.code AND j.kind = 'merge' AND j.ref = m.request_id
       AND (customer IS NULL OR m.survivor_code = customer OR m.loser_code = customer)
     GROUP BY m.request_id, m.survivor_code, j.programme HAVING sum(j.amount) <> 0;
    RETURN QUERY
    SELECT 'merge_stranded'::text, s.loser_code, s.programme, format('merged by request %s; crm.points_merge_follow() moves what was posted since', s.request_id)
      FROM points_merge_stranded(customer) s;
END
$$;
ALTER FUNCTION crm.points_merge_audit(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_merge_audit(crm.customer_code) FROM PUBLIC; -- reads accounts
GRANT EXECUTE ON FUNCTION crm.points_merge_audit(crm.customer_code) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_merge_audit(crm.customer_code) IS 'Merges whose two ends do not come to nothing: merge_conserved; points posted to a merged code: merge_stranded (积分合并核对). A part of crm.points_audit().';
