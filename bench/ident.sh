# Validation: what a check costs a row of a scan, beside the cheapest test a row can
# be given, and beside the same check in PL/pgSQL. The claims stand in ident.sql.
set -euo pipefail
printf '      %s\n' "$CRM_BENCH_ROWS values of seven kinds" >&2
psql -XqAt -v ON_ERROR_STOP=1 -v rows="$CRM_BENCH_ROWS" -f bench/ident.sql
