# Bulk import of customers with five personal-data fields each, through staging,
# validation, encryption, duplicate search and codes, against COPY of the same
# plain text into plain tables with as many indexes. Then the unified view by code.
set -euo pipefail
export PGOPTIONS='-c search_path=public,crm'
rows=$CRM_BENCH_ROWS
dir=build/bench
mkdir -p "$dir"
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
seconds() { local from=$EPOCHREALTIME; "$@" >&2; awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $from }"; }

say "making $rows customers"
sample/generate --clean --rows "$rows" --seed 7 | perl bench/plain.pl "$dir"

run <<'SQL' >/dev/null
SET client_min_messages = warning;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT crm.key_generate();
SELECT crm.define_code_scheme('MASS', '批量', 'Mass import', serial_digits => 7, widen => true);
CREATE SCHEMA plain;
CREATE TABLE plain.customer (customer_code text PRIMARY KEY, kind text NOT NULL, lifecycle_state text NOT NULL, survivor_code text NOT NULL,
    owner_unit text, channel text NOT NULL, registered_at timestamptz NOT NULL DEFAULT now(), registered_by name NOT NULL DEFAULT session_user,
    updated_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON plain.customer (survivor_code);
CREATE TABLE plain.individual (customer_code text PRIMARY KEY, name text NOT NULL, sex "char", birth_date date, occupation text);
CREATE INDEX ON plain.individual (name);
CREATE TABLE plain.organization (customer_code text PRIMARY KEY, name text NOT NULL, uscc text, industry text, legal_representative text, contact_name text);
CREATE INDEX ON plain.organization (name);
CREATE INDEX ON plain.organization (uscc);
CREATE TABLE plain.customer_group (customer_code text PRIMARY KEY, name text NOT NULL, industry text, contact_name text);
CREATE INDEX ON plain.customer_group (name);
CREATE TABLE plain.identity_document (customer_code text, document_no smallint, kind text NOT NULL, number text NOT NULL, PRIMARY KEY (customer_code, document_no));
CREATE UNIQUE INDEX ON plain.identity_document (number, kind);
CREATE TABLE plain.contact_point (customer_code text, contact_no smallint, phone text, email text, is_preferred boolean NOT NULL, PRIMARY KEY (customer_code, contact_no));
CREATE INDEX ON plain.contact_point ((coalesce(phone, email)));
CREATE TABLE plain.bank_account (customer_code text, account_no smallint, card text NOT NULL, PRIMARY KEY (customer_code, account_no));
CREATE INDEX ON plain.bank_account (card);
CREATE TABLE plain.address (customer_code text, address_no smallint, division int, detail text NOT NULL, valid_during daterange NOT NULL, PRIMARY KEY (customer_code, address_no));
CREATE INDEX ON plain.address (division);
SQL

peer() {
	run <<SQL
\copy plain.customer (customer_code, kind, lifecycle_state, survivor_code, channel) FROM '$dir/customer.csv' CSV
\copy plain.individual FROM '$dir/individual.csv' CSV
\copy plain.organization FROM '$dir/organization.csv' CSV
\copy plain.customer_group FROM '$dir/customer_group.csv' CSV
\copy plain.identity_document FROM '$dir/identity_document.csv' CSV
\copy plain.contact_point FROM '$dir/contact_point.csv' CSV
\copy plain.bank_account FROM '$dir/bank_account.csv' CSV
\copy plain.address FROM '$dir/address.csv' CSV
SQL
}
stage() {
	run <<SQL
\copy crm.customer_staging (line, kind, name, document_kind, document_number, sex, birth_date, phone, email, bank_card, address, occupation, industry, legal_representative, contact_name) FROM '$dir/customers.csv' CSV HEADER
SQL
}
import() { run -c "CALL crm.import_customers('bench', scheme => 'MASS', batch_size => ${CRM_BENCH_BATCH:-2000}, accept_suspected => false)"; }

say 'COPY of plain text into plain tables'
theirs=$(seconds peer)
say "  $theirs s; COPY into staging"
staged=$(seconds stage)
say "  $staged s; import"
imported=$(seconds import)
say "  $imported s"
run -c "SELECT '      ' || outcome || ' ' || coalesce(meaning, '') || ' ' || records FROM crm.import_report('bench')" >&2
ours=$(awk "BEGIN { print $staged + $imported }")
awk -v n="$rows" -v o="$ours" -v p="$theirs" 'BEGIN { printf "bulk import of %d customers, s\t%.1f\t%.1f\t%.2f\tat most 3\n", n, o, p, o / p }'

run -c 'VACUUM (ANALYZE)' >/dev/null
say 'unified view by code'
run >/dev/null <<'SQL'
CREATE TABLE probe AS SELECT row_number() OVER () AS n, customer_code FROM (SELECT customer_code FROM crm_data.customer TABLESAMPLE SYSTEM (1) LIMIT 1000) s;
CREATE FUNCTION pg_temp.warm() RETURNS void LANGUAGE sql AS $$ SELECT 1 $$;
CREATE TABLE timing (what text, ms float8);
DO $$
DECLARE p record; t timestamptz; x record;
BEGIN
    FOR p IN SELECT * FROM probe LOOP
        t := clock_timestamp();
        PERFORM v::text FROM crm.customer_view v WHERE v.customer_code = p.customer_code;
        INSERT INTO timing VALUES ('view', extract(epoch FROM clock_timestamp() - t) * 1000);
        t := clock_timestamp();
        PERFORM crm.customer_card(p.customer_code);
        INSERT INTO timing VALUES ('card', extract(epoch FROM clock_timestamp() - t) * 1000);
        t := clock_timestamp();
        PERFORM c::text, i::text, a::text FROM plain.customer c LEFT JOIN plain.individual i USING (customer_code)
          LEFT JOIN plain.address a USING (customer_code) WHERE c.customer_code = 'PLAN20260101' || lpad(p.n::text, 7, '0');
        INSERT INTO timing VALUES ('plain', extract(epoch FROM clock_timestamp() - t) * 1000);
    END LOOP;
END $$;
SQL
run -F $'\t' -c "
    WITH m AS (SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric AS ms FROM timing GROUP BY what)
    SELECT 'unified view by code, median ms; peer: 3 plain tables', round(o.ms, 3), round(p.ms, 3), round(o.ms / p.ms, 1), 'below 1 ms'
      FROM m o, m p WHERE o.what = 'view' AND p.what = 'plain'
    UNION ALL
    SELECT 'customer card, median ms; peer: 3 plain tables', round(o.ms, 3), round(p.ms, 3), round(o.ms / p.ms, 1), 'below 5 ms'
      FROM m o, m p WHERE o.what = 'card' AND p.what = 'plain'"
rm -rf "$dir"
