-- points_promise: points that come on a day: a credit, held until then.

CREATE FUNCTION crm.points_promise(customer crm.customer_code, programme text, request_id text, amount bigint, release_on date, expires_on date DEFAULT NULL, class text DEFAULT NULL,
        business_date date DEFAULT NULL) RETURNS crm.points_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    today CONSTANT date := coalesce(business_date, company_today());
    hold_name CONSTANT text := format('~promise %s %s', customer, request_id);
    known crm_data.points_promise;
    answer crm.points_answer;
    number bigint;
    held crm.points_ledger;
    entry crm_data.points_journal;
BEGIN
    IF release_on > expires_on THEN
        RAISE EXCEPTION 'these points would end before they come' USING ERRCODE = 'KH007', DETAIL = format('Request %s.', request_id);
    ELSIF EXISTS (SELECT FROM crm_data.points_programme p WHERE p.programme = points_promise.programme AND NOT p.free_credit)
       AND EXISTS (SELECT FROM crm_data.points_rule r WHERE r.programme = points_promise.programme AND r.state = 'approved') THEN
        RAISE EXCEPTION 'points of this programme are not promised without a rule' USING ERRCODE = 'KHP07', DETAIL = format('Request %s.', request_id);
    END IF;
    answer := points_gift(customer, programme, request_id, amount, expires_on, class, today);
    SELECT * INTO known FROM crm_data.points_promise p WHERE p.customer_code = customer AND p.request_id = points_promise.request_id;
    IF answer.status = 'replay' AND known.release_on IS DISTINCT FROM release_on THEN
        RAISE EXCEPTION 'idem_conflict: the request id was used with another day of release' USING ERRCODE = 'KH014', DETAIL = format('Request %s.', request_id);
    ELSIF answer.status = 'ok' THEN
        INSERT INTO crm_data.points_promise (customer_code, request_id, programme, release_on) VALUES (customer, request_id, programme, release_on);
        -- A hold bears the number of its entry, which follows the gift's. What paid a debt is not held.
        number := (SELECT a.seq + 1 FROM crm_data.points_account a WHERE a.customer_code = customer AND a.programme = points_promise.programme);
        held := (SELECT crm.sum(points_lot(0, l.expires_on, l.class, -l.amount) + points_lot(number, l.expires_on, l.class, l.amount)) FROM lots(answer.breakdown) l WHERE l.expires_on <> '-infinity');
        PERFORM points_shift(customer, programme, hold_name, 'freeze', held, customer, request_id, today);
    END IF;
    SELECT * INTO entry FROM crm_data.points_journal j WHERE j.customer_code = customer AND j.request_id = hold_name;
    RETURN CASE WHEN entry.request_id IS NULL THEN answer
                ELSE ROW(answer.status, entry.available, coalesce(entry.held, 0), coalesce(entry.debt, 0), answer.breakdown + entry.delta)::crm.points_answer END;
END
$$;
ALTER FUNCTION crm.points_promise(crm.customer_code, text, text, bigint, date, date, text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_promise(crm.customer_code, text, text, bigint, date, date, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_promise(crm.customer_code, text, text, bigint, date, date, text, date) TO crm_writer;
COMMENT ON FUNCTION crm.points_promise(crm.customer_code, text, text, bigint, date, date, text, date) IS
$$Give points that can be used from release_on only: a gift that is held until then (积分预发放).
crm.points_release_due() releases them; nobody else does. A debt is paid at once. As crm.points_gift(), and the same request again gives the first answer. Errors: those of crm.points_gift(), 23502 without a day of release, 23514 for a request id of more than 160 bytes, KH007 when they would end before they come, KHP07 where points come by the programme's rules only.$$;

-- Where the hold of a promise is now, and its name there: merges move holds, and bring them back;
-- whatever stands for it refers to it.
CREATE FUNCTION crm.points_promised_in(customer crm.customer_code, programme text, request_id text) RETURNS TABLE (customer_code crm.customer_code, ref text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH RECURSIVE at AS (
        SELECT $1 AS code
         UNION SELECT m.survivor_code FROM at JOIN crm_data.points_merge m ON m.loser_code = at.code AND m.returned_by IS NULL)
    SELECT j.customer_code, j.request_id FROM at
      JOIN crm_data.points_journal j ON j.customer_code = at.code AND j.programme = $2 AND j.kind = 'freeze' AND format('~promise %s %s', $1, $3) IN (j.request_id, j.ref)
      JOIN crm_data.points_account a ON a.customer_code = j.customer_code AND a.programme = j.programme
     WHERE EXISTS (SELECT FROM lots(a.state) l WHERE l.hold = j.seq) $$;
REVOKE EXECUTE ON FUNCTION crm.points_promised_in(crm.customer_code, text, text) FROM PUBLIC; -- reads accounts
GRANT EXECUTE ON FUNCTION crm.points_promised_in(crm.customer_code, text, text) TO crm_owner;
COMMENT ON FUNCTION crm.points_promised_in(crm.customer_code, text, text) IS
'In whose account promised points are held, and the request to release them by; no row when nothing is held any more (待生效积分所在账户).';

CREATE FUNCTION crm.points_release_batch(as_of date, size integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    promise crm_data.points_promise;
    done integer := 0;
BEGIN
    FOR promise IN SELECT * FROM crm_data.points_promise p WHERE p.closed_at IS NULL AND p.release_on <= as_of
                    ORDER BY p.release_on, p.customer_code, p.request_id COLLATE "C" LIMIT size FOR UPDATE SKIP LOCKED LOOP
        PERFORM points_unfreeze(h.customer_code, promise.programme, format('release:%s:%s', promise.customer_code, promise.request_id), h.ref, NULL, as_of)
           FROM points_promised_in(promise.customer_code, promise.programme, promise.request_id) h;
        UPDATE crm_data.points_promise p SET closed_at = now() WHERE p.customer_code = promise.customer_code AND p.request_id = promise.request_id;
        done := done + 1;
    END LOOP;
    RETURN done;
END
$$;
ALTER FUNCTION crm.points_release_batch(date, integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.points_release_batch(date, integer) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.points_release_batch(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON FUNCTION crm.points_release_batch(date, integer) IS 'Release so many promises at most that are due; gives their number (积分生效一批). A part of crm.points_release_due().';

CREATE PROCEDURE crm.points_release_due(as_of date DEFAULT crm.company_today(), size integer DEFAULT 1000)
    LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM crm.require_batch_size(size);
    as_of := COALESCE(as_of, crm.company_today());
    LOOP
        done := crm.points_release_batch(as_of, size);
        EXIT WHEN done OPERATOR(pg_catalog.=) 0;
        COMMIT;
    END LOOP;
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.points_release_due(date, integer) FROM PUBLIC; -- moves points
GRANT EXECUTE ON PROCEDURE crm.points_release_due(date, integer) TO crm_data_admin, crm_admin;
COMMENT ON PROCEDURE crm.points_release_due(date, integer) IS
$$Make promised points available whose day has come (待生效积分生效).
Commits per batch, passes over what somebody holds, and can be killed and called again; a day that was missed is caught up with. as_of null: today. Errors: 2D000 inside a transaction block, 22023.$$;

CREATE FUNCTION crm.cancel_points_promise(customer crm.customer_code, request_id text, ref text, business_date date DEFAULT NULL) RETURNS crm.points_answer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    today CONSTANT date := coalesce(business_date, company_today());
    promise crm_data.points_promise;
BEGIN
    SELECT * INTO promise FROM crm_data.points_promise p WHERE p.customer_code = customer AND p.request_id = ref FOR UPDATE;
    IF promise.request_id IS NULL THEN
        RAISE EXCEPTION 'these points were not promised' USING ERRCODE = 'no_data_found', DETAIL = format('Request %s.', ref);
    ELSIF promise.closed_at IS NOT NULL AND promise.cancelled_by IS DISTINCT FROM request_id THEN
        RAISE EXCEPTION 'the promise was kept or cancelled already' USING ERRCODE = 'KHP01', DETAIL = format('Request %s.', ref),
            HINT = 'crm.points_reverse() takes back what was released.';
    END IF;
    PERFORM points_unfreeze(h.customer_code, promise.programme, format('release:%s:%s', promise.customer_code, promise.request_id), h.ref, NULL, today)
       FROM points_promised_in(customer, promise.programme, ref) h;
    UPDATE crm_data.points_promise p SET closed_at = now(), cancelled_by = cancel_points_promise.request_id WHERE p.customer_code = customer AND p.request_id = ref AND p.closed_at IS NULL;
    RETURN points_reverse(customer, promise.programme, request_id, ref, NULL, today);
END
$$;
ALTER FUNCTION crm.cancel_points_promise(crm.customer_code, text, text, date) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.cancel_points_promise(crm.customer_code, text, text, date) FROM PUBLIC; -- moves points
GRANT EXECUTE ON FUNCTION crm.cancel_points_promise(crm.customer_code, text, text, date) TO crm_writer;
COMMENT ON FUNCTION crm.cancel_points_promise(crm.customer_code, text, text, date) IS
$$Cancel a promise before its day: released and taken back in one (取消积分预发放).
ref is the request of the promise. The same request again gives the first answer. Errors: P0002, KHP01 when it was kept or cancelled, those of crm.points_reverse().$$;
