# Points: redeem and earn, one call each, beside the limit: one statement that does a bare
# UPDATE and a bare INSERT into a journal with the same key; each measured directly after a
# run of the limit. CPU is that of the server's own processes. Also a lot-per-row ledger in
# SQL, one hot account, the size of an account, expiry, the audit. Ends with the audit.
set -euo pipefail
seconds=${CRM_BENCH_SECONDS:-5}
rows=$CRM_BENCH_ROWS
rounds=${CRM_BENCH_ROUNDS:-3}
dir=build/bench
mkdir -p "$dir"
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

run <<'SQL' >/dev/null
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
CREATE TABLE limit_account (customer_code crm.customer_code PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE limit_journal (customer_code crm.customer_code, request_id text, amount bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(),
                            PRIMARY KEY (customer_code, request_id));
CREATE TABLE lot_account (customer_code crm.customer_code PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE lot (customer_code crm.customer_code, expires_on date, id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL,
                  PRIMARY KEY (customer_code, expires_on, id)) WITH (fillfactor = 70);
CREATE TABLE lot_journal (customer_code crm.customer_code, request_id text, amount bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(),
                          PRIMARY KEY (customer_code, request_id));
CREATE FUNCTION lot_redeem(c crm.customer_code, r text, n bigint) RETURNS bigint LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    left_over bigint := n;
    l record;
    b bigint;
BEGIN
    UPDATE lot_account SET balance = balance - n WHERE customer_code = c AND balance >= n RETURNING balance INTO b;
    IF NOT FOUND THEN RAISE 'insufficient'; END IF;
    INSERT INTO lot_journal VALUES (c, r, -n);
    FOR l IN SELECT ctid, amount FROM lot WHERE customer_code = c AND amount > 0 ORDER BY expires_on, id LOOP
        UPDATE lot SET amount = amount - least(left_over, l.amount) WHERE ctid = l.ctid;
        left_over := left_over - least(left_over, l.amount);
        EXIT WHEN left_over = 0;
    END LOOP;
    RETURN b;
END $$;
SQL

# So many accounts with so many lots each, in all three ledgers.
fill() {
	run -c "TRUNCATE limit_account, limit_journal, lot_account, lot, lot_journal" \
		-c "TRUNCATE crm_data.points_account, crm_data.points_journal, crm_data.points_reversal" >/dev/null
	run >/dev/null <<SQL
SET search_path = public, crm;
INSERT INTO limit_account SELECT customer_code('2020-01-01', n), 1000000000 FROM generate_series(1, 10000) n;
INSERT INTO lot_account SELECT customer_code, balance FROM limit_account;
INSERT INTO lot (customer_code, expires_on, amount) SELECT customer_code, '2030-01-31'::date + 30 * n, 1000000 FROM limit_account, generate_series(1, $1) n;
SELECT count(*) FROM (SELECT (points_post_batch(array_agg(ROW('fill ' || k, '2026-01-01', 'earn', a.customer_code, NULL, 'main', 1000000, '2030-01-31'::date + 30 * k, NULL, NULL)::points_op ORDER BY k))).status
  FROM limit_account a, generate_series(1, $1) k GROUP BY a.customer_code) v WHERE status <> 'ok';
DELETE FROM crm_data.points_journal;
VACUUM ANALYZE;
CHECKPOINT;
SQL
}

server_ticks() { local pid; pid=$(head -1 "$(run -c 'SHOW data_directory')/postmaster.pid"); awk '{ print $16 + $17 }' "/proc/$pid/stat"; }

# Prints transactions a second, and microseconds of server CPU for each.
measure() {
	local ticks
	printf '%s\n' "$1" >"$dir/points.sql"
	ticks=$(server_ticks)
	pgbench -n -M prepared -c 8 -j 2 -T "$seconds" -f "$dir/points.sql" >"$dir/points.log" 2>&1 || { cat "$dir/points.log" >&2; exit 1; }
	sleep 0.3
	awk -v ticks=$(($(server_ticks) - ticks)) '/number of transactions actually/ { split($NF, n, "/"); count = n[1] } /^tps/ { tps = $3 }
		END { printf "%.0f %.1f\n", tps, ticks * 10000 / count }' "$dir/points.log"
}
limit_sql='\set n random(1, 10000)
WITH u AS (UPDATE limit_account SET balance = balance - 1 WHERE customer_code OPERATOR(crm.=) crm.customer_code(date '\''2020-01-01'\'', :n) RETURNING customer_code) INSERT INTO limit_journal SELECT customer_code, gen_random_uuid()::text, -1 FROM u;'
redeem_sql='\set n random(1, 10000)
SELECT crm.points_redeem(crm.customer_code(date '\''2020-01-01'\'', :n), '\''main'\'', gen_random_uuid()::text, 1, date '\''2026-01-02'\'');'
earn_sql='\set n random(1, 10000)
SELECT crm.points_earn(crm.customer_code(date '\''2020-01-01'\'', :n), '\''main'\'', gen_random_uuid()::text, 1, date '\''2030-03-02'\'', NULL, date '\''2026-01-02'\'');'
lot_sql='\set n random(1, 10000)
SELECT lot_redeem(crm.customer_code(date '\''2020-01-01'\'', :n), gen_random_uuid()::text, 1);'

claim() { awk -v c="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%s\t%s\t%.2f\t%s\n", c, o, p, o / p, b }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# One statement against another, in pairs; the medians of rate and CPU.
pairs() {
	local name=$1 ours=$2 peer=$3 rate_bound=$4 cpu_bound=$5
	rm -f "$dir"/points_*.n
	for ((i = 0; i < rounds; i++)); do
		measure "$peer" | { read -r r c; echo "$r" >>"$dir/points_pr.n"; echo "$c" >>"$dir/points_pc.n"; }
		measure "$ours" | { read -r r c; echo "$r" >>"$dir/points_or.n"; echo "$c" >>"$dir/points_oc.n"; }
	done
	claim "$name, a second" "$(median <"$dir/points_or.n")" "$(median <"$dir/points_pr.n")" "$rate_bound"
	claim "$name, server CPU us" "$(median <"$dir/points_oc.n")" "$(median <"$dir/points_pc.n")" "$cpu_bound"
}

for lots in 12 120; do
	say "10000 accounts of $lots lots"
	fill $lots
	pairs "redeem, $lots lots; peer: the limit" "$redeem_sql" "$limit_sql" "$([ $lots = 12 ] && echo 'at least 0.95' || echo 'at least 0.9')" "$([ $lots = 12 ] && echo 'at most 1.0' || echo 'at most 1.1')"
	pairs "earn, $lots lots; peer: the limit" "$earn_sql" "$limit_sql" "$([ $lots = 12 ] && echo 'at least 0.95' || echo 'at least 0.9')" "$([ $lots = 12 ] && echo 'at most 1.0' || echo 'at most 1.1')"
	pairs "redeem, $lots lots; peer: a row for each lot" "$redeem_sql" "$lot_sql" "$([ $lots = 12 ] && echo 'at least 1.8' || echo 'at least 3')" ''
	run -F $'\t' -c "SELECT 'updates of accounts that stay in the page, $lots lots, %; peer: all', round(100.0 * n_tup_hot_upd / n_tup_upd, 1), 100, round(1.0 * n_tup_hot_upd / n_tup_upd, 3), 'at least 0.95'
	                   FROM pg_stat_user_tables WHERE relname = 'points_account' AND n_tup_upd > 0"
done

say 'one hot account, 100 operations a call'
limit=$(measure "${limit_sql//:n/1}" | cut -d' ' -f1)
hot=$(measure 'SELECT count(*) FROM crm.points_post_batch(ARRAY(SELECT ROW(gen_random_uuid()::text, date '\''2026-01-02'\'', '\''earn'\'', crm.customer_code(date '\''2020-01-01'\'', 1), NULL, '\''main'\'', 1, date '\''2030-03-02'\'', NULL, NULL)::crm.points_op FROM generate_series(1, 100)));' | cut -d' ' -f1)
claim 'operations on one hot account by batches of 100, a second; peer: the limit there' "$((hot * 100))" "$limit" 'at least 8'

say "$rows accounts: size, expiry, audit"
run -c 'TRUNCATE crm_data.points_account, crm_data.points_journal, crm_data.points_reversal' >/dev/null
timed() { local from to; from=$(date +%s.%N); run -c "$1" >/dev/null; to=$(date +%s.%N); awk "BEGIN { printf \"%.2f\", $to - $from }"; }
load=$(timed "SELECT count(*) FROM generate_series(0, ($rows - 1) / 1000) b, LATERAL crm.points_post_batch(ARRAY(SELECT ROW('open', date '2026-01-01', 'earn', crm.customer_code('2020-01-01'::date + b, n), NULL, 'main', n, date '2026-12-31' + (n % 100 + 365 * (n % 3)), NULL, NULL)::crm.points_op FROM generate_series(1, 1000) n))")
claim "first postings in batches of 1000, $rows accounts, s; peer: 100 us each" "$load" "$(awk "BEGIN { print $rows / 10000 }")" 'at most 1'
run -c 'VACUUM ANALYZE crm_data.points_account' >/dev/null
run -F $'\t' -c "SELECT 'bytes an account, one lot, with the chain; peer: 150', pg_relation_size('crm_data.points_account') * 7 / 10 / count(*), 150, round(pg_relation_size('crm_data.points_account') * 0.7 / count(*) / 150, 2), 'at most 1' FROM crm_data.points_account"
due=$(run -c "SELECT count(*) FROM crm_data.points_account WHERE next_due < '2027-01-01'")
took=$(timed "CALL crm.points_expire_due('2027-01-01')")
claim 'expiry of the due accounts, accounts a second; peer: 15000' "$(awk "BEGIN { printf \"%.0f\", $due / $took }")" 15000 'at least 1'
claim "audit of $rows accounts, s; peer: 10 s for a million" "$(timed 'SELECT * FROM crm.points_audit()')" "$(awk "BEGIN { print 10 * $rows / 1000000 }")" 'at most 1'
[ -z "$(run -c 'SELECT * FROM crm.points_audit() LIMIT 1')" ] || { say 'the books are not in balance'; exit 1; }
rm -rf "$dir"
