# Validation: what a check costs a row of a scan, beside an empty C function, beside
# the same rule in PL/pgSQL, and for telephones beside libphonenumber's C++; and what
# a CHECK constraint costs COPY. The claims stand in ident.sql. A tenth of the rows
# that other benches take is enough, since each is measured many times.
set -euo pipefail
rows=$((CRM_BENCH_ROWS / 10))
say() { printf '      %s\n' "$*" >&2; }
run() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
dir=$(tools/cluster where)/bench/ident
rm -rf "$dir"
mkdir -p "$dir"
chmod 755 "$dir"

gcc -O2 -fPIC -shared -isystem "$(/usr/lib/postgresql/15/bin/pg_config --includedir-server)" -o "$dir/noop.so" bench/ident/noop.c
say "$rows values of seven kinds"
run -v rows="$rows" -v noop="$dir/noop" -f bench/ident.sql

# One thread each; ours is the cost of a row, scan included, theirs of a call alone.
say 'telephones, peer: libphonenumber'
if tools/packages peers >&2 && g++ -O2 -o "$dir/phone" bench/ident/phone.cc -lphonenumber; then
	run -F $'\t' -c 'SELECT DISTINCT $$CN$$, phone FROM public.sample ORDER BY 2 LIMIT 20000' >"$dir/phones"
	run -v peer="$("$dir/phone" time <"$dir/phones")" <<'SQL'
SELECT concat_ws(E'\t', 'phone, ns a row; peer: libphonenumber''s C++, ns a call', round(ours), round(:peer), round(ours / :peer, 4), 'at most 0.0333')
  FROM (SELECT our_ns::numeric AS ours FROM public.claim WHERE no = 6) t;
SQL
else
	say 'SKIPPED: libphonenumber-dev is not to be had, so nothing is claimed beside it'
fi

# Bulk load of a customer's row (key, name, the value, address), with and without a
# constraint on the value; a new table each time, by turns, the best of fifteen.
say 'COPY with a CHECK constraint'
for kind in resident_id uscc phone; do
	file=$dir/$kind.copy
	run -c "\\copy (SELECT row_number() OVER (), name, $kind, address FROM public.sample) TO '$file'"
	ours= peer=
	for turn in {1..15}; do
		for what in peer ours; do
			check=
			[ $what = peer ] || check="CHECK (crm.${kind}_valid(value))"
			run -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS public.loaded" -c "CREATE TABLE public.loaded (id bigint, name text, value text $check, address text)"
			ms=$(run -c '\timing on' -c "\\copy public.loaded FROM '$file'" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
			eval "best=\$$what"
			eval "$what=$(awk -v a="$ms" -v b="${best:-$ms}" 'BEGIN { print a < b ? a : b }')"
		done
	done
	awk -v k="$kind" -v o="$ours" -v p="$peer" 'BEGIN { printf "COPY with CHECK (%s_valid), ms; peer: no constraint\t%.0f\t%.0f\t%.3f\tat most 1.3\n", k, o, p, o / p }'
done
rm -rf "$dir"
