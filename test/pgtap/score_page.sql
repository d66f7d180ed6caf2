-- Proves: every statement of doc/score.md runs as it stands, in its order, and what the page
-- says of results is so.
SET client_min_messages = warning;
SELECT no_plan();
DROP ROLE IF EXISTS ming, lan, jun, xia;
\! mkdir -p build && sed -n 's/^    //p' doc/score.md >build/score_page.sql
\set lines `grep -c . build/score_page.sql`
SELECT cmp_ok(:lines, '>', 50, 'there are statements to run');
\o /dev/null
\i build/score_page.sql
\o
RESET SESSION AUTHORIZATION;
SET search_path = public, crm;
SELECT results_eq($$SELECT model, total, grade FROM crm_data.score_result ORDER BY result_id$$, $$VALUES ('trial', 0, 'B'), ('credit.5c', 63, 'C')$$, 'the results');
SELECT results_eq($$SELECT version, state FROM crm_data.score_model WHERE model = 'trial'$$, $$VALUES (1, 'active')$$, 'the model');
SELECT is(credit_available(:'firm', '2025-07-02'), 55000.00, 'what is available');
SELECT results_eq($$SELECT computed_grade, grade FROM credit_standing((SELECT max(customer_code) FROM crm_data.customer), '2025-07-01')$$, $$VALUES ('C', 'B')$$, 'the override');
SELECT results_eq($$SELECT scheme, class FROM crm_data.customer_class WHERE until IS NULL ORDER BY 1$$, $$VALUES ('activity', 'potential'), ('churn', 'low'), ('value', 'low')$$, 'the classes');
SELECT results_eq($$SELECT level, valid_until FROM crm_data.customer_level$$, $$VALUES ('1', date '2026-12-30')$$, 'the level');
SELECT results_eq($$SELECT field, reason FROM crm_data.quality_issue ORDER BY 1$$, $$VALUES ('contact_name', 'missing'), ('document', 'missing'), ('phone', 'missing')$$, 'the issues');
SELECT results_eq($$SELECT version, state FROM crm_data.rule_set WHERE rule_set = 'churn' ORDER BY 1$$, $$VALUES (1, 'approved'), (2, 'approved')$$, 'the rules');
SELECT is_empty($$SELECT FROM crm_data.rule_set WHERE state = 'draft'$$, 'the draft that was given up');
SELECT results_eq($$SELECT action, outcome FROM crm_data.follow_up$$, $$VALUES ('trial', 'took the offer')$$, 'the work');
SELECT is((SELECT amount FROM crm_data.customer_cost), 120.00, 'the cost');
SELECT * FROM finish();
