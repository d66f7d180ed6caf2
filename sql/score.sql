-- Score: a model applied to rows: bins, what is missing, reason codes, types of columns.
SET client_min_messages = warning;
INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en, base_points) VALUES ('regress', 1, 'regress', '测', 'regress', 100);
INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, weight, reference_points, reason_code, label_zh, label_en) VALUES
    ('regress', 1, 'age', 1, 'age', 'numeric', 1, NULL, NULL, '龄', 'age'),
    ('regress', 1, 'income', 2, 'income', 'numeric', 2, NULL, 'R02', '入', 'income'),
    ('regress', 1, 'home', 3, 'home', 'category', 1, NULL, NULL, '居', 'home'),
    ('regress', 1, 'member', 4, 'member', 'category', 1, 3, NULL, '员', 'member');
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, lower, upper, members, points, reason_code) VALUES
    ('regress', 1, 'age', 1, 'range', NULL, 25, NULL, 0, 'R01-young'), ('regress', 1, 'age', 2, 'range', 25, 60, NULL, 20, NULL), ('regress', 1, 'age', 3, 'range', 60, NULL, NULL, 10, NULL),
    ('regress', 1, 'age', 4, 'missing', NULL, NULL, NULL, 5, NULL),
    ('regress', 1, 'income', 1, 'range', '-Infinity', 0.1, NULL, -5, NULL), ('regress', 1, 'income', 2, 'range', 0.1, 'Infinity', NULL, 5, NULL),
    ('regress', 1, 'home', 1, 'values', NULL, NULL, '{own,自有}', 8, NULL), ('regress', 1, 'home', 2, 'values', NULL, NULL, '{rent}', 4, NULL), ('regress', 1, 'home', 3, 'other', NULL, NULL, NULL, 2, NULL),
    ('regress', 1, 'member', 1, 'values', NULL, NULL, '{true}', 6, NULL), ('regress', 1, 'member', 2, 'values', NULL, NULL, '{false}', 0, NULL);
SELECT * FROM crm.score_span('regress');

-- Edges: the lower end belongs to a bin, the upper does not.
SELECT x AS age, (crm.score_columns('regress', x, 1, 'own', true)).* FROM unnest(ARRAY['-Infinity', 24.999, 25, 59.999, 60, 'Infinity', 'NaN', NULL]::float8[]) x;
-- 0.1 as written is 0.1, as float4 it is more.
SELECT (crm.score_columns('regress', 30, 0.1::float8, 'own', true)).points AS double, (crm.score_columns('regress', 30, 0.1::float4, 'own', true)).points AS single,
       (crm.score_columns('regress', 30, 0.1::numeric, 'own', true)).points AS "numeric";
-- Values: exact text; another has the bin of others; missing has that of missing, or the fewest points.
SELECT home, (crm.score_columns('regress', 30, 1, home, false)).* FROM unnest(ARRAY['own', '自有', 'rent', 'Rent', '', NULL]) home;
-- Types of columns.
SELECT (crm.score_columns('regress', 30::smallint, 1::bigint, 'own'::varchar, true)).total, (crm.score_columns('regress', 30.5::numeric, true, 'own'::name, 'true'::text)).total AS odd,
       (crm.score_columns('regress', '30'::text, ' 1e0 ', 'own', 'true')).total AS text, (crm.score_columns('regress', NULL, NULL, NULL, NULL)).total AS nothing;
-- A row by names, in any order, others passed over; an array; an object.
SELECT (crm.score_row('regress', t)).*, (crm.score_row('regress', t)) = crm.score_columns('regress', t.age, t.income, t.home, t.member) AS same
  FROM (VALUES (true, 'rent', 'unused', 70, 0.05), (NULL, NULL, NULL, NULL, NULL)) t (member, home, other, age, income);
SELECT crm.score_row('regress', NULL::record) IS NULL AS null_row;
SELECT crm.score_columns('regress', VARIADIC ARRAY['20', '0', 'rent', 'false']);
SELECT crm.score_inputs('regress', '{"age": 20, "income": 0.0, "home": "rent", "member": false, "other": [1]}');
SELECT crm.score_inputs('regress', '{"age": "20", "income": null}'), crm.score_total('regress', 20, NULL, NULL, NULL);
SELECT crm.score_columns('regress@1', 20, 0, 'rent', false) = crm.score_columns('regress', 20, 0, 'rent', false) AS by_version;

-- A changed draft is seen by the next statement, also when the change is rolled back.
BEGIN;
UPDATE crm_data.score_bin SET points = 7 WHERE model = 'regress' AND points = 8;
SELECT crm.score_total('regress', 30, 1, 'own', true);
ROLLBACK;
SELECT crm.score_total('regress', 30, 1, 'own', true);
-- Two models in one statement.
INSERT INTO crm_data.score_model (model, version, purpose, label_zh, label_en, base_points) VALUES ('regress', 2, 'regress', '测', 'regress', 1000);
INSERT INTO crm_data.score_characteristic (model, version, characteristic, position, input, kind, label_zh, label_en) VALUES ('regress', 2, 'age', 1, 'age', 'numeric', '龄', 'age');
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, points) VALUES ('regress', 2, 'age', 1, 'range', 1);
SELECT m, crm.score_inputs(m, '{"age": 30}') FROM unnest(ARRAY['regress@1', 'regress@2', 'regress', 'regress@1']) m;

-- Errors.
\set VERBOSITY terse
SELECT crm.score_columns('regress@1', 1, 2);
SELECT crm.score_columns('regress@1', current_date, 1, 'a', 'b');
SELECT crm.score_columns('regress@1', 'old', 1, 'a', 'b');
SELECT crm.score_columns('none', 1);
SELECT crm.score_columns('regress@3', 1);
SELECT crm.score_columns('regress@0', 1);
SELECT crm.score_columns(repeat('x', 200), 1);
SELECT crm.score_columns(NULL, 1);
SELECT crm.score_row('regress@1', t) FROM (VALUES (1)) t (age);
SELECT crm.score_inputs('regress@1', '[]');
SELECT crm.score_inputs('regress@1', '{"age": {}}');
DELETE FROM crm_data.score_bin WHERE model = 'regress' AND version = 2;
SELECT crm.score_columns('regress@2', 1);
INSERT INTO crm_data.score_bin (model, version, characteristic, bin, kind, lower, upper, points) VALUES ('regress', 2, 'age', 1, 'range', NULL, 1, 1), ('regress', 2, 'age', 2, 'range', 2, NULL, 1);
\set VERBOSITY default
SELECT crm.score_columns('regress@2', 1);
DELETE FROM crm_data.score_model WHERE model = 'regress';
