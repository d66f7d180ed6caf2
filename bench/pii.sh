# Personal data: encrypting and reading it against pgcrypto, and what the types cost
# against plain text in look-ups, inserts and lists. CPU time of the server's process,
# the two sides in turn, medians.
set -euo pipefail
rows=$CRM_BENCH_ROWS
repeats=${CRM_BENCH_REPEATS:-5}
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

say "making $rows phones"
run <<SQL >/dev/null
SET client_min_messages = warning;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT crm.key_generate();
ALTER DATABASE ${PGDATABASE} SET search_path = public, crm;
SET search_path = public, crm;
CREATE TABLE plain (id int, phone text);
CREATE TABLE kept (id int, phone phone);
-- every number once, each far from the one before
INSERT INTO plain SELECT i, '13' || lpad((i::bigint * 618033983 % 999999937)::text, 9, '0') FROM generate_series(1, $rows) i;
INSERT INTO kept SELECT id, phone::phone FROM plain;
CREATE TABLE aes AS SELECT id, encrypt(phone::bytea, decode(repeat('2a', 32), 'hex'), 'aes-cbc') AS phone FROM plain;
CREATE INDEX plain_phone ON plain (phone);
CREATE INDEX plain_id ON plain (id);
CREATE INDEX kept_phone ON kept (phone);
CREATE INDEX kept_id ON kept (id);
CREATE TABLE probe_plain AS SELECT phone FROM plain WHERE id % 10 = 0;
CREATE TABLE probe_kept AS SELECT phone FROM kept WHERE id % 10 = 0;
CREATE TABLE kept_hash AS SELECT * FROM kept;
CREATE INDEX ON kept_hash USING hash (phone);
CREATE TABLE kept_token (id int, phone phone, phone_token uuid GENERATED ALWAYS AS (token(phone)) STORED);
INSERT INTO kept_token SELECT * FROM kept;
CREATE UNIQUE INDEX ON kept_token (phone_token);
CREATE TABLE into_plain (id int, phone text);
CREATE INDEX ON into_plain (phone);
CREATE TABLE into_kept (id int, phone phone);
CREATE INDEX ON into_kept (phone);
CREATE FUNCTION list_plain(n int) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE line text;
BEGIN
    FOR i IN 1 .. n LOOP
        FOR line IN SELECT id || ' ' || phone FROM plain WHERE id BETWEEN i * 50 AND i * 50 + 49 LOOP END LOOP;
    END LOOP;
END \$\$;
CREATE FUNCTION list_kept(n int) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE line text;
BEGIN
    FOR i IN 1 .. n LOOP
        FOR line IN SELECT id || ' ' || phone FROM kept WHERE id BETWEEN i * 50 AND i * 50 + 49 LOOP END LOOP;
    END LOOP;
END \$\$;
VACUUM ANALYZE;
SQL

# side NAME BEFORE SQL: nanoseconds of CPU that one run of SQL takes.
side() {
	run -v before="$1" <<SQL | tail -n 1
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET work_mem = '256MB';
$1;
SELECT 1 FROM kept, LATERAL (SELECT phone::text) t LIMIT 1;
SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1) AS before \\gset
\\o /dev/null
$2;
\\o
SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint - :before;
SQL
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }

# claim NAME BOUND PER OURS PEER [BEFORE_OURS BEFORE_PEER [BASE]]: nanoseconds each,
# less what BASE takes by itself.
claim() {
	local name=$1 bound=$2 per=$3 ours=$4 peer=$5 before_ours=${6:-SELECT 1} before_peer=${7:-SELECT 1} base=${8:-}
	local a=() b=() c=() i
	say "$name"
	for ((i = 0; i < repeats; i++)); do
		a+=("$(side "$before_ours" "$ours")")
		b+=("$(side "$before_peer" "$peer")")
		[ -z "$base" ] || c+=("$(side 'SELECT 1' "$base")")
	done
	awk -v name="$name" -v bound="$bound" -v per="$per" -v a="$(printf '%s\n' "${a[@]}" | median)" \
		-v b="$(printf '%s\n' "${b[@]}" | median)" -v c="$([ -z "$base" ] && echo 0 || printf '%s\n' "${c[@]}" | median)" \
		'BEGIN { a -= c; b -= c; printf "%s\t%.0f ns\t%.0f ns\t%.2f\t%s\n", name, a / per, b / per, a / b, bound }'
}

n=$((rows < 300000 ? rows : 300000))
key="decode(repeat('2a', 32), 'hex')"
text="'138' || lpad(i::text, 8, '0')"
from="FROM generate_series(1, $n) i"
probes=$((rows / 10))
pages=$((rows / 50 < 4000 ? rows / 50 - 1 : 4000))

claim "encrypt with token: address input / encrypt()+hmac()" "<=0.20" "$n" \
	"SELECT count(($text)::postal_address) $from" \
	"SELECT count(encrypt(($text)::bytea, $key, 'aes-cbc')), count(hmac(($text)::bytea, $key, 'sha256')) $from" \
	"SELECT 1" "SELECT 1" "SELECT count($text) $from"
claim "encrypt without token: private_text input / encrypt()" "<=0.25" "$n" \
	"SELECT count(($text)::private_text) $from" "SELECT count(encrypt(($text)::bytea, $key, 'aes-cbc')) $from" \
	"SELECT 1" "SELECT 1" "SELECT count($text) $from"
claim "judge, encrypt, token: phone input / encrypt()+hmac()" "" "$n" \
	"SELECT count(($text)::phone) $from" \
	"SELECT count(encrypt(($text)::bytea, $key, 'aes-cbc')), count(hmac(($text)::bytea, $key, 'sha256')) $from" \
	"SELECT 1" "SELECT 1" "SELECT count($text) $from"
claim "decrypt: mask of a phone / decrypt()" "<=0.25" "$rows" \
	"SELECT count(phone::text) FROM kept" "SELECT count(decrypt(phone, $key, 'aes-cbc')) FROM aes" \
	"SELECT 1" "SELECT 1" "SELECT count(phone) FROM aes"
claim "look up by equality, btree on phone / text, $rows rows" "<=1.10" "$probes" \
	"SELECT count(*) FROM probe_kept p CROSS JOIN LATERAL (SELECT FROM kept k WHERE k.phone = p.phone OFFSET 0) f" \
	"SELECT count(*) FROM probe_plain p CROSS JOIN LATERAL (SELECT FROM plain k WHERE k.phone = p.phone OFFSET 0) f"
claim "look up by equality, hash index on phone / text" "<=1.10" "$probes" \
	"SELECT count(*) FROM probe_kept p CROSS JOIN LATERAL (SELECT FROM kept_hash k WHERE k.phone = p.phone OFFSET 0) f" \
	"SELECT count(*) FROM probe_plain p CROSS JOIN LATERAL (SELECT FROM plain k WHERE k.phone = p.phone OFFSET 0) f"
claim "look up by equality, stored token column / text" "<=1.10" "$probes" \
	"SELECT count(*) FROM probe_kept p CROSS JOIN LATERAL (SELECT FROM kept_token k WHERE k.phone_token = token(p.phone) OFFSET 0) f" \
	"SELECT count(*) FROM probe_plain p CROSS JOIN LATERAL (SELECT FROM plain k WHERE k.phone = p.phone OFFSET 0) f"
claim "insert a sealed value, with index: phone / text" "<=1.15" "$n" \
	"INSERT INTO into_kept SELECT id, phone FROM kept LIMIT $n" "INSERT INTO into_plain SELECT id, phone FROM plain LIMIT $n" \
	"TRUNCATE into_kept" "TRUNCATE into_plain"
claim "insert a plain value (judged, encrypted), with index: phone / text" "" "$n" \
	"INSERT INTO into_kept SELECT id, phone::phone FROM plain LIMIT $n" "INSERT INTO into_plain SELECT id, phone FROM plain LIMIT $n" \
	"TRUNCATE into_kept" "TRUNCATE into_plain"
claim "list by pages of 50: masked phone / text" "<=1.60" "$((pages * 50))" \
	"SELECT list_kept($pages)" "SELECT list_plain($pages)" "SELECT list_kept(1)" "SELECT list_plain(1)"
claim "whole table to the client: masked phone / text" "<=1.60" "$rows" \
	"SELECT id, phone FROM kept" "SELECT id, phone FROM plain"
