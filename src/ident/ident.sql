-- ident: what is a valid identifier, and what does it say.
--
-- Nothing here reads the clock, a table or a setting: a value that is valid today
-- is valid for ever, so CHECK constraints, indexes and generated columns may call
-- these functions.

-- -- crm.division_code --------------------------------------------------------

CREATE TYPE crm.division_code;

CREATE FUNCTION crm.division_code_in(cstring) RETURNS crm.division_code
    AS 'MODULE_PATHNAME', 'crm_division_code_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_in(cstring) IS
$$Input of crm.division_code (行政区划代码输入).
Six digits; a county without its city is refused. Errors: 22P02 with the reason in DETAIL.$$;

CREATE FUNCTION crm.division_code_out(crm.division_code) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_division_code_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_out(crm.division_code) IS
$$Output of crm.division_code: six digits (行政区划代码输出).$$;

CREATE FUNCTION crm.division_code_recv(internal) RETURNS crm.division_code
    AS 'MODULE_PATHNAME', 'crm_division_code_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_recv(internal) IS
$$Binary input of crm.division_code: four bytes, most significant first (二进制输入).
Errors: 22P03 when the number is no code.$$;

CREATE FUNCTION crm.division_code_send(crm.division_code) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_division_code_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_send(crm.division_code) IS
$$Binary output of crm.division_code: four bytes, most significant first (二进制输出).$$;

CREATE TYPE crm.division_code (
    INPUT = crm.division_code_in,
    OUTPUT = crm.division_code_out,
    RECEIVE = crm.division_code_recv,
    SEND = crm.division_code_send,
    LIKE = pg_catalog.int4
);
COMMENT ON TYPE crm.division_code IS
$$Administrative division code: two digits each for province, city and county (行政区划代码).
440106 is Tianhe District of Guangzhou. Four bytes, by value, ordered by number. The form is checked, not the assignment: crm.division_name(code) is null for a code that never was assigned, and codes have been used again over time. Source: GB/T 2260.$$;

CREATE FUNCTION crm.division_code_eq(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_eq(crm.division_code, crm.division_code) IS
$$Whether two division codes are the same (等于). Leakproof.$$;

CREATE FUNCTION crm.division_code_ne(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_ne(crm.division_code, crm.division_code) IS
$$Whether two division codes differ (不等于). Leakproof.$$;

CREATE FUNCTION crm.division_code_lt(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_lt(crm.division_code, crm.division_code) IS
$$Whether the first stands before the second (小于). Leakproof.$$;

CREATE FUNCTION crm.division_code_le(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_le(crm.division_code, crm.division_code) IS
$$Whether the first does not stand after the second (小于等于). Leakproof.$$;

CREATE FUNCTION crm.division_code_gt(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_gt(crm.division_code, crm.division_code) IS
$$Whether the first stands after the second (大于). Leakproof.$$;

CREATE FUNCTION crm.division_code_ge(crm.division_code, crm.division_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_ge(crm.division_code, crm.division_code) IS
$$Whether the first does not stand before the second (大于等于). Leakproof.$$;

CREATE FUNCTION crm.division_code_cmp(crm.division_code, crm.division_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_division_code_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_cmp(crm.division_code, crm.division_code) IS
$$Order of two division codes: -1, 0 or 1 (比较). Leakproof.$$;

CREATE FUNCTION crm.division_code_sortsupport(internal) RETURNS void
    AS 'btint4sortsupport' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_sortsupport(internal) IS
$$Sort support: division codes sort as fast as integers (排序支持).$$;

CREATE FUNCTION crm.division_code_hash(crm.division_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_division_code_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_hash(crm.division_code) IS
$$Hash, 32 bits (散列).$$;

CREATE FUNCTION crm.division_code_hash_extended(crm.division_code, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_division_code_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_hash_extended(crm.division_code, bigint) IS
$$Hash with a seed, 64 bits; for hash partitions (散列).$$;

CREATE OPERATOR crm.= (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR crm.<> (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR crm.< (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR crm.<= (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR crm.> (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR crm.>= (LEFTARG = crm.division_code, RIGHTARG = crm.division_code, FUNCTION = crm.division_code_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.= (crm.division_code, crm.division_code) IS 'same (等于)';
COMMENT ON OPERATOR crm.<> (crm.division_code, crm.division_code) IS 'different (不等于)';
COMMENT ON OPERATOR crm.< (crm.division_code, crm.division_code) IS 'before (小于)';
COMMENT ON OPERATOR crm.<= (crm.division_code, crm.division_code) IS 'not after (小于等于)';
COMMENT ON OPERATOR crm.> (crm.division_code, crm.division_code) IS 'after (大于)';
COMMENT ON OPERATOR crm.>= (crm.division_code, crm.division_code) IS 'not before (大于等于)';

CREATE OPERATOR FAMILY crm.division_code_ops USING btree;
CREATE OPERATOR CLASS crm.division_code_ops DEFAULT FOR TYPE crm.division_code USING btree FAMILY crm.division_code_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.division_code_cmp(crm.division_code, crm.division_code),
    FUNCTION 2 crm.division_code_sortsupport(internal),
    FUNCTION 4 (crm.division_code, crm.division_code) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY crm.division_code_ops USING btree IS 'Order of division codes (行政区划代码排序).';
COMMENT ON OPERATOR CLASS crm.division_code_ops USING btree IS 'Order of division codes; with sort support and deduplication (行政区划代码排序).';

CREATE OPERATOR FAMILY crm.division_code_ops USING hash;
CREATE OPERATOR CLASS crm.division_code_ops DEFAULT FOR TYPE crm.division_code USING hash FAMILY crm.division_code_ops AS
    OPERATOR 1 crm.=,
    FUNCTION 1 crm.division_code_hash(crm.division_code),
    FUNCTION 2 crm.division_code_hash_extended(crm.division_code, bigint);
COMMENT ON OPERATOR FAMILY crm.division_code_ops USING hash IS 'Hashing of division codes (行政区划代码散列).';
COMMENT ON OPERATOR CLASS crm.division_code_ops USING hash IS 'Hashing of division codes; serves hash partitions too (行政区划代码散列).';

CREATE CAST (text AS crm.division_code) WITH INOUT;
CREATE CAST (crm.division_code AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS crm.division_code) IS 'Text to division code, explicit (文本转行政区划代码). Errors: 22P02.';
COMMENT ON CAST (crm.division_code AS text) IS 'The text of a division code (行政区划代码转文本).';

CREATE FUNCTION crm.division_code_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_division_code_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_code_valid(text) IS
$$Whether the text is a well-formed administrative division code (行政区划代码格式校验).
Form only: that the code was ever assigned is crm.division_name's to say. Never raises. Source: GB/T 2260.$$;

CREATE FUNCTION crm.division_name(crm.division_code) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_division_name_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_name(crm.division_code) IS
$$Name of the division, the newest that the code bore; null when it never was assigned (行政区划名称).
In the table: county level and above, in force and withdrawn since 1980; see doc/ident.md for its sources and date.$$;

CREATE FUNCTION crm.division_info(division crm.division_code, OUT name text, OUT province text, OUT city text, OUT in_force boolean, OUT first_year integer, OUT last_year integer, OUT successor crm.division_code) RETURNS record
    AS 'MODULE_PATHNAME', 'crm_division_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_info(crm.division_code) IS
$$What is known of a division: names, years in force, successor (行政区划信息).
Years are those of the ministry's lists. first_year is null when unknown; last_year is the year in which the lists dropped the code, null while it is in force and where the lists at hand are too far apart to tell; successor is the code that took over the larger part. Null for a code that never was assigned. Source: GB/T 2260.$$;

CREATE FUNCTION crm.division_lookup(name text) RETURNS SETOF crm.division_code
    AS 'MODULE_PATHNAME', 'crm_division_lookup_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division_lookup(text) IS
$$Codes of the divisions that a name may mean, in full or abbreviated, those in force first (行政区划查询).
天河区, 天河, 丰宁县 for 丰宁满族自治县; traditional characters are understood. No row when the name is unknown. Source: GB/T 2260.$$;

-- -- crm.unified_social_credit_code -------------------------------------------

CREATE TYPE crm.unified_social_credit_code;

CREATE FUNCTION crm.unified_social_credit_code_in(cstring) RETURNS crm.unified_social_credit_code
    AS 'MODULE_PATHNAME', 'crm_uscc_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_in(cstring) IS
$$Input of crm.unified_social_credit_code (统一社会信用代码输入).
Full-width forms, small letters, spaces and hyphens are forgiven. Errors: 22P02 with the reason in DETAIL; the text is not echoed.$$;

CREATE FUNCTION crm.unified_social_credit_code_out(crm.unified_social_credit_code) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_uscc_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_out(crm.unified_social_credit_code) IS
$$Output of crm.unified_social_credit_code: 18 characters, capitals (统一社会信用代码输出).$$;

CREATE FUNCTION crm.unified_social_credit_code_recv(internal) RETURNS crm.unified_social_credit_code
    AS 'MODULE_PATHNAME', 'crm_uscc_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_recv(internal) IS
$$Binary input of crm.unified_social_credit_code: its 18 characters (二进制输入).
Errors: 22P03 when they are no code.$$;

CREATE FUNCTION crm.unified_social_credit_code_send(crm.unified_social_credit_code) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_uscc_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_send(crm.unified_social_credit_code) IS
$$Binary output of crm.unified_social_credit_code: its 18 characters (二进制输出).$$;

CREATE TYPE crm.unified_social_credit_code (
    INPUT = crm.unified_social_credit_code_in,
    OUTPUT = crm.unified_social_credit_code_out,
    RECEIVE = crm.unified_social_credit_code_recv,
    SEND = crm.unified_social_credit_code_send,
    INTERNALLENGTH = 18,
    ALIGNMENT = char,
    STORAGE = plain
);
COMMENT ON TYPE crm.unified_social_credit_code IS
$$Unified social credit code of an organisation: 18 characters (统一社会信用代码).
Authority, category, six digits of division, nine of the organisation code (GB 11714), check character. Eighteen bytes, ordered byte by byte. Input checks alphabet, authority and check character; a wrong digit inside the organisation code, an unknown category or division is told by crm.validate('uscc', ...) and not refused, because such codes were issued. Source: GB 32100.$$;

CREATE FUNCTION crm.unified_social_credit_code_eq(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_eq(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether two credit codes are the same (等于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_ne(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_ne(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether two credit codes differ (不等于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_lt(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_lt(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether the first stands before the second (小于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_le(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_le(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether the first does not stand after the second (小于等于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_gt(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_gt(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether the first stands after the second (大于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_ge(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_ge(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Whether the first does not stand before the second (大于等于). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_cmp(crm.unified_social_credit_code, crm.unified_social_credit_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_uscc_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_cmp(crm.unified_social_credit_code, crm.unified_social_credit_code) IS
$$Order of two credit codes: -1, 0 or 1 (比较). Leakproof.$$;

CREATE FUNCTION crm.unified_social_credit_code_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_uscc_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_sortsupport(internal) IS
$$Sort support: credit codes compare without a function call (排序支持).$$;

CREATE FUNCTION crm.unified_social_credit_code_hash(crm.unified_social_credit_code) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_uscc_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_hash(crm.unified_social_credit_code) IS
$$Hash, 32 bits (散列).$$;

CREATE FUNCTION crm.unified_social_credit_code_hash_extended(crm.unified_social_credit_code, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_uscc_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.unified_social_credit_code_hash_extended(crm.unified_social_credit_code, bigint) IS
$$Hash with a seed, 64 bits; for hash partitions (散列).$$;

CREATE OPERATOR crm.= (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR crm.<> (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR crm.< (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR crm.<= (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR crm.> (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR crm.>= (LEFTARG = crm.unified_social_credit_code, RIGHTARG = crm.unified_social_credit_code, FUNCTION = crm.unified_social_credit_code_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.= (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'same (等于)';
COMMENT ON OPERATOR crm.<> (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'different (不等于)';
COMMENT ON OPERATOR crm.< (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'before (小于)';
COMMENT ON OPERATOR crm.<= (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'not after (小于等于)';
COMMENT ON OPERATOR crm.> (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'after (大于)';
COMMENT ON OPERATOR crm.>= (crm.unified_social_credit_code, crm.unified_social_credit_code) IS 'not before (大于等于)';

CREATE OPERATOR FAMILY crm.unified_social_credit_code_ops USING btree;
CREATE OPERATOR CLASS crm.unified_social_credit_code_ops DEFAULT FOR TYPE crm.unified_social_credit_code USING btree FAMILY crm.unified_social_credit_code_ops AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.unified_social_credit_code_cmp(crm.unified_social_credit_code, crm.unified_social_credit_code),
    FUNCTION 2 crm.unified_social_credit_code_sortsupport(internal),
    FUNCTION 4 (crm.unified_social_credit_code, crm.unified_social_credit_code) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY crm.unified_social_credit_code_ops USING btree IS 'Order of credit codes (统一社会信用代码排序).';
COMMENT ON OPERATOR CLASS crm.unified_social_credit_code_ops USING btree IS 'Order of credit codes; with sort support and deduplication (统一社会信用代码排序).';

CREATE OPERATOR FAMILY crm.unified_social_credit_code_ops USING hash;
CREATE OPERATOR CLASS crm.unified_social_credit_code_ops DEFAULT FOR TYPE crm.unified_social_credit_code USING hash FAMILY crm.unified_social_credit_code_ops AS
    OPERATOR 1 crm.=,
    FUNCTION 1 crm.unified_social_credit_code_hash(crm.unified_social_credit_code),
    FUNCTION 2 crm.unified_social_credit_code_hash_extended(crm.unified_social_credit_code, bigint);
COMMENT ON OPERATOR FAMILY crm.unified_social_credit_code_ops USING hash IS 'Hashing of credit codes (统一社会信用代码散列).';
COMMENT ON OPERATOR CLASS crm.unified_social_credit_code_ops USING hash IS 'Hashing of credit codes; serves hash partitions too (统一社会信用代码散列).';

CREATE CAST (text AS crm.unified_social_credit_code) WITH INOUT;
CREATE CAST (crm.unified_social_credit_code AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS crm.unified_social_credit_code) IS 'Text to credit code, explicit (文本转统一社会信用代码). Errors: 22P02.';
COMMENT ON CAST (crm.unified_social_credit_code AS text) IS 'The text of a credit code (统一社会信用代码转文本).';

CREATE FUNCTION crm.organization_code(crm.unified_social_credit_code) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_uscc_organization_code' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.organization_code(crm.unified_social_credit_code) IS
$$The organisation code inside a credit code, nine characters (组织机构代码).
Source: GB 32100, places 9 to 17; GB 11714.$$;

CREATE FUNCTION crm.division(crm.unified_social_credit_code) RETURNS crm.division_code
    AS 'MODULE_PATHNAME', 'crm_uscc_division' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.division(crm.unified_social_credit_code) IS
$$Division of the registering office, places 3 to 8 of a credit code (登记管理机关行政区划).$$;

-- -- validation ---------------------------------------------------------------

CREATE FUNCTION crm.validate(kind text, value text, OUT valid boolean, OUT normalized text, OUT reason text, OUT facts jsonb) RETURNS record
    AS 'MODULE_PATHNAME', 'crm_validate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.validate(text, text) IS
$$Judge a value of a kind: whether it is valid, its one way of writing, why not, what it says (校验).
Kinds: resident_id, uscc, org_code, business_license, passport, permit_to_hk_macau, permit_to_taiwan, hk_macau_resident_permit, taiwan_resident_permit, hk_id, tw_id, iban, lei, bank_card, phone, email, postal_code, person_name, organization_name. Full-width forms, white space, invisible marks, hyphens and letter case are folded before judging; two values are the same thing when their normalized texts are equal. reason is null when valid, else a word for crm.reason_text(). facts holds, as far as the kind gives them, region, region_name, birth_date, sex, type, extension, country, issuer, network, and true for what is legal but worth telling: was_15_digits, region_withdrawn, region_withdrawn_before_birth, region_unknown, category_unknown, organization_code_differs. Never raises for a bad value. Errors: 22023 for an unknown kind.$$;

CREATE FUNCTION crm.reason_text(reason text, lang text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_reason_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.reason_text(text, text) IS
$$A reason of crm.validate() in words: Chinese for lang zh, zh-CN and the like, else English (原因说明).
Null for a word that is no reason.$$;

CREATE FUNCTION crm.resident_id_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_resident_id_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.resident_id_valid(text) IS
$$Whether the text is a resident identity number (居民身份证号码校验).
18 characters or 15 digits; the region must have existed at some time, the birth date must be a day from 1900-01-01 to 2030-12-31, the check character must fit. Residence permits of Hong Kong, Macau and Taiwan residents (81, 82, 83) count. Not checked: that the number was issued, that it is this person's, that the region existed at the birth (crm.validate tells). Never raises. Source: GB 11643.$$;

CREATE FUNCTION crm.resident_id_valid(text, as_of date) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_resident_id_valid_on' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.resident_id_valid(text, date) IS
$$Whether the text is a resident identity number of somebody born by that day (居民身份证号码校验).
As resident_id_valid(text), and no birth after as_of. Never raises. Source: GB 11643.$$;

CREATE FUNCTION crm.uscc_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_uscc_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.uscc_valid(text) IS
$$Whether the text is a unified social credit code (统一社会信用代码校验).
18 characters of the alphabet of 31, a registering authority of the standard, the check character. Not checked: that the code was issued; its category, division and inner digit of GB 11714, which crm.validate tells of. Never raises. Source: GB 32100.$$;

CREATE FUNCTION crm.organization_code_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_organization_code_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.organization_code_valid(text) IS
$$Whether the text is an organisation code: eight characters and a check character, with or without hyphen (组织机构代码校验).
Not checked: that the code was issued. Never raises. Source: GB 11714.$$;

CREATE FUNCTION crm.business_license_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_business_license_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.business_license_valid(text) IS
$$Whether the text is a business licence number of fifteen digits, as issued before credit codes (营业执照注册号校验).
Fifteen digits and their check digit. Not checked: that it was issued; an unknown division of the registering office is told by crm.validate and not refused. Never raises. Source: GS 15-2006, ISO 7064 MOD 11,10.$$;

CREATE FUNCTION crm.travel_document_valid(kind text, value text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_travel_document_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.travel_document_valid(text, text) IS
$$Whether the value is a travel or foreign identity document of that kind (出入境证件校验).
Kinds: passport, permit_to_hk_macau, permit_to_taiwan, hk_macau_resident_permit, taiwan_resident_permit, hk_id, tw_id; false for any other. Passports and permits bear no check digit: their published form is all there is to see. Not checked: that the document was issued or is still valid. Never raises. Source: the forms that the issuing authorities publish; the check digits of Hong Kong's and Taiwan's identity cards.$$;

CREATE FUNCTION crm.bank_card_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_bank_card_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_valid(text) IS
$$Whether the text is a bank card number: 12 to 19 digits, the last one Luhn's (银行卡号校验).
Not checked: that the card exists, that a bank issues the prefix (crm.bank_card_info tells the known ones). Never raises. Source: ISO/IEC 7812-1.$$;

CREATE FUNCTION crm.phone_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_phone_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_valid(text) IS
$$Whether the text is a telephone number as dialled in China, or an international one (电话号码校验).
Mobile, fixed line with area code, 400, 800, 95 and 96 services, thirteen digits of machines, extensions; the number range must be assigned; service codes have no E.164 form and are told by their type. Not checked: that a subscriber has the number. Never raises. Source: the numbering plans of libphonenumber's metadata, and the ministry's plan for what they leave out.$$;

CREATE FUNCTION crm.email_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_email_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_valid(text) IS
$$Whether the text is an e-mail address, internationalised ones included (电子邮箱校验).
Form only: local part of 64 bytes, 254 in all, a domain of two labels or more, quoted local parts allowed, addresses in brackets not. Not checked: that the domain or the mailbox exists. Never raises. Source: RFC 5321, RFC 6531.$$;

CREATE FUNCTION crm.postal_code_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_postal_code_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_code_valid(text) IS
$$Whether the text is a Chinese postcode: six digits of a postal zone in use (邮政编码校验).
The zone is that of the first two digits, for Nyingchi of the first three. Not checked: that a post office has the code, that it fits the address. Never raises. Source: the zones that China Post publishes.$$;

CREATE FUNCTION crm.person_name_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_person_name_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_valid(text) IS
$$Whether the text can be a person's name (姓名校验).
Two Han characters or more; parts of a minority name joined by any middle dot; in other scripts two words or more. No digits, no mixture of Han and Latin, no abbreviation with a full stop: the name as the document has it, Mary St John. That anybody bears the name is not checked. Never raises. Source: the Han ranges of Unicode; ICAO 9303 for Latin letters.$$;

CREATE FUNCTION crm.organization_name_valid(text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_organization_name_valid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.organization_name_valid(text) IS
$$Whether the text can be an organisation's name (单位名称校验).
Two letters of any script or more, digits and the signs that occur in registered names. Not checked: that the organisation is registered, that the name has the order of division, trade name, industry and form. Never raises. Source: the letters of Unicode; no standard limits the characters.$$;

-- -- parsing ------------------------------------------------------------------

CREATE FUNCTION crm.resident_id_parse(text, OUT region crm.division_code, OUT region_name text, OUT birth_date date, OUT sex "char") RETURNS record
    AS 'MODULE_PATHNAME', 'crm_resident_id_parse' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.resident_id_parse(text) IS
$$What a resident identity number says: region, birth date, sex M or F (身份证信息解析).
Nulls when the number is not valid. The region is that of the first registration, not of the birth or of the residence now; the name is the newest that the code bore. Source: GB 11643.$$;

CREATE FUNCTION crm.phone_parse(value text, dialled_in text DEFAULT 'CN', OUT e164 text, OUT type text, OUT extension text, OUT country text) RETURNS record
    AS 'MODULE_PATHNAME', 'crm_phone_parse_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_parse(text, text) IS
$$Take a telephone number apart (电话号码解析).
dialled_in: the country where it is dialled (ISO 3166-1 alpha-2). e164: +86..., or the digits of a service code; type: mobile, fixed_line, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan, voicemail, machine, service_code; country: whose number it is, 001 for none. Nulls when the number is not valid. Limits: who serves a ported number and where a mobile number is at home cannot be read off it. Source: E.164, RFC 3966 for extensions, libphonenumber's metadata.$$;

CREATE FUNCTION crm.bank_card_info(text, OUT network text, OUT bank text, OUT type text, OUT length integer, OUT last4 text) RETURNS record
    AS 'MODULE_PATHNAME', 'crm_bank_card_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_info(text) IS
$$What a bank card number says: network, bank, type, length, last four digits (银行卡信息).
network: unionpay, visa, mastercard, jcb ..., null for cards outside the international ranges; bank: the Chinese bank that issues the prefix, null when unknown; type: debit, credit, semi_credit (准贷记卡), prepaid. Nulls when the number is not valid. Source: ISO/IEC 7812; the banks' prefixes are a table of 2022 and incomplete by nature.$$;

CREATE FUNCTION crm.address_parse(text, OUT division_code crm.division_code, OUT province text, OUT city text, OUT district text, OUT township text, OUT detail text, OUT candidates text[]) RETURNS record
    AS 'MODULE_PATHNAME', 'crm_address_parse_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.address_parse(text) IS
$$Take a Chinese address apart, from one line of text to division, township and detail (地址解析).
Understands missing and abbreviated levels, separators, repeated levels, traditional characters, withdrawn names (the answer is the division in force), a postcode or contact beside the address, and one wrong character in a city or county. division_code is null when nothing was recognised, or when several divisions fit: then candidates lists their codes. Nulls for text that cannot be read. Not checked: that the road and the house exist. Limits: nothing below Taiwan, Hong Kong and Macau; townships of 2023. Source: GB/T 2260.$$;

CREATE FUNCTION crm.person_surname(text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_person_surname' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_surname(text) IS
$$Surname of a Chinese name, one character or a known compound of two; null for any other name (姓氏).
A name of two characters has a surname of one; a double surname of a married couple (e.g. 张王) is not told from a given name. Source: the compound surnames in use.$$;

-- Names for comparison; the original is always kept beside what is compared.
CREATE FUNCTION crm.norm_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ SELECT lower((crm.validate('person_name', name)).normalized) $$;
COMMENT ON FUNCTION crm.norm_name(text) IS
$$A person's name in the form in which names are compared: width, dots and spaces folded, Latin in lower case (姓名归一化).
Null when the text is no person's name. Traditional and simplified script are not folded into each other.$$;

CREATE FUNCTION crm.norm_org_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT replace(replace(translate(lower((crm.validate('organization_name', name)).normalized), ' ()[]{}<>《》「」"''.,-', ''),
                           '有限责任公司', '有限公司'),
                   '股份公司', '股份有限公司') $$;
COMMENT ON FUNCTION crm.norm_org_name(text) IS
$$An organisation's name in the form in which names are compared (单位名称归一化).
Width folded, Latin in lower case, brackets, spaces and punctuation left out; 有限责任公司 and 有限公司 are one form, so are 股份公司 and 股份有限公司. Null when the text is no organisation's name. A branch (分公司) stays another name than its parent.$$;
