-- made by pii_types.pl; edit that.

-- phone

CREATE TYPE crm.phone;
CREATE FUNCTION crm.phone_in(cstring) RETURNS crm.phone
    AS 'MODULE_PATHNAME', 'crm_phone_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.phone_out(crm.phone) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.phone_recv(internal) RETURNS crm.phone
    AS 'MODULE_PATHNAME', 'crm_phone_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.phone_send(crm.phone) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.phone (
    INPUT = crm.phone_in, OUTPUT = crm.phone_out, RECEIVE = crm.phone_recv, SEND = crm.phone_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.phone IS
$$Telephone number of any country, normalised to E.164 with its extension (电话号码).
Encrypted at rest; prints its mask, 138****8000. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: ITU-T E.164, RFC 3966.$$;
COMMENT ON FUNCTION crm.phone_in(cstring) IS 'Input of crm.phone: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.phone_out(crm.phone) IS 'Output of crm.phone: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.phone_recv(internal) IS 'Binary input of crm.phone: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.phone_send(crm.phone) IS 'Binary output of crm.phone: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.phone_send(crm.phone) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.phone, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.phone, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.phone) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.phone) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.phone_lt(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_lt(crm.phone, crm.phone) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_le(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_le(crm.phone, crm.phone) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_eq(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_eq(crm.phone, crm.phone) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_ne(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_ne(crm.phone, crm.phone) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_ge(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_ge(crm.phone, crm.phone) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_gt(crm.phone, crm.phone) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_gt(crm.phone, crm.phone) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_cmp(crm.phone, crm.phone) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_cmp(crm.phone, crm.phone) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.phone_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.phone_hash(crm.phone) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_hash(crm.phone) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.phone_hash_extended(crm.phone, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.phone_hash_extended(crm.phone, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.phone, RIGHTARG = crm.phone, FUNCTION = crm.phone_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.phone, crm.phone) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.phone_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.phone_btree USING btree IS 'Order of crm.phone by token (排序).';
CREATE OPERATOR CLASS crm.phone_btree DEFAULT FOR TYPE crm.phone USING btree FAMILY crm.phone_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.phone_cmp(crm.phone, crm.phone), FUNCTION 2 crm.phone_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.phone_btree USING btree IS 'Order of crm.phone by token (排序).';
CREATE OPERATOR FAMILY crm.phone_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.phone_hash USING hash IS 'Hash of crm.phone by token (哈希).';
CREATE OPERATOR CLASS crm.phone_hash DEFAULT FOR TYPE crm.phone USING hash FAMILY crm.phone_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.phone_hash(crm.phone), FUNCTION 2 crm.phone_hash_extended(crm.phone, bigint);
COMMENT ON OPERATOR CLASS crm.phone_hash USING hash IS 'Hash of crm.phone by token (哈希).';

-- id_number

CREATE TYPE crm.id_number;
CREATE FUNCTION crm.id_number_in(cstring) RETURNS crm.id_number
    AS 'MODULE_PATHNAME', 'crm_id_number_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.id_number_out(crm.id_number) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.id_number_recv(internal) RETURNS crm.id_number
    AS 'MODULE_PATHNAME', 'crm_id_number_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.id_number_send(crm.id_number) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.id_number (
    INPUT = crm.id_number_in, OUTPUT = crm.id_number_out, RECEIVE = crm.id_number_recv, SEND = crm.id_number_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.id_number IS
$$Number of an identity document: resident identity card, passport, travel permits of Hong Kong, Macau and Taiwan, identity cards of Hong Kong and Taiwan, unified social credit code; the first kind that fits decides (证件号码).
Encrypted at rest; prints its mask, 1****************X. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: GB 11643, GB 32100.$$;
COMMENT ON FUNCTION crm.id_number_in(cstring) IS 'Input of crm.id_number: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.id_number_out(crm.id_number) IS 'Output of crm.id_number: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.id_number_recv(internal) IS 'Binary input of crm.id_number: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.id_number_send(crm.id_number) IS 'Binary output of crm.id_number: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.id_number_send(crm.id_number) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.id_number, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.id_number, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.id_number) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.id_number) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.id_number_lt(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_lt(crm.id_number, crm.id_number) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_le(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_le(crm.id_number, crm.id_number) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_eq(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_eq(crm.id_number, crm.id_number) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_ne(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_ne(crm.id_number, crm.id_number) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_ge(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_ge(crm.id_number, crm.id_number) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_gt(crm.id_number, crm.id_number) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_gt(crm.id_number, crm.id_number) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_cmp(crm.id_number, crm.id_number) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_cmp(crm.id_number, crm.id_number) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.id_number_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.id_number_hash(crm.id_number) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_hash(crm.id_number) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.id_number_hash_extended(crm.id_number, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.id_number_hash_extended(crm.id_number, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.id_number, RIGHTARG = crm.id_number, FUNCTION = crm.id_number_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.id_number, crm.id_number) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.id_number_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.id_number_btree USING btree IS 'Order of crm.id_number by token (排序).';
CREATE OPERATOR CLASS crm.id_number_btree DEFAULT FOR TYPE crm.id_number USING btree FAMILY crm.id_number_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.id_number_cmp(crm.id_number, crm.id_number), FUNCTION 2 crm.id_number_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.id_number_btree USING btree IS 'Order of crm.id_number by token (排序).';
CREATE OPERATOR FAMILY crm.id_number_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.id_number_hash USING hash IS 'Hash of crm.id_number by token (哈希).';
CREATE OPERATOR CLASS crm.id_number_hash DEFAULT FOR TYPE crm.id_number USING hash FAMILY crm.id_number_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.id_number_hash(crm.id_number), FUNCTION 2 crm.id_number_hash_extended(crm.id_number, bigint);
COMMENT ON OPERATOR CLASS crm.id_number_hash USING hash IS 'Hash of crm.id_number by token (哈希).';

-- bank_card

CREATE TYPE crm.bank_card;
CREATE FUNCTION crm.bank_card_in(cstring) RETURNS crm.bank_card
    AS 'MODULE_PATHNAME', 'crm_bank_card_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.bank_card_out(crm.bank_card) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.bank_card_recv(internal) RETURNS crm.bank_card
    AS 'MODULE_PATHNAME', 'crm_bank_card_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.bank_card_send(crm.bank_card) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.bank_card (
    INPUT = crm.bank_card_in, OUTPUT = crm.bank_card_out, RECEIVE = crm.bank_card_recv, SEND = crm.bank_card_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.bank_card IS
$$Bank card number of 12 to 19 digits (银行卡号).
Encrypted at rest; prints its mask, ************1234. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: ISO/IEC 7812.$$;
COMMENT ON FUNCTION crm.bank_card_in(cstring) IS 'Input of crm.bank_card: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.bank_card_out(crm.bank_card) IS 'Output of crm.bank_card: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.bank_card_recv(internal) IS 'Binary input of crm.bank_card: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.bank_card_send(crm.bank_card) IS 'Binary output of crm.bank_card: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.bank_card_send(crm.bank_card) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.bank_card, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.bank_card, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.bank_card) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.bank_card) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.bank_card_lt(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_lt(crm.bank_card, crm.bank_card) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_le(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_le(crm.bank_card, crm.bank_card) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_eq(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_eq(crm.bank_card, crm.bank_card) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_ne(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_ne(crm.bank_card, crm.bank_card) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_ge(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_ge(crm.bank_card, crm.bank_card) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_gt(crm.bank_card, crm.bank_card) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_gt(crm.bank_card, crm.bank_card) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_cmp(crm.bank_card, crm.bank_card) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_cmp(crm.bank_card, crm.bank_card) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.bank_card_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.bank_card_hash(crm.bank_card) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_hash(crm.bank_card) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.bank_card_hash_extended(crm.bank_card, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.bank_card_hash_extended(crm.bank_card, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.bank_card, RIGHTARG = crm.bank_card, FUNCTION = crm.bank_card_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.bank_card, crm.bank_card) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.bank_card_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.bank_card_btree USING btree IS 'Order of crm.bank_card by token (排序).';
CREATE OPERATOR CLASS crm.bank_card_btree DEFAULT FOR TYPE crm.bank_card USING btree FAMILY crm.bank_card_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.bank_card_cmp(crm.bank_card, crm.bank_card), FUNCTION 2 crm.bank_card_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.bank_card_btree USING btree IS 'Order of crm.bank_card by token (排序).';
CREATE OPERATOR FAMILY crm.bank_card_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.bank_card_hash USING hash IS 'Hash of crm.bank_card by token (哈希).';
CREATE OPERATOR CLASS crm.bank_card_hash DEFAULT FOR TYPE crm.bank_card USING hash FAMILY crm.bank_card_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.bank_card_hash(crm.bank_card), FUNCTION 2 crm.bank_card_hash_extended(crm.bank_card, bigint);
COMMENT ON OPERATOR CLASS crm.bank_card_hash USING hash IS 'Hash of crm.bank_card by token (哈希).';

-- email

CREATE TYPE crm.email;
CREATE FUNCTION crm.email_in(cstring) RETURNS crm.email
    AS 'MODULE_PATHNAME', 'crm_email_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.email_out(crm.email) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.email_recv(internal) RETURNS crm.email
    AS 'MODULE_PATHNAME', 'crm_email_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.email_send(crm.email) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.email (
    INPUT = crm.email_in, OUTPUT = crm.email_out, RECEIVE = crm.email_recv, SEND = crm.email_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.email IS
$$E-mail address; the domain in lower case (电子邮箱).
Encrypted at rest; prints its mask, a***@example.com. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: RFC 5321, RFC 6531.$$;
COMMENT ON FUNCTION crm.email_in(cstring) IS 'Input of crm.email: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.email_out(crm.email) IS 'Output of crm.email: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.email_recv(internal) IS 'Binary input of crm.email: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.email_send(crm.email) IS 'Binary output of crm.email: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.email_send(crm.email) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.email, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.email, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.email) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.email) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.email_lt(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_lt(crm.email, crm.email) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_le(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_le(crm.email, crm.email) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_eq(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_eq(crm.email, crm.email) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_ne(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_ne(crm.email, crm.email) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_ge(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_ge(crm.email, crm.email) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_gt(crm.email, crm.email) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_gt(crm.email, crm.email) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_cmp(crm.email, crm.email) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_cmp(crm.email, crm.email) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.email_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.email_hash(crm.email) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_hash(crm.email) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.email_hash_extended(crm.email, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.email_hash_extended(crm.email, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.email, RIGHTARG = crm.email, FUNCTION = crm.email_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.email, crm.email) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.email_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.email_btree USING btree IS 'Order of crm.email by token (排序).';
CREATE OPERATOR CLASS crm.email_btree DEFAULT FOR TYPE crm.email USING btree FAMILY crm.email_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.email_cmp(crm.email, crm.email), FUNCTION 2 crm.email_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.email_btree USING btree IS 'Order of crm.email by token (排序).';
CREATE OPERATOR FAMILY crm.email_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.email_hash USING hash IS 'Hash of crm.email by token (哈希).';
CREATE OPERATOR CLASS crm.email_hash DEFAULT FOR TYPE crm.email USING hash FAMILY crm.email_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.email_hash(crm.email), FUNCTION 2 crm.email_hash_extended(crm.email, bigint);
COMMENT ON OPERATOR CLASS crm.email_hash USING hash IS 'Hash of crm.email by token (哈希).';

-- person_name

CREATE TYPE crm.person_name;
CREATE FUNCTION crm.person_name_in(cstring) RETURNS crm.person_name
    AS 'MODULE_PATHNAME', 'crm_person_name_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.person_name_out(crm.person_name) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.person_name_recv(internal) RETURNS crm.person_name
    AS 'MODULE_PATHNAME', 'crm_person_name_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.person_name_send(crm.person_name) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.person_name (
    INPUT = crm.person_name_in, OUTPUT = crm.person_name_out, RECEIVE = crm.person_name_recv, SEND = crm.person_name_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.person_name IS
$$Name of a person (姓名).
Encrypted at rest; prints its mask, 张** or J*** D**. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: GB/T 31186.2.$$;
COMMENT ON FUNCTION crm.person_name_in(cstring) IS 'Input of crm.person_name: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.person_name_out(crm.person_name) IS 'Output of crm.person_name: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.person_name_recv(internal) IS 'Binary input of crm.person_name: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.person_name_send(crm.person_name) IS 'Binary output of crm.person_name: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.person_name_send(crm.person_name) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.person_name, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.person_name, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.person_name) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.person_name) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.person_name_lt(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_lt(crm.person_name, crm.person_name) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_le(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_le(crm.person_name, crm.person_name) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_eq(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_eq(crm.person_name, crm.person_name) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_ne(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_ne(crm.person_name, crm.person_name) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_ge(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_ge(crm.person_name, crm.person_name) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_gt(crm.person_name, crm.person_name) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_gt(crm.person_name, crm.person_name) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_cmp(crm.person_name, crm.person_name) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_cmp(crm.person_name, crm.person_name) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.person_name_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.person_name_hash(crm.person_name) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_hash(crm.person_name) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.person_name_hash_extended(crm.person_name, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.person_name_hash_extended(crm.person_name, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.person_name, RIGHTARG = crm.person_name, FUNCTION = crm.person_name_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.person_name, crm.person_name) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.person_name_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.person_name_btree USING btree IS 'Order of crm.person_name by token (排序).';
CREATE OPERATOR CLASS crm.person_name_btree DEFAULT FOR TYPE crm.person_name USING btree FAMILY crm.person_name_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.person_name_cmp(crm.person_name, crm.person_name), FUNCTION 2 crm.person_name_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.person_name_btree USING btree IS 'Order of crm.person_name by token (排序).';
CREATE OPERATOR FAMILY crm.person_name_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.person_name_hash USING hash IS 'Hash of crm.person_name by token (哈希).';
CREATE OPERATOR CLASS crm.person_name_hash DEFAULT FOR TYPE crm.person_name USING hash FAMILY crm.person_name_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.person_name_hash(crm.person_name), FUNCTION 2 crm.person_name_hash_extended(crm.person_name, bigint);
COMMENT ON OPERATOR CLASS crm.person_name_hash USING hash IS 'Hash of crm.person_name by token (哈希).';

-- postal_address

CREATE TYPE crm.postal_address;
CREATE FUNCTION crm.postal_address_in(cstring) RETURNS crm.postal_address
    AS 'MODULE_PATHNAME', 'crm_postal_address_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.postal_address_out(crm.postal_address) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.postal_address_recv(internal) RETURNS crm.postal_address
    AS 'MODULE_PATHNAME', 'crm_postal_address_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.postal_address_send(crm.postal_address) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.postal_address (
    INPUT = crm.postal_address_in, OUTPUT = crm.postal_address_out, RECEIVE = crm.postal_address_recv, SEND = crm.postal_address_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.postal_address IS
$$Postal address, any readable text up to 1024 bytes, white space and full-width forms folded (地址).
Encrypted at rest; prints its mask, 北京市朝阳区***. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012. Source: GB/T 2260.$$;
COMMENT ON FUNCTION crm.postal_address_in(cstring) IS 'Input of crm.postal_address: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.postal_address_out(crm.postal_address) IS 'Output of crm.postal_address: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.postal_address_recv(internal) IS 'Binary input of crm.postal_address: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.postal_address_send(crm.postal_address) IS 'Binary output of crm.postal_address: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.postal_address_send(crm.postal_address) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.postal_address, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.postal_address, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;

CREATE FUNCTION crm.token(crm.postal_address) RETURNS uuid
    AS 'MODULE_PATHNAME', 'crm_pii_token' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.token(crm.postal_address) IS
$$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).
Equal values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.$$;
CREATE FUNCTION crm.postal_address_lt(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_lt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_lt(crm.postal_address, crm.postal_address) IS 'Implementation of < (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_le(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_le' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_le(crm.postal_address, crm.postal_address) IS 'Implementation of <= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_eq(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_eq' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_eq(crm.postal_address, crm.postal_address) IS 'Implementation of = (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_ne(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ne' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_ne(crm.postal_address, crm.postal_address) IS 'Implementation of <> (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_ge(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_ge' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_ge(crm.postal_address, crm.postal_address) IS 'Implementation of >= (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_gt(crm.postal_address, crm.postal_address) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_gt' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_gt(crm.postal_address, crm.postal_address) IS 'Implementation of > (比较). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_cmp(crm.postal_address, crm.postal_address) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_cmp' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_cmp(crm.postal_address, crm.postal_address) IS 'Order for btree (排序). The order is that of the tokens and tells nothing of the values.';
CREATE FUNCTION crm.postal_address_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';
CREATE FUNCTION crm.postal_address_hash(crm.postal_address) RETURNS integer
    AS 'MODULE_PATHNAME', 'crm_pii_hash' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_hash(crm.postal_address) IS 'Hash of the token (哈希).';
CREATE FUNCTION crm.postal_address_hash_extended(crm.postal_address, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION crm.postal_address_hash_extended(crm.postal_address, bigint) IS 'Hash of the token with a seed (哈希).';
CREATE OPERATOR crm.< (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_lt,
    COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR crm.< (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<= (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_le,
    COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR crm.<= (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.= (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_eq,
    COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR crm.= (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.<> (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_ne,
    COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR crm.<> (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.>= (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_ge,
    COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR crm.>= (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR crm.> (LEFTARG = crm.postal_address, RIGHTARG = crm.postal_address, FUNCTION = crm.postal_address_gt,
    COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR crm.> (crm.postal_address, crm.postal_address) IS 'By token, without a key (比较).';
CREATE OPERATOR FAMILY crm.postal_address_btree USING btree;
COMMENT ON OPERATOR FAMILY crm.postal_address_btree USING btree IS 'Order of crm.postal_address by token (排序).';
CREATE OPERATOR CLASS crm.postal_address_btree DEFAULT FOR TYPE crm.postal_address USING btree FAMILY crm.postal_address_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 crm.postal_address_cmp(crm.postal_address, crm.postal_address), FUNCTION 2 crm.postal_address_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.postal_address_btree USING btree IS 'Order of crm.postal_address by token (排序).';
CREATE OPERATOR FAMILY crm.postal_address_hash USING hash;
COMMENT ON OPERATOR FAMILY crm.postal_address_hash USING hash IS 'Hash of crm.postal_address by token (哈希).';
CREATE OPERATOR CLASS crm.postal_address_hash DEFAULT FOR TYPE crm.postal_address USING hash FAMILY crm.postal_address_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 crm.postal_address_hash(crm.postal_address), FUNCTION 2 crm.postal_address_hash_extended(crm.postal_address, bigint);
COMMENT ON OPERATOR CLASS crm.postal_address_hash USING hash IS 'Hash of crm.postal_address by token (哈希).';

-- private_text

CREATE TYPE crm.private_text;
CREATE FUNCTION crm.private_text_in(cstring) RETURNS crm.private_text
    AS 'MODULE_PATHNAME', 'crm_private_text_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.private_text_out(crm.private_text) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.private_text_recv(internal) RETURNS crm.private_text
    AS 'MODULE_PATHNAME', 'crm_private_text_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION crm.private_text_send(crm.private_text) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE crm.private_text (
    INPUT = crm.private_text_in, OUTPUT = crm.private_text_out, RECEIVE = crm.private_text_recv, SEND = crm.private_text_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE crm.private_text IS
$$Any text up to 8192 bytes, neither judged nor normalised, for staging columns; a text that begins with crm1: is taken for an envelope (私密文本).
Encrypted at rest; prints its mask, ***. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012.$$;
COMMENT ON FUNCTION crm.private_text_in(cstring) IS 'Input of crm.private_text: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION crm.private_text_out(crm.private_text) IS 'Output of crm.private_text: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION crm.private_text_recv(internal) IS 'Binary input of crm.private_text: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION crm.private_text_send(crm.private_text) IS 'Binary output of crm.private_text: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION crm.private_text_send(crm.private_text) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value crm.private_text, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal(crm.private_text, text) IS
$$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.$$;
