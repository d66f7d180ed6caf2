# Points: every bound of the points ledger, each beside its peer in one run.
#
# The limit is one statement that does a bare UPDATE and a bare INSERT into a journal with
# the same key. A load is measured directly after a run of its peer, in rounds, and the
# medians are compared; server CPU is that of the server's own processes for a transaction,
# which other work on the machine disturbs less than the rate. Other peers, written here:
#
# - a ledger with a row for each lot, in PL/pgSQL, that keeps the same promises as well as it
#   can: a row for each lot that was drawn on (so that a reversal finds lot and last day), the
#   first answer again for the same request, a refusal for the same name with another amount,
#   and a balance that is right on the business date whether or not expiry was posted. Lots
#   are found one by one by their key, updates stay in the page. It keeps no hash chain.
# - the same promises where the balance is the sum of the lots, as most ledgers of this kind
#   have it: one statement under a lock on the account adds up, draws and writes. The bounds
#   1.8 and 3 are against this one
# - the same without any of these promises: balance and lots, and a line in a journal
# - one with the shape of pgledger: text identifiers, accounts locked in order, transfers and
#   entries in tables of their own, balances before and after. It is kinder to the peer than
#   the original, whose identifiers and nested calls take twice as much. CRM_BENCH_PGLEDGER:
#   the files that make the original, in order (uuid-to-ulid.sql of pgsql-ulid, pgledger.sql);
#   then it runs too.
#
# A batch's names are random in one case, which spreads its entries over the whole index, and
# follow one another in the other, as those of a system that numbers its requests do.
#
# Ends with the audit. CRM_BENCH_ROWS of 10,000,000 and more: the expiry run has to find one
# account in a hundred.
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
CREATE TABLE limit_account (customer_code crm.customer_code PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 80);
CREATE TABLE limit_journal (customer_code crm.customer_code, request_id text, amount bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(),
                            PRIMARY KEY (customer_code, request_id));
CREATE TABLE lot_account (customer_code crm.customer_code PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE lot (customer_code crm.customer_code, expires_on date, id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL,
                  PRIMARY KEY (customer_code, expires_on, id)) WITH (fillfactor = 70);
CREATE TABLE lot_journal (customer_code crm.customer_code, request_id text, amount bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(),
                          PRIMARY KEY (customer_code, request_id));
CREATE FUNCTION lean_redeem(c crm.customer_code, r text, n bigint) RETURNS bigint LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    left_over bigint := n;
    place tid;
    have bigint;
    b bigint;
BEGIN
    UPDATE lot_account SET balance = balance - n WHERE customer_code = c AND balance >= n RETURNING balance INTO b;
    IF NOT FOUND THEN RAISE 'insufficient'; END IF;
    INSERT INTO lot_journal VALUES (c, r, -n);
    LOOP
        SELECT l.ctid, l.amount INTO place, have FROM lot l WHERE l.customer_code = c AND l.amount > 0 ORDER BY l.expires_on, l.id LIMIT 1;
        UPDATE lot SET amount = amount - least(left_over, have) WHERE ctid = place;
        left_over := left_over - least(left_over, have);
        EXIT WHEN left_over = 0;
    END LOOP;
    RETURN b;
END $$;
-- One row for each lot drawn on is journal and key of the request at once.
CREATE TABLE lot_movement (customer_code crm.customer_code, request_id text, line integer, expires_on date NOT NULL, lot bigint NOT NULL, amount bigint NOT NULL,
                           asked bigint NOT NULL, balance bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (customer_code, request_id, line));
CREATE FUNCTION lot_redeem(c crm.customer_code, r text, n bigint, d date) RETURNS bigint LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    left_over bigint := n;
    number integer := 0;
    place tid;
    day date;
    which bigint;
    have bigint;
    b bigint;
BEGIN
    SELECT m.asked, m.balance INTO have, b FROM lot_movement m WHERE m.customer_code = c AND m.request_id = r AND m.line = 1;
    IF FOUND THEN
        IF have <> -n THEN RAISE 'another request of this name'; END IF;
        RETURN b;
    END IF;
    UPDATE lot_account SET balance = balance - n WHERE customer_code = c RETURNING balance INTO b;
    SELECT b - coalesce(sum(l.amount), 0) INTO b FROM lot l WHERE l.customer_code = c AND l.expires_on < d;
    IF b IS NULL OR b < 0 THEN RAISE 'insufficient'; END IF;
    LOOP
        SELECT l.ctid, l.expires_on, l.id, l.amount INTO place, day, which, have FROM lot l
         WHERE l.customer_code = c AND l.expires_on >= d AND l.amount > 0 ORDER BY l.expires_on, l.id LIMIT 1;
        have := least(left_over, have);
        number := number + 1;
        UPDATE lot SET amount = amount - have WHERE ctid = place;
        INSERT INTO lot_movement VALUES (c, r, number, day, which, -have, -n, b);
        left_over := left_over - have;
        EXIT WHEN left_over = 0;
    END LOOP;
    RETURN b;
END $$;
CREATE FUNCTION summed_redeem(c crm.customer_code, r text, n bigint, d date) RETURNS bigint LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    have bigint;
    b bigint;
BEGIN
    SELECT m.asked, m.balance INTO have, b FROM lot_movement m WHERE m.customer_code = c AND m.request_id = r AND m.line = 1;
    IF FOUND THEN
        IF have <> -n THEN RAISE 'another request of this name'; END IF;
        RETURN b;
    END IF;
    PERFORM FROM lot_account a WHERE a.customer_code = c FOR UPDATE;
    WITH live AS (
        SELECT l.ctid AS place, l.expires_on, l.id, l.amount, sum(l.amount) OVER (ORDER BY l.expires_on, l.id) AS upto, sum(l.amount) OVER () AS total
          FROM lot l WHERE l.customer_code = c AND l.expires_on >= d AND l.amount > 0
    ), drawn AS (
        SELECT v.place, v.expires_on, v.id, least(v.amount, n - (v.upto - v.amount))::bigint AS taken, (v.total - n)::bigint AS left_over FROM live v
         WHERE v.upto - v.amount < n AND v.total >= n
    ), written AS (
        UPDATE lot l SET amount = l.amount - x.taken FROM drawn x WHERE l.ctid = x.place
    )
    INSERT INTO lot_movement SELECT c, r, row_number() OVER (ORDER BY x.expires_on, x.id), x.expires_on, x.id, -x.taken, -n, x.left_over FROM drawn x
    RETURNING balance INTO b;
    IF NOT FOUND THEN RAISE 'insufficient'; END IF;
    RETURN b;
END $$;
-- The shape of pgledger's work: identifiers that sort by time as 26 letters, accounts locked one
-- by one in order, checks in a function, transfers and two entries each with balances.
CREATE FUNCTION book_id(prefix text) RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = public AS $$
DECLARE
    bytes bytea := substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) || substring(uuid_send(gen_random_uuid()) FROM 7);
    id text := prefix || '_';
    bit integer;
BEGIN
    FOR letter IN 0 .. 25 LOOP
        bit := greatest(letter * 5 - 2, 0);
        id := id || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((get_byte(bytes, bit / 8) << 8 | get_byte(bytes, least(bit / 8 + 1, 15))) >> (11 - bit % 8) & 31), 1);
    END LOOP;
    RETURN id;
END $$;
CREATE TABLE book_account (id text PRIMARY KEY, name text NOT NULL, currency text NOT NULL, balance numeric NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0,
                           may_be_negative boolean NOT NULL DEFAULT true, may_be_positive boolean NOT NULL DEFAULT true, note jsonb, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE book_transfer (id text PRIMARY KEY DEFAULT book_id('tr'), from_account text NOT NULL REFERENCES book_account, to_account text NOT NULL REFERENCES book_account,
                            amount numeric NOT NULL, created_at timestamptz NOT NULL, happened_at timestamptz NOT NULL, note jsonb, CHECK (amount > 0 AND from_account <> to_account));
CREATE INDEX ON book_transfer (from_account);
CREATE INDEX ON book_transfer (to_account);
CREATE INDEX ON book_transfer (happened_at);
CREATE TABLE book_entry (id text PRIMARY KEY DEFAULT book_id('en'), account text NOT NULL REFERENCES book_account, transfer text NOT NULL REFERENCES book_transfer,
                         amount numeric NOT NULL, balance_before numeric NOT NULL, balance_after numeric NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON book_entry (account);
CREATE INDEX ON book_entry (transfer);
CREATE FUNCTION book_check(a book_account) RETURNS void LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    IF a.balance < 0 AND NOT a.may_be_negative OR a.balance > 0 AND NOT a.may_be_positive THEN RAISE 'balance of %', a.id; END IF;
END $$;
CREATE FUNCTION book_transfer(a text, b text, n numeric) RETURNS SETOF book_transfer LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    places text[];
    one text;
    x book_account;
    y book_account;
    t text;
BEGIN
    SELECT array_agg(DISTINCT id ORDER BY id) INTO places FROM unnest(ARRAY[a, b]) id;
    FOREACH one IN ARRAY places LOOP
        PERFORM id FROM book_account WHERE id = one FOR UPDATE;
    END LOOP;
    UPDATE book_account SET balance = balance - n, version = version + 1, updated_at = now() WHERE id = a RETURNING * INTO x;
    PERFORM book_check(x);
    UPDATE book_account SET balance = balance + n, version = version + 1, updated_at = now() WHERE id = b RETURNING * INTO y;
    PERFORM book_check(y);
    IF x.currency <> y.currency THEN RAISE 'different currencies'; END IF;
    INSERT INTO book_transfer (from_account, to_account, amount, created_at, happened_at) VALUES (a, b, n, now(), now()) RETURNING id INTO t;
    INSERT INTO book_entry (account, transfer, amount, balance_before, balance_after, version, created_at) VALUES (a, t, -n, x.balance + n, x.balance, x.version, now());
    INSERT INTO book_entry (account, transfer, amount, balance_before, balance_after, version, created_at) VALUES (b, t, n, y.balance - n, y.balance, y.version, now());
    RETURN QUERY SELECT * FROM book_transfer WHERE id = t;
END $$;
INSERT INTO book_account (id, name, currency) SELECT format('ac_%s', lpad(n::text, 26, '0')), 'account ' || n, 'points' FROM generate_series(1, 10000) n;
SQL

# 10,000 accounts with so many lots each, of so many points.
fill() {
	local points=${2:-1000000}
	run -c "TRUNCATE limit_account, limit_journal, lot_account, lot, lot_journal, lot_movement" \
		-c "TRUNCATE crm_data.points_account, crm_data.points_journal, crm_data.points_reversal" >/dev/null
	run >/dev/null <<SQL
SET search_path = public, crm;
INSERT INTO limit_account SELECT customer_code('2020-01-01', n), 1000000000 FROM generate_series(1, 10000) n;
INSERT INTO lot_account SELECT customer_code, $1 * $points FROM limit_account;
INSERT INTO lot (customer_code, expires_on, amount) SELECT customer_code, '2030-01-31'::date + 30 * n, $points FROM limit_account, generate_series(1, $1) n;
SELECT count(*) FROM (SELECT (points_post_batch(array_agg(ROW('fill ' || k, '2026-01-01', 'earn', a.customer_code, NULL, 'main', $points, '2030-01-31'::date + 30 * k, NULL, NULL)::points_op ORDER BY k))).status
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
SELECT lot_redeem(crm.customer_code(date '\''2020-01-01'\'', :n), gen_random_uuid()::text, 1, date '\''2026-01-02'\'');'
summed_sql='\set n random(1, 10000)
SELECT summed_redeem(crm.customer_code(date '\''2020-01-01'\'', :n), gen_random_uuid()::text, 1, date '\''2026-01-02'\'');'
lean_sql='\set n random(1, 10000)
SELECT lean_redeem(crm.customer_code(date '\''2020-01-01'\'', :n), gen_random_uuid()::text, 1);'

transfer_sql='\set n random(1, 10000)
\set m (:n + random(1, 9999) - 1) % 10000 + 1
SELECT crm.points_transfer(crm.customer_code(date '\''2020-01-01'\'', :n), crm.customer_code(date '\''2020-01-01'\'', :m::int), '\''main'\'', gen_random_uuid()::text, 1, date '\''2026-01-02'\'');'
book_sql='\set n random(1, 10000)
\set m (:n + random(1, 9999) - 1) % 10000 + 1
SELECT book_transfer(format('\''ac_%s'\'', lpad(:n::text, 26, '\''0'\'')), format('\''ac_%s'\'', lpad(:m::text, 26, '\''0'\'')), 1);'

real_sql=${book_sql/book_transfer/pgledger_create_transfer}

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
	pairs "redeem, $lots lots; peer: a row for each lot, the balance their sum" "$redeem_sql" "$summed_sql" "$([ $lots = 12 ] && echo 'at least 1.8' || echo 'at least 3')" ''
	pairs "redeem, $lots lots; peer: a row for each lot and a balance, the same promises" "$redeem_sql" "$lot_sql" '' ''
	pairs "redeem, $lots lots; peer: a row for each lot, no promises" "$redeem_sql" "$lean_sql" '' ''
	run -F $'\t' -c "SELECT 'updates of accounts that stay in the page, $lots lots, %; peer: all', round(100.0 * n_tup_hot_upd / n_tup_upd, 1), 100, round(1.0 * n_tup_hot_upd / n_tup_upd, 3), 'at least 0.95'
	                   FROM pg_stat_user_tables WHERE relname = 'points_account' AND n_tup_upd > 0"
done

# What is redeemed is more than a lot has: 250 points out of lots of 100, of which there are
# enough for all rounds.
say 'redemptions that take several lots'
fill 120 100
pairs 'redeem, 3 of 120 lots; peer: a row for each lot, the same promises' "${redeem_sql/, 1, date/, 250, date}" "${lot_sql/, 1, date/, 250, date}" '' ''
fill 120

say 'transfers'
pairs 'redeem, 120 lots; peer: a transfer in the shape of pgledger' "$redeem_sql" "$book_sql" 'the original: at least 3.5' ''
pairs 'transfer; peer: a transfer in the shape of pgledger' "$transfer_sql" "$book_sql" '' ''
if [ -n "${CRM_BENCH_PGLEDGER:-}" ]; then
	for file in $CRM_BENCH_PGLEDGER; do run -f "$file" >/dev/null; done
	run -c "SELECT count(a) FROM generate_series(1, 10000) n, pgledger_create_account('account ' || n, 'points') a" \
		-c "UPDATE pgledger_accounts a SET id = format('ac_%s', lpad(v.n::text, 26, '0')) FROM (SELECT id, row_number() OVER () AS n FROM pgledger_accounts) v WHERE v.id = a.id" \
		-c 'VACUUM FULL ANALYZE pgledger_accounts' >/dev/null
	pairs 'redeem, 120 lots; peer: a transfer of pgledger itself' "$redeem_sql" "$real_sql" 'at least 3.5' ''
	pairs 'transfer; peer: a transfer of pgledger itself' "$transfer_sql" "$real_sql" '' ''
fi

say 'one hot account, 100 operations a call'
fill 12
hot_sql='\set k random(1, 1000000000)
SELECT count(*) FROM crm.points_post_batch(ARRAY(SELECT ROW(NAME, date '\''2026-01-02'\'', '\''earn'\'', crm.customer_code(date '\''2020-01-01'\'', 1), NULL, '\''main'\'', 1, date '\''2030-03-02'\'', NULL, NULL)::crm.points_op FROM generate_series(1, 100) i));'
# Both are measured in rounds, as the limit's journal grows too.
hot() {
	local peer
	rm -f "$dir"/points_*.n
	for ((i = 0; i < rounds; i++)); do
		run -c 'TRUNCATE limit_journal, crm_data.points_journal' >/dev/null
		peer=$(measure "$limit_sql" | cut -d' ' -f1)
		echo "$peer" >>"$dir/points_pr.n"
		measure "${hot_sql/NAME/$2}" | awk '{ print 100 * $1 }' >>"$dir/points_or.n"
	done
	claim "operations on one hot account by batches of 100, $1, a second; peer: the limit, 10000 accounts" \
		"$(median <"$dir/points_or.n")" "$(median <"$dir/points_pr.n")" 'at least 8'
}
hot 'random names' 'gen_random_uuid()::text'
hot 'names that follow one another' ":k || '-' || i"
limit=$(measure "${limit_sql//:n/1}" | cut -d' ' -f1)
claim 'the same; peer: the limit on one hot account' "$(median <"$dir/points_or.n")" "$limit" ''

# Bytes of write-ahead log for one posting, on 400 accounts whose pages were logged whole before.
wal() {
	local from
	printf '%s\n' "${1//10000/400}" >"$dir/points.sql"
	PGOPTIONS='-c synchronous_commit=off' pgbench -n -M prepared -t 2000 -f "$dir/points.sql" >/dev/null 2>&1
	from=$(run -c 'SELECT pg_current_wal_insert_lsn()')
	PGOPTIONS='-c synchronous_commit=off' pgbench -n -M prepared -t 2000 -f "$dir/points.sql" >/dev/null 2>&1
	run -c "SELECT round((pg_current_wal_insert_lsn() - '$from') / 2000)"
}
limit=
for lots in 1 12 120; do
	fill $lots
	[ -n "$limit" ] || limit=$(wal "$limit_sql")
	claim "log of a redemption, $lots lots, bytes; peer: the limit" "$(wal "$redeem_sql")" "$limit" ''
	claim "log of an earning, $lots lots, bytes; peer: the limit" "$(wal "$earn_sql")" "$limit" ''
done

say "$rows accounts: set-based posting, size, expiry, audit"
# CPU of the session that runs it, in seconds, and seconds.
spent() {
	run <<SQL | tail -1
SELECT string_to_array(pg_read_file('/proc/self/stat'), ' ') AS a, clock_timestamp() AS t \gset
$1
SELECT round((b[14]::int + b[15]::int - (:'a'::text[])[14]::int - (:'a'::text[])[15]::int) / 100.0, 2), round(extract(epoch FROM clock_timestamp() - :'t')::numeric, 2)
  FROM string_to_array(pg_read_file('/proc/self/stat'), ' ') b \g (format=unaligned fieldsep=' ')
SQL
}
batches() { # request id, expression of the last day
	printf '%s' "SELECT count(*) FROM generate_series(0, ($rows - 1) / 1000) b, LATERAL crm.points_post_batch(ARRAY(SELECT ROW('$1', date '2026-01-01', 'earn', crm.customer_code('2020-01-01'::date + b, n), NULL, 'main', n, $2, NULL, NULL)::crm.points_op FROM generate_series(1, 1000) n));"
}
run >/dev/null <<SQL
TRUNCATE crm_data.points_account, crm_data.points_journal, crm_data.points_reversal, limit_account, limit_journal;
INSERT INTO limit_account SELECT crm.customer_code('2020-01-01'::date + b, n), 0 FROM generate_series(0, ($rows - 1) / 1000) b, generate_series(1, 1000) n;
INSERT INTO limit_journal SELECT customer_code, 'open', 0 FROM limit_account;
SQL
spent "$(batches open "date '2026-12-31' + (n % 10 + 365 * (n % 3))")" >/dev/null
run -c 'VACUUM ANALYZE crm_data.points_account' -c 'VACUUM ANALYZE crm_data.points_journal' -c 'VACUUM ANALYZE limit_account' -c 'VACUUM ANALYZE limit_journal' >/dev/null
size() { run -F $'\t' -c "SELECT '$1', round(($2) / count(*)), 150, round(($2) / count(*) / 150.0, 2), '$3' FROM crm_data.points_account"; }
size 'bytes an account, one lot, chain: its table as it fills the disk, and the index on the next expiry; peer: 150' \
	"(pg_relation_size('crm_data.points_account') + pg_relation_size('crm_data.points_account_due_idx'))::numeric" 'at most 1'
size 'the same with the key; peer: 150' "pg_total_relation_size('crm_data.points_account')::numeric" ''
for ((i = 1; i <= rounds; i++)); do
	run -c CHECKPOINT >/dev/null
	spent "WITH u AS (UPDATE limit_account SET balance = balance + 1 RETURNING customer_code) INSERT INTO limit_journal SELECT customer_code, 'bill $i', 1 FROM u;" >>"$dir/points_set_peer.n"
	run -c CHECKPOINT >/dev/null
	spent "$(batches "bill $i" "date '2028-12-31'")" >>"$dir/points_set_ours.n"
	run -c 'VACUUM crm_data.points_account' -c 'VACUUM limit_account' >/dev/null
done
for column in 1 2; do
	claim "set-based posting to $rows accounts, $([ $column = 1 ] && echo 'CPU s' || echo s); peer: bare UPDATE and INSERT" \
		"$(cut -d' ' -f$column <"$dir/points_set_ours.n" | median)" "$(cut -d' ' -f$column <"$dir/points_set_peer.n" | median)" "$([ $column = 1 ] && echo 'at most 1.6')"
done
run -c 'VACUUM ANALYZE crm_data.points_account' -c 'SELECT pg_stat_reset()' >/dev/null
due=$(run -c "SELECT count(*) FROM crm_data.points_account WHERE next_due < '2027-01-04'")
took=$(spent "CALL crm.points_expire_due('2027-01-04');" | cut -d' ' -f2)
claim "expiry of $due due accounts of $rows, accounts a second; peer: 15000" "$(awk "BEGIN { printf \"%.0f\", $due / $took }")" 15000 'at least 1'
sleep 1
claim "rows of accounts that the run has fetched; peer: those due" \
	"$(run -c "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'points_account'")" "$due" 'at most 3'
claim "expiry run with nothing due, s; peer: 1" "$(spent "CALL crm.points_expire_due('2027-01-04');" | cut -d' ' -f2)" 1 'at most 1'
claim "audit of $rows accounts, $((rounds + 1)) entries each, s; peer: 10 s for a million" \
	"$(spent 'SELECT * FROM crm.points_audit();' | cut -d' ' -f2)" "$(awk "BEGIN { print 10 * $rows / 1000000 }")" 'at most 1'
[ -z "$(run -c 'SELECT * FROM crm.points_audit() LIMIT 1')" ] || { say 'the books are not in balance'; exit 1; }
rm -rf "$dir"
