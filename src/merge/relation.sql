-- relation: customers and other customers: kinds are rows, a symmetric one is stored once.

CREATE FUNCTION crm.relate(customer crm.customer_code, other crm.customer_code, kind text DEFAULT 'related',
                           valid_from date DEFAULT crm.company_today(), note text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    is_symmetric boolean := (SELECT k.is_symmetric FROM crm_data.relation_kind k WHERE k.code = relate.kind);
BEGIN
    IF NOT EXISTS (SELECT FROM crm_data.customer c WHERE c.customer_code = other) THEN
        RAISE EXCEPTION 'no such customer to relate to' USING ERRCODE = 'foreign_key_violation',
            DETAIL = format('Code %s.', other), HINT = 'crm.customer_search() finds customers.';
    END IF;
    IF is_symmetric AND other < customer THEN
        RETURN crm.relate(other, customer, kind, valid_from, note);
    END IF;
    -- One that lasts is not begun again, whichever of its records it was noted for.
    IF EXISTS (SELECT FROM crm.customer_relation r
                WHERE r.customer_code = resolve(customer) AND r.other_code = resolve(other) AND r.kind = relate.kind
                  AND (is_symmetric OR NOT r.is_inverse) AND r.valid_until IS NULL) THEN
        RETURN false;
    END IF;
    INSERT INTO crm_data.customer_relation (customer_code, other_code, kind, valid_from, note)
    VALUES (customer, other, relate.kind, relate.valid_from, relate.note);
    RETURN true;
END
$$;
ALTER FUNCTION crm.relate(crm.customer_code, crm.customer_code, text, date, text) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.relate(crm.customer_code, crm.customer_code, text, date, text) IS
$$Note a relation between two customers; false when it is there already (登记客户关系).
kind: what the first is to the second, a code of crm_data.relation_kind; both ends see it in crm.customer_relation, the second under the inverse name.
Errors: 23503 for an unknown customer or kind, 23514 for a customer and himself, 23505 for the same day again.$$;
REVOKE EXECUTE ON FUNCTION crm.relate(crm.customer_code, crm.customer_code, text, date, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.relate(crm.customer_code, crm.customer_code, text, date, text) TO crm_writer;

CREATE FUNCTION crm.unrelate(customer crm.customer_code, other crm.customer_code, kind text DEFAULT 'related',
                             valid_until date DEFAULT crm.company_today()) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    UPDATE crm_data.customer_relation r SET valid_until = greatest(unrelate.valid_until, r.valid_from)
      FROM crm_data.relation_kind k, crm_data.customer a, crm_data.customer b
     WHERE k.code = r.kind AND r.kind = unrelate.kind AND r.valid_until IS NULL
       AND a.customer_code = r.customer_code AND b.customer_code = r.other_code
       AND ((a.survivor_code = resolve(customer) AND b.survivor_code = resolve(other))
         OR (k.is_symmetric AND a.survivor_code = resolve(other) AND b.survivor_code = resolve(customer)));
    RETURN FOUND;
END
$$;
ALTER FUNCTION crm.unrelate(crm.customer_code, crm.customer_code, text, date) OWNER TO crm_owner;
COMMENT ON FUNCTION crm.unrelate(crm.customer_code, crm.customer_code, text, date) IS
$$End a relation between two customers; false when there was none (终止客户关系).
valid_until: its last day. The relation stays as history.$$;
REVOKE EXECUTE ON FUNCTION crm.unrelate(crm.customer_code, crm.customer_code, text, date) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.unrelate(crm.customer_code, crm.customer_code, text, date) TO crm_writer;
