# Customer codes: registrations a second with 8 sessions, each transaction storing
# what it allocated, beside a sequence; and the type beside text. Also checks that no
# code was given twice and that a scheme without gaps has none.
set -euo pipefail
seconds=${CRM_BENCH_SECONDS:-5}
rows=$CRM_BENCH_ROWS
dir=build/bench
mkdir -p "$dir"
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

run <<'SQL' >/dev/null
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT crm.define_code_scheme('ONE', '逐个', 'Without gaps', serial_digits => 7, widen => true),
       crm.define_code_scheme('SIDE', '并行', 'Side by side', serial_digits => 7, widen => true, stripes => 16);
CREATE SEQUENCE serial;
CREATE TABLE one (code crm.customer_code PRIMARY KEY);
CREATE TABLE side (code crm.customer_code PRIMARY KEY);
CREATE TABLE block (code crm.customer_code PRIMARY KEY);
CREATE TABLE peer (id bigint PRIMARY KEY);
SQL

# Rows that 8 sessions add to a table in a second.
rate() {
	local table=$1
	run -c "TRUNCATE $table" -c CHECKPOINT
	printf '%s;\n' "$2" >"$dir/code.sql"
	pgbench -n -M prepared -c 8 -j 2 -T "$seconds" -f "$dir/code.sql" >"$dir/code.log" 2>&1 || { cat "$dir/code.log" >&2; exit 1; }
	run -c "SELECT count(*) / $seconds FROM $table"
}
claim() { awk -v c="$1" -v o="$2" -v p="$3" -v r="$4" -v b="$5" 'BEGIN { printf "%s\t%s\t%s\t%.2f\t%s\n", c, o, p, r, b }'; }
share() { awk "BEGIN { print $1 / $2 }"; }

say 'one code a transaction, 8 sessions'
peer=$(rate peer "INSERT INTO peer VALUES (nextval('serial'))")
one=$(rate one "INSERT INTO one VALUES (crm.next_customer_code(scheme => 'ONE'))")
side=$(rate side "INSERT INTO side VALUES (crm.next_customer_code(scheme => 'SIDE'))")
claim 'codes without gaps, 8 sessions, a second; peer: nextval' "$one" "$peer" "$(share "$one" "$peer")" 'waits for each commit'
claim 'codes side by side, 8 sessions, a second; peer: nextval' "$side" "$peer" "$(share "$side" "$peer")" 'at least 0.2'
say '1000 codes a transaction, 8 sessions'
peer=$(rate peer "INSERT INTO peer SELECT nextval('serial') FROM generate_series(1, 1000)")
block=$(rate block "INSERT INTO block SELECT crm.next_customer_codes(1000, crm.company_today() - 1, 'ONE')")
claim 'codes in blocks of 1000, 8 sessions, a second; peer: nextval' "$block" "$peer" "$(share "$block" "$peer")" 'at least 0.5'

# The primary keys refuse a code given twice; here: none is missing.
for table in one block; do
	[ "$(run -c "SELECT count(*) = max(crm.code_serial(code)) FROM $table")" = t ] || { say "codes are missing in $table"; exit 1; }
done

say "$rows codes as type, text and bigint"
run >/dev/null <<SQL
CREATE TABLE typed AS SELECT c AS code, c::text AS as_text, n AS as_bigint
  FROM (SELECT n, crm.customer_code('2020-01-01'::date + (n / 5000)::int, (n % 5000)::int + 1) AS c FROM generate_series(1, $rows) n ORDER BY random()) t;
ANALYZE typed;
CREATE TABLE result (what text, ms float8);
DO \$\$
DECLARE q text; t timestamptz;
BEGIN
    FOREACH q IN ARRAY ARRAY['CREATE INDEX typed_code ON typed (code)', 'CREATE INDEX typed_text ON typed (as_text)',
                             'CREATE INDEX typed_bigint ON typed (as_bigint)',
                             'SELECT count(*) FROM typed', 'SELECT count(code::text) FROM typed', 'SELECT count(as_bigint::text) FROM typed',
                             'SELECT count(as_text::crm.customer_code) FROM typed', 'SELECT count(substr(as_text, 5)::bigint) FROM typed'] LOOP
        t := clock_timestamp();
        EXECUTE q;
        INSERT INTO result VALUES (q, extract(epoch FROM clock_timestamp() - t) * 1000);
    END LOOP;
END \$\$;
SQL
run -F $'\t' -c "
    SELECT 'index on $rows codes, ms; peer: text', round(a.ms), round(b.ms), round((a.ms / b.ms)::numeric, 2), 'at most 1' FROM result a, result b WHERE a.what ~ 'typed_code' AND b.what ~ 'typed_text'
    UNION ALL SELECT 'index on $rows codes, ms; peer: bigint', round(a.ms), round(b.ms), round((a.ms / b.ms)::numeric, 2), 'at most 1.2' FROM result a, result b WHERE a.what ~ 'typed_code' AND b.what ~ 'typed_bigint'
    UNION ALL SELECT 'size of that index, MB; peer: text', round(pg_relation_size('typed_code') / 1048576.0), round(pg_relation_size('typed_text') / 1048576.0),
                     round(pg_relation_size('typed_code')::numeric / pg_relation_size('typed_text'), 2), 'at most 0.75'
    UNION ALL SELECT 'codes to text, ms; peer: bigint to text', round(a.ms), round(b.ms), round((a.ms / b.ms)::numeric, 2), 'at most 2' FROM result a, result b WHERE a.what ~ 'count.code::' AND b.what ~ 'as_bigint::text'
    UNION ALL SELECT 'text to codes, ms; peer: its digits to bigint', round(a.ms), round(b.ms), round((a.ms / b.ms)::numeric, 2), 'at most 1.5' FROM result a, result b WHERE a.what ~ 'as_text::crm' AND b.what ~ 'substr'"

say 'look-up under row security'
run >/dev/null <<'SQL'
CREATE FUNCTION visible(crm.customer_code) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';
CREATE INDEX typed_lower ON typed (lower(as_text));
ANALYZE typed;
ALTER TABLE typed ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON typed USING (visible(code));
CREATE ROLE bench_code_reader;
GRANT SELECT ON typed TO bench_code_reader;
GRANT ALL ON result TO bench_code_reader;
SET ROLE bench_code_reader;
SET search_path = public, crm;
DO $$
DECLARE t timestamptz; n int;
BEGIN
    PERFORM FROM typed WHERE code = 'CUST202001020001';
    t := clock_timestamp();
    FOR i IN 1 .. 100 LOOP PERFORM FROM typed WHERE code = 'CUST202001020001'; END LOOP;
    INSERT INTO result VALUES ('leakproof', extract(epoch FROM clock_timestamp() - t) * 10);
    t := clock_timestamp();
    PERFORM FROM typed WHERE lower(as_text) = 'cust202001020001';
    INSERT INTO result VALUES ('leaky', extract(epoch FROM clock_timestamp() - t) * 1000);
END $$;
RESET ROLE;
DROP OWNED BY bench_code_reader;
DROP ROLE bench_code_reader;
SQL
run -F $'\t' -c "SELECT 'look-up by code under row security, ms; peer: not leakproof', round(a.ms::numeric, 3), round(b.ms::numeric, 1), round((a.ms / b.ms)::numeric, 6), 'at most 0.01' FROM result a, result b WHERE a.what = 'leakproof' AND b.what = 'leaky'"
rm -rf "$dir"
