# Merges: how many a second, one call each with choice of values, beside what rewrites keys
# (the same rows in plain tables, six UPDATEs); and what the unified view costs by code when
# one customer in ten was merged, beside the same before. CPU of the server process in both.
set -euo pipefail
export PGOPTIONS='-c search_path=public,crm'
rows=$CRM_BENCH_ROWS
merges=${CRM_BENCH_MERGES:-2000}
lookups=${CRM_BENCH_LOOKUPS:-20000}
dir=build/bench
mkdir -p "$dir"
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
claim() { awk -v c="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%s\t%s\t%.2f\t%s\n", c, o, p, o / p, b }'; }
# CPU seconds of this backend for one statement, the better of two runs.
cpu() {
	run <<SQL | sort -g | head -1 | xargs printf '%.2f'
CREATE FUNCTION pg_temp.ticks() RETURNS numeric LANGUAGE sql AS \$\$
    SELECT x[12]::numeric + x[13]::numeric FROM (SELECT string_to_array(regexp_replace(pg_read_file('/proc/' || pg_backend_pid() || '/stat'), '^.*\) ', ''), ' ')) s (x) \$\$;
SELECT setseed(0.5) \gset
$1
SELECT pg_temp.ticks() AS from \gset
$1
SELECT (pg_temp.ticks() - :from) / 100.0 AS once \gset
SELECT pg_temp.ticks() AS from \gset
$1
SELECT (pg_temp.ticks() - :from) / 100.0 AS again \gset
\qecho :once
\qecho :again
SQL
}

say "importing $rows customers"
sample/generate --clean --rows "$rows" --seed 7 | perl bench/plain.pl "$dir"
run <<SQL >/dev/null
SET client_min_messages = warning;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT crm.key_generate();
SELECT crm.define_code_scheme('MASS', '批量', 'Mass import', serial_digits => 7, widen => true);
\copy crm.customer_staging (line, kind, name, document_kind, document_number, sex, birth_date, phone, email, bank_card, address, occupation, industry, legal_representative, contact_name) FROM '$dir/customers.csv' CSV HEADER
CALL crm.import_customers('bench', scheme => 'MASS', accept_suspected => true);
INSERT INTO crm_data.purchase (customer_code, order_no, purchased_on, product, quantity, amount, channel)
SELECT c.customer_code, 'o' || n, DATE '2024-01-01' + n, 'tea', 1, 10, 'store' FROM crm_data.customer c, generate_series(1, 2) n;
UPDATE crm_data.merge_policy SET threshold = NULL WHERE measure IN ('amount', 'points', 'records');
-- One in ten of the persons will be merged into the next.
CREATE TABLE pair AS
SELECT n, survivor, loser
  FROM (SELECT row_number() OVER () AS n, i.customer_code AS loser, lead(i.customer_code) OVER (ORDER BY i.customer_code) AS survivor
          FROM (SELECT customer_code, row_number() OVER (ORDER BY customer_code) AS n FROM crm_data.individual) i WHERE i.n % 10 IN (1, 2)) p
 WHERE n % 2 = 1 AND survivor IS NOT NULL;
CREATE TABLE probe AS SELECT customer_code FROM crm_data.customer WHERE customer_code NOT IN (SELECT loser FROM pair) ORDER BY random() LIMIT $lookups;
CREATE SCHEMA plain;
CREATE TABLE plain.individual AS SELECT customer_code::text, name_token::text AS name FROM crm_data.individual;
CREATE TABLE plain.identity_document AS SELECT customer_code::text, number_token::text AS number FROM crm_data.identity_document;
CREATE TABLE plain.contact_point AS SELECT customer_code::text, token::text FROM crm_data.contact_point;
CREATE TABLE plain.bank_account AS SELECT customer_code::text, card_token::text FROM crm_data.bank_account;
CREATE TABLE plain.address AS SELECT customer_code::text, division::text FROM crm_data.address;
CREATE TABLE plain.purchase AS SELECT customer_code::text, order_no, amount FROM crm_data.purchase;
DO \$\$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'plain'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('CREATE INDEX ON %s (customer_code)', t); END LOOP; END \$\$;
VACUUM ANALYZE;
SQL

lookup="SELECT count(v) FROM probe p, LATERAL (SELECT to_jsonb(x)::text AS v FROM crm.customer_view x WHERE x.customer_code = p.customer_code OFFSET 0) y \\gset _"
say "looking up $lookups customers"
before=$(cpu "$lookup")

say "$merges merges"
persecond() { awk -v n="$merges" -v from="$1" -v to="$2" 'BEGIN { printf "%.0f", n / (to - from) }'; }
run -c "SELECT format('SELECT crm.merge(%L, %L, %L);', survivor, loser, '{\"document\": \"survivor\"}') FROM pair WHERE n < 2 * $merges ORDER BY n" >"$dir/merge.sql"
run -c "SELECT 'BEGIN;' || string_agg(format('UPDATE plain.%s SET customer_code = %L WHERE customer_code = %L;', t, survivor, loser), '') || 'COMMIT;'
          FROM pair, unnest(ARRAY['individual', 'identity_document', 'contact_point', 'bank_account', 'address', 'purchase']) t WHERE n < 2 * $merges GROUP BY n ORDER BY n" >"$dir/rewrite.sql"
from=$EPOCHREALTIME; run -f "$dir/merge.sql" >/dev/null; ours=$(persecond "$from" "$EPOCHREALTIME")
from=$EPOCHREALTIME; run -f "$dir/rewrite.sql" >/dev/null; peer=$(persecond "$from" "$EPOCHREALTIME")
claim 'merges a second, previewed values, undoable; peer rewrites keys' "$ours" "$peer" 'at least 0.1'
run -c "SELECT format('SELECT crm.unmerge(%s, %L);', merge_id, 'bench') FROM crm_data.merge ORDER BY random()" >"$dir/unmerge.sql"
from=$EPOCHREALTIME; run -f "$dir/unmerge.sql" >/dev/null; undone=$(persecond "$from" "$EPOCHREALTIME")
claim 'merges undone a second, in any order; peer: merges a second' "$undone" "$ours" 'at least 0.5'

say "pointers of one in ten"
run <<'SQL' >/dev/null
UPDATE crm_data.customer c SET survivor_code = p.survivor, lifecycle_state = 'merged', golden = NULL FROM public.pair p WHERE c.customer_code = p.loser;
UPDATE crm_data.customer c SET golden = jsonb_build_object('phone', p.loser, 'occupation', p.loser, 'registered_at', p.loser) FROM public.pair p WHERE c.customer_code = p.survivor;
VACUUM ANALYZE;
SQL
after=$(cpu "$lookup")
claim 'unified view by code, 1 in 10 merged, CPU s; peer: none merged' "$after" "$before" 'at most 1.2'
