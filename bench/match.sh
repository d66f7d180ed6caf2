# Matching: from a table of synthetic Chinese persons to clusters, beside the bounds; one
# record against the whole table; records added one by one; and, on a smaller table, beside
# what one writes with pg_trgm and fuzzystrmatch in SQL, and in DuckDB's SQL where npm installs
# it. CPU seconds are those of the server process with its threads, memory is its own, shared
# buffers left out. The kernel alone is measured by test/unit/match_driver.c: CPU seconds of
# finding and scoring all candidates, on one thread.
set -euo pipefail
rows=$CRM_BENCH_ROWS
small=${CRM_BENCH_MATCH_PEER:-20000}
dir=build/bench
mkdir -p "$dir"
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
claim() { awk -v c="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%s\t%s\t%.2f\t%s\n", c, o, p, (p > 0 ? o / p : 0), b }'; }

run <<'SQL' >/dev/null
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
CREATE EXTENSION pg_trgm;
CREATE EXTENSION fuzzystrmatch;
SQL

# A table of persons with its truth.
load() {
	local table=$1 count=$2
	[ -s "$dir/$table-$count.csv" ] || perl bench/match/people.pl chinese "$count" 7 "$dir/$table-$count"
	run <<SQL
CREATE TABLE $table (id text PRIMARY KEY, name text, gender text, birth_date text, id_number text, phone text, email text, address text);
CREATE TABLE ${table}_truth (id text PRIMARY KEY, cluster_id text);
\\copy $table FROM '$dir/$table-$count.csv' CSV HEADER
\\copy ${table}_truth FROM '$dir/$table-${count}_truth.csv' CSV HEADER
VACUUM ANALYZE $table;
SQL
}

# Runs statements in a session of their own; wall and CPU seconds, and megabytes at the peak.
measure() {
	local pid='' client peak=0 now begun ended ticks=0
	printf 'SET search_path = public, crm;\n%s\nSELECT pg_sleep(2) /* measured */;\n' "$1" >"$dir/match.sql"
	begun=$(date +%s.%N)
	PGAPPNAME=match_bench psql -XqAt -v ON_ERROR_STOP=1 -f "$dir/match.sql" >/dev/null 2>"$dir/match.err" &
	client=$!
	until [ -n "$pid" ]; do pid=$(run -d postgres -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'match_bench'"); done
	until [ "$(run -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND query LIKE '%measured%'")" = 1 ] || ! kill -0 $client 2>/dev/null; do
		now=$(awk '/RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0)
		[ "${now:-0}" -le "$peak" ] || peak=$now
		sleep 0.2
	done
	ended=$(date +%s.%N)
	ticks=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	wait $client || { cat "$dir/match.err" >&2; exit 1; }
	wall=$(awk "BEGIN { printf \"%.1f\", $ended - $begun }")
	cpu=$(awk "BEGIN { printf \"%.1f\", $ticks / $(getconf CLK_TCK) }")
	memory=$((peak / 1024))
}

# Precision, recall and F1 of a relation of (id, cluster_id).
score() {
	run -F ' ' -c "SET search_path = public, crm" -c "
WITH k AS MATERIALIZED (SELECT c.id, c.cluster_id::text AS found, t.cluster_id AS really FROM $1 c JOIN $2 t ON t.id = c.id),
     n AS (SELECT (SELECT sum(c * (c - 1) / 2) FROM (SELECT count(*) AS c FROM k GROUP BY found) x) AS predicted,
                  (SELECT sum(c * (c - 1) / 2) FROM (SELECT count(*) AS c FROM k GROUP BY really) x) AS positive,
                  (SELECT sum(c * (c - 1) / 2) FROM (SELECT count(*) AS c FROM k GROUP BY found, really) x) AS hit)
SELECT round(hit / nullif(predicted, 0), 4), round(hit / positive, 4), round(2 * hit / (predicted + positive), 4) FROM n"
}

say "persons: $rows records"
load persons "$rows"
scale=$(awk "BEGIN { print $rows / 1000000 }")
measure "SELECT match_model_create('persons', 'persons', match_settings_suggest('persons')) \\g /dev/null
CALL match_run('persons');"
claim "table to clusters, $rows persons, CPU s; peer: bound" "$cpu" "$(awk "BEGIN { print 40 * $scale }")" 'at most 1'
claim "table to clusters, $rows persons, wall s; peer: bound" "$wall" "$(awk "BEGIN { print 25 * $scale }")" 'at most 1 on two idle cores'
claim "memory of that, MB; peer: bound" "$memory" 1536 'at most 1'
read -r precision recall f1 < <(score "match_clusters('persons')" persons_truth)
claim "F1 of that, nothing tuned (precision $precision, recall $recall)" "$f1" 0.97 'at least 1'

say 'pairs found and scored'
kernel=$((rows < 200000 ? rows : 200000))
[ -s "$dir/kernel-$kernel.csv" ] || perl bench/match/people.pl chinese "$kernel" 7 "$dir/kernel-$kernel"
gcc -std=gnu99 -O2 -Isrc -o "$dir/match_driver" test/unit/match_driver.c src/match/*_core.c src/ident/*_core.c -lm -lpthread
rate=$("$dir/match_driver" "$dir/kernel-$kernel.csv" -v -j 1 | awk '/^candidates/ { for (i = 1; i < NF; i++) if ($i == "predict") printf "%.0f", $2 / $(i + 1) }')
claim 'pairs found and scored a second and core; peer: bound' "$rate" 1000000 'at least 1'

say 'one record against all'
p95=$(run -c "SET search_path = public, crm" -c "
CREATE TEMPORARY TABLE took (ms float8);
DO \$\$
DECLARE p persons; t timestamptz; n int;
BEGIN
    PERFORM * FROM find_matches_to_new_records('persons', '{}');
    FOR p IN SELECT * FROM persons TABLESAMPLE BERNOULLI (100.0 * 1000 / $rows) REPEATABLE (1) LOOP
        p.name := p.name || '先生';
        p.phone := '+86 ' || p.phone;
        t := clock_timestamp();
        SELECT count(*) INTO n FROM find_matches_to_new_records('persons', to_jsonb(p)) f WHERE f.reasons IS NOT NULL;
        INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - t) * 1000);
    END LOOP;
END \$\$;
SELECT round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2) FROM took" | tail -n 1)
claim "one record against $rows, with reasons, p95 ms; peer: bound" "$p95" 3 'at most 1'

say 'records added'
rate=$(run -c "SET search_path = public, crm" -c "
CREATE TEMPORARY TABLE added (n int, s float8);
DO \$\$
DECLARE t timestamptz := clock_timestamp(); n int;
BEGIN
    SELECT count(match_insert('persons', to_jsonb(p) || jsonb_build_object('id', 'new ' || p.id))) INTO n
      FROM (SELECT * FROM persons TABLESAMPLE BERNOULLI (100.0 * 3000 / $rows) REPEATABLE (2)) p;
    INSERT INTO added VALUES (n, extract(epoch FROM clock_timestamp() - t));
END \$\$;
SELECT round(n / s) FROM added" | tail -n 1)
claim 'records added a second, clusters kept; peer: bound' "$rate" 1000 'at least 1'

say "peer: pg_trgm and fuzzystrmatch, $small records"
load few "$small"
measure "SELECT match_model_create('few', 'few', match_settings_suggest('few')) \\g /dev/null
CALL match_run('few');"
ours=$cpu
measure "CREATE INDEX few_trgm ON few USING gist (name gist_trgm_ops);
CREATE TABLE few_pairs AS
SELECT a.id AS l, b.id AS r FROM few a JOIN few b ON a.id < b.id AND a.phone = b.phone WHERE similarity(a.name, b.name) > 0.3
UNION SELECT a.id, b.id FROM few a JOIN few b ON a.id < b.id AND a.id_number = b.id_number
UNION SELECT a.id, b.id FROM few a JOIN few b ON a.id < b.id AND a.birth_date = b.birth_date AND levenshtein(a.name, b.name) <= 1;
CREATE TABLE few_clusters AS
WITH RECURSIVE linked AS (SELECT l, r FROM few_pairs UNION SELECT r, l FROM few_pairs),
     reach (id, other) AS (SELECT id, id FROM few UNION SELECT x.id, b.r FROM reach x JOIN linked b ON b.l = x.other)
SELECT id, min(other) AS cluster_id FROM reach GROUP BY id;"
claim "$small persons, CPU s; peer: SQL with pg_trgm" "$ours" "$cpu" 'as it is'
read -r _ _ mine < <(score "match_clusters('few')" few_truth)
read -r _ _ theirs < <(score few_clusters few_truth)
claim "$small persons, F1; peer: SQL with pg_trgm" "$mine" "$theirs" 'at least 1.1'

say "peer: DuckDB, $small records"
if command -v node >/dev/null && command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix "$dir/duck" @duckdb/node-api >"$dir/duck.log" 2>&1 &&
	cpu=$(node bench/match/duck.mjs "$dir/few-$small.csv" "$dir/duck.csv" 2>>"$dir/duck.log"); then
	run -c "CREATE TABLE duck_clusters (id text, cluster_id text)" -c "\\copy duck_clusters FROM '$dir/duck.csv' CSV HEADER"
	claim "$small persons, CPU s; peer: DuckDB's SQL with Jaro-Winkler" "$ours" "$cpu" 'as it is'
	read -r _ _ theirs < <(score duck_clusters few_truth)
	claim "$small persons, F1; peer: DuckDB's SQL with Jaro-Winkler" "$mine" "$theirs" 'at least 1'
else
	say "SKIPPED: DuckDB does not install or run here: $dir/duck.log"
fi
