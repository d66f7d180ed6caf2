-- party: what guards the customer's tables, whatever writes them.

CREATE FUNCTION crm.refuse_code_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF NEW.customer_code IS DISTINCT FROM OLD.customer_code THEN
        RAISE EXCEPTION 'a customer code never changes' USING ERRCODE = 'integrity_constraint_violation',
            DETAIL = format('Table %I, code %s.', TG_TABLE_NAME, OLD.customer_code),
            HINT = 'A record that stands for another one is a merge; a code of another system is an external id.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION crm.refuse_code_change() IS
$$Trigger: a customer code is immutable, also in the tables below the customer (编号不可变更).
Errors: 23000.$$;
REVOKE EXECUTE ON FUNCTION crm.refuse_code_change() FROM PUBLIC; -- a trigger needs no caller

CREATE FUNCTION crm.refuse_removal() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'customers are not removed by %', TG_OP USING ERRCODE = 'restrict_violation',
        DETAIL = format('Table %I.', TG_TABLE_NAME),
        HINT = 'Cancelling, archiving and erasing a customer are acts of their own; the row and its code stay.';
END
$$;
COMMENT ON FUNCTION crm.refuse_removal() IS
$$Trigger: a customer's row is never deleted or truncated, so no code can be used again (禁止物理删除).
Errors: 23001.$$;
REVOKE EXECUTE ON FUNCTION crm.refuse_removal() FROM PUBLIC; -- a trigger needs no caller
