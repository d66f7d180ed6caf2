-- code: the customer code, its allocation, and what becomes of codes.

-- -- the type ----------------------------------------------------------------

CREATE TYPE crm.customer_code;

CREATE FUNCTION crm.customer_code_in(cstring) RETURNS crm.customer_code
    AS 'MODULE_PATHNAME', 'crm_customer_code_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code_in(cstring) IS
$$Input of crm.customer_code (客户编号输入).
Letter case is forgiven, nothing else: no white space, no hyphen, no needless zero. Errors: 22P02, with the reason in DETAIL; the text is not echoed.$$;

CREATE FUNCTION crm.customer_code_out(crm.customer_code) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_customer_code_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code_out(crm.customer_code) IS
$$Output of crm.customer_code: letters in capitals, yyyymmdd, serial (客户编号输出).$$;

CREATE FUNCTION crm.customer_code_recv(internal) RETURNS crm.customer_code
    AS 'MODULE_PATHNAME', 'crm_customer_code_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code_recv(internal) IS
$$Binary input of crm.customer_code: eight bytes, most significant first (二进制输入).
Errors: 22P03 when the bits are no real day, scheme and serial.$$;

CREATE FUNCTION crm.customer_code_send(crm.customer_code) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_customer_code_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code_send(crm.customer_code) IS
$$Binary output of crm.customer_code: eight bytes, most significant first (二进制输出).$$;

CREATE TYPE crm.customer_code (
    INPUT = crm.customer_code_in,
    OUTPUT = crm.customer_code_out,
    RECEIVE = crm.customer_code_recv,
    SEND = crm.customer_code_send,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE crm.customer_code IS
$$Customer code: the scheme's letters, the day as yyyymmdd, a serial (客户编号).
CUST202603040001: one to four letters, a real day from 1900-01-01 to 2599-12-31, serial 0001 to 9999999 with at least four digits. Eight bytes, by value; ordered by day, then scheme, then serial. Source: the company's rule CUST + date + serial.$$;

-- Comparison is that of bigint, as C functions of ours (code_op.c says why).
-- Leakproof: else row security keeps every look-up by code off the index.
CREATE FUNCTION crm.customer_code_eq(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_ne(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_lt(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_le(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_gt(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_ge(crm.customer_code, crm.customer_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_cmp(crm.customer_code, crm.customer_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_customer_code_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_larger(crm.customer_code, crm.customer_code) RETURNS crm.customer_code
    AS 'MODULE_PATHNAME', 'crm_customer_code_larger' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_smaller(crm.customer_code, crm.customer_code) RETURNS crm.customer_code
    AS 'MODULE_PATHNAME', 'crm_customer_code_smaller' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_sortsupport(internal) RETURNS void
    AS 'btint8sortsupport' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_distance(internal, internal) RETURNS double precision
    AS 'brin_minmax_multi_distance_int8' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_hash(crm.customer_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_customer_code_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE FUNCTION crm.customer_code_hash_extended(crm.customer_code, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_customer_code_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

COMMENT ON FUNCTION crm.customer_code_eq(crm.customer_code, crm.customer_code) IS 'Whether two codes are the same (等于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_ne(crm.customer_code, crm.customer_code) IS 'Whether two codes differ (不等于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_lt(crm.customer_code, crm.customer_code) IS 'Whether the first code stands before the second: by day, scheme, serial (小于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_le(crm.customer_code, crm.customer_code) IS 'Whether the first code does not stand after the second (小于等于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_gt(crm.customer_code, crm.customer_code) IS 'Whether the first code stands after the second (大于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_ge(crm.customer_code, crm.customer_code) IS 'Whether the first code does not stand before the second (大于等于). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_cmp(crm.customer_code, crm.customer_code) IS 'Order of two codes: -1, 0 or 1 (比较). Leakproof.';
COMMENT ON FUNCTION crm.customer_code_larger(crm.customer_code, crm.customer_code) IS 'The later of two codes; the step of max (较大者).';
COMMENT ON FUNCTION crm.customer_code_smaller(crm.customer_code, crm.customer_code) IS 'The earlier of two codes; the step of min (较小者).';
COMMENT ON FUNCTION crm.customer_code_sortsupport(internal) IS 'Sort support: codes sort as fast as bigint (排序支持).';
COMMENT ON FUNCTION crm.customer_code_distance(internal, internal) IS 'Distance of two codes for BRIN minmax-multi (距离).';
COMMENT ON FUNCTION crm.customer_code_hash(crm.customer_code) IS 'Hash of a code, 32 bits (散列).';
COMMENT ON FUNCTION crm.customer_code_hash_extended(crm.customer_code, bigint) IS 'Hash of a code with a seed, 64 bits; for hash partitions (散列).';

CREATE OPERATOR crm.= (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR crm.<> (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR crm.< (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR crm.<= (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR crm.> (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR crm.>= (LEFTARG = crm.customer_code, RIGHTARG = crm.customer_code, FUNCTION = crm.customer_code_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.= (crm.customer_code, crm.customer_code) IS 'same code (等于)';
COMMENT ON OPERATOR crm.<> (crm.customer_code, crm.customer_code) IS 'different codes (不等于)';
COMMENT ON OPERATOR crm.< (crm.customer_code, crm.customer_code) IS 'earlier, by day, scheme, serial (小于)';
COMMENT ON OPERATOR crm.<= (crm.customer_code, crm.customer_code) IS 'not later (小于等于)';
COMMENT ON OPERATOR crm.> (crm.customer_code, crm.customer_code) IS 'later, by day, scheme, serial (大于)';
COMMENT ON OPERATOR crm.>= (crm.customer_code, crm.customer_code) IS 'not earlier (大于等于)';

CREATE OPERATOR FAMILY crm.customer_code_ops USING btree;
CREATE OPERATOR CLASS crm.customer_code_ops DEFAULT FOR TYPE crm.customer_code USING btree FAMILY crm.customer_code_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.customer_code_cmp(crm.customer_code, crm.customer_code),
    FUNCTION 2 crm.customer_code_sortsupport(internal),
    FUNCTION 4 (crm.customer_code, crm.customer_code) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY crm.customer_code_ops USING btree IS 'Order of codes: day, scheme, serial (客户编号排序).';
COMMENT ON OPERATOR CLASS crm.customer_code_ops USING btree IS 'Order of codes: day, scheme, serial; with sort support and deduplication (客户编号排序).';

CREATE OPERATOR FAMILY crm.customer_code_ops USING hash;
CREATE OPERATOR CLASS crm.customer_code_ops DEFAULT FOR TYPE crm.customer_code USING hash FAMILY crm.customer_code_ops AS
    OPERATOR 1 crm.=,
    FUNCTION 1 crm.customer_code_hash(crm.customer_code),
    FUNCTION 2 crm.customer_code_hash_extended(crm.customer_code, bigint);
COMMENT ON OPERATOR FAMILY crm.customer_code_ops USING hash IS 'Hashing of codes (客户编号散列).';
COMMENT ON OPERATOR CLASS crm.customer_code_ops USING hash IS 'Hashing of codes; serves hash partitions too (客户编号散列).';

CREATE OPERATOR FAMILY crm.customer_code_minmax_ops USING brin;
CREATE OPERATOR CLASS crm.customer_code_minmax_ops DEFAULT FOR TYPE crm.customer_code USING brin FAMILY crm.customer_code_minmax_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
    FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
    FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
    FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR FAMILY crm.customer_code_minmax_ops USING brin IS 'Least and greatest code of each block range (客户编号区间).';
COMMENT ON OPERATOR CLASS crm.customer_code_minmax_ops USING brin IS 'Least and greatest code of each block range; tables in order of registration stay tiny in it (客户编号区间).';

CREATE OPERATOR FAMILY crm.customer_code_minmax_multi_ops USING brin;
CREATE OPERATOR CLASS crm.customer_code_minmax_multi_ops FOR TYPE crm.customer_code USING brin FAMILY crm.customer_code_minmax_multi_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 pg_catalog.brin_minmax_multi_opcinfo(internal),
    FUNCTION 2 pg_catalog.brin_minmax_multi_add_value(internal, internal, internal, internal),
    FUNCTION 3 pg_catalog.brin_minmax_multi_consistent(internal, internal, internal, integer),
    FUNCTION 4 pg_catalog.brin_minmax_multi_union(internal, internal, internal),
    FUNCTION 5 pg_catalog.brin_minmax_multi_options(internal),
    FUNCTION 11 crm.customer_code_distance(internal, internal);
COMMENT ON OPERATOR FAMILY crm.customer_code_minmax_multi_ops USING brin IS 'Several intervals of codes for each block range (客户编号多区间).';
COMMENT ON OPERATOR CLASS crm.customer_code_minmax_multi_ops USING brin IS 'Several intervals of codes for each block range: for tables with late entries of earlier days (客户编号多区间).';

CREATE AGGREGATE crm.max(crm.customer_code) (SFUNC = crm.customer_code_larger, STYPE = crm.customer_code,
    COMBINEFUNC = crm.customer_code_larger, SORTOP = OPERATOR(crm.>), PARALLEL = SAFE);
CREATE AGGREGATE crm.min(crm.customer_code) (SFUNC = crm.customer_code_smaller, STYPE = crm.customer_code,
    COMBINEFUNC = crm.customer_code_smaller, SORTOP = OPERATOR(crm.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE crm.max(crm.customer_code) IS 'The latest code (最大编号).';
COMMENT ON AGGREGATE crm.min(crm.customer_code) IS 'The earliest code (最小编号).';

CREATE CAST (text AS crm.customer_code) WITH INOUT;
CREATE CAST (crm.customer_code AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS crm.customer_code) IS 'Text to customer code, explicit (文本转客户编号). Errors: 22P02.';
COMMENT ON CAST (crm.customer_code AS text) IS 'Customer code to its text (客户编号转文本).';

-- -- its parts ---------------------------------------------------------------

CREATE FUNCTION crm.customer_code(day date, serial integer, scheme text DEFAULT 'CUST') RETURNS crm.customer_code
    AS 'MODULE_PATHNAME', 'crm_customer_code_make' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code(date, integer, text) IS
$$The code with these parts (组成客户编号). It allocates nothing: crm.next_customer_code() does.
Day from 1900-01-01 to 2599-12-31, serial 1 to 9999999, scheme one to four letters. The codes of the days D to E are those from customer_code(D, 1, 'A') up to, without, customer_code(E + 1, 1, 'A'). Errors: 22023.$$;

CREATE FUNCTION crm.customer_code_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_customer_code_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.customer_code_valid(text) IS
$$Whether the text would be read as a customer code (客户编号格式校验).
Form only: whether a customer has it is crm.resolve()'s to say. Never raises.$$;

CREATE FUNCTION crm.code_day(crm.customer_code) RETURNS date
    AS 'MODULE_PATHNAME', 'crm_customer_code_day' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.code_day(crm.customer_code) IS 'Day in the code: the registration day (编号日期).';

CREATE FUNCTION crm.code_serial(crm.customer_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_customer_code_serial' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.code_serial(crm.customer_code) IS 'Serial in the code, 1 to 9999999 (流水号).';

CREATE FUNCTION crm.code_scheme(crm.customer_code) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_customer_code_scheme' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.code_scheme(crm.customer_code) IS 'Letters in the code: its scheme (编码方案).';

-- -- allocation --------------------------------------------------------------

CREATE FUNCTION crm.code_scheme_for(INOUT scheme text, day date, OUT period_on date, OUT stripes integer, OUT soft integer, OUT hard integer, OUT may_widen boolean)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    valid_during daterange;
BEGIN
    IF day IS NULL OR scheme IS NULL THEN
        RAISE EXCEPTION 'a customer code needs a day and a scheme' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'Leave the parameter out: the day is then today, the scheme CUST.';
    END IF;
    SELECT date_trunc(s.reset_period, day::timestamp)::date, s.stripes::integer, ceil(0.8 * s.space)::integer, CASE WHEN s.widen THEN 9999999 ELSE s.space END,
           s.widen, s.valid_during
      INTO period_on, stripes, soft, hard, may_widen, valid_during
      FROM crm_data.code_scheme s WHERE s.scheme = code_scheme_for.scheme;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such code scheme' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'The view crm.code_scheme lists the schemes; crm.define_code_scheme() makes one.';
    END IF;
    IF NOT valid_during @> day THEN
        RAISE EXCEPTION 'code scheme % is not valid on this day', scheme USING ERRCODE = 'KH007',
            DETAIL = format('The day is %s, the scheme is valid during %s.', day, valid_during),
            HINT = 'Take a scheme that is valid on the day, or change its period with crm.define_code_scheme().';
    END IF;
    -- One day of grace: the caller's clock may be past a midnight that ours is not.
    IF day > company_today() + 1 THEN
        RAISE EXCEPTION 'a customer code cannot be of a future day' USING ERRCODE = 'KH007',
            DETAIL = format('The day is %s, the company''s today is %s.', day, company_today()),
            HINT = 'The day is that of registration: today, or an earlier one for imports.';
    END IF;
END
$$;
COMMENT ON FUNCTION crm.code_scheme_for(text, date) IS
$$The rules of a scheme that hold on a day (编码规则). A part of crm.next_customer_codes().
First day of the period, stripes, the serial at which operators are warned (80 % of the space) and the last one allowed.
Errors: 22004 for a missing parameter, 22023 for an unknown scheme, KH007 when the scheme is not valid on that day or the day is in the future.$$;
REVOKE EXECUTE ON FUNCTION crm.code_scheme_for(text, date) FROM PUBLIC; -- reads crm_data
GRANT EXECUTE ON FUNCTION crm.code_scheme_for(text, date) TO crm_owner; -- as whom the allocation runs

CREATE FUNCTION crm.code_take_block(scheme text, period_on date, count integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    last integer;
BEGIN
    -- The row stays locked until the transaction ends: whoever comes next waits
    -- and sees what was committed, so that a rollback leaves no gap.
    INSERT INTO crm_data.code_counter AS c (scheme, period_on, stripe, taken)
    VALUES (code_take_block.scheme, code_take_block.period_on, 0, count)
    ON CONFLICT ON CONSTRAINT code_counter_pkey DO UPDATE SET taken = c.taken + excluded.taken
    RETURNING c.taken INTO last;
    RETURN last;
END
$$;
COMMENT ON FUNCTION crm.code_take_block(text, date, integer) IS
$$Take the next serials of a scheme without gaps; gives the last of them (连续取号). A part of crm.next_customer_codes().$$;
REVOKE EXECUTE ON FUNCTION crm.code_take_block(text, date, integer) FROM PUBLIC; -- moves the counter
GRANT EXECUTE ON FUNCTION crm.code_take_block(text, date, integer) TO crm_owner; -- as whom the allocation runs

CREATE FUNCTION crm.code_free_stripes(scheme text, period_on date, stripes integer, wanted integer) RETURNS integer[]
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    mine integer := pg_backend_pid() % stripes;
    free integer[];
BEGIN
    FOR attempt IN 1 .. 2 LOOP
        -- The emptiest first: what a rollback left behind is filled up again.
        free := ARRAY(SELECT c.stripe FROM crm_data.code_counter c
                       WHERE c.scheme = code_free_stripes.scheme AND c.period_on = code_free_stripes.period_on
                       ORDER BY c.taken, c.stripe LIMIT wanted FOR UPDATE SKIP LOCKED);
        IF cardinality(free) > 0 THEN
            RETURN free;
        END IF;
        -- The first code of the period, or all are taken.
        INSERT INTO crm_data.code_counter AS c (scheme, period_on, stripe, taken)
        SELECT code_free_stripes.scheme, code_free_stripes.period_on, n, 0 FROM generate_series(0, stripes - 1) n
        ON CONFLICT ON CONSTRAINT code_counter_pkey DO NOTHING;
    END LOOP;
    PERFORM FROM crm_data.code_counter c
      WHERE c.scheme = code_free_stripes.scheme AND c.period_on = code_free_stripes.period_on AND c.stripe = mine
        FOR UPDATE;
    RETURN ARRAY[mine];
END
$$;
COMMENT ON FUNCTION crm.code_free_stripes(text, date, integer, integer) IS
$$Lock stripes of a scheme that nobody else holds (并行取号). A part of crm.next_customer_codes().$$;
REVOKE EXECUTE ON FUNCTION crm.code_free_stripes(text, date, integer, integer) FROM PUBLIC; -- locks the counter
GRANT EXECUTE ON FUNCTION crm.code_free_stripes(text, date, integer, integer) TO crm_owner; -- as whom the allocation runs

CREATE FUNCTION crm.code_take_striped(scheme text, period_on date, stripes integer, count integer) RETURNS SETOF integer
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    -- Half of the stripes at most, so that a big block leaves the others working.
    mine integer[] := code_free_stripes(scheme, period_on, stripes, least(count, greatest(1, stripes / 2)));
    ways integer := cardinality(mine);
    share integer;
    last integer;
BEGIN
    FOR i IN 1 .. ways LOOP
        share := count / ways + (i <= count % ways)::integer;
        UPDATE crm_data.code_counter c SET taken = c.taken + share
         WHERE c.scheme = code_take_striped.scheme AND c.period_on = code_take_striped.period_on AND c.stripe = mine[i]
        RETURNING c.taken INTO last;
        RETURN QUERY SELECT (n - 1) * stripes + mine[i] + 1 FROM generate_series(last - share + 1, last) n;
    END LOOP;
END
$$;
COMMENT ON FUNCTION crm.code_take_striped(text, date, integer, integer) IS
$$Take serials of a scheme that several sessions serve side by side (并行取号). A part of crm.next_customer_codes().
Stripe k of n hands out k + 1, k + 1 + n, k + 1 + 2n and so on.$$;
REVOKE EXECUTE ON FUNCTION crm.code_take_striped(text, date, integer, integer) FROM PUBLIC; -- moves the counter
GRANT EXECUTE ON FUNCTION crm.code_take_striped(text, date, integer, integer) TO crm_owner; -- as whom the allocation runs

CREATE FUNCTION crm.code_space_report(scheme text, day date, space integer, taken integer, wanted integer, may_widen boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF taken + wanted > space THEN
        RAISE EXCEPTION 'customer codes of scheme % are used up for this day', scheme USING ERRCODE = 'KH013',
            DETAIL = format('On %s %s of %s serials are taken; %s more are wanted.', day, taken, space, wanted),
            HINT = 'Register the rest on another day or under another scheme, or let this one widen with crm.define_code_scheme().';
    END IF;
    RAISE WARNING 'customer codes of scheme % are running out', scheme USING
        DETAIL = format('80 %% of the serials of %s are taken.', day),
        HINT = CASE WHEN may_widen THEN 'The serials will grow by a digit: see that all readers of codes take longer ones.'
                    ELSE 'Plan another day or scheme for large imports, or let this one widen with crm.define_code_scheme().' END;
END
$$;
COMMENT ON FUNCTION crm.code_space_report(text, date, integer, integer, integer, boolean) IS
$$Say that the serials of a period run out: an error when they are used up, else a warning to operators (号段告警). A part of crm.next_customer_codes().
Errors: KH013.$$;
REVOKE EXECUTE ON FUNCTION crm.code_space_report(text, date, integer, integer, integer, boolean) FROM PUBLIC; -- a part of the allocation
GRANT EXECUTE ON FUNCTION crm.code_space_report(text, date, integer, integer, integer, boolean) TO crm_owner; -- as whom the allocation runs

CREATE FUNCTION crm.next_customer_codes(count integer, day date DEFAULT crm.company_today(), scheme text DEFAULT 'CUST')
    RETURNS SETOF crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    s record := code_scheme_for(scheme, day);
    last integer;
    serials integer[];
BEGIN
    IF count IS NULL OR count NOT BETWEEN 1 AND 9999999 THEN
        RAISE EXCEPTION 'number of customer codes out of range' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Ask for 1 to 9999999 codes at once.';
    END IF;
    IF s.stripes = 1 THEN
        last := code_take_block(scheme, s.period_on, count);
        IF last > s.hard OR s.soft BETWEEN last - count + 1 AND last THEN
            PERFORM code_space_report(scheme, day, s.hard, last - count, count, s.may_widen);
        END IF;
        RETURN QUERY SELECT customer_code(day, n, scheme) FROM generate_series(last - count + 1, last) n;
    ELSE
        serials := ARRAY(SELECT n FROM code_take_striped(scheme, s.period_on, s.stripes, count) n ORDER BY n);
        last := serials[count];
        IF last > s.hard OR s.soft = ANY (serials) THEN
            PERFORM code_space_report(scheme, day, s.hard, last - count, count, s.may_widen);
        END IF;
        RETURN QUERY SELECT customer_code(day, n, scheme) FROM unnest(serials) n;
    END IF;
END
$$;
COMMENT ON FUNCTION crm.next_customer_codes(integer, date, text) IS
$$Allocate so many customer codes at once, for a batch (批量取号).
Day is the registration day, by default the company's today; scheme is a row of crm.code_scheme. In a scheme without gaps the codes are consecutive, and the scheme is locked for that day until the transaction ends: allocate as the last step of the batch. Others get them from several places of the space. All are unique in every isolation level; REPEATABLE READ and SERIALIZABLE may get 40001 and try again.
A warning goes to client and server log when the allocation crosses 80 % of the space. Errors: KH013 when the space is used up, KH007 for a day in the future or outside the scheme's validity, 22023, 22004.$$;
ALTER FUNCTION crm.next_customer_codes(integer, date, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.next_customer_codes(integer, date, text) FROM PUBLIC; -- uses up codes
GRANT EXECUTE ON FUNCTION crm.next_customer_codes(integer, date, text) TO crm_writer;

CREATE FUNCTION crm.next_customer_code(day date DEFAULT crm.company_today(), scheme text DEFAULT 'CUST')
    RETURNS crm.customer_code
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    s record := code_scheme_for(scheme, day);
    serial integer;
BEGIN
    IF s.stripes = 1 THEN
        serial := code_take_block(scheme, s.period_on, 1);
    ELSE
        serial := (SELECT n FROM code_take_striped(scheme, s.period_on, s.stripes, 1) n);
    END IF;
    -- Each serial is handed out once, so the line is crossed once.
    IF serial > s.hard OR serial = s.soft THEN
        PERFORM code_space_report(scheme, day, s.hard, serial - 1, 1, s.may_widen);
    END IF;
    RETURN customer_code(day, serial, scheme);
END
$$;
COMMENT ON FUNCTION crm.next_customer_code(date, text) IS
$$Allocate the next customer code (取号).
As crm.next_customer_codes(1, day, scheme), with its limits and errors.$$;
ALTER FUNCTION crm.next_customer_code(date, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.next_customer_code(date, text) FROM PUBLIC; -- uses up codes
GRANT EXECUTE ON FUNCTION crm.next_customer_code(date, text) TO crm_writer;

CREATE FUNCTION crm.advance_code_counter(code crm.customer_code) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    s record := code_scheme_for(code_scheme(code), code_day(code));
BEGIN
    -- So many serials of each stripe lie at or below the code's.
    INSERT INTO crm_data.code_counter AS c (scheme, period_on, stripe, taken)
    SELECT s.scheme, s.period_on, n, (code_serial(code) - n - 1 + s.stripes) / s.stripes FROM generate_series(0, s.stripes - 1) n
    ON CONFLICT ON CONSTRAINT code_counter_pkey DO UPDATE SET taken = excluded.taken
     WHERE c.taken < excluded.taken;
END
$$;
COMMENT ON FUNCTION crm.advance_code_counter(crm.customer_code) IS
$$Never allocate this code nor one before it in its period (占用编号).
For codes that come from elsewhere and belong to a scheme in use here: call it with the last one of each day before or after importing them, or a later allocation of that day meets 23505. Lower codes than the counter's change nothing. Errors: as crm.next_customer_codes().$$;
ALTER FUNCTION crm.advance_code_counter(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.advance_code_counter(crm.customer_code) FROM PUBLIC; -- uses up codes
GRANT EXECUTE ON FUNCTION crm.advance_code_counter(crm.customer_code) TO crm_writer;

CREATE FUNCTION crm.define_code_scheme(scheme text, label_zh text, label_en text,
        serial_digits integer DEFAULT 4, widen boolean DEFAULT false, stripes integer DEFAULT 1,
        reset_period text DEFAULT 'day', valid_during daterange DEFAULT '(,)') RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    INSERT INTO crm_data.code_scheme AS s (scheme, label_zh, label_en, serial_digits, widen, stripes, reset_period, valid_during)
    VALUES (scheme, label_zh, label_en, serial_digits, widen, stripes, reset_period, valid_during)
    ON CONFLICT ON CONSTRAINT code_scheme_pkey DO UPDATE
       SET label_zh = excluded.label_zh, label_en = excluded.label_en, serial_digits = excluded.serial_digits,
           widen = excluded.widen, stripes = excluded.stripes, reset_period = excluded.reset_period,
           valid_during = excluded.valid_during;
END
$$;
COMMENT ON FUNCTION crm.define_code_scheme(text, text, text, integer, boolean, integer, text, daterange) IS
$$Make a code scheme, or change one (定义编码方案).
Scheme: one to four capital letters, which say what the company wants said in front of the day: kind of customer, province. serial_digits (4 to 7): the space of a period is 9999 to 9999999. widen: go on with more digits when it is used up, else refuse with KH013. stripes: 1 gives no gaps and makes writers wait for each other until commit; 2 to 64 let as many go side by side, leave gaps, and need widen. reset_period: day, month or year. valid_during: days on which codes may be allocated.
stripes and reset_period stay as they are once a code was allocated. Errors: 23514 for a rule against these limits, 23001 for such a change.$$;
ALTER FUNCTION crm.define_code_scheme(text, text, text, integer, boolean, integer, text, daterange) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.define_code_scheme(text, text, text, integer, boolean, integer, text, daterange) FROM PUBLIC; -- sets the rules of the codes
GRANT EXECUTE ON FUNCTION crm.define_code_scheme(text, text, text, integer, boolean, integer, text, daterange) TO crm_data_admin;

-- -- codes are never used again ----------------------------------------------

CREATE FUNCTION crm.code_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION '% of % would let customer codes be used again', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = CASE TG_TABLE_NAME
            WHEN 'code_counter' THEN 'Counters only go up; crm.advance_code_counter() moves one.'
            WHEN 'code_scheme' THEN 'Codes were allocated by this rule: end its validity and define another scheme.'
            WHEN 'customer_code_alias' THEN 'A retired code stays retired; the tombstone of an erased customer stays for good.'
            ELSE 'A customer keeps the code, and the row, for ever: merging, cancelling and erasing are acts of their own.' END;
END
$$;
COMMENT ON FUNCTION crm.code_keep() IS
$$Trigger: refuse what would change a customer code or let it be used again (禁止变更和重用编号).
For each row or statement; the trigger's WHEN says what is refused. Errors: 23001.$$;
REVOKE EXECUTE ON FUNCTION crm.code_keep() FROM PUBLIC; -- a trigger needs no caller
GRANT EXECUTE ON FUNCTION crm.code_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.code_scheme_keep() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM crm_data.code_counter c WHERE c.scheme = OLD.scheme) THEN
        RAISE EXCEPTION 'the serials of code scheme % are counted by this rule', OLD.scheme USING ERRCODE = 'restrict_violation',
            DETAIL = 'Its letters, stripes and period are fixed since its first code: with others, serials would be given twice.',
            HINT = 'End its validity with crm.define_code_scheme() and define another scheme.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION crm.code_scheme_keep() IS
$$Trigger: a scheme that has allocated codes keeps its letters, stripes and period, and stays (编码方案保护). Errors: 23001.$$;
REVOKE EXECUTE ON FUNCTION crm.code_scheme_keep() FROM PUBLIC; -- a trigger needs no caller
GRANT EXECUTE ON FUNCTION crm.code_scheme_keep() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.code_retired_check() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted i JOIN crm_data.customer_code_alias a USING (customer_code)) THEN
        RAISE EXCEPTION 'customer code is retired' USING ERRCODE = 'unique_violation',
            DETAIL = 'The code belonged to a customer who was merged, recoded or erased.',
            HINT = 'Codes are never used again: allocate one with crm.next_customer_code().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION crm.code_retired_check() IS
$$Trigger for each INSERT statement on the customer table: no retired code becomes a customer again (禁止重用已停用编号). Errors: 23505.$$;
REVOKE EXECUTE ON FUNCTION crm.code_retired_check() FROM PUBLIC; -- a trigger needs no caller
GRANT EXECUTE ON FUNCTION crm.code_retired_check() TO crm_owner; -- who makes the trigger

CREATE FUNCTION crm.retire_customer_code(code crm.customer_code, reason text, survivor crm.customer_code DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF survivor IS NOT NULL AND crm.resolve(survivor) = code THEN
        RAISE EXCEPTION 'a customer code cannot lead to itself' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('%s already leads to %s.', survivor, code),
            HINT = 'crm.resolve() shows where a code leads.';
    ELSIF reason = 'erased' THEN
        PERFORM crm.require_no_hold(code);
    END IF;
    INSERT INTO crm_data.customer_code_alias (customer_code, reason, survivor_code)
    VALUES (code, reason, survivor);
END
$$;
COMMENT ON FUNCTION crm.retire_customer_code(crm.customer_code, text, crm.customer_code) IS
$$Retire a code for good (停用编号).
Reason merged or recoded with the survivor's code, or erased without one: the tombstone. A merge of two customers of this database sets customer.survivor_code instead and can be undone; this is for codes that have no customer row here, or lose it. Errors: 23505 when already retired, 23514 for another reason or a survivor that does not fit it, 22023 when the code would lead to itself, KH011 when a customer under legal hold is to be erased.$$;
ALTER FUNCTION crm.retire_customer_code(crm.customer_code, text, crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.retire_customer_code(crm.customer_code, text, crm.customer_code) FROM PUBLIC; -- takes a code out of use
GRANT EXECUTE ON FUNCTION crm.retire_customer_code(crm.customer_code, text, crm.customer_code) TO crm_data_admin;

CREATE FUNCTION crm.code_next_step(code crm.customer_code) RETURNS crm.customer_code
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    onward crm.customer_code;
BEGIN
    SELECT a.survivor_code INTO onward FROM crm_data.customer_code_alias a WHERE a.customer_code = code;
    IF NOT FOUND THEN
        SELECT c.survivor_code INTO onward FROM crm_data.customer c WHERE c.customer_code = code;
    END IF;
    RETURN onward;
END
$$;
COMMENT ON FUNCTION crm.code_next_step(crm.customer_code) IS
$$Where a code points: its alias, else its customer's survivor; null when erased or unknown (编号指向). A part of crm.resolve().$$;
REVOKE EXECUTE ON FUNCTION crm.code_next_step(crm.customer_code) FROM PUBLIC; -- reads crm_data
GRANT EXECUTE ON FUNCTION crm.code_next_step(crm.customer_code) TO crm_owner; -- as whom crm.resolve() runs

CREATE FUNCTION crm.resolve(code crm.customer_code) RETURNS crm.customer_code
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    here crm.customer_code := code;
    onward crm.customer_code := code_next_step(code);
    seen crm.customer_code[] := ARRAY[code];
BEGIN
    -- A survivor points to itself; a circle, which only a wrong write can make, ends the walk too.
    WHILE onward <> here AND onward <> ALL (seen) LOOP
        here := onward;
        seen := seen || here;
        onward := code_next_step(here);
    END LOOP;
    RETURN CASE WHEN onward IS NOT NULL THEN here END;
END
$$;
COMMENT ON FUNCTION crm.resolve(crm.customer_code) IS
$$The code of the customer who stands for this one today (编号解析).
Follows former codes and merges to the end, however long the chain. A customer's own code gives itself; null when the code was never a customer's or its customer was erased: crm.code_fate() says which. Stable, so that WHERE customer_code = crm.resolve('...') uses the index.$$;
ALTER FUNCTION crm.resolve(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.resolve(crm.customer_code) FROM PUBLIC; -- says which codes exist
GRANT EXECUTE ON FUNCTION crm.resolve(crm.customer_code) TO crm_reader, crm_searcher, crm_writer;

CREATE FUNCTION crm.code_fate(code crm.customer_code, OUT fate text, OUT customer_code crm.customer_code, OUT since date)
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    customer_code := resolve(code);
    SELECT a.reason, a.retired_on INTO fate, since FROM crm_data.customer_code_alias a WHERE a.customer_code = code;
    IF NOT FOUND THEN
        SELECT CASE WHEN c.survivor_code = code THEN 'current' ELSE 'merged' END INTO fate
          FROM crm_data.customer c WHERE c.customer_code = code;
    END IF;
    fate := coalesce(fate, 'unknown');
END
$$;
COMMENT ON FUNCTION crm.code_fate(crm.customer_code) IS
$$What became of a code: current, merged, recoded, erased or unknown; who stands for it; since when (编号去向).
The day is known for retired codes (merged elsewhere, recoded, erased); a merge here has its day in the customer's history.$$;
ALTER FUNCTION crm.code_fate(crm.customer_code) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.code_fate(crm.customer_code) FROM PUBLIC; -- says which codes exist
GRANT EXECUTE ON FUNCTION crm.code_fate(crm.customer_code) TO crm_reader, crm_writer;

-- -- identifiers of other systems --------------------------------------------

CREATE FUNCTION crm.add_external_id(code crm.customer_code, system text, value text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    owner crm.customer_code;
BEGIN
    SELECT c.customer_code INTO owner FROM crm_data.external_id_claim c
     WHERE c.system = add_external_id.system AND c.value = add_external_id.value;
    IF NOT FOUND THEN
        -- Two sessions with the same identifier meet at the claim: the second waits.
        INSERT INTO crm_data.external_id_claim AS c (system, value, customer_code)
        VALUES (add_external_id.system, add_external_id.value, code)
        ON CONFLICT ON CONSTRAINT external_id_claim_pkey DO UPDATE SET customer_code = c.customer_code
        RETURNING c.customer_code INTO owner;
    END IF;
    IF owner = code THEN
        INSERT INTO crm_data.external_id (customer_code, system, value)
        VALUES (code, add_external_id.system, add_external_id.value)
        ON CONFLICT ON CONSTRAINT external_id_pkey DO NOTHING;
    ELSIF resolve(owner) IS DISTINCT FROM resolve(code) THEN
        RAISE EXCEPTION 'external identifier belongs to another customer' USING ERRCODE = 'unique_violation',
            DETAIL = format('System %s, customer %s.', add_external_id.system, owner),
            HINT = 'If both are the same customer, merge them; else correct the identifier in the other system.';
    END IF;
END
$$;
COMMENT ON FUNCTION crm.add_external_id(crm.customer_code, text, text) IS
$$Note the identifier of a customer in another system (登记外部编号).
One identifier of a system belongs to one customer, a customer may have several. Noting it again changes nothing; nor does noting it for a code that resolves to the same customer. Errors: 23505 when it belongs to another customer, 23503 when there is no such customer, 23514 for a system or value that is empty or longer than 200 characters.$$;
ALTER FUNCTION crm.add_external_id(crm.customer_code, text, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.add_external_id(crm.customer_code, text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.add_external_id(crm.customer_code, text, text) TO crm_writer;

CREATE FUNCTION crm.remove_external_id(code crm.customer_code, system text, value text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    PERFORM crm.require_no_hold(code, 'identity');
    DELETE FROM crm_data.external_id e
     WHERE e.customer_code = code AND e.system = remove_external_id.system AND e.value = remove_external_id.value;
    DELETE FROM crm_data.external_id_claim c
     WHERE c.customer_code = code AND c.system = remove_external_id.system AND c.value = remove_external_id.value;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION crm.remove_external_id(crm.customer_code, text, text) IS
$$Take an identifier of another system from a customer; another may then have it (删除外部编号).
Gives whether there was one. Errors: KH011 while a legal hold stands on the customer.$$;
ALTER FUNCTION crm.remove_external_id(crm.customer_code, text, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.remove_external_id(crm.customer_code, text, text) FROM PUBLIC; -- writes
GRANT EXECUTE ON FUNCTION crm.remove_external_id(crm.customer_code, text, text) TO crm_writer;

CREATE FUNCTION crm.customer_by_external_id(system text, value text) RETURNS crm.customer_code
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN resolve((SELECT c.customer_code FROM crm_data.external_id_claim c
                     WHERE c.system = customer_by_external_id.system AND c.value = customer_by_external_id.value));
END
$$;
COMMENT ON FUNCTION crm.customer_by_external_id(text, text) IS
$$The customer whom another system knows by this identifier, merges followed; null when nobody (按外部编号查客户).$$;
ALTER FUNCTION crm.customer_by_external_id(text, text) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.customer_by_external_id(text, text) FROM PUBLIC; -- says whom other systems know
GRANT EXECUTE ON FUNCTION crm.customer_by_external_id(text, text) TO crm_reader, crm_writer;
