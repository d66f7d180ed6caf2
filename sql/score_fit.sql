-- Proves: the examples of doc/score-methods.md; that aggregates give the same in parallel,
-- pass over nulls and refuse what is no data, each refusal with SQLSTATE, DETAIL and HINT;
-- that bins keep their trend; that RFM scores are cume_dist()'s; and that a scorecard is
-- fitted to any table, with dates, booleans, text of numbers, gaps and useless columns.
\set SHOW_CONTEXT never
\set VERBOSITY default
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET extra_float_digits = 0;
SET search_path = public, crm;
-- The server's own errors carry their SQLSTATE; this shows ours.
CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s | %s | %s', SQLSTATE, SQLERRM, detail, hint);
END
$$;

-- -- logistic regression: odds 1:3 without the campaign, 3:1 with it: ln(1/3), ln 9 -------------

CREATE TABLE offer (bought boolean, campaign integer);
INSERT INTO offer SELECT v.b, v.c FROM (VALUES (true, 0, 10), (false, 0, 30), (true, 1, 30), (false, 1, 10)) v (b, c, n), generate_series(1, n);
SELECT (m).iterations > 0 AS iterated, (m).converged, round((m).coefficients[1]::numeric, 6) AS intercept, round((m).coefficients[2]::numeric, 6) AS campaign,
       round((m).standard_errors[2]::numeric, 6) AS standard_error, round((m).log_likelihood::numeric, 4) AS log_likelihood
  FROM (SELECT logistic_regression(bought, ARRAY[campaign]) AS m FROM offer) f;
SELECT round(ln(1 / 3.0), 6) AS intercept, round(ln(9.0), 6) AS campaign, round(sqrt(1 / 10.0 + 1 / 30.0 + 1 / 30.0 + 1 / 10.0), 6) AS standard_error;
-- Null in y or x: passed over; no row: null; no column: the share alone.
SELECT (logistic_regression(b, a)).coefficients IS NOT DISTINCT FROM (SELECT (logistic_regression(bought, ARRAY[campaign])).coefficients FROM offer) AS same
  FROM (SELECT bought, ARRAY[campaign]::float8[] FROM offer UNION ALL VALUES (NULL, ARRAY[5::float8]), (true, NULL)) x (b, a);
SELECT logistic_regression(bought, ARRAY[campaign]) IS NULL AS nothing FROM offer WHERE false;
SELECT round((logistic_regression(bought, '{}')).coefficients[1]::numeric, 6) AS log_odds FROM offer;
SELECT refusal('SELECT logistic_regression(true, ARRAY[g]) FROM generate_series(1, 9) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, 7]) FROM generate_series(1, 9) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, g * g, 3 * g + 1]) FROM generate_series(1, 99) g');
SELECT refusal('SELECT logistic_regression(g > 50, ARRAY[g]) FROM generate_series(1, 99) g');
SELECT refusal('SELECT logistic_regression(g % 3 = 0 AND g % 2 = 0, ARRAY[(g % 3 = 0)::int]) FROM generate_series(1, 99) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, x]) FROM generate_series(1, 9) g, (VALUES (''NaN''::float8)) v (x)');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, x]) FROM generate_series(1, 9) g, (VALUES (''-Infinity''::float8)) v (x)');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, NULL]) FROM generate_series(1, 9) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, array_fill(1::float8, ARRAY[g])) FROM generate_series(1, 9) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[[1, 2], [3, 4]]) FROM generate_series(1, 9) g');
SELECT refusal('SELECT logistic_regression(g % 2 = 0, array_fill(1::float8, ARRAY[501])) FROM generate_series(1, 9) g');
SET crm.score_fit_memory = '64kB';
SELECT refusal('SELECT logistic_regression(g % 2 = 0, ARRAY[g, g % 7]) FROM generate_series(1, 99999) g');
SELECT refusal('SELECT roc_auc(g % 2 = 0, g) FROM generate_series(1, 99999) g');
SELECT refusal('SELECT information_value(g % 2 = 0, g::text) FROM generate_series(1, 99999) g');
SELECT refusal('SELECT bgnbd_fit(1, g, 100000) FROM generate_series(1, 99999) g');
RESET crm.score_fit_memory;

-- -- how well a score separates: of the 2 × 3 pairs four are in order, one is a tie: 4.5 / 6 ----

CREATE TABLE judged (late boolean, score float8);
INSERT INTO judged VALUES (true, 3), (true, 2), (false, 2), (false, 1), (false, 2.5), (NULL, 9), (true, NULL);
SELECT roc_auc(late, score), ks_statistic(late, score) FROM judged;
SELECT roc_auc(true, score) IS NULL AS one_class, ks_statistic(late, score) FILTER (WHERE late IS NULL) IS NULL AS none FROM judged;
SELECT roc_auc(y, x) FROM (VALUES (true, 'Infinity'::float8), (false, '-Infinity'), (true, 0), (false, '-0')) v (y, x);
SELECT refusal('SELECT roc_auc(true, ''NaN'')');
-- Two bins: shares of events 0.25 and 0.75, of others 0.75 and 0.25: IV = 2 × 0.5 × ln 3.
SELECT round(information_value(bought, campaign::text)::numeric, 12) AS iv, round(ln(3.0), 12) AS expected FROM offer;
SELECT information_value(y, b) > 0 AS empty_cell, information_value(true, b) IS NULL AS one_class FROM (VALUES (true, 'a'), (false, NULL), (false, 'a'), (NULL, 'c')) v (y, b);
-- 0.1 × ln(0.6 / 0.5) - 0.1 × ln(0.4 / 0.5)
SELECT round(population_stability_index('{0.5,0.5}', '{0.6,0.4}')::numeric, 12) AS psi, round(0.1 * ln(1.2) - 0.1 * ln(0.8), 12) AS expected, population_stability_index('{50,50}', '{6,4}') = population_stability_index('{0.5,0.5}', '{0.6,0.4}') AS counts;
SELECT population_stability_index('{1,0}', '{0,1}') < 'Infinity' AS finite;
SELECT refusal($$SELECT population_stability_index('{1,2}', '{1}')$$);
SELECT refusal($$SELECT population_stability_index('{0,0}', '{1,1}')$$);
SELECT refusal($$SELECT population_stability_index('{2,-1}', '{1,1}')$$);
SELECT refusal($$SELECT population_stability_index('{NaN,1}', '{1,1}')$$);
SELECT refusal($$SELECT population_stability_index('{NULL,1}', '{1,1}')$$);
SELECT refusal($$SELECT population_stability_index('{}', '{}')$$);

-- -- bins ------------------------------------------------------------------------------------------

CREATE TABLE debtor (id integer PRIMARY KEY, late boolean, age integer, debt numeric, city text, member boolean, since date, income text, always integer, code text);
INSERT INTO debtor
SELECT g, (g * 7919 % 1000) / 1000.0 < 0.15 + CASE WHEN g % 47 < 20 THEN 0.3 ELSE 0 END + CASE g % 5 WHEN 0 THEN 0.2 ELSE 0 END,
       20 + g % 47, CASE WHEN g % 13 = 0 THEN NULL ELSE (g * 31 % 9000) / 10.0 END, (ARRAY['Beijing', 'Shanghai', 'Chengdu', NULL, 'Xi''an'])[1 + g % 5],
       g % 3 = 0, '2020-01-01'::date + g % 900, CASE WHEN g % 11 = 0 THEN ' ' ELSE (1000 + g % 47 * 10)::text END, 7, 'C' || g
  FROM generate_series(1, 2000) g;
SELECT bin, kind, lower, upper, events, non_events, round(event_rate::numeric, 3) AS rate, round(woe::numeric, 3) AS woe, round(iv::numeric, 4) AS iv
  FROM unnest((SELECT woe_bins(late, age) FROM debtor));
SELECT bin, kind, lower, upper, events, non_events FROM unnest((SELECT woe_bins(late, debt::float8, 'none', 3, 0.1, '{0.1}') FROM debtor));
SELECT bin, kind, members, events, non_events FROM unnest((SELECT woe_bins(late, city) FROM debtor));
SELECT bin, kind, members FROM unnest((SELECT woe_bins(late, city, 2, 0.05) FROM debtor));
SELECT woe_bins(true, 1::float8) IS NULL AS one_class, cardinality(woe_bins(late, NULL::float8)) AS missing_only FROM debtor;
SELECT refusal('SELECT woe_bins(late, age, ''up'', 6, 0.05, ''{}'') FROM debtor');
SELECT refusal('SELECT woe_bins(late, age, ''auto'', 21, 0.05, ''{}'') FROM debtor');
SELECT refusal('SELECT woe_bins(late, age, ''auto'', 6, 0.6, ''{}'') FROM debtor');
SELECT refusal('SELECT woe_bins(late, city, 6, NULL) FROM debtor');

-- -- in parallel the same ----------------------------------------------------------------------------

CREATE FUNCTION everything(OUT a text, OUT b float8[]) LANGUAGE sql SET search_path = public, crm AS $$
SELECT md5(row(roc_auc(late, age), ks_statistic(late, age), information_value(late, city), woe_bins(late, age), woe_bins(late, city), woe_bins(late, debt::float8, 'valley', 4, 0.1, '{0.1}'))::text),
       (logistic_regression(late, ARRAY[age, debt])).coefficients || (bgnbd_fit(age % 4, CASE WHEN age % 4 = 0 THEN 0 ELSE age END, age + id % 9)).r || (gamma_gamma_fit(age % 4, age + id % 9)).p
  FROM debtor WHERE debt IS NOT NULL
$$;
CREATE TABLE alone AS SELECT * FROM everything();
-- By itself the planner lets one process fit, which is the faster.
ALTER FUNCTION crm.logistic_regression_serialize(internal) COST 1;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE debtor SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT logistic_regression(late, ARRAY[age]), woe_bins(late, city), bgnbd_fit(1, 1, age), gamma_gamma_fit(1, age), roc_auc(late, age), information_value(late, city) FROM debtor;
SELECT alone.a = e.a AS exactly, (SELECT max(abs(x / y - 1)) < 1e-9 FROM unnest(alone.b, e.b) v (x, y)) AS nearly FROM alone, everything() e;
RESET parallel_setup_cost;
ALTER FUNCTION crm.logistic_regression_serialize(internal) COST 100000000;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- -- purchases to expect ------------------------------------------------------------------------------

-- The published example: CDNOW's parameters, a customer with 2 repeat purchases, the last in week 30.43 of 38.86.
SELECT round(bgnbd_expected_transactions(2, 30.43, 38.86, 39, 0.242593, 4.413532, 0.792886, 2.425754)::numeric, 3) AS purchases,
       round(bgnbd_p_alive(2, 30.43, 38.86, 0.242593, 4.413532, 0.792886, 2.425754)::numeric, 4) AS alive,
       round(bgnbd_expected_transactions(39, 0.242593, 4.413532, 0.792886, 2.425754)::numeric, 4) AS of_a_new_customer,
       round(gamma_gamma_expected_value(2, 22.35, 6.248802, 3.744589, 15.447749)::numeric, 4) AS value,
       round(customer_lifetime_value(2, 30.43, 38.86, 22.35, 9, 39 / 9.0, 0, 1, 0.242593, 4.413532, 0.792886, 2.425754, 6.248802, 3.744589, 15.447749)::numeric, 3) AS lifetime;
-- Without discount it is purchases × value.
SELECT round((1.2259104 * 24.658616)::numeric, 3) AS lifetime;
SELECT bgnbd_p_alive(0, 0, 10, 1, 1, 1, 1) AS nobody_left, bgnbd_expected_transactions(1, 2, 3, 0, 1, 1, 1, 1) AS no_time,
       bgnbd_p_alive(900, 1, 1000, 1, 1, 1, 1) < 1e-300 AS long_gone, bgnbd_expected_transactions(0, 0, 0, 9, 1, 1, 0.5, 0.5) > 0 AS no_pole;
CREATE TABLE regular (x integer, t_x float8, t float8, mean float8);
INSERT INTO regular SELECT g % 4, CASE WHEN g % 4 = 0 THEN 0 ELSE 1 + g * 37 % 38 END, 39, 10 + g * 17 % 50 FROM generate_series(1, 400) g;
SELECT (b).converged, (g).converged, (b).log_likelihood < 0 AS b, round((g).log_likelihood::numeric, 3) AS g,
       customer_lifetime_value(2, 30, 39, 25, 12, 4.35, 0.01, 0.3, b, g) > 0 AS worth FROM (SELECT bgnbd_fit(x, t_x, t) AS b, gamma_gamma_fit(x, mean) AS g FROM regular) f;
SELECT bgnbd_fit(x, t_x, t) IS NULL AS nothing, gamma_gamma_fit(0, mean) IS NULL AS no_repeat FROM regular WHERE false;
-- Everybody alike but for the time: no finite parameters, and it says so.
SELECT (bgnbd_fit(3, g, g + 1)).converged FROM generate_series(1, 30) g;
SELECT refusal('SELECT bgnbd_fit(0, 0, g) FROM generate_series(1, 9) g');
SELECT refusal('SELECT bgnbd_fit(1.5, 1, 2)');
SELECT refusal('SELECT bgnbd_fit(1, 3, 2)');
SELECT refusal('SELECT bgnbd_fit(1, 1, ''Infinity'')');
SELECT refusal('SELECT bgnbd_fit(1, 1, 2, -1)');
SELECT refusal('SELECT gamma_gamma_fit(1, -g) FROM generate_series(1, 9) g');
SELECT refusal('SELECT bgnbd_p_alive(1, 1, 2, 0, 1, 1, 1)');
SELECT refusal('SELECT bgnbd_expected_transactions(1, 1, 2, 1e9, 1, 1, 1, 1)');
SELECT refusal('SELECT gamma_gamma_expected_value(0, 0, 1, 0.5, 1)');
SELECT refusal('SELECT customer_lifetime_value(1, 1, 2, 10, 12, 1, -1, 1, 1, 1, 1, 1, 2, 2, 2)');

-- -- RFM ----------------------------------------------------------------------------------------------------

CREATE TABLE bill (who bigint, day date, amount numeric);
INSERT INTO bill SELECT 1 + g * g % 23, '2026-01-01'::date + g * 7 % 90, g % 9 - 0.55 + g / 100.0 FROM generate_series(1, 300) g;
INSERT INTO bill VALUES (NULL, '2026-01-01', 1), (1, NULL, 1), (1, '2026-01-01', NULL), (1, '2027-01-01', 1000000);
SELECT count(*) AS customers, bool_and(s.recency = p.recency AND s.frequency = p.frequency AND abs(s.monetary - p.monetary) < 1e-9) AS sums,
       bool_and((s.r_score, s.f_score, s.m_score) = (p.r, p.f, p.m)) AS scores
  FROM rfm_score('bill', 'who', 'day', 'amount', '2026-04-01') s
  JOIN (SELECT who, recency, frequency, monetary, ceil(5 * cume_dist() OVER (ORDER BY recency DESC)) AS r, ceil(5 * cume_dist() OVER (ORDER BY frequency)) AS f, ceil(5 * cume_dist() OVER (ORDER BY monetary)) AS m
          FROM (SELECT who, '2026-04-01' - max(day) AS recency, count(*) AS frequency, sum(amount) AS monetary FROM bill
                 WHERE day <= '2026-04-01' AND who IS NOT NULL AND amount IS NOT NULL GROUP BY who) c) p ON p.who::text = s.customer_id;
CREATE VIEW named_bill AS SELECT 'C' || who AS who, day::timestamptz + interval '9 hours' AS at, amount::real AS amount FROM bill;
SELECT count(*) FROM (SELECT substr(customer_id, 2), recency, frequency, r_score, f_score FROM rfm_score('named_bill', 'who', 'at', 'amount', '2026-04-01')
                      INTERSECT SELECT customer_id, recency, frequency, r_score, f_score FROM rfm_score('bill', 'who', 'day', 'amount', '2026-04-01')) both_ways;
SELECT max(r_score), min(m_score) FROM rfm_score('bill', 'who', 'day', 'amount', '2026-04-01', 3);
SELECT count(*) FROM rfm_score('bill', 'who', 'day', 'amount', '2020-01-01');
SELECT segment, label_zh FROM rfm_segment_rule ORDER BY position LIMIT 2;
SELECT count(rfm_segment(r, f, m)) AS of_125 FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m;
SELECT rfm_segment(5, 5, 5) AS best, rfm_segment(1, 1, 1) AS worst;
SELECT refusal($$SELECT * FROM rfm_score('bill', 'whom', 'amount', 'day', '2026-04-01')$$);
SELECT refusal($$SELECT * FROM rfm_score('bill', 'who', 'day', 'amount', '2026-04-01', 1)$$);
-- Sums beyond all numbers are an error, not a number that is none.
SELECT refusal($$SELECT population_stability_index('{1e308,1e308}', '{1,1}')$$);
CREATE TABLE huge_bill AS SELECT 1 AS who, date '2026-01-01' + i AS day, 1e308::float8 AS amount FROM generate_series(1, 2) i;
SELECT refusal($$SELECT * FROM rfm_score('huge_bill', 'who', 'day', 'amount', '2026-04-01')$$);
DROP TABLE huge_bill;
SELECT s.customer_id, s.r_score, s.f_score, s.m_score, g.segment, g.label_en
  FROM rfm_score('bill', 'who', 'day', 'amount', as_of => '2026-04-01') s
  LEFT JOIN LATERAL (SELECT segment, label_en FROM rfm_segment_rule g
                      WHERE r_score BETWEEN r_from AND r_to AND f_score BETWEEN f_from AND f_to AND m_score BETWEEN m_from AND m_to
                      ORDER BY position LIMIT 1) g ON true
 ORDER BY s.customer_id::integer LIMIT 3;
CREATE TABLE odd_bill AS SELECT 1 AS who, current_date AS day, 'NaN'::numeric AS amount;
SELECT refusal($$SELECT * FROM rfm_score('odd_bill', 'who', 'day', 'amount', current_date)$$);
SELECT profit_contribution(1000, 600, 50, NULL, 25) AS contribution, string_agg(abc_class(s), '' ORDER BY s) AS classes FROM unnest(ARRAY[0, 0.79, 0.8, 0.95]) s;

SELECT customer, contribution, abc_class((sum(contribution) OVER (ORDER BY contribution DESC, customer) - contribution) / sum(contribution) OVER ())
  FROM (VALUES ('a', 700.00), ('b', 200.00), ('c', 60.00), ('d', 40.00)) contribution_2026 (customer, contribution) WHERE contribution > 0;

-- -- a scorecard ------------------------------------------------------------------------------------------------

CALL scorecard_fit('debtor', 'debtor', 'late');
SELECT characteristic, kind, position FROM crm_data.score_characteristic WHERE model = 'debtor' ORDER BY position;
SELECT kind, lower, upper, points, goods, bads FROM crm_data.score_bin WHERE model = 'debtor' AND characteristic = 'age' ORDER BY bin;
SELECT m.version, m.state, m.method, m.target, m.base_score, m.pdo, cardinality(m.band_edges) AS edges, m.scale_low = min(s.score) AND m.scale_high >= max(s.score) OR m.scale_low <= min(s.score) AS within,
       roc_auc(d.late, -s.score) > 0.65 AS separates, round(sum(s.score - m.base_points - (SELECT sum(p) FROM unnest(s.points) p))) AS unexplained
  FROM crm_data.score_model m, score_table('debtor', 'debtor') s JOIN debtor d ON d.id::text = s.id WHERE m.model = 'debtor' GROUP BY m.model, m.version;
SELECT id, score, cardinality(points), reason_codes FROM score_table('debtor', 'debtor') ORDER BY id::integer LIMIT 2;
-- A second fit is the next version, the same from the same rows; the event can be named, and the columns.
CALL scorecard_fit('debtor', 'debtor', 'late', NULL, 'true');
SELECT count(*) AS differences FROM (SELECT characteristic, bin, points FROM crm_data.score_bin WHERE model = 'debtor' AND version = 1
       EXCEPT SELECT characteristic, bin, points FROM crm_data.score_bin WHERE model = 'debtor' AND version = 2) x;
CALL scorecard_fit('debtor', 'debtor', 'late', ARRAY['member', 'age']::name[], pdo => 20);
SELECT characteristic, position FROM crm_data.score_characteristic WHERE model = 'debtor' AND version = 3 ORDER BY position;
CREATE VIEW debtor_text AS SELECT CASE WHEN late THEN 'bad' ELSE 'good' END AS outcome, age, city FROM debtor;
CALL scorecard_fit('text', 'debtor_text', 'outcome');
SELECT id, score FROM score_table('text@1', 'debtor_text') LIMIT 1;
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'lately')$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'always')$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'city')$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'late', ARRAY['age', 'shoe_size']::name[])$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'late', event => 'maybe')$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'late', ARRAY['always']::name[])$$);
SELECT refusal($$CALL scorecard_fit('x', 'debtor', 'late', pdo => 0)$$);
CREATE TABLE debtor_none AS SELECT * FROM debtor WHERE false;
SELECT refusal($$CALL scorecard_fit('x', 'debtor_none', 'late')$$);
SELECT refusal($$SELECT * FROM score_table('debtor', 'bill')$$);
SELECT score_number(' -1.5e3 '), score_number('12a') IS NULL AS text, score_number(' ') IS NULL AS blank;
DROP VIEW named_bill, debtor_text;
DROP TABLE offer, judged, debtor, alone, regular, bill, odd_bill, debtor_none;
DROP FUNCTION refusal(text), everything();
