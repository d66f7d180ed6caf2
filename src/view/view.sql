-- view: looking a customer up, the card for a call centre, and recording dealings.

CREATE FUNCTION crm.customer_search(kind text, value text) RETURNS SETOF crm.customer_code
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED ROWS 2 SET search_path = pg_catalog, crm, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    token uuid;
BEGIN
    IF kind = 'organization_name' THEN
        RETURN QUERY SELECT DISTINCT crm.resolve(o.customer_code) FROM crm.customer_organization o
                      WHERE o.name = (crm.validate('organization_name', value)).normalized;
        RETURN;
    END IF;
    token := CASE kind WHEN 'phone' THEN crm.token(value::crm.phone)
                       WHEN 'email' THEN crm.token(value::crm.email)
                       WHEN 'id_number' THEN crm.token(value::crm.id_number)
                       WHEN 'bank_card' THEN crm.token(value::crm.bank_card)
                       WHEN 'person_name' THEN crm.token(value::crm.person_name) END;
    IF token IS NULL THEN
        RAISE EXCEPTION 'customers cannot be searched by "%"', kind USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Search by phone, email, id_number, bank_card, person_name or organization_name.';
    END IF;
    RETURN QUERY SELECT DISTINCT crm.resolve(t.customer_code) FROM crm.customer_token t WHERE t.kind = customer_search.kind AND t.token = token;
END
$$;
COMMENT ON FUNCTION crm.customer_search(text, text) IS
$$Codes of the customers with exactly this telephone number, e-mail address, document number, card or name (查找客户).
kind: phone, email, id_number, bank_card, person_name, organization_name. Any spelling that normalises to the same value finds it. Only customers that the caller may see.
Errors: 22023 for another kind, 22P02 for a value that is none of its kind (not echoed), 42501 without crm_searcher, KH012.$$;
REVOKE EXECUTE ON FUNCTION crm.customer_search(text, text) FROM PUBLIC; -- who can try values can guess them
GRANT EXECUTE ON FUNCTION crm.customer_search(text, text) TO crm_searcher;

CREATE FUNCTION crm.customer_card(code crm.customer_code) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    survivor crm.customer_code := coalesce(crm.resolve(code), code);
    basic record;
    found_out jsonb;
    credit jsonb;
    held jsonb;
BEGIN
    SELECT * INTO basic FROM crm.customer_basic b WHERE b.customer_code = survivor;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no customer %', code USING ERRCODE = 'no_data_found',
            HINT = 'crm.customer_search() finds a customer by telephone, document or name.';
    END IF;
    -- Asked for apart, as who may not read them may still have the card.
    IF pg_has_role('crm_data_admin', 'USAGE') THEN
        found_out := (SELECT to_jsonb(x) - 'customer_code' FROM crm.customer_assessment x WHERE x.customer_code = survivor);
        held := (SELECT jsonb_agg(DISTINCT jsonb_build_object('scope', x.scope, 'reason', x.reason, 'until', x.until)) FROM crm.legal_hold x WHERE x.customer_code = survivor AND x.stands);
    END IF;
    IF pg_has_role('crm_credit', 'USAGE') THEN
        credit := (SELECT jsonb_build_object('grade', x.grade, 'purpose', x.purpose, 'valid_until', x.valid_until) FROM crm.credit_standing(survivor) x LIMIT 1);
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'asked_for', nullif(code, survivor),
        'basic', to_jsonb(basic),
        'contacts', (SELECT jsonb_agg(to_jsonb(x) - 'customer_code' ORDER BY x.is_preferred DESC, x.contact_no, x.phone, x.email)
                       FROM crm.customer_contact x WHERE x.customer_code = survivor),
        'consents', (SELECT jsonb_agg(jsonb_build_object('purpose', x.purpose, 'channel', x.channel, 'status', x.status, 'valid_until', x.valid_until) ORDER BY x.purpose, x.channel)
                       FROM crm.consent_current x WHERE x.customer_code = survivor),
        'holds', held,
        'documents', (SELECT jsonb_agg(to_jsonb(x) - 'customer_code' ORDER BY x.document_no, x.number)
                        FROM crm.customer_document x WHERE x.customer_code = survivor),
        'addresses', (SELECT jsonb_agg(to_jsonb(x) - 'customer_code' ORDER BY x.address_no, x.detail)
                        FROM crm.customer_address x WHERE x.customer_code = survivor),
        'service', (SELECT to_jsonb(x) - 'customer_code' FROM crm.customer_service x WHERE x.customer_code = survivor),
        'extended', (SELECT to_jsonb(x) - 'customer_code' FROM crm.customer_extended x WHERE x.customer_code = survivor),
        'assessment', found_out,
        'credit', credit,
        'recent_purchases', (SELECT jsonb_agg(to_jsonb(x) - 'customer_code')
                               FROM (SELECT * FROM crm.customer_purchase p WHERE p.customer_code = survivor
                                      ORDER BY p.purchased_on DESC, p.order_no DESC, p.product, p.amount LIMIT 5) x),
        'recent_interactions', (SELECT jsonb_agg(to_jsonb(x) - 'customer_code')
                                  FROM (SELECT * FROM crm.customer_interaction i WHERE i.customer_code = survivor
                                         ORDER BY i.happened_at DESC, i.subject, i.channel, i.outcome LIMIT 5) x)));
END
$$;
COMMENT ON FUNCTION crm.customer_card(crm.customer_code) IS
$$Everything that a call centre needs of one customer in one call, masked, as an object (客户卡片).
Takes a former code as well and says so in asked_for. consents: crm.consent_current; holds: legal holds that stand, for the data department; assessment: crm.customer_assessment; credit: the weakest grade. Layers that the caller may not see are left out; lists hold the last five entries.
Errors: P0002 when no such customer is visible.$$;
REVOKE EXECUTE ON FUNCTION crm.customer_card(crm.customer_code) FROM PUBLIC; -- for readers of the view
GRANT EXECUTE ON FUNCTION crm.customer_card(crm.customer_code) TO crm_reader, crm_data_admin;

CREATE FUNCTION crm.record_purchase(customer crm.customer_code, order_no text, purchased_on date, product text, quantity numeric,
                                    amount numeric, currency text DEFAULT 'CNY', channel text DEFAULT 'counter') RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    root crm.customer_code := coalesce(crm.resolve(customer), customer);
BEGIN
    -- An order that was recorded before a merge is this customer's as well.
    IF EXISTS (SELECT FROM crm_data.customer m JOIN crm_data.purchase p ON p.customer_code = m.customer_code
                WHERE m.survivor_code = root AND m.customer_code <> root AND p.order_no = record_purchase.order_no) THEN
        RETURN false;
    END IF;
    INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, currency, channel)
    VALUES (root, order_no, purchased_on, product, quantity, amount, currency, channel)
    ON CONFLICT ON CONSTRAINT purchase_customer_code_order_no_key DO NOTHING;
    RETURN FOUND;
END
$$;
ALTER FUNCTION crm.record_purchase(crm.customer_code, text, date, text, numeric, numeric, text, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_purchase(crm.customer_code, text, date, text, numeric, numeric, text, text) IS
$$Record a purchase; false when this customer's order is recorded already (登记购买).
amount: in currency (ISO 4217). channel: see crm_data.channel.
Errors: 23503 for an unknown customer or channel, 23514, 23502.$$;
REVOKE EXECUTE ON FUNCTION crm.record_purchase(crm.customer_code, text, date, text, numeric, numeric, text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.record_purchase(crm.customer_code, text, date, text, numeric, numeric, text, text) TO crm_writer;

CREATE FUNCTION crm.record_interaction(customer crm.customer_code, happened_at timestamptz, channel text, direction text, subject text,
                                       outcome text DEFAULT NULL, duration_seconds integer DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
    INSERT INTO crm_data.interaction (customer_code, happened_at, channel, direction, subject, outcome, duration_seconds)
    VALUES (coalesce(crm.resolve(customer), customer), happened_at, channel, direction, subject, outcome, duration_seconds)
    RETURNING interaction_id $$;
ALTER FUNCTION crm.record_interaction(crm.customer_code, timestamptz, text, text, text, text, integer) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.record_interaction(crm.customer_code, timestamptz, text, text, text, text, integer) IS
$$Record a contact with a customer; returns its number (登记接触).
direction: inbound or outbound. channel: see crm_data.channel. duration: seconds.
Errors: 23503 for an unknown customer or channel, 23514, 23502.$$;
REVOKE EXECUTE ON FUNCTION crm.record_interaction(crm.customer_code, timestamptz, text, text, text, text, integer) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.record_interaction(crm.customer_code, timestamptz, text, text, text, text, integer) TO crm_writer;
