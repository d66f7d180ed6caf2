-- outbox: events for other systems, taken at least once, by as many readers as there are.

CREATE FUNCTION crm.event_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.delivered_at IS NOT NULL OR to_jsonb(NEW) - 'delivered_at' - 'delivered_to' <> to_jsonb(OLD) - 'delivered_at' - 'delivered_to' THEN
        RAISE EXCEPTION 'events are only added and taken' USING ERRCODE = 'insufficient_privilege', HINT = 'crm.take_events() marks them.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.event_keep() IS 'Trigger: an event stays as it happened, and is taken once (事件只增不改). Errors: 42501.';
REVOKE EXECUTE ON FUNCTION crm.event_keep() FROM PUBLIC; -- a trigger
GRANT EXECUTE ON FUNCTION crm.event_keep() TO crm_owner; -- who makes the triggers

CREATE FUNCTION crm.emit_event(customer crm.customer_code, domain text, kind text, payload jsonb) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ INSERT INTO crm_data.event_outbox (customer_code, domain, kind, payload) VALUES ($1, $2, $3, $4) $$;
COMMENT ON FUNCTION crm.emit_event(crm.customer_code, text, text, jsonb) IS
$$Write an event for other systems; it is there if, and only if, the transaction commits (登记事件). The payload holds no personal data. Errors: 23514.$$;
REVOKE EXECUTE ON FUNCTION crm.emit_event(crm.customer_code, text, text, jsonb) FROM PUBLIC; -- writes events
GRANT EXECUTE ON FUNCTION crm.emit_event(crm.customer_code, text, text, jsonb) TO crm_owner;

CREATE FUNCTION crm.take_events(domain text, size integer DEFAULT 100) RETURNS TABLE (event_id bigint, customer_code crm.customer_code, kind text, payload jsonb, created_at timestamptz)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM crm.score_require(take_events.domain);
    PERFORM crm.require_batch_size(size);
    RETURN QUERY
    WITH taken AS (
        SELECT e.customer_code, e.event_id FROM crm_data.event_outbox e
         WHERE e.domain = take_events.domain AND e.delivered_at IS NULL ORDER BY e.event_id LIMIT size FOR NO KEY UPDATE SKIP LOCKED),
    marked AS (
        UPDATE crm_data.event_outbox e SET delivered_at = now(), delivered_to = session_user FROM taken t
         WHERE e.customer_code = t.customer_code AND e.event_id = t.event_id
        RETURNING e.event_id, e.customer_code, e.kind, e.payload, e.created_at)
    SELECT m.* FROM marked m ORDER BY m.event_id;
END
$$;
ALTER FUNCTION crm.take_events(text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.take_events(text, integer) IS
$$Take the next events of a domain, credit or general, that nobody took; several readers at once get different ones (取走事件).
They are taken when the transaction commits: hand them on first, and they arrive at least once; whoever receives them tells repetitions by event_id. Events of transactions that commit late come later, whatever their number. Errors: 42501, 22023.$$;
REVOKE EXECUTE ON FUNCTION crm.take_events(text, integer) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.take_events(text, integer) TO crm_data_admin, crm_credit;
