# Score: customers with twenty numbers each, scored with all points and four reason codes,
# beside what one would write instead: a CASE for each number and their sum, without reasons;
# and a join with a table of bins. CPU of the backend itself, the best of some rounds, in
# nanoseconds a row; the same totals on all sides are checked first. The join is measured on
# a twentieth of the rows, which would else take minutes.
set -euo pipefail
rows=$CRM_BENCH_ROWS
rounds=${CRM_BENCH_ROUNDS:-3}
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

run -v rows="$rows" <<'SQL' >/dev/null
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SET search_path = public, crm;
SELECT format('CREATE UNLOGGED TABLE sample AS SELECT n AS id, %s FROM generate_series(1, %s) n',
              string_agg(format('(random() + n * 0)::float8 AS c%s', i), ', ' ORDER BY i), :rows) FROM generate_series(1, 20) i \gexec
INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en, scale_high) VALUES ('bench', 1, 'bench', '测试', 'bench', 1000);
INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, label_zh, label_en)
SELECT 'bench', 1, 'c' || i, i, 'c' || i, 'numeric', '项', 'item' FROM generate_series(1, 20) i;
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, lower, upper, points)
SELECT 'bench', 1, 'c' || i, b, 'range', CASE WHEN b > 1 THEN (b - 1) / 6.0 END, CASE WHEN b < 6 THEN b / 6.0 END, (i * 7 + b * 11) % 50
  FROM generate_series(1, 20) i, generate_series(1, 6) b;
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, points) SELECT 'bench', 1, 'c' || i, 7, 'missing', 5 FROM generate_series(1, 20) i;
CREATE TABLE bins AS SELECT c.position AS item, coalesce(b.lower, '-Infinity') AS lower, coalesce(b.upper, 'Infinity') AS upper, b.points
  FROM crm_data.score_bin b JOIN crm_data.score_characteristic c ON c.characteristic = b.characteristic AND c.model = b.model WHERE b.model = 'bench' AND b.kind = 'range';
CREATE INDEX ON bins (item, lower);
VACUUM ANALYZE sample;
ANALYZE bins;
SQL

columns=$(run -c "SELECT string_agg('c' || i, ', ' ORDER BY i) FROM generate_series(1, 20) i")
cases=$(run -c "SELECT string_agg(e, ' + ' ORDER BY i) FROM (
    SELECT i, 'CASE ' || string_agg(format('WHEN c%s < %s::float8 THEN %s', i, upper, points), ' ' ORDER BY bin) FILTER (WHERE upper IS NOT NULL)
              || format(' WHEN c%s IS NOT NULL THEN %s ELSE 5 END', i, max(points) FILTER (WHERE upper IS NULL)) AS e
      FROM generate_series(1, 20) i JOIN crm_data.score_bin b ON b.characteristic = 'c' || i AND b.kind = 'range' GROUP BY i) x")
ours="SELECT count((crm.score_columns('bench', $columns))) FROM sample"
row="SELECT count((crm.score_row('bench', sample))) FROM sample"
case_="SELECT sum($cases) FROM sample"
join_="SELECT sum(total) FROM (SELECT s.id, sum(b.points) AS total FROM (SELECT * FROM sample LIMIT $((rows / 20))) s,
    LATERAL unnest(ARRAY[$columns]) WITH ORDINALITY v (x, item) JOIN bins b ON b.item = v.item AND v.x >= b.lower AND v.x < b.upper GROUP BY s.id) t"

[ "$(run -c "SELECT sum(crm.score_total('bench', $columns)) FROM sample")" = "$(run -c "$case_")" ] || { echo "score: totals differ" >&2; exit 1; }
[ "$(run -c "SELECT sum(crm.score_total('bench', $columns)) FROM (SELECT * FROM sample LIMIT $((rows / 20))) s")" = "$(run -c "$join_")" ] || { echo "score: totals of the join differ" >&2; exit 1; }

# Ticks of this backend, 10 ms each, of user and system.
ticks="SELECT split_part(s, ' ', 12)::bigint + split_part(s, ' ', 13)::bigint FROM regexp_replace(pg_read_file('/proc/self/stat'), '^.*\\) ', '') s"
cost() {
	local sql=$1 n=$2 best=
	for ((i = 0; i < rounds; i++)); do
		best=$(run -c 'SET jit = off' -c 'SET max_parallel_workers_per_gather = 0' -c "$ticks" -c "$sql" -c "$ticks" |
			awk -v n="$n" -v best="$best" 'NR == 1 { before = $1 } END { c = ($1 - before) * 1e7 / n; print best == "" || c < best ? c : best }')
	done
	echo "$best"
}
claim() { awk -v c="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%.0f\t%.0f\t%.2f\t%s\n", c, o, p, p / o, b }'; }
a=$(cost "$ours" "$rows")
r=$(cost "$row" "$rows")
c=$(cost "$case_" "$rows")
j=$(cost "$join_" $((rows / 20)))
claim 'score with reasons, ns a row; peer: CASE, no reasons' "$a" "$c" 'at least 2.5'
claim 'score with reasons, ns a row; peer: join with bins' "$a" "$j" 'at least 40'
claim 'score of a whole row by name; peer: CASE, no reasons' "$r" "$c" ''
claim 'score with reasons, ns a row; peer: 600 ns' "$a" 600 'at least 1'
