-- Proves: terms of points need two persons. A rule of earning, a type, a rule of redemption or of
-- transfers and a reward that one of the data department defines hold once another one approves
-- them, as they were drafted: until then nothing is earned, told, sold or asked by them; whoever had
-- a hand in a draft does not approve it, whatever was changed since; a changed draft has another
-- number; what was approved is fixed, for the owner too, and a rule does not hold for days before
-- its approval unless it says why. Nonsense is refused when it is drafted. A superuser needs nobody.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT no_plan();
DROP ROLE IF EXISTS crm_test_draft_one, crm_test_draft_two, crm_test_draft_writer;
CREATE ROLE crm_test_draft_one LOGIN;
CREATE ROLE crm_test_draft_two LOGIN;
CREATE ROLE crm_test_draft_writer LOGIN;
GRANT crm_data_admin, crm_writer TO crm_test_draft_one, crm_test_draft_two;
GRANT crm_writer TO crm_test_draft_writer;
CREATE FUNCTION pg_temp.open(its_kind text, its_name text) RETURNS integer LANGUAGE sql AS $$ SELECT draft FROM crm.points_draft WHERE kind = its_kind AND name = its_name AND state = 'draft' $$;

-- -- types -------------------------------------------------------------------------------

SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT crm.define_points_programme('club', '会员积分', 'Club');
SELECT crm.define_points_type('club', 'spend', '消费', 'spending');
SELECT is_empty($$SELECT * FROM crm.points_type WHERE programme = 'club'$$, 'a type that one person defined is not there yet');
SELECT throws_ok($$SELECT crm.define_points_rule('club', 'visit', '2999-01-01', 'visit', 'spend', 'amount')$$, '23503', NULL, 'nor for a rule');
SELECT results_eq($$SELECT kind, name, terms ->> 'life', state, edited_by FROM crm.points_draft WHERE state = 'draft'$$, $$VALUES ('type', 'club spend', 'natural_year', 'draft', '{crm_test_draft_one}'::name[])$$, 'it is a draft');
SELECT pg_temp.open('type', 'club spend') AS draft \gset
SELECT throws_ok(format('SELECT crm.approve_points_draft(%s)', :draft), 'KH004', NULL, 'who drafts does not approve');
SELECT throws_ok($$SELECT crm.define_points_type('club', 'x', 'x', 'x', class => 'x', life => 'fixed')$$, '23514', NULL, 'nonsense is refused when it is drafted');
SELECT throws_ok($$SELECT crm.define_points_type('none', 'x', 'x', 'x', class => 'x')$$, '23503', NULL, 'for a programme that is none as well');
SET SESSION AUTHORIZATION crm_test_draft_writer;
SELECT throws_ok(format('SELECT crm.%s(1)', call), '42501', NULL, 'a writer does not ' || call) FROM unnest(ARRAY['approve_points_draft', 'approve_points_rule', 'discard_points_draft', 'discard_points_rule']) call;
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT crm.approve_points_draft(:draft);
SELECT results_eq($$SELECT type, life FROM crm.points_type WHERE programme = 'club'$$, $$VALUES ('spend', 'natural_year')$$, 'approved by another it holds');
SELECT throws_ok(format('SELECT crm.approve_points_draft(%s)', :draft), '55000', NULL, 'once');
SELECT throws_ok(format('SELECT crm.discard_points_draft(%s)', :draft), '42704', NULL, 'and is not given up');
SELECT throws_ok($$SELECT crm.approve_points_draft(-1)$$, '42704', NULL, 'what is no draft is not approved');
-- Changed between two persons: the number that was looked at is gone, and both had a hand in it.
SELECT crm.define_points_type('club', 'spend', '消费', 'spending', life => 'never');
SELECT pg_temp.open('type', 'club spend') AS draft \gset
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT crm.define_points_type('club', 'spend', '消费', 'spending', life => 'months', life_length => 6);
SELECT throws_ok(format('SELECT crm.approve_points_draft(%s)', :draft), '42704', NULL, 'nobody approves what he has not seen');
SELECT pg_temp.open('type', 'club spend') AS draft \gset
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT throws_ok(format('SELECT crm.approve_points_draft(%s)', :draft), 'KH004', NULL, 'nor what he had a hand in');
SELECT crm.discard_points_draft(:draft);
SELECT is((SELECT life FROM crm.points_type WHERE programme = 'club'), 'natural_year', 'a draft that was given up changes nothing');

-- -- rules of earning ---------------------------------------------------------------------------

SELECT is((crm.points_earn('CUST202601010009', 'club', 'free', 5)).status, 'ok', 'without rules whoever writes may credit');
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT crm.define_points_rule('club', 'visit', '2026-01-01', 'visit', 'spend', 'amount') AS version \gset
SELECT is((SELECT state FROM crm.points_rule WHERE version = :version), 'draft', 'a rule that one person defined is a draft');
SET SESSION AUTHORIZATION crm_test_draft_writer;
SELECT is((SELECT count(*) FROM crm.points_rule WHERE programme = 'club'), 0::bigint, 'which is not told to everybody');
SELECT throws_ok('SELECT * FROM crm.points_draft', '42501', NULL, 'nor are other drafts');
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT is((crm.points_earn('CUST202601010009', 'club', 'free too', 5)).status, 'ok', 'which is no rule yet');
SELECT throws_ok($$SELECT crm.points_accrue_begin('club', '2026-03-01', '2026-04-05')$$, 'P0002', NULL, 'for nobody');
SELECT crm.record_points_element('CUST202601010001', 'visit', 'v1', '2026-03-01', 7), crm.record_points_element('CUST202601010001', 'visit', 'v2', '2026-04-01', 7);
SELECT results_eq(format($$SELECT source, in_force, proposed FROM crm.points_rule_dry_run_elements(%s, '2026-03-01', '2026-03-31')$$, :version), $$VALUES ('v1', NULL::bigint, 7::bigint)$$, 'it can be tried');
SELECT throws_ok(format('SELECT crm.approve_points_rule(%s)', :version), 'KH004', NULL, 'who drafts does not approve');
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT throws_ok(format('SELECT crm.approve_points_rule(%s)', :version), '55000', 'point rules do not hold before they are approved', 'nobody approves it for days that are over');
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT crm.define_points_rule('club', 'visit', '2026-01-01', 'visit', 'spend', 'amount * 2', backdated_for => 'agreed in December') AS other \gset
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT throws_ok(format('SELECT crm.approve_points_rule(%s)', :version), '42704', NULL, 'a draft that was changed has another number');
SELECT crm.approve_points_rule(:other);
SELECT results_eq(format('SELECT state, edited_by, approved_by, backdated_for FROM crm.points_rule WHERE version = %s', :other),
    $$VALUES ('approved', '{crm_test_draft_one}'::name[], 'crm_test_draft_two'::name, 'agreed in December')$$, 'unless it says why, which who approves has seen');
SELECT throws_ok(format('SELECT crm.approve_points_rule(%s)', :other), '55000', NULL, 'once');
SELECT throws_ok($$SELECT crm.points_earn('CUST202601010009', 'club', 'free three', 5)$$, 'KHP07', NULL, 'now it is a rule, seen at once');
RESET SESSION AUTHORIZATION;
CALL points_accrue('club', '2026-03-01', '2026-04-05');
SELECT is((SELECT points FROM crm_data.points_earning WHERE source = 'v1'), 14::bigint, 'and gives');
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT throws_ok($$SELECT crm.define_points_rule('club', 'visit', '2026-01-01', 'visit', 'spend', 'amount * 3')$$, '55000', NULL, 'what was used stays, also from being drafted anew');
SELECT crm.define_points_rule('club', 'visit', '2026-04-01', 'visit', 'spend', 'amount * 1000', backdated_for => 'mine') AS third \gset
RESET SESSION AUTHORIZATION;
CALL points_accrue('club', '2026-04-01', '2026-05-05');
SELECT is((SELECT points FROM crm_data.points_earning WHERE source = 'v2'), 14::bigint, 'a draft of a later day neither gives nor takes the place of what holds');
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT results_eq(format($$SELECT source, in_force, proposed FROM crm.points_rule_dry_run_elements(%s, '2026-03-01', '2026-04-30') ORDER BY 1$$, :third), $$VALUES ('v1', 14::bigint, 7000::bigint), ('v2', 14, 7000)$$, 'nor is it in force for a dry run');
SELECT crm.discard_points_rule(:third);
SELECT throws_ok(format('SELECT crm.discard_points_rule(%s)', :other), '42704', NULL, 'a version that holds is not given up');
-- One that was not used gives way to another of its day, again by two persons.
SELECT crm.define_points_rule('club', 'visit', '2999-01-01', 'visit', 'spend', 'amount * 3') AS a \gset
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT crm.approve_points_rule(:a), crm.define_points_rule('club', 'visit', '2999-01-01', 'visit', 'spend', 'amount * 4') AS b \gset
SELECT results_eq($$SELECT formula, state FROM crm.points_rule WHERE valid_from = '2999-01-01' ORDER BY 1$$, $$VALUES ('amount * 3', 'approved'), ('amount * 4', 'draft')$$, 'one holds and one is to take its place');
SET SESSION AUTHORIZATION crm_test_draft_one;
SELECT crm.approve_points_rule(:b);
SELECT results_eq($$SELECT formula, state FROM crm.points_rule WHERE valid_from = '2999-01-01'$$, $$VALUES ('amount * 4', 'approved')$$, 'which then it does');

-- -- rules of redemption and transfers, rewards -----------------------------------------------------

SELECT crm.define_points_redeem_rule('club', threshold => 1000), crm.define_points_transfer_rule('club', 20), crm.define_points_reward('pen', 'club', '笔', 'pen', 10, valid_from => '2026-01-01');
SELECT is((crm.points_redeem('CUST202601010001', 'club', 'r', 1, '2026-06-01')).status, 'ok', 'a drafted threshold binds nobody');
SELECT is((crm.transfer_points('CUST202601010001', 'CUST202601010002', 'club', 'g', 5, '2026-06-01')).fee, 0::bigint, 'a drafted fee is not taken');
SELECT throws_ok($$SELECT crm.points_stock('pen', 5)$$, 'P0002', NULL, 'a drafted reward has no stock');
SELECT throws_ok(format('SELECT crm.%s', call), code, NULL, 'nonsense is refused when it is drafted: ' || call)
  FROM (VALUES ($$define_points_redeem_rule('club', -1)$$, '23514'), ($$define_points_transfer_rule('club', 101)$$, '23514'), ($$define_points_reward('cup', 'club', 'x', 'x', 0)$$, '23514'), ($$define_points_reward('cup', 'none', 'x', 'x', 1)$$, '23503')) v (call, code);
SELECT throws_ok(format('SELECT crm.approve_points_draft(%s)', d.draft), 'KH004', NULL, 'who drafts does not approve: ' || d.kind) FROM crm.points_draft d WHERE d.state = 'draft';
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT count(crm.approve_points_draft(d.draft)::text) FROM crm.points_draft d WHERE d.state = 'draft';
SELECT throws_ok($$SELECT crm.points_redeem('CUST202601010001', 'club', 'r2', 1, '2026-06-02')$$, 'KHP07', NULL, 'approved it does');
SELECT is(crm.points_transfer_fee('club', 5), 1::bigint, 'and a gift costs');
SELECT is(crm.points_stock('pen', 5), 5::bigint, 'and the reward is there');
SELECT crm.define_points_reward('pen', 'club', '笔', 'pen', 1, valid_from => '2026-01-01');
SELECT is((SELECT points FROM crm.points_reward WHERE item = 'pen'), 10::bigint, 'a price that one person changes is the old one');
RESET SESSION AUTHORIZATION;

-- -- the owner; a superuser ----------------------------------------------------------------------------

GRANT crm_owner TO crm_test_draft_two;
SET SESSION AUTHORIZATION crm_test_draft_two;
SELECT crm.define_points_rule('club', 'visit', '2999-06-01', 'visit', 'spend', 'amount * 9') AS mine \gset
SET ROLE crm_owner;
SELECT throws_ok(statement, code, NULL, 'the owner is refused: ' || statement)
  FROM (VALUES ($$UPDATE crm_data.points_rule SET state = 'approved' WHERE formula = 'amount * 9'$$, 'KH004'), ($$UPDATE crm_data.points_rule SET edited_by = '{}' WHERE formula = 'amount * 9'$$, '55000'),
               ($$UPDATE crm_data.points_rule SET formula = 'amount * 90', state = 'approved' WHERE formula = 'amount * 9'$$, '55000'), ($$UPDATE crm_data.points_rule SET state = 'draft' WHERE formula = 'amount * 4'$$, '55000'),
               ($$UPDATE crm_data.points_draft SET state = 'approved'$$, '42501'), ($$DELETE FROM crm_data.points_draft$$, '42501'), ($$TRUNCATE crm_data.points_draft$$, '42501')) v (statement, code);
INSERT INTO crm_data.points_rule (programme, rule, valid_from, element, type, formula, multiplier, rounding, state, edited_by, approved_by)
VALUES ('club', 'forged', '2999-01-01', 'visit', 'spend', 'amount', 1, 'floor', 'approved', '{crm_test_draft_one}', 'crm_test_draft_one');
CREATE FUNCTION crm_data.forge(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp AS $$ BEGIN EXECUTE statement; END $$;
SELECT throws_ok(format('SELECT crm_data.forge(%L)', statement), code, NULL, 'nor by a function of his own: ' || statement)
  FROM (VALUES ($$UPDATE crm_data.points_draft SET state = 'approved' WHERE state = 'draft'$$, 'KH004'), ($$UPDATE crm_data.points_draft SET terms = '{}' WHERE state = 'draft'$$, '55000'),
               ($$UPDATE crm_data.points_draft SET terms = '{}' WHERE state = 'approved'$$, '55000'), ($$DELETE FROM crm_data.points_draft WHERE state = 'approved'$$, '55000')) v (statement, code);
DROP FUNCTION crm_data.forge(text);
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE crm_owner FROM crm_test_draft_two;
SELECT results_eq($$SELECT state, edited_by, approved_by FROM crm_data.points_rule WHERE rule = 'forged'$$, $$VALUES ('draft', '{crm_test_draft_one,crm_test_draft_two}'::name[], NULL::name)$$, 'whose hand it was is seen');
SELECT define_points_rule('club', 'alone', '2026-01-01', 'visit', 'spend', 'amount') AS alone \gset
SELECT is((SELECT state || ' ' || (approved_by = session_user) FROM points_rule WHERE version = :alone), 'approved true', 'a superuser''s rule holds at once, from whatever day');
SELECT throws_ok($$UPDATE crm_data.points_rule SET formula = '0' WHERE rule = 'alone'$$, '55000', NULL, 'and stays, also for him');
SELECT define_points_reward('pen', 'club', '笔', 'pen', 2, valid_from => '2026-01-01');
SELECT is((SELECT points FROM points_reward WHERE item = 'pen'), 2::bigint, 'his price, too');
SELECT is_empty($$SELECT * FROM points_draft WHERE state = 'draft' AND kind = 'reward'$$, 'in the place of what was drafted');
SELECT is_empty('SELECT * FROM points_audit()', 'the books are in balance');
BEGIN;
ALTER TABLE crm_data.points_draft DISABLE TRIGGER terms_stay;
ALTER TABLE crm_data.points_rule DISABLE TRIGGER versions_stay;
SELECT string_agg(invariant, ' ') AS found FROM points_audit() \gset
ROLLBACK;
SELECT is(:'found'::text, 'append_only append_only', 'guards that were switched off are told');
SELECT * FROM finish();
DROP OWNED BY crm_test_draft_one, crm_test_draft_two, crm_test_draft_writer;
DROP ROLE crm_test_draft_one, crm_test_draft_two, crm_test_draft_writer;
