-- points: the ledger as a type: a sorted sparse vector (hold, expires_on, class) -> points.

-- -- the type ----------------------------------------------------------------

CREATE TYPE crm.points_ledger;

CREATE FUNCTION crm.points_ledger_in(cstring) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_ledger_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_in(cstring) IS
$$Input of crm.points_ledger (积分账本输入).
Lots in any order, the same lot also twice; they are sorted and merged. Errors: 22P02 with the reason in DETAIL, 22003 beyond 64 bits, 54000 beyond 400 lots.$$;

CREATE FUNCTION crm.points_ledger_out(crm.points_ledger) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_points_ledger_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_out(crm.points_ledger) IS 'Output of crm.points_ledger: its lots in order of hold, last day and class, one form for each value (积分账本输出).';

CREATE FUNCTION crm.points_ledger_recv(internal) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_ledger_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_recv(internal) IS
$$Binary input of crm.points_ledger (二进制输入).
Order, zeros, counts, the sum in front and the shortest form of each number are checked. Errors: 22P03, 22003, 54000.$$;

CREATE FUNCTION crm.points_ledger_send(crm.points_ledger) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_points_ledger_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_send(crm.points_ledger) IS 'Binary output of crm.points_ledger: the bytes as they are stored; doc/points.md has the layout (二进制输出).';

-- Never toasted: a state beyond a page's reach would be written anew, out of line, by each posting.
CREATE TYPE crm.points_ledger (
    INPUT = crm.points_ledger_in,
    OUTPUT = crm.points_ledger_out,
    RECEIVE = crm.points_ledger_recv,
    SEND = crm.points_ledger_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = plain
);
COMMENT ON TYPE crm.points_ledger IS
$$Points as a vector: (hold, last usable day, class) to a whole number; hold 0 is available (积分账本).
The state of an account and the change by an entry are the same type: state = sum of changes. {120@2027-12-31, 50:gift@never, hold 17: 40@2027-12-31}, {debt 106}, {}. A debt is a negative lot before all days. Amounts are in the smallest unit of the programme, 64 bits; at most 400 lots and 7000 bytes; days from 0001-01-01 to 9999-12-31 or never; a class has up to 15 of A-Z a-z 0-9 _ - and the full stop. Errors: 22003 when a sum does not fit, 54000 for too many lots.$$;

-- -- arithmetic ----------------------------------------------------------------

CREATE FUNCTION crm.points_ledger_add(crm.points_ledger, crm.points_ledger) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_ledger_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_add(crm.points_ledger, crm.points_ledger) IS 'Sum of two ledgers, lot by lot (相加). Errors: 22003, 54000.';

CREATE FUNCTION crm.points_ledger_subtract(crm.points_ledger, crm.points_ledger) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_ledger_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_subtract(crm.points_ledger, crm.points_ledger) IS 'Difference of two ledgers, lot by lot (相减). Errors: 22003, 54000.';

CREATE FUNCTION crm.points_ledger_negate(crm.points_ledger) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_ledger_negate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_negate(crm.points_ledger) IS 'The ledger with each amount negated: what takes it back (取负). Errors: 22003.';

CREATE FUNCTION crm.points_ledger_covers(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_covers' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_covers(crm.points_ledger, crm.points_ledger) IS 'Whether each lot of the first is at least that of the second; what is missing counts as 0 (包含).';

CREATE OPERATOR crm.+ (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_add, COMMUTATOR = OPERATOR(crm.+));
CREATE OPERATOR crm.- (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_subtract);
CREATE OPERATOR crm.- (RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_negate);
CREATE OPERATOR crm.@> (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_covers,
    COMMUTATOR = OPERATOR(crm.<@), RESTRICT = contsel, JOIN = contjoinsel);
CREATE FUNCTION crm.points_ledger_covered(crm.points_ledger, crm.points_ledger) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS 'SELECT crm.points_ledger_covers($2, $1)';
COMMENT ON FUNCTION crm.points_ledger_covered(crm.points_ledger, crm.points_ledger) IS 'Whether each lot of the second is at least that of the first (被包含).';
CREATE OPERATOR crm.<@ (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_covered,
    COMMUTATOR = OPERATOR(crm.@>), RESTRICT = contsel, JOIN = contjoinsel);
COMMENT ON OPERATOR crm.+ (crm.points_ledger, crm.points_ledger) IS 'sum, lot by lot (相加)';
COMMENT ON OPERATOR crm.- (crm.points_ledger, crm.points_ledger) IS 'difference, lot by lot (相减)';
COMMENT ON OPERATOR crm.- (NONE, crm.points_ledger) IS 'what takes it back (取负)';
COMMENT ON OPERATOR crm.@> (crm.points_ledger, crm.points_ledger) IS 'has at least as much in each lot (包含)';
COMMENT ON OPERATOR crm.<@ (crm.points_ledger, crm.points_ledger) IS 'has at most as much in each lot (被包含)';

-- -- comparison: of the bytes; the order means nothing but is the same everywhere --

CREATE FUNCTION crm.points_ledger_eq(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_eq(crm.points_ledger, crm.points_ledger) IS 'Whether two ledgers are the same (等于). Leakproof.';

CREATE FUNCTION crm.points_ledger_ne(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_ne(crm.points_ledger, crm.points_ledger) IS 'Whether two ledgers differ (不等于). Leakproof.';

CREATE FUNCTION crm.points_ledger_lt(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_lt(crm.points_ledger, crm.points_ledger) IS 'Order of the bytes, for sorting only (小于). Leakproof.';

CREATE FUNCTION crm.points_ledger_le(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_le(crm.points_ledger, crm.points_ledger) IS 'Order of the bytes, for sorting only (小于等于). Leakproof.';

CREATE FUNCTION crm.points_ledger_gt(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_gt(crm.points_ledger, crm.points_ledger) IS 'Order of the bytes, for sorting only (大于). Leakproof.';

CREATE FUNCTION crm.points_ledger_ge(crm.points_ledger, crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_ledger_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_ge(crm.points_ledger, crm.points_ledger) IS 'Order of the bytes, for sorting only (大于等于). Leakproof.';

CREATE FUNCTION crm.points_ledger_cmp(crm.points_ledger, crm.points_ledger) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_points_ledger_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_cmp(crm.points_ledger, crm.points_ledger) IS 'Order of the bytes: negative, 0 or positive (比较). Leakproof.';

CREATE FUNCTION crm.points_ledger_hash(crm.points_ledger) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_points_ledger_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_hash(crm.points_ledger) IS 'Hash of a ledger, 32 bits (散列). Leakproof.';

CREATE FUNCTION crm.points_ledger_hash_extended(crm.points_ledger, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_ledger_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_ledger_hash_extended(crm.points_ledger, bigint) IS 'Hash of a ledger with a seed, 64 bits (散列). Leakproof.';

CREATE OPERATOR crm.= (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR crm.<> (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR crm.< (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR crm.<= (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR crm.> (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR crm.>= (LEFTARG = crm.points_ledger, RIGHTARG = crm.points_ledger, FUNCTION = crm.points_ledger_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.= (crm.points_ledger, crm.points_ledger) IS 'same ledger (等于)';
COMMENT ON OPERATOR crm.<> (crm.points_ledger, crm.points_ledger) IS 'different ledgers (不等于)';
COMMENT ON OPERATOR crm.< (crm.points_ledger, crm.points_ledger) IS 'order of the bytes (小于)';
COMMENT ON OPERATOR crm.<= (crm.points_ledger, crm.points_ledger) IS 'order of the bytes (小于等于)';
COMMENT ON OPERATOR crm.> (crm.points_ledger, crm.points_ledger) IS 'order of the bytes (大于)';
COMMENT ON OPERATOR crm.>= (crm.points_ledger, crm.points_ledger) IS 'order of the bytes (大于等于)';

CREATE OPERATOR FAMILY crm.points_ledger_ops USING btree;
CREATE OPERATOR CLASS crm.points_ledger_ops DEFAULT FOR TYPE crm.points_ledger USING btree FAMILY crm.points_ledger_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.points_ledger_cmp(crm.points_ledger, crm.points_ledger),
    FUNCTION 4 (crm.points_ledger, crm.points_ledger) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY crm.points_ledger_ops USING btree IS 'Order of the bytes of points ledgers (积分账本排序).';
COMMENT ON OPERATOR CLASS crm.points_ledger_ops USING btree IS 'Order of the bytes, so that DISTINCT, GROUP BY and EXCEPT work; it has no meaning (积分账本排序).';

CREATE OPERATOR FAMILY crm.points_ledger_ops USING hash;
CREATE OPERATOR CLASS crm.points_ledger_ops DEFAULT FOR TYPE crm.points_ledger USING hash FAMILY crm.points_ledger_ops AS
    OPERATOR 1 crm.=,
    FUNCTION 1 crm.points_ledger_hash(crm.points_ledger),
    FUNCTION 2 crm.points_ledger_hash_extended(crm.points_ledger, bigint);
COMMENT ON OPERATOR FAMILY crm.points_ledger_ops USING hash IS 'Hashing of points ledgers (积分账本散列).';
COMMENT ON OPERATOR CLASS crm.points_ledger_ops USING hash IS 'Hashing of points ledgers (积分账本散列).';

-- -- questions: whatever depends on the day is told the day ------------------------

CREATE FUNCTION crm.available(ledger crm.points_ledger, as_of date) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_available' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.available(crm.points_ledger, date) IS 'Points that can be used on the day: of no hold, last day not before it (可用积分). Errors: 22003.';

CREATE FUNCTION crm.held(ledger crm.points_ledger) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_held' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.held(crm.points_ledger) IS 'Points in all holds, whatever their last day (冻结积分). Errors: 22003.';

CREATE FUNCTION crm.debt(ledger crm.points_ledger) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_debt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.debt(crm.points_ledger) IS 'Points that are owed; then none are available (欠分). Errors: 22003.';

CREATE FUNCTION crm.expiring(ledger crm.points_ledger, until date) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_expiring' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.expiring(crm.points_ledger, date) IS 'Points of no hold whose last day is not after the given one; never is no day (即将失效积分). Errors: 22003.';

CREATE FUNCTION crm.points_total(ledger crm.points_ledger) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_points_total' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_total(crm.points_ledger) IS 'All points together, in holds or not, less the debt (积分合计). Errors: 22003.';

CREATE FUNCTION crm.points_is_state(ledger crm.points_ledger) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_points_is_state' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_is_state(crm.points_ledger) IS 'Whether an account can be in this state: no lot is negative but the debt (是否合法余额).';

CREATE FUNCTION crm.next_expiry(ledger crm.points_ledger) RETURNS date
    AS 'MODULE_PATHNAME', 'crm_points_next_expiry' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.next_expiry(crm.points_ledger) IS 'First last day of points of no hold; null when none ends (最近失效日).';

CREATE FUNCTION crm.lots(ledger crm.points_ledger) RETURNS TABLE (hold integer, expires_on date, class text, amount bigint)
    AS 'MODULE_PATHNAME', 'crm_points_lots' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 4;
COMMENT ON FUNCTION crm.lots(crm.points_ledger) IS
$$The lots of a ledger as rows, in order of use within each hold (积分批次).
hold 0 is available; expires_on is the last usable day, infinity for never, -infinity for the debt; class is empty for plain points.$$;

-- -- sum -----------------------------------------------------------------------------

CREATE FUNCTION crm.points_sum_step(internal, crm.points_ledger) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_points_sum_step' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_step(internal, crm.points_ledger) IS 'Step of sum: add a ledger (求和步骤).';
CREATE FUNCTION crm.points_sum_back(internal, crm.points_ledger) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_points_sum_back' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_back(internal, crm.points_ledger) IS 'Inverse step of sum: take a ledger out of a moving frame (求和逆步骤).';
CREATE FUNCTION crm.points_sum_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_points_sum_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_combine(internal, internal) IS 'Join two partial sums of a parallel plan (合并).';
CREATE FUNCTION crm.points_sum_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_points_sum_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_serialize(internal) IS 'A partial sum for another process (序列化).';
CREATE FUNCTION crm.points_sum_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'crm_points_sum_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_deserialize(bytea, internal) IS 'A partial sum from another process (反序列化).';
CREATE FUNCTION crm.points_sum_final(internal) RETURNS crm.points_ledger
    AS 'MODULE_PATHNAME', 'crm_points_sum_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.points_sum_final(internal) IS 'Result of sum (求和结果). Errors: 22003, 54000 for more than 400 lots.';
CREATE AGGREGATE crm.sum(crm.points_ledger) (
    SFUNC = crm.points_sum_step, STYPE = internal, SSPACE = 1024, FINALFUNC = crm.points_sum_final,
    COMBINEFUNC = crm.points_sum_combine, SERIALFUNC = crm.points_sum_serialize, DESERIALFUNC = crm.points_sum_deserialize,
    MSFUNC = crm.points_sum_step, MINVFUNC = crm.points_sum_back, MSTYPE = internal, MSSPACE = 1024, MFINALFUNC = crm.points_sum_final,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE crm.sum(crm.points_ledger) IS
$$Sum of ledgers, lot by lot, in any order (积分账本求和).
Null for no rows. In parallel plans and, as a running balance, in moving frames. Only the result must have at most 400 lots. Errors: 22003, 54000.$$;
