-- Proves: the example of doc/consent.md is true, statement by statement and answer by answer.
SET client_min_messages = warning;
SELECT no_plan();
SET search_path = public, crm;
\set page `awk '/^...sql$/ { inside = 1; next } /^...$/ { inside = 0 } inside' doc/consent.md`
CREATE TEMP TABLE line AS SELECT n, l, count(*) FILTER (WHERE l ~ ';$' AND l !~ '^--') OVER (ORDER BY n) - (l ~ ';$' OR l ~ '^-->')::int AS statement
  FROM string_to_table(:'page', E'\n') WITH ORDINALITY p (l, n);
CREATE TEMP TABLE told AS
SELECT statement, string_agg(l, E'\n' ORDER BY n) FILTER (WHERE l !~ '^--') AS said, string_agg(substr(l, 5), E'\n' ORDER BY n) FILTER (WHERE l ~ '^-->') AS answer, NULL::text AS got
  FROM line GROUP BY statement HAVING bool_or(l ~ ';$');
DO $$
DECLARE
    t record;
    found text;
BEGIN
    FOR t IN SELECT * FROM told ORDER BY statement LOOP
        EXECUTE format($q$SELECT string_agg((SELECT string_agg(v.value, ' ') FROM json_each_text(row_to_json(q)) v), E'\n') FROM (%s) q$q$, rtrim(t.said, ';')) INTO found;
        UPDATE told SET got = found WHERE statement = t.statement;
    END LOOP;
END $$;
SELECT cmp_ok(count(*), '>', 12::bigint, 'there are statements to run') FROM told;
SELECT is(got, answer, left(said, 70)) FROM told ORDER BY statement;
SELECT is(count(answer), count(*), 'every one has its answer') FROM told;
SELECT * FROM finish();
