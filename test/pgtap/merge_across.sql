-- Proves: where the rooms meet, a customer is one. After a merge the survivor is scored, classed,
-- levelled, assessed and limited by what all his records have, the merged one by nothing, and no
-- report counts him twice; undone, all is as before. Rewards, accruals and liabilities go by the
-- level that was assessed in the master. What is posted to a merged code is named by the audit,
-- follows the survivor when asked, debts too, and returns when the merge is undone.
SET client_min_messages = warning;
SET search_path = public, crm;
DO $$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['crm_test_cross_data', 'crm_test_cross_two', 'crm_test_cross_credit'] LOOP
        IF to_regrole(member) IS NULL THEN EXECUTE format('CREATE ROLE %I LOGIN', member); END IF;
    END LOOP;
    GRANT crm_data_admin TO crm_test_cross_data, crm_test_cross_two;
    GRANT crm_credit, crm_writer TO crm_test_cross_credit;
END
$$;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT no_plan();
CREATE TEMP TABLE c (label text PRIMARY KEY, code crm.customer_code);
GRANT ALL ON c TO PUBLIC;
CREATE FUNCTION pg_temp.c(l text) RETURNS crm.customer_code LANGUAGE sql STABLE AS $$ SELECT code FROM c WHERE label = l $$;
INSERT INTO c SELECT v.l, crm.register_customer(v.fields, 'counter', day => '2021-05-06', accept_suspected => true)
  FROM (VALUES ('a', '{"kind": "organization", "name": "北京示例科技有限公司", "phone": "010-62345678"}'::jsonb),
               ('b', '{"kind": "organization", "name": "北京示例公司", "email": "office@example.com", "legal_representative": "王小明", "contact_name": "李四"}'),
               ('d', '{"kind": "organization", "name": "上海样本公司", "phone": "021-62345670"}')) v (l, fields);
UPDATE crm_data.customer SET registered_at = '2021-05-06';
-- a bought a little, b much; b was asked for, and asked how to leave.
SELECT count(crm.record_purchase(pg_temp.c(l), o, d, p, 1, m)) FROM (VALUES
    ('a', 'a1', date '2026-01-10', 'tea', 900), ('b', 'b1', '2025-12-01', 'tea', 5000), ('b', 'b2', '2026-01-20', 'cups', 4000)) v (l, o, d, p, m) \gset _
SELECT count(crm.record_interaction(pg_temp.c('b'), t::timestamptz, 'phone', d, s)) FROM (VALUES
    ('2026-01-25 10:00+08', 'inbound', 'wants to cancel'), ('2026-01-26 10:00+08', 'outbound', 'regular contact')) v (t, d, s) \gset _
SET SESSION AUTHORIZATION crm_test_cross_credit;
SELECT count(crm.record_credit_data(pg_temp.c(l), k, f)) FROM (VALUES
    ('a', 'credit_exposure', '{"as_of": "2026-01-15", "outstanding": 300, "overdue": 10, "overdue_days": 5, "source": "billing"}'::jsonb),
    ('b', 'credit_exposure', '{"as_of": "2026-01-20", "outstanding": 700, "overdue": 40, "overdue_days": 31, "source": "billing"}'),
    ('b', 'financial_report', '{"period_end": "2025-12-31", "assets": 1000, "liabilities": 400, "equity": 600, "source": "audited"}'),
    ('b', 'qualification_check', '{"checked_on": "2026-01-02", "qualified": true, "able": true, "evidence": "licence seen"}'),
    ('b', 'legal_profile', '{"legal_form": "limited company"}')) v (l, k, f) \gset _
RESET SESSION AUTHORIZATION;
\set day '''2026-01-31'''
\set both 'ARRAY[pg_temp.c(''a''), pg_temp.c(''b'')]'

-- What each room knows of the two, in words that can be compared.
CREATE FUNCTION pg_temp.known(l text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT concat_ws('; ',
        (SELECT format('%s purchases, %s CNY, %s in, %s owed, debt ratio %s, %s', f.features ->> 'purchases_12m', f.features ->> 'amount_12m', f.features ->> 'inbound_12m',
                       f.features ->> 'outstanding', f.features ->> 'debt_ratio', f.features ->> 'legal_form')
           FROM crm.score_features(ARRAY[pg_temp.c(l)], '2026-01-31', true) f),
        (SELECT string_agg(m.rule, ',' ORDER BY m.rule) FROM crm.score_features(ARRAY[pg_temp.c(l)], '2026-01-31', false) f, crm.churn_measures(ARRAY[f.customer_code], ARRAY[f.features], 1, '2026-01-31') m),
        (SELECT string_agg(q.field, ',' ORDER BY q.field) FROM crm.quality_facts(ARRAY[pg_temp.c(l)], '2026-01-31') q WHERE q.is_present),
        (SELECT p.level FROM crm.level_proposals(ARRAY[pg_temp.c(l)], 'star', '2026-01-31') p)) $$;
-- Who works with these may; the test reads all as a superuser who is nobody's member.
GRANT crm_data_admin, crm_credit TO CURRENT_USER;
CREATE TEMP TABLE before AS SELECT l, pg_temp.known(l) AS known FROM unnest(ARRAY['a', 'b', 'd']) l;
SELECT is(known, '1 purchases, 900.00 CNY, 0 in, 300.00 owed, debt ratio , ; name,phone; 1', 'the one before') FROM before WHERE l = 'a';
SELECT is(known, '2 purchases, 9000.00 CNY, 1 in, 700.00 owed, debt ratio 0.4, limited company; leaving_asked; contact_name,email,legal_representative,name; 4', 'the other before') FROM before WHERE l = 'b';
SELECT crm.note_churn_signal(pg_temp.c('b'), 'agreement_ends', '{}', '2026-01-30') \gset _
CALL crm.assess_behaviour(:day);
CALL crm.assess_quality(:day);
SELECT is(sum(customers), 3::numeric, 'three are classed') FROM crm_report.value_segment WHERE scheme = 'value';
SET SESSION AUTHORIZATION crm_test_cross_data;
SELECT draft_score_model('{"model": "m", "domain": "value", "scale_high": 10, "characteristics": [{"characteristic": "amount_12m", "bins": [{"upper": 5000, "points": 1}, {"lower": 5000, "points": 9}, {"kind": "missing", "points": 0}]}]}') \gset _
SET SESSION AUTHORIZATION crm_test_cross_two;
SELECT approve_score_model('m', 1), activate_score_model('m', 1) \gset _
CALL score_customers('m', :day);
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.report_sums() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT concat_ws(' ', (SELECT sum(customers) FROM crm_report.score_distribution), (SELECT sum(customers) FROM crm_report.value_segment WHERE scheme = 'activity'),
        (SELECT sum(customers) FROM crm_report.class_migration WHERE scheme = 'activity'), (SELECT sum(customers) FROM crm_report.level_migration),
        (SELECT sum(customers) FROM crm_report.quality_trend), (SELECT customers || ' owe ' || outstanding FROM crm_report.credit_exposure),
        (SELECT count(DISTINCT author::text || field || reason) FROM crm_report.quality_backlog WHERE field = 'phone'), (SELECT count(*) FROM crm.contact_due)) $$;
SELECT is(pg_temp.report_sums(), '3 3 3 3 3 2 owe 1000.00 1 1', 'reports before');

-- -- merged ---------------------------------------------------------------------------------

SELECT crm.merge(pg_temp.c('a'), pg_temp.c('b')) AS ab \gset
SELECT is(pg_temp.known('a'), '3 purchases, 9900.00 CNY, 1 in, 1000.00 owed, debt ratio 0.4, limited company; leaving_asked; contact_name,email,legal_representative,name,phone; 4',
    'the survivor has what both have');
SELECT is(pg_temp.known('b'), '', 'the merged one has nothing to be reckoned from');
SELECT is(pg_temp.known('d'), known, 'others have what they had') FROM before WHERE l = 'd';
SELECT is(pg_temp.report_sums(), '2 2 2 2 2 1 owe 1000.00 0 0', 'nobody stands in a report twice');
SELECT is(crm.classify(:both, 'value', '2026-02-01'), 1::bigint, 'the survivor rises, the merged one is not classed');
SELECT is((SELECT array_agg(customer_code) FROM crm_data.customer_class WHERE since = '2026-02-01'), ARRAY[pg_temp.c('a')], 'on his own code');
SELECT is(crm.assess_level(:both, 'star', '2026-02-01'), 1::bigint, 'and one level is given');
SELECT is(crm.quality_batch(:both, '2026-02-01'), 1::bigint, 'one record is assessed');
SELECT is(crm.score_batch(:both, 'm', 1, '2026-02-01'), 1::bigint, 'one is scored');
SELECT cmp_ok((crm.churn_risk(pg_temp.c('b'), '2026-01-31')).risk, '>', 0.19::float8, 'what was noted of the merged one counts, by either code');
SELECT is((SELECT last_contact_at FROM crm.contact_due WHERE customer_code = pg_temp.c('a')), '2026-01-26 10:00+08'::timestamptz, 'a contact with either is a contact');
SET SESSION AUTHORIZATION crm_test_cross_credit;
SELECT lives_ok(format('SELECT require_qualification(%L, %L)', pg_temp.c(l), '2026-01-31'), 'qualified, by the code of ' || l) FROM unnest(ARRAY['a', 'b']) l;
SELECT request_score_change(pg_temp.c('b'), 'limit', 'CNY', 'long_term', 5000, '2026-12-31', 'known for long', 'letter', '2026-01-31') AS asked \gset
RESET SESSION AUTHORIZATION;
SELECT crm.decide_score_change(pg_temp.c('b'), :asked, true);
SELECT is(array_agg(crm.credit_available(pg_temp.c(l), '2026-01-31')), '{4000.00,4000.00}', 'the limit is the survivor''s, less what both owe') FROM unnest(ARRAY['a', 'b']) l;
SELECT lives_ok($$SET LOCAL SESSION AUTHORIZATION crm_test_cross_credit; SELECT * FROM crm_report.score_distribution; SELECT * FROM crm_report.credit_exposure$$, 'credit management reads its reports');
RESET SESSION AUTHORIZATION;

-- -- the level of the master is that of the points ----------------------------------------------

SELECT is((SELECT level FROM crm.points_level_at(pg_temp.c(l), '2026-02-01')), 'platinum', 'four stars are platinum, by the code of ' || l) FROM unnest(ARRAY['a', 'b']) l;
SELECT crm.points_set_standing(pg_temp.c('a'), level => 'none'), crm.points_set_standing(pg_temp.c('d'), level => 'gold') \gset _
SELECT is((SELECT level FROM crm.points_level_at(pg_temp.c('a'), '2026-02-01')), 'platinum', 'what is said beside it does not count');
SELECT is((SELECT level FROM crm.points_level_at(pg_temp.c('a'), '2031-01-01')), 'none', 'but where none is valid');
SELECT is((SELECT level FROM crm.points_level_at('CUST209901010001', '2026-02-01')), NULL, 'who is unknown has none');
SELECT crm.define_points_reward('kettle', 'main', '水壶', 'kettle', 100, min_level => 'platinum', valid_from => '2026-01-01', valid_until => '2099-12-31') \gset _
UPDATE crm_data.points_redeem_rule SET threshold = 0 WHERE programme = 'main';
SELECT is(crm.points_reward_obstacle(pg_temp.c('a'), 'kettle', 1, '2026-02-01'), NULL, 'a reward for platinum is his');
SELECT is(crm.points_reward_obstacle(pg_temp.c('d'), 'kettle', 1, '2026-02-01'), 'the customer''s level is too low', 'and not another''s, whom the master gives one star');
SELECT crm.points_earn(pg_temp.c('a'), 'main', 'p1', 500, '2099-12-31') \gset _
SELECT coalesce((SELECT level FROM crm.points_level_at(pg_temp.c('a'), crm.company_today())), 'none') AS today \gset
SET SESSION AUTHORIZATION crm_test_cross_data;
SELECT is(array_agg(DISTINCT customer_level), ARRAY[:'today'], 'liabilities go by it') FROM crm_report.points_liability_by_type;
RESET SESSION AUTHORIZATION;

-- -- and all of it is seen in one place ----------------------------------------------------------

SELECT crm.score_batch(:both, 'm', 1, crm.company_today()) \gset _
SET SESSION AUTHORIZATION crm_test_cross_data;
SELECT is(customer_card(pg_temp.c('b')) -> 'assessment' -> 'classes' ->> 'value', 'medium', 'the card tells the survivor''s class, by either code');
SELECT is(customer_card(pg_temp.c('a')) -> 'assessment' -> 'points' ->> 'main', '500', 'and his points');
SELECT is(customer_card(pg_temp.c('a')) -> 'credit', NULL, 'of credit the data department learns nothing');
SELECT is((SELECT round(quality::numeric, 2) > 0 AND quality_as_of = '2026-02-01' AND scores ? 'm' FROM customer_assessment WHERE customer_code = pg_temp.c('a')), true, 'quality and scores too');
SELECT is((SELECT count(*) FROM customer_assessment WHERE customer_code = pg_temp.c('b')), 0::bigint, 'the merged one has no row');
SET SESSION AUTHORIZATION crm_test_cross_credit;
SELECT throws_ok('SELECT * FROM crm.customer_assessment', '42501', NULL, 'credit management does not read it');
RESET SESSION AUTHORIZATION;

-- -- postings to the merged code ------------------------------------------------------------------

SELECT crm.points_earn(pg_temp.c('d'), 'main', 'old', 50, '2099-12-31') \gset _
SELECT crm.merge(pg_temp.c('a'), pg_temp.c('d'), '{"document": "survivor"}') AS ad \gset
SELECT is(array_agg(a::text), NULL, 'after a merge the books are in order') FROM crm.points_audit() a;
SELECT is((crm.points_earn(pg_temp.c('b'), 'main', 'late', 30, '2098-12-31')).status, 'ok', 'a posting to a code without account of its own');
SELECT is((crm.points_reverse(pg_temp.c('d'), 'main', 'undo old', 'old')).status, 'ok', 'a reversal of what the merged one earned before');
SELECT is(array_agg(invariant || ' ' || customer_code ORDER BY customer_code), ARRAY['merge_stranded ' || pg_temp.c('b'), 'merge_stranded ' || pg_temp.c('d')], 'the audit names both') FROM crm.points_audit();
CALL crm.points_merge_follow();
SELECT is(state::text, '{530@2099-12-31}', 'both have followed: the credit, and the debt, which it paid') FROM crm_data.points_account WHERE customer_code = pg_temp.c('a');
SELECT is(array_agg(a::text), NULL, 'and the books are in order') FROM crm.points_audit() a;
SELECT is((crm.points_earn(pg_temp.c('b'), 'main', 'late', 30, '2098-12-31')).status, 'replay', 'a request is known again under its code');
SELECT crm.points_earn(pg_temp.c('b'), 'main', 'later', 7, '2097-12-31') \gset _
CALL crm.points_merge_follow();
SELECT is(count(*), 0::bigint, 'a second run has nothing to do') FROM crm.points_merge_stranded();
CALL crm.points_accrue('main', '2026-01-01');
SELECT is(state::text, '{}', 'what the merged record earned by rule is the survivor''s too') FROM crm_data.points_account WHERE customer_code = pg_temp.c('b');

-- -- undone ------------------------------------------------------------------------------------------

SELECT crm.unmerge(:ad, 'another one') \gset _
SELECT is(state::text, '{}', 'who earned and had it taken back has nothing') FROM crm_data.points_account WHERE customer_code = pg_temp.c('d');
SELECT crm.unmerge(:ab, 'two after all') \gset _
-- What the accrual gave lasts until 2028, and is not there when this runs later.
SELECT is(array_agg(regexp_replace(state::text, '(900|4000)@2028-12-31, ', '') ORDER BY customer_code), '{"{500@2099-12-31}","{7@2097-12-31, 30@2098-12-31}"}', 'what was posted to each code is its own')
  FROM crm_data.points_account WHERE customer_code = ANY (:both);
SELECT is(array_agg(a::text), NULL, 'the books are in order') FROM crm.points_audit() a;
SELECT is(pg_temp.known(l), known, 'reckoned anew all is as before: ' || l) FROM before ORDER BY l;
SELECT is((SELECT sum(customers) FROM crm_report.score_distribution WHERE as_of = :day), 3::numeric, 'and each stands in the reports again');
SELECT * FROM finish();
