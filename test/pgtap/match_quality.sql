-- Proves: with suggested settings and nothing tuned, clusters reach the accuracy that the
-- documentation promises, on lists from outside of the project. Without these it says that it skips.
SELECT no_plan();
SET client_min_messages = warning;
SET search_path = public, crm;
\getenv data CRM_DATA
\if :{?data}
\else
\set data ''
\endif
-- The server reads the files; its user may not be able to.
CREATE FUNCTION pg_temp.readable(path text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN length(pg_read_binary_file(path, 0, 1)) = 1;
EXCEPTION WHEN undefined_file OR insufficient_privilege THEN
    RETURN false;
END $$;
SELECT pg_temp.readable(:'data' || '/dedup/febrl1.csv') AS there \gset
\if :there
CREATE TABLE bar (name text PRIMARY KEY, f1 float8, least_precision float8);
INSERT INTO bar VALUES ('zh_person_synth', 0.97, 0.995), ('zh_company_synth', 0.97, 0.995), ('fake_1000', 0.94, 0), ('chicago_sites', 0.91, 0),
    ('febrl1', 0.999, 0), ('febrl2', 0.998, 0);
CREATE FUNCTION pg_temp.header(path text) RETURNS text LANGUAGE sql AS
$$ SELECT rtrim(convert_from(substring(b FOR position('\x0a'::bytea IN b) - 1), 'UTF8'), E'\r') FROM pg_read_binary_file(path, 0, 2000) b $$;
CREATE FUNCTION pg_temp.load(data text, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    header text;
BEGIN
    header := pg_temp.header(data || '/dedup/' || name || '.csv');
    EXECUTE format('CREATE TABLE %I (%s)', name, (SELECT string_agg(format('%I text', c), ', ') FROM unnest(string_to_array(header, ',')) c));
    EXECUTE format('COPY %I FROM %L CSV HEADER', name, data || '/dedup/' || name || '.csv');
    header := pg_temp.header(data || '/dedup/' || name || '_truth.csv');
    EXECUTE format('CREATE TABLE %I (%s)', name || '_truth', (SELECT string_agg(format('%I text', c), ', ') FROM unnest(string_to_array(header, ',')) c));
    EXECUTE format('COPY %I FROM %L CSV HEADER', name || '_truth', data || '/dedup/' || name || '_truth.csv');
END $$;
CREATE FUNCTION pg_temp.judged(set_name text, least_f1 float8, least_precision float8) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    predicted float8;
    positive float8;
    hit float8;
BEGIN
    EXECUTE format('SELECT (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM match_clusters(%1$L) GROUP BY cluster_id) x),
                           (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM %2$I GROUP BY cluster_id) x),
                           (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM match_clusters(%1$L) k JOIN %2$I t ON t.id = k.id GROUP BY k.cluster_id, t.cluster_id) x)',
                   set_name, set_name || '_truth') INTO predicted, positive, hit;
    RETURN NEXT cmp_ok(2 * hit / (predicted + positive), '>=', least_f1, format('F1 of %s', set_name));
    RETURN NEXT cmp_ok(hit / predicted, '>=', least_precision, format('precision of %s', set_name));
END $$;
SELECT format('SELECT pg_temp.load(%L, %L);', :'data', name), format('SELECT match_model_create(%L, %L::regclass, match_settings_suggest(%L)) > 0;', name, name, name),
       format('CALL match_run(%L);', name), format('SELECT * FROM pg_temp.judged(%L, %s, %s);', name, f1, least_precision) FROM bar ORDER BY name \gexec
\else
SELECT skip('CRM_DATA names no folder with lists to match', 1);
\endif
SELECT * FROM finish();
