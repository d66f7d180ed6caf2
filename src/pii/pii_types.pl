#!/usr/bin/perl
# pii_types.pl: prints pii_types.sql, in which the seven types are defined. They
# differ in name, words and functions of input, so what repeats is generated.
#
#	perl src/pii/pii_types.pl >src/pii/pii_types.sql
use strict;
use warnings;
use utf8;

my @types = (
	[ 'phone', '电话号码', 'Telephone number of any country, normalised to E.164 with its extension', '138****8000', 'ITU-T E.164, RFC 3966' ],
	[ 'id_number', '证件号码', "Number of an identity document: resident identity card, passport, travel permits of Hong Kong, Macau and Taiwan, identity cards of Hong Kong and Taiwan, unified social credit code; the first kind that fits decides", '1****************X', 'GB 11643, GB 32100' ],
	[ 'bank_card', '银行卡号', 'Bank card number of 12 to 19 digits', '************1234', 'ISO/IEC 7812' ],
	[ 'email', '电子邮箱', 'E-mail address; the domain in lower case', 'a***@example.com', 'RFC 5321, RFC 6531' ],
	[ 'person_name', '姓名', "Name of a person", "\x{5f20}** or J*** D**", 'GB/T 31186.2' ],
	[ 'postal_address', '地址', 'Postal address, any readable text up to 1024 bytes, white space and full-width forms folded', "\x{5317}\x{4eac}\x{5e02}\x{671d}\x{9633}\x{533a}***", 'GB/T 2260' ],
	[ 'private_text', '私密文本', 'Any text up to 8192 bytes, neither judged nor normalised, for staging columns; a text that begins with crm1: is taken for an envelope', '***', '' ],
);
binmode STDOUT, ':encoding(UTF-8)';

print "-- made by pii_types.pl; edit that.\n";
for my $type (@types) {
	define(@$type);
}

sub define {
	my ($name, $chinese, $what, $mask, $source) = @_;
	my $t = "crm.$name";
	my $searchable = $name ne 'private_text';
	my $from = $source ? " Source: $source." : '';

	print <<"SQL";

-- $name

CREATE TYPE $t;
CREATE FUNCTION ${t}_in(cstring) RETURNS $t
    AS 'MODULE_PATHNAME', 'crm_${name}_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION ${t}_out($t) RETURNS cstring
    AS 'MODULE_PATHNAME', 'crm_pii_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION ${t}_recv(internal) RETURNS $t
    AS 'MODULE_PATHNAME', 'crm_${name}_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION ${t}_send($t) RETURNS bytea
    AS 'MODULE_PATHNAME', 'crm_pii_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE $t (
    INPUT = ${t}_in, OUTPUT = ${t}_out, RECEIVE = ${t}_recv, SEND = ${t}_send,
    ANALYZE = crm.pii_typanalyze, INTERNALLENGTH = VARIABLE, STORAGE = external
);
COMMENT ON TYPE $t IS
\$\$$what ($chinese).
Encrypted at rest; prints its mask, $mask. Input: a plain value from holders of crm_writer or crm_searcher, an envelope (crm1:...) from anybody, a mask from nobody. Errors: 22P02, which never repeats the value; 42501; KH012.$from\$\$;
COMMENT ON FUNCTION ${t}_in(cstring) IS 'Input of $t: an envelope, or a plain value from those who may (输入). Errors: 22P02, 42501, KH012.';
COMMENT ON FUNCTION ${t}_out($t) IS 'Output of $t: its mask, or its envelope in a dump (输出). Error: 42501 in a dump without the right.';
COMMENT ON FUNCTION ${t}_recv(internal) IS 'Binary input of $t: an envelope only (二进制输入). Error: 22P02.';
COMMENT ON FUNCTION ${t}_send($t) IS 'Binary output of $t: the envelope (二进制输出).';
-- The protocol calls it without this right; in a query it would turn the value into plain bytea.
REVOKE EXECUTE ON FUNCTION ${t}_send($t) FROM PUBLIC;

CREATE FUNCTION crm.reveal(value $t, purpose text) RETURNS text
    AS 'MODULE_PATHNAME', 'crm_pii_reveal' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.reveal($t, text) IS
\$\$The plain value, for a purpose that is logged (查看明文).
Both the current and the session user must hold crm_revealer; superusers may and are logged alike. purpose: one line of 1 to 200 characters. The record (users, client, type, fingerprint, purpose, never the value) is in the server's log before the value is returned. Null for null.
Errors: 42501; 22023 without a purpose; 55000 when log_min_messages would drop the record; KH012; XX001 when the envelope was altered.\$\$;
SQL
	operators($name) if $searchable;
}

sub operators {
	my ($name) = @_;
	my $t = "crm.$name";
	my %operator = (
		'lt' => [ '<',  '>',  '>=', 'scalarltsel', 'scalarltjoinsel' ],
		'le' => [ '<=', '>=', '>',  'scalarlesel', 'scalarlejoinsel' ],
		'eq' => [ '=',  '=',  '<>', 'eqsel',       'eqjoinsel' ],
		'ne' => [ '<>', '<>', '=',  'neqsel',      'neqjoinsel' ],
		'ge' => [ '>=', '<=', '<',  'scalargesel', 'scalargejoinsel' ],
		'gt' => [ '>',  '<',  '<=', 'scalargtsel', 'scalargtjoinsel' ],
	);
	my $immutable = "LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE";
	my $order = 'The order is that of the tokens and tells nothing of the values.';

	print "\nCREATE FUNCTION crm.token($t) RETURNS uuid\n    AS 'MODULE_PATHNAME', 'crm_pii_token' $immutable;\n";
	print "COMMENT ON FUNCTION crm.token($t) IS\n\$\$The search token of a value as a uuid, for a stored column with a small unique index (检索令牌).\nEqual values have equal tokens as long as the token key is the same; a token cannot be turned back without that key.\$\$;\n";
	for my $f (qw(lt le eq ne ge gt)) {
		print "CREATE FUNCTION ${t}_$f($t, $t) RETURNS boolean\n    AS 'MODULE_PATHNAME', 'crm_pii_$f' $immutable;\n";
		print "COMMENT ON FUNCTION ${t}_$f($t, $t) IS 'Implementation of $operator{$f}[0] (比较). $order';\n";
	}
	print "CREATE FUNCTION ${t}_cmp($t, $t) RETURNS integer\n    AS 'MODULE_PATHNAME', 'crm_pii_cmp' $immutable;\n";
	print "COMMENT ON FUNCTION ${t}_cmp($t, $t) IS 'Order for btree (排序). $order';\n";
	print "CREATE FUNCTION ${t}_sortsupport(internal) RETURNS void\n    AS 'MODULE_PATHNAME', 'crm_pii_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n";
	print "COMMENT ON FUNCTION ${t}_sortsupport(internal) IS 'Sorting with abbreviated keys (排序支持).';\n";
	print "CREATE FUNCTION ${t}_hash($t) RETURNS integer\n    AS 'MODULE_PATHNAME', 'crm_pii_hash' $immutable;\n";
	print "COMMENT ON FUNCTION ${t}_hash($t) IS 'Hash of the token (哈希).';\n";
	print "CREATE FUNCTION ${t}_hash_extended($t, bigint) RETURNS bigint\n    AS 'MODULE_PATHNAME', 'crm_pii_hash_extended' $immutable;\n";
	print "COMMENT ON FUNCTION ${t}_hash_extended($t, bigint) IS 'Hash of the token with a seed (哈希).';\n";
	for my $f (qw(lt le eq ne ge gt)) {
		my ($sign, $commutator, $negator, $restrict, $join) = @{ $operator{$f} };
		my $more = $f eq 'eq' ? ', HASHES, MERGES' : '';

		print "CREATE OPERATOR crm.$sign (LEFTARG = $t, RIGHTARG = $t, FUNCTION = ${t}_$f,\n"
		  . "    COMMUTATOR = OPERATOR(crm.$commutator), NEGATOR = OPERATOR(crm.$negator), RESTRICT = $restrict, JOIN = $join$more);\n";
		print "COMMENT ON OPERATOR crm.$sign ($t, $t) IS 'By token, without a key (比较).';\n";
	}
	print <<"SQL";
CREATE OPERATOR FAMILY ${t}_btree USING btree;
COMMENT ON OPERATOR FAMILY ${t}_btree USING btree IS 'Order of $t by token (排序).';
CREATE OPERATOR CLASS ${t}_btree DEFAULT FOR TYPE $t USING btree FAMILY ${t}_btree AS
    OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
    FUNCTION 1 ${t}_cmp($t, $t), FUNCTION 2 ${t}_sortsupport(internal);
COMMENT ON OPERATOR CLASS ${t}_btree USING btree IS 'Order of $t by token (排序).';
CREATE OPERATOR FAMILY ${t}_hash USING hash;
COMMENT ON OPERATOR FAMILY ${t}_hash USING hash IS 'Hash of $t by token (哈希).';
CREATE OPERATOR CLASS ${t}_hash DEFAULT FOR TYPE $t USING hash FAMILY ${t}_hash AS
    OPERATOR 1 crm.=, FUNCTION 1 ${t}_hash($t), FUNCTION 2 ${t}_hash_extended($t, bigint);
COMMENT ON OPERATOR CLASS ${t}_hash USING hash IS 'Hash of $t by token (哈希).';
SQL
}
