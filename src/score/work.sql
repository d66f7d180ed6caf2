-- work: the list of what is to be done for customers.

CREATE FUNCTION crm.follow_up_reassessed() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    UPDATE crm_data.follow_up f SET closed_on = n.as_of, closed_by = session_user, outcome = format('result %s', n.result_id)
      FROM fresh n
     WHERE f.customer_code = n.customer_code AND f.action = 'reassess' AND f.subject = n.purpose AND f.closed_on IS NULL AND n.as_of >= f.opened_on;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.follow_up_reassessed() IS 'Trigger: a new result closes the work that asked for it (重评完成).';
REVOKE EXECUTE ON FUNCTION crm.follow_up_reassessed() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.follow_up_reassessed() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.follow_up_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_on IS NOT NULL
       OR TG_OP = 'INSERT' AND num_nonnulls(NEW.closed_on, NEW.closed_by, NEW.outcome) > 0 THEN
        RAISE EXCEPTION 'a closed follow-up is not changed, nor made' USING ERRCODE = 'insufficient_privilege',
            HINT = 'What came of it stays; open another one.';
    ELSIF TG_OP = 'UPDATE' AND (NEW.customer_code, NEW.follow_up_no, NEW.domain, NEW.action, NEW.subject, NEW.opened_on)
                               IS DISTINCT FROM (OLD.customer_code, OLD.follow_up_no, OLD.domain, OLD.action, OLD.subject, OLD.opened_on) THEN
        RAISE EXCEPTION 'what a follow-up asks for is not changed' USING ERRCODE = 'insufficient_privilege',
            HINT = 'Its owner and its last day may be; close it and open another one for the rest.';
    END IF;
    -- Who closed it is what the session says, whatever the statement says.
    NEW.closed_by := CASE WHEN NEW.closed_on IS NOT NULL THEN session_user END;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.follow_up_keep() IS
$$Trigger: a follow-up is born open, what it asks for stays, and once closed all of it does; who closed it is the session's user (待办保护).
The owner is bound too. Errors: 42501.$$;
REVOKE EXECUTE ON FUNCTION crm.follow_up_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.follow_up_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.follow_up_held(customer crm.customer_code, follow_up bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    held record;
BEGIN
    SELECT f.domain, f.closed_on INTO held FROM crm_data.follow_up f WHERE f.customer_code = customer AND f.follow_up_no = follow_up FOR NO KEY UPDATE;
    IF held.domain IS NULL OR held.closed_on IS NOT NULL THEN
        RAISE EXCEPTION 'customer % has no open follow-up %', customer, follow_up USING ERRCODE = 'no_data_found', HINT = 'crm.follow_up_due lists what is open.';
    END IF;
    PERFORM crm.score_require(held.domain);
END
$$;
COMMENT ON FUNCTION crm.follow_up_held(crm.customer_code, bigint) IS 'Lock an open follow-up and check the caller (锁定待办). A part of the functions below. Errors: P0002, 42501.';
REVOKE EXECUTE ON FUNCTION crm.follow_up_held(crm.customer_code, bigint) FROM PUBLIC; -- locks
GRANT EXECUTE ON FUNCTION crm.follow_up_held(crm.customer_code, bigint) TO crm_owner;

CREATE FUNCTION crm.close_follow_up(customer crm.customer_code, follow_up bigint, outcome text, closed_on date DEFAULT crm.company_today()) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.follow_up_held(customer, follow_up);
    UPDATE crm_data.follow_up f SET closed_on = close_follow_up.closed_on, closed_by = session_user, outcome = close_follow_up.outcome
     WHERE f.customer_code = customer AND f.follow_up_no = follow_up;
END
$$;
ALTER FUNCTION crm.close_follow_up(crm.customer_code, bigint, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.close_follow_up(crm.customer_code, bigint, text, date) IS 'Close an open follow-up with what came of it (完成待办). Errors: P0002, 42501, 23514 without outcome.';
REVOKE EXECUTE ON FUNCTION crm.close_follow_up(crm.customer_code, bigint, text, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.close_follow_up(crm.customer_code, bigint, text, date) TO crm_data_admin, crm_credit;

CREATE FUNCTION crm.assign_follow_up(customer crm.customer_code, follow_up bigint, owner name, due_on date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.follow_up_held(customer, follow_up);
    UPDATE crm_data.follow_up f SET owner = assign_follow_up.owner, due_on = coalesce(assign_follow_up.due_on, f.due_on)
     WHERE f.customer_code = customer AND f.follow_up_no = follow_up;
END
$$;
ALTER FUNCTION crm.assign_follow_up(crm.customer_code, bigint, name, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.assign_follow_up(crm.customer_code, bigint, name, date) IS 'Say whose an open follow-up is, and by when (分派待办). Errors: P0002, 42501.';
REVOKE EXECUTE ON FUNCTION crm.assign_follow_up(crm.customer_code, bigint, name, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.assign_follow_up(crm.customer_code, bigint, name, date) TO crm_data_admin, crm_credit;
