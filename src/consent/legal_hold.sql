-- legal_hold: law, a dispute or an audit forbids deleting. Every function that deletes what belongs to
-- a customer, or makes it unrecoverable, asks crm.require_no_hold() first. Merging is no such
-- thing: it rewrites nothing and can be undone, for as long as a hold stands.

CREATE FUNCTION crm.hold_refusals() RETURNS TABLE (reason text, sqlstate text, message text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('held',      'KH011', 'a legal hold forbids this', 'The view crm.legal_hold has its reason; crm.legal_hold_lift() by somebody else than who placed it ends it.'),
    ('customer',  'P0002', 'no customer who could be held', 'crm.code_fate() says what became of a code.'),
    ('scope',     '22023', 'no such scope of a hold', 'It is all, or a category of crm.dictionary.'),
    ('reason',    '22023', 'a hold is placed and lifted for a reason', 'Write which law, dispute or audit.'),
    ('until',     '22023', 'a hold cannot end before it begins', 'Give a last day from today on, or leave it out.'),
    ('hold',      'P0002', 'no such hold that stands', 'The view crm.legal_hold lists them.'),
    ('four_eyes', 'KH004', 'who placed a hold cannot lift it', 'Somebody else of the data department lifts it.') $$;
COMMENT ON FUNCTION crm.hold_refusals() IS $$Why a legal hold refuses, or is refused (保全拒绝原因).$$;

CREATE FUNCTION crm.refuse_hold(reason text, facts text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO STRICT r FROM crm.hold_refusals() v WHERE v.reason = refuse_hold.reason;
    RAISE EXCEPTION USING MESSAGE = r.message, ERRCODE = r.sqlstate, DETAIL = coalesce(facts, 'Nothing was changed.'), HINT = r.hint;
END
$$;
COMMENT ON FUNCTION crm.refuse_hold(text, text) IS $$The one place that refuses because of, or for, a legal hold (保全拒绝).$$;

CREATE FUNCTION crm.legal_hold_sign() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- A superuser who restores a dump brings the signatures along.
    IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RETURN NEW;
    ELSIF TG_OP = 'INSERT' THEN
        NEW.placed_by := session_user;
        NEW.placed_at := clock_timestamp();
        NEW.lifted_by := NULL;
        NEW.lifted_at := NULL;
        NEW.lifted_why := NULL;
        RETURN NEW;
    ELSIF OLD.lifted_at IS NOT NULL OR to_jsonb(NEW) - ARRAY['lifted_by', 'lifted_at', 'lifted_why'] <> to_jsonb(OLD) - ARRAY['lifted_by', 'lifted_at', 'lifted_why'] THEN
        PERFORM crm.refuse_hold('hold');
    END IF;
    NEW.lifted_by := session_user;
    NEW.lifted_at := clock_timestamp();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.legal_hold_sign() IS
$$Trigger: a hold is signed by who places it and once by who lifts it; nothing else of it changes (保全签名). Errors: P0002.$$;
REVOKE EXECUTE ON FUNCTION crm.legal_hold_sign() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.legal_hold_sign() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.is_held(customer crm.customer_code, scope text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM crm_data.legal_hold h
         WHERE h.customer_code = ANY (coalesce(crm.merge_members(resolve(customer)), ARRAY[customer]))
           AND h.lifted_at IS NULL AND (h.until IS NULL OR h.until >= company_today())
           AND (is_held.scope IS NULL OR h.scope IN ('all', is_held.scope)));
END
$$;
ALTER FUNCTION crm.is_held(crm.customer_code, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.is_held(crm.customer_code, text) IS
$$Whether a legal hold stands on any record of a customer, of everything or of this category of the dictionary; left out: any hold (是否保全).$$;
REVOKE EXECUTE ON FUNCTION crm.is_held(crm.customer_code, text) FROM PUBLIC; -- tells of disputes
GRANT EXECUTE ON FUNCTION crm.is_held(crm.customer_code, text) TO crm_data_admin;

CREATE FUNCTION crm.require_no_hold(customer crm.customer_code, scope text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- Whoever places a hold at this moment waits for us, or we for him.
    PERFORM FROM crm_data.customer c WHERE c.customer_code = resolve(customer) FOR SHARE;
    IF crm.is_held(customer, scope) THEN
        PERFORM crm.refuse_hold('held', format('Customer %s.', customer));
    END IF;
END
$$;
ALTER FUNCTION crm.require_no_hold(crm.customer_code, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.require_no_hold(crm.customer_code, text) IS
$$Raise KH011 when a legal hold stands on a customer; what deletes, or makes unrecoverable, calls it first (保全检查). Errors: KH011.$$;
REVOKE EXECUTE ON FUNCTION crm.require_no_hold(crm.customer_code, text) FROM PUBLIC; -- tells of disputes, and locks

CREATE FUNCTION crm.legal_hold_place(customer crm.customer_code, reason text, scope text DEFAULT 'all', until date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    root CONSTANT crm.customer_code := crm.lock_survivor(customer);
    id bigint;
BEGIN
    IF root IS NULL THEN
        PERFORM crm.refuse_hold('customer');
    ELSIF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_hold('reason');
    ELSIF (scope = 'all' OR EXISTS (SELECT FROM crm_data.field_policy p WHERE p.category = scope)) IS NOT TRUE THEN
        PERFORM crm.refuse_hold('scope');
    ELSIF until < company_today() THEN
        PERFORM crm.refuse_hold('until');
    END IF;
    -- A new version of the row tells a deletion of an older snapshot that there is something to know.
    UPDATE crm_data.customer c SET golden = c.golden WHERE c.customer_code = root;
    id := nextval(pg_get_serial_sequence('crm_data.legal_hold', 'hold_id'));
    INSERT INTO crm_data.legal_hold (customer_code, hold_id, scope, reason, until)
    SELECT m, id, scope, reason, until FROM unnest(crm.merge_members(root)) m;
    RETURN id;
END
$$;
ALTER FUNCTION crm.legal_hold_place(crm.customer_code, text, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.legal_hold_place(crm.customer_code, text, text, date) IS
$$Place a legal hold on a customer, all his records; returns its number (设置法律保全).
scope: all, or a category of crm.dictionary. until: last day; left out: until it is lifted. Merged later, it holds the whole customer; when records part, each of those that it was placed on stays held.
Errors: P0002 no such customer, 22023.$$;
REVOKE EXECUTE ON FUNCTION crm.legal_hold_place(crm.customer_code, text, text, date) FROM PUBLIC; -- the data department's
GRANT EXECUTE ON FUNCTION crm.legal_hold_place(crm.customer_code, text, text, date) TO crm_data_admin;

CREATE FUNCTION crm.legal_hold_lift(hold_id bigint, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    placer name;
BEGIN
    IF (reason ~ '\S') IS NOT TRUE THEN
        PERFORM crm.refuse_hold('reason');
    END IF;
    SELECT h.placed_by INTO placer FROM crm_data.legal_hold h WHERE h.hold_id = legal_hold_lift.hold_id AND h.lifted_at IS NULL ORDER BY h.customer_code FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM crm.refuse_hold('hold');
    ELSIF placer = session_user THEN
        PERFORM crm.refuse_hold('four_eyes');
    END IF;
    UPDATE crm_data.legal_hold h SET lifted_by = session_user, lifted_at = clock_timestamp(), lifted_why = legal_hold_lift.reason
     WHERE h.hold_id = legal_hold_lift.hold_id AND h.lifted_at IS NULL;
END
$$;
ALTER FUNCTION crm.legal_hold_lift(bigint, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.legal_hold_lift(bigint, text) IS
$$Lift a legal hold from all records that it lies on; by somebody else than who placed it, because what is deleted then does not come back (解除法律保全).
Errors: KH004 for who placed it, P0002 when no such hold stands, 22023 without a reason.$$;
REVOKE EXECUTE ON FUNCTION crm.legal_hold_lift(bigint, text) FROM PUBLIC; -- the data department's
GRANT EXECUTE ON FUNCTION crm.legal_hold_lift(bigint, text) TO crm_data_admin;
