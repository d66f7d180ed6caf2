# Fits and RFM, each beside what one would write in SQL or plpgsql, and beside the bound in
# seconds. Time is CPU of the backend, so that a busy machine does not matter much.
set -euo pipefail
rows=$CRM_BENCH_ROWS
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
claim() { awk -v c="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%s\t%s\t%.3f\t%s\n", c, o, p, o / p, b }'; }

run <<SQL >/dev/null
SET client_min_messages = error;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
SELECT format('ALTER DATABASE %I SET search_path = public, crm', current_database()) \\gexec
CREATE FUNCTION cpu() RETURNS float8 LANGUAGE sql AS
\$\$SELECT (split_part(s, ' ', 12)::float8 + split_part(s, ' ', 13)::float8) / 100
     FROM (SELECT regexp_replace(pg_read_file('/proc/' || pg_backend_pid() || '/stat'), '^.*\) ', '') AS s) x\$\$;
SELECT setseed(0.5);
CREATE TABLE trial AS SELECT random() < 1 / (1 + exp(1 + x[1] - 2 * x[2] + x[3] / 2)) AS y, x
  FROM (SELECT ARRAY(SELECT random() * 2 - 1 + 0 * g FROM generate_series(1, 20)) AS x FROM generate_series(1, $rows) g) s;
-- Customers of a BG/NBD with r = 1, alpha = 5, every one with times of his own.
CREATE TABLE history AS
SELECT x, CASE WHEN x = 0 THEN 0 ELSE t * power(random(), 1.0 / x) END AS t_x, t, 5 + random() * 40 AS value
  FROM (SELECT floor(ln(random()) / ln(0.6))::int AS x, 20 + random() * 19 AS t FROM generate_series(1, $rows)) s;
CREATE TABLE bill AS SELECT (random() * $rows)::bigint AS who, '2024-01-01'::date + (random() * 700)::int AS day, round((random() * 500)::numeric, 2) AS amount
  FROM generate_series(1, 10 * $rows);
CREATE TABLE few AS SELECT y, x FROM trial LIMIT $rows / 50;
-- What a user would write: gradient ascent, a pass of SQL for each step.
CREATE FUNCTION ascend(steps integer) RETURNS float8[] LANGUAGE plpgsql AS \$\$
DECLARE
    b float8[] := array_fill(0::float8, ARRAY[21]);
BEGIN
    FOR i IN 1 .. steps LOOP
        SELECT array_agg(b[j] + 2 * g ORDER BY j) INTO b FROM (
            SELECT j, avg((y::int - p) * CASE j WHEN 1 THEN 1 ELSE x[j - 1] END) AS g
              FROM (SELECT y, x, 1 / (1 + exp(-(b[1] + (SELECT sum(b[k + 1] * v) FROM unnest(x) WITH ORDINALITY u (v, k))))) AS p FROM few) s,
                   generate_series(1, 21) j GROUP BY j) d;
    END LOOP;
    RETURN b;
END \$\$;
VACUUM ANALYZE;
SQL
# Seconds of CPU of one statement.
cost() { run -c 'SELECT cpu()' -c "$1" -c 'SELECT cpu()' | awk 'NR == 1 { a = $1 } { z = $1 } END { printf "%.2f", z - a }'; }

run -c 'SELECT count(x) FROM trial' -c 'SELECT count(*) FROM bill' >/dev/null
fit=$(cost 'SELECT (logistic_regression(y, x)).converged FROM trial')
claim "logistic regression, $rows x 20, s of CPU; peer: the bound" "$fit" 3 'at most 1'
claim 'logistic regression, us a row; peer: 30 steps of plpgsql' "$(awk "BEGIN { print $fit * 1e6 / $rows }")" \
	"$(awk "BEGIN { print $(cost 'SELECT ascend(3)') * 10 * 1e6 / ($rows / 50) }")" 'at most 0.1'
claim "BG/NBD, $rows customers, none alike, s of CPU; peer: the bound" "$(cost 'SELECT (bgnbd_fit(x, t_x, t)).converged FROM history')" 2 'at most 1'
claim "gamma-gamma, $rows customers, s of CPU; peer: the bound" "$(cost 'SELECT (gamma_gamma_fit(x, value)).converged FROM history')" 2 'at most 1'
auc=$(cost 'SELECT roc_auc(y, x[2]), ks_statistic(y, x[2]) FROM trial')
claim "AUC and KS, $rows rows, s of CPU; peer: window functions" "$auc" \
	"$(cost "SET work_mem = '1GB'; SELECT sum(e * (2.0 * below - n + o)) / 2 FROM (SELECT e, o, n, sum(o) OVER (ORDER BY s) AS below FROM (SELECT x[2] AS s, count(*) FILTER (WHERE y) AS e, count(*) FILTER (WHERE NOT y) AS o, 0 AS n FROM trial GROUP BY 1) g) w")" 'at most 0.5'
rfm=$(cost "SELECT count(*) FROM rfm_score('bill', 'who', 'day', 'amount', '2026-01-01')")
claim "RFM, $rows customers of ten purchases, s of CPU; peer: the bound" "$rfm" 5 'at most 1'
claim 'RFM, s of CPU; peer: GROUP BY and cume_dist()' "$rfm" \
	"$(cost "SET work_mem = '1GB'; SELECT count(*), max(r + f + m) FROM (SELECT who, ceil(5 * cume_dist() OVER (ORDER BY r DESC)) AS r, ceil(5 * cume_dist() OVER (ORDER BY f)) AS f, ceil(5 * cume_dist() OVER (ORDER BY m)) AS m FROM (SELECT who, date '2026-01-01' - max(day) AS r, count(*) AS f, sum(amount) AS m FROM bill GROUP BY who) c) s")" 'at most 0.5'
claim 'scorecard, 100000 rows x 10, s of CPU; peer: 10' \
	"$(run -c "CREATE TABLE sample AS SELECT y, x[1] AS a, x[2] AS b, x[3] AS c, x[4] AS d, x[5] AS e, x[6] AS f, x[7] AS g, x[8] AS h, x[9] AS i, (x[10] * 5)::int::text AS j FROM trial LIMIT 100000"; cost "SET client_min_messages = error; CALL scorecard_fit('bench', 'sample', 'y')")" 10 'at most 1'
