-- Proves: every statement of doc/quality.md runs as it stands, in its order, and what the page
-- says of results, the sum by hand included, is so.
SET client_min_messages = warning;
SELECT no_plan();
DROP ROLE IF EXISTS ming, lan;
\! mkdir -p build && sed -n 's/^    //p' doc/quality.md >build/quality_page.sql
\set lines `grep -c . build/quality_page.sql`
SELECT cmp_ok(:lines, '>', 20, 'there are statements to run');
\o /dev/null
\i build/quality_page.sql
\o
RESET SESSION AUTHORIZATION;
SET search_path = public, crm;
SELECT results_eq(format($$SELECT round(completeness::numeric, 4), round(accuracy::numeric, 4), consistency FROM crm_data.quality_score WHERE customer_code = %L AND as_of = '2026-06-30'$$, :'wang'),
    'SELECT round(14 / 24.0, 4), 0.9500, 1::float8', 'the sum by hand');
SELECT is((SELECT grade FROM field_confidence(:'firm', '2026-06-30') WHERE field = 'phone'), 'A', 'verified is A');
SELECT results_eq(format($$SELECT field, owner::text = 'lan', due_on FROM crm_data.quality_issue WHERE customer_code = %L AND reason = 'missing'$$, :'wang'), $$VALUES ('document', true, date '2026-07-15')$$, 'the issue is given out');
SELECT results_eq('SELECT field, before, after, state FROM crm.cleaning_proposal', $$VALUES ('individual.occupation', 'ｓａｌｅｓ  clerk', 'sales clerk', 'undone')$$, 'the proposal');
SELECT is((SELECT occupation FROM crm_data.individual WHERE customer_code = :'wang'), 'ｓａｌｅｓ  clerk', 'undone');
SELECT * FROM finish();
