# Similarities: what a pair costs beside fuzzystrmatch and pg_trgm, beside the same
# formula in PL/pgSQL, and beside DuckDB's own functions (one thread, from npm); and
# whether our figures are DuckDB's. A pair's cost is the processor time of a sum over the
# function less that of a sum over a column, so a call through the function manager is
# part of ours; the best of several.
set -euo pipefail
rows=$((CRM_BENCH_ROWS / 10))
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
dir=$(tools/cluster where)/bench/match_scalar
rm -rf "$dir"
mkdir -p "$dir"
chmod 755 "$dir"

# Names of syllables, the second a mistyped copy of the first in two of three cases.
perl -e '
	srand 20;
	my @s = qw(an ber cla da el fri ga hol in jo kar li mar no ol pe ri sa ta ul ven wil xa yo zu son man ton ley field);
	for my $no (1 .. shift) {
		my $word = sub { join "", map { $s[rand @s] } 1 .. 2 + rand 4 };
		my $a = $word->();
		my $b = rand() < 1 / 3 ? $word->() : $a;
		for (1 .. rand 3) {
			my ($at, $kind) = (int rand length($b), int rand 4);
			$kind == 0 ? substr($b, $at, 1, "") : $kind == 1 ? substr($b, $at, 0, "e") : $kind == 2 ? substr($b, $at, 1, "q") :
				substr($b, $at, 2, scalar reverse substr $b, $at, 2);
		}
		print "$no,$a,$b\n";
	}' "$rows" >"$dir/pairs.csv"
run <<SQL
CREATE EXTENSION fuzzystrmatch; CREATE EXTENSION pg_trgm; CREATE EXTENSION crm CASCADE;
CREATE TABLE public.pair (no int, a text, b text);
\\copy public.pair FROM '$dir/pairs.csv' (FORMAT csv, NULL '-')
VACUUM ANALYZE public.pair;
SQL
run -f bench/match_scalar/jaro_winkler.sql

# Processor time of the backend, in ms; the kernel counts it in steps of ten.
run -c "CREATE FUNCTION public.cpu_ms() RETURNS float8 LANGUAGE sql VOLATILE AS
	\$\$ SELECT (s[12]::float8 + s[13]::float8) * 10 FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ') s \$\$"

cpu() {	# expression, rows, times
	run -c 'SELECT public.cpu_ms()' -c "SELECT sum($1) FROM (SELECT * FROM public.pair LIMIT $2) t, generate_series(1, $3)" -c 'SELECT public.cpu_ms()' |
		awk 'NR == 1 { a = $1 } END { print $1 - a }'
}
nanoseconds() {	# expression, rows, times
	for turn in 1 2 3; do
		printf '%s %s\n' "$(cpu "$1" "$2" "$3")" "$(cpu no "$2" "$3")"
	done | awk -v n=$(($2 * $3)) 'NR == 1 || $1 < a { a = $1 } NR == 1 || $2 < b { b = $2 } END { print (a - b) * 1e6 / n }'
}
claim() { awk -v n="$1" -v o="$2" -v p="$3" -v b="$4" 'BEGIN { printf "%s\t%.0f\t%.0f\t%.3f\t%s\n", n, o, p, o / p, b }'; }

say "$rows pairs of names"
winkler=$(nanoseconds 'crm.jaro_winkler_similarity(a, b)' "$rows" 20)
damerau=$(nanoseconds 'crm.damerau_levenshtein(a, b)' "$rows" 20)
jaccard=$(nanoseconds 'crm.jaccard_similarity(a, b)' "$rows" 20)
claim 'jaro_winkler_similarity, ns; peer: PL/pgSQL' "$winkler" "$(nanoseconds 'public.jaro_winkler(a, b)' 2000 5)" 'at most 0.02'
claim 'damerau_levenshtein, ns; peer: fuzzystrmatch levenshtein' "$damerau" "$(nanoseconds 'public.levenshtein(a, b)' "$rows" 20)" 'at most 1.5'
claim 'jaccard_similarity, ns; peer: pg_trgm similarity' "$jaccard" "$(nanoseconds 'public.similarity(a, b)' "$rows" 20)" 'at most 0.5'

say 'peer: DuckDB'
if npm install --ignore-scripts --no-audit --no-fund --silent --prefix "$dir" @duckdb/node-api@1.5.6-r.1 >&2 &&
	node bench/match_scalar/duckdb.mjs "$dir" >"$dir/duckdb.ns"; then
	peer() { awk -v n="$1" '$1 == n { print $2 }' "$dir/duckdb.ns"; }
	claim 'jaro_winkler_similarity, ns; peer: DuckDB' "$winkler" "$(peer jaro_winkler_similarity)" 'at most 1.5'
	claim 'damerau_levenshtein, ns; peer: DuckDB' "$damerau" "$(peer damerau_levenshtein)" 'at most 0.2'
	claim 'jaccard_similarity, ns; peer: DuckDB' "$jaccard" "$(peer jaccard)" 'at most 1.5'
	run <<SQL
CREATE TABLE public.theirs (no int, jaro float8, winkler float8, damerau int, jaccard float8);
\\copy public.theirs FROM '$dir/duckdb.csv' (FORMAT csv)
SELECT concat_ws(E'\\t', 'pairs on which a figure differs from DuckDB''s, of', count(*) FILTER (WHERE
           abs(crm.jaro_similarity(a, b) - jaro) > 1e-12 OR abs(crm.jaro_winkler_similarity(a, b) - winkler) > 1e-12 OR
           crm.damerau_levenshtein(a, b) <> damerau OR abs(crm.jaccard_similarity(a, b) - t.jaccard) > 1e-12),
       count(*), '0.000', 'none')
  FROM public.pair JOIN public.theirs t ON t.no = pair.no;
SQL
else
	say 'SKIPPED: @duckdb/node-api is not to be had, so nothing is claimed beside DuckDB'
fi
rm -rf "$dir"
