-- Proves: what a customer says to the use of his data is kept for ever as it was said, by whom and when, also
-- against its owner; what holds follows from it by purpose, channel, kind and time; of merged records the one
-- that allows least holds, what he says afterwards speaks for all of them, and undoing gives back exactly what
-- each record had; the rule is a row; registrations bring consents, or are refused whole; a legal hold stops
-- what deletes and nothing else, and only somebody else lifts it. Bugs: a consent of one record used for one
-- who refused, a refusal that a merge forgets, a deletion during a dispute.
BEGIN;
SELECT no_plan();
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SET LOCAL crm.lang = 'en';
CREATE ROLE crm_test_consent_none LOGIN;
CREATE ROLE crm_test_consent_reader LOGIN IN ROLE crm_reader;
CREATE ROLE crm_test_consent_searcher LOGIN IN ROLE crm_searcher;
CREATE ROLE crm_test_consent_credit LOGIN IN ROLE crm_credit;
CREATE ROLE crm_test_consent_writer LOGIN IN ROLE crm_writer;
CREATE ROLE crm_test_consent_one LOGIN IN ROLE crm_data_admin;
CREATE ROLE crm_test_consent_two LOGIN IN ROLE crm_data_admin;
CREATE TEMP TABLE c (label text PRIMARY KEY, code crm.customer_code);
GRANT ALL ON c TO PUBLIC;
CREATE FUNCTION pg_temp.c(l text) RETURNS crm.customer_code LANGUAGE sql STABLE AS $$ SELECT code FROM c WHERE label = l $$;
CREATE FUNCTION pg_temp.new(l text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO c SELECT l, crm.register_customer(jsonb_build_object('kind', 'individual', 'name', '张' || chr(20000 + ascii(l) * 7), 'phone', (13800138000 + ascii(l))::text), day => '2021-05-06') $$;
SELECT count(pg_temp.new(l)) FROM unnest(ARRAY['a', 'b', 'd', 'e', 'f', 'g', 'h']) l \gset _
-- What holds of a customer, on one line; and where he may be written to for marketing.
CREATE FUNCTION pg_temp.holds(l text) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(concat_ws(' ', coalesce(k.purpose, '*'), coalesce(k.channel, '*'), k.status), ', ' ORDER BY k.purpose, k.channel) FROM crm.consent_current k WHERE k.customer_code = crm.resolve(pg_temp.c(l)) $$;
CREATE FUNCTION pg_temp.may(l text, at timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(ch, ' ' ORDER BY ch) FROM unnest(ARRAY['email', 'phone', 'sms']) ch WHERE crm.may_contact(pg_temp.c(l), 'marketing', ch, at) $$;

-- 1. what is said, and what holds
SET SESSION AUTHORIZATION crm_test_consent_writer;
SELECT is(crm.may_contact(pg_temp.c('a'), 'marketing', 'email'), false, 'who said nothing did not agree');
SELECT is(crm.may_contact(pg_temp.c('a'), 'service', 'email'), true, 'but a contract needs no consent');
SELECT cmp_ok(crm.consent_grant(pg_temp.c('a'), 'marketing', 'email', 'v1'), '>', 0::bigint, 'he agrees to one channel');
SELECT is(crm.may_contact(pg_temp.c('a'), 'marketing', 'email') || ' ' || crm.may_contact(pg_temp.c('a'), 'marketing', 'sms') || ' ' || crm.may_contact(pg_temp.c('a'), 'survey', 'email'),
    'true false false', 'to that one, for that purpose');
SELECT is(count(crm.consent_grant(pg_temp.c('a'), 'marketing', NULL, 'v1')), 1::bigint, 'to every channel');
SELECT is(pg_temp.may('a'), 'email phone sms', 'is every channel');
SELECT is(count(crm.consent_deny(pg_temp.c('a'), NULL, 'phone')), 1::bigint, 'no calls, for whatever');
SELECT is(pg_temp.may('a') || ', service by phone ' || crm.may_contact(pg_temp.c('a'), 'service', 'phone') || ', law by phone ' || crm.may_contact(pg_temp.c('a'), 'legal_notice', 'phone'),
    'email sms, service by phone false, law by phone true', 'a refused channel is refused for all but what law demands');
SELECT is(count(crm.consent_grant(pg_temp.c('a'), 'marketing', NULL, 'v1')), 1::bigint, 'a consent to every channel');
SELECT is(pg_temp.may('a'), 'email sms', 'does not lift the refusal of one');
SELECT is(count(crm.consent_grant(pg_temp.c('a'), 'marketing', 'phone', 'v1')), 1::bigint, 'one that names it');
SELECT is(pg_temp.may('a') || ', service ' || crm.may_contact(pg_temp.c('a'), 'service', 'phone'), 'email phone sms, service false', 'does, for what it names');
SELECT is(count(crm.consent_withdraw(pg_temp.c('a'), 'marketing')), 1::bigint, 'he withdraws');
SELECT is(pg_temp.may('a'), NULL, 'from all that was said before');
SELECT is(count(crm.consent_grant(pg_temp.c('a'), 'marketing', 'email', 'v2')), 1::bigint, 'and agrees to less again');
SELECT is(pg_temp.may('a'), 'email', 'which holds');
SELECT is(count(crm.consent_withdraw(pg_temp.c('a'))), 1::bigint, 'he withdraws from everything');
SELECT is(concat(pg_temp.may('a'), crm.may_contact(pg_temp.c('a'), 'service')::text), 'false', 'nothing is allowed that can be refused');

-- 2. kinds, periods, moments
SELECT throws_ok(format('SELECT crm.consent_grant(%L, %s)', pg_temp.c('b'), args), state, NULL, why) FROM (VALUES
    ('NULL, NULL, ''v1''', '22023', 'a consent names its purpose'), ('''marketing''', '22023', 'and the notice that was shown'),
    ('''marketing'', NULL, '' ''', '22023', 'which is not blank'), ('''spam'', NULL, ''v1''', '22023', 'no such purpose'), ('''marketing'', ''smoke'', ''v1''', '22023', 'no such channel'),
    ('''marketing'', NULL, ''v1'', ''tacit''', '22023', 'no tacit consent'), ('''marketing'', NULL, ''v1'', NULL', '22023', 'nor one of no kind'),
    ('''marketing'', NULL, ''v1'', ''written''', '22023', 'what is written is somewhere'),
    ('''marketing'', NULL, ''v1'', captured_at => ''infinity''', '22023', 'not at the end of days'),
    ('''marketing'', NULL, ''v1'', captured_at => ''-infinity''', '22023', 'nor before them'),
    ('''marketing'', NULL, ''v1'', captured_at => now() + interval ''1 minute''', '22023', 'nothing that was not said yet'),
    ('''marketing'', NULL, ''v1'', captured_at => now() - interval ''31 days''', 'KH007', 'nothing said long ago'),
    ('''marketing'', NULL, ''v1'', captured_at => now() - interval ''31 days'', evidence => ''form 7''', 'KH007', 'nor with evidence, by a writer'),
    ('''marketing'', NULL, ''v1'', valid_until => now() - interval ''1 day''', '22023', 'nothing that ended before it began')) v (args, state, why);
SELECT throws_ok('SELECT crm.consent_grant(''CUST209901010001'', ''marketing'', NULL, ''v1'')', 'P0002', NULL, 'nobody''s consent');
SELECT throws_ok('SELECT crm.may_contact(NULL, ''spam'')', '22023', NULL, 'a misspelt purpose is no silent no');
SELECT is(crm.may_contact('CUST209901010001', 'service'), false, 'nobody may be contacted');
SELECT is(count(crm.consent_grant(pg_temp.c('b'), 'third_party', NULL, 'v1')), 1::bigint, 'express');
SELECT is(crm.may_contact(pg_temp.c('b'), 'third_party'), false, 'is not enough where a separate consent is needed');
SELECT throws_ok(format('SELECT crm.require_consent(%L, ''third_party'')', pg_temp.c('b')), 'KH005', NULL, 'who needs it is stopped');
SELECT is(count(crm.consent_grant(pg_temp.c('b'), 'third_party', NULL, 'v1', 'written', 'contract 12')), 1::bigint, 'in writing');
SELECT lives_ok(format('SELECT crm.require_consent(%L, ''third_party'')', pg_temp.c('b')), 'is more than enough');
SELECT is(count(crm.consent_grant(pg_temp.c('b'), 'survey', NULL, 'v1', captured_at => now() - interval '20 days', valid_until => now() - interval '10 days')), 1::bigint, 'one that has ended since');
SELECT is(string_agg(crm.may_contact(pg_temp.c('b'), 'survey', at => now() - d * interval '1 day')::text, ' ' ORDER BY d), 'false true false', 'held in its time') FROM unnest(ARRAY[5, 15, 25]) d;
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT is(pg_temp.holds('b'), 'survey * expired, third_party * given', 'expired by itself');
SELECT is(count(crm.consent_grant(pg_temp.c('a'), 'profiling', NULL, 'v1', valid_until => 'infinity')), 1::bigint, 'to the end of days');
SELECT is(extract(day FROM valid_until - captured_at), 730::numeric, 'is no longer than the purpose allows') FROM crm.consent_current WHERE purpose = 'profiling';
SELECT is(extract(day FROM valid_until - captured_at), 730::numeric, 'a purpose says how long a consent lasts') FROM crm.consent_history WHERE customer_code = pg_temp.c('a') AND status = 'given' LIMIT 1;
SELECT throws_ok(format('SELECT crm.consent_grant(%L, ''survey'', NULL, ''v0'', captured_at => ''2020-01-01'')', pg_temp.c('b')), 'KH007', NULL, 'the data department too needs evidence of what was said long ago');
SELECT is(count(crm.consent_grant(pg_temp.c('b'), 'survey', NULL, 'v0', evidence => 'paper 3', captured_at => '2020-01-01', valid_until => '2021-01-01')), 1::bigint, 'with it');
SELECT is(crm.may_contact(pg_temp.c('b'), 'survey', at => '2020-06-01') || ' ' || crm.may_contact(pg_temp.c('b'), 'survey', at => '2022-01-01'), 'true false', 'the past is known');
SELECT is(count(crm.consent_expire(pg_temp.c('b'), 'third_party', evidence => 'notice v2')), 1::bigint, 'the notice changed');
SELECT is(crm.may_contact(pg_temp.c('b'), 'third_party'), false, 'so he must be asked again');

-- 3. nobody rewrites, forges or reads what is not his
SELECT is(DISTINCT_signers, 'crm_test_consent_writer,crm_test_consent_one', 'each event is signed by who wrote it')
  FROM (SELECT string_agg(captured_by, ',' ORDER BY first) AS DISTINCT_signers FROM (SELECT captured_by, min(event_id) AS first FROM crm.consent_history GROUP BY captured_by) x) y;
RESET SESSION AUTHORIZATION;
SET ROLE crm_owner;
SELECT throws_ok(statement, '42501', NULL, 'not even the owner: ' || statement) FROM unnest(ARRAY[
    'UPDATE crm_data.consent_event SET status = ''given''', 'UPDATE crm_data.consent_event SET captured_by = ''me'' WHERE false', 'DELETE FROM crm_data.consent_event', 'TRUNCATE crm_data.consent_event',
    'MERGE INTO crm_data.consent_event e USING (VALUES (1)) v ON true WHEN MATCHED THEN DELETE']) statement;
INSERT INTO crm_data.consent_event (customer_code, purpose, status, kind, notice_version, captured_at, recorded_at, captured_by)
VALUES (pg_temp.c('d'), 'marketing', 'given', 'express', 'v1', now(), '2020-01-01', 'somebody') RETURNING captured_by = session_user AND recorded_at > now() AS signed \gset
SELECT is(:'signed'::boolean, true, 'nor does he sign for others, or at another time');
SELECT throws_ok(format('INSERT INTO crm_data.consent_event (customer_code, purpose, status, kind, notice_version, captured_at) VALUES (%L, ''marketing'', ''given'', ''express'', ''v1'', ''2020-01-01'')', pg_temp.c('d')),
    'KH007', NULL, 'nor write of the past');
RESET ROLE;
SET SESSION AUTHORIZATION crm_test_consent_writer;
SELECT throws_ok(statement, '42501', NULL, 'nor a writer: ' || statement) FROM unnest(ARRAY[
    'INSERT INTO crm_data.consent_event (customer_code) VALUES (NULL)', 'UPDATE crm_data.consent_event SET status = ''given''', 'DELETE FROM crm_data.consent_event',
    'SELECT * FROM crm.consent_history', 'SELECT crm.consent_record(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)', 'SELECT crm.consent_expire(NULL, NULL)',
    'SELECT crm.legal_hold_place(NULL, NULL)', 'SELECT crm.is_held(NULL)']) statement;
SET SESSION AUTHORIZATION crm_test_consent_reader;
SELECT is(pg_temp.holds('b'), 'survey * expired, third_party * expired', 'a reader sees what holds');
SELECT is(crm.may_contact(pg_temp.c('d'), 'marketing', 'sms'), true, 'and may ask');
SELECT throws_ok(statement, '42501', NULL, 'but neither records nor sees evidence and holds: ' || statement) FROM unnest(ARRAY[
    'SELECT crm.consent_grant(NULL, ''marketing'')', 'SELECT crm.consent_withdraw(NULL)', 'SELECT * FROM crm.consent_history', 'SELECT * FROM crm.legal_hold', 'SELECT evidence FROM crm_data.consent_event']) statement;
SELECT is(jsonb_path_query_array(crm.customer_card(pg_temp.c('d')), '$.consents[*].status'), '["given"]', 'the card has them');
SET SESSION AUTHORIZATION crm_test_consent_searcher;
SELECT throws_ok(statement, '42501', NULL, 'who has no right to read has none to this: ' || statement) FROM unnest(ARRAY[
    'SELECT * FROM crm.consent_current', 'SELECT * FROM crm.consent_voice', 'SELECT crm.may_contact(NULL, ''marketing'')', 'SELECT crm.require_consent(NULL, ''marketing'')']) statement;
SET SESSION AUTHORIZATION crm_test_consent_credit;
SELECT throws_ok('SELECT * FROM crm.consent_current', '42501', NULL, 'nor credit management');
SET SESSION AUTHORIZATION crm_test_consent_none;
SELECT throws_ok('SELECT * FROM crm.consent_span', '42501', NULL, 'nor anybody');

-- 4. strictest wins, and comes apart again. e: agreed to all; f: withdrew by e-mail; g: lapsed; h: silent
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT count(crm.consent_grant(pg_temp.c('e'), 'marketing', NULL, 'v1')), count(crm.consent_grant(pg_temp.c('e'), 'survey', 'sms', 'v1')),
       count(crm.consent_withdraw(pg_temp.c('f'), 'marketing', 'email', captured_at => now() - interval '5 days')),
       count(crm.consent_grant(pg_temp.c('g'), 'survey', NULL, 'v1', captured_at => now() - interval '20 days', valid_until => now() - interval '1 day')) \gset _
CREATE TEMP TABLE own AS SELECT label, pg_temp.holds(label) AS holds, pg_temp.may(label) AS may FROM c;
SELECT is(array_agg(concat_ws(' | ', item, survivor_has, loser_has, result) ORDER BY item), ARRAY['marketing, email | withdrawn | withdrawn', 'marketing, every channel | given | given', 'survey, sms | given | given'],
    'the preview says what will hold') FROM crm.merge_preview(pg_temp.c('e'), pg_temp.c('f')) WHERE part = 'consent';
SELECT crm.merge(pg_temp.c('e'), pg_temp.c('f')) AS ef \gset
SELECT is(pg_temp.holds('f'), 'marketing email withdrawn, marketing * given, survey sms given', 'the older refusal of one record holds against the newer consent of the other');
SELECT is(pg_temp.may('e'), 'phone sms', 'for what was refused');
SELECT is(array_agg(concat_ws(' | ', item, survivor_has, loser_has, result) ORDER BY item), ARRAY['marketing, email | withdrawn | withdrawn', 'marketing, every channel | given | given', 'survey, every channel | expired | expired', 'survey, sms | given | overruled'],
    'what lapsed with one record lapses what the other gave') FROM crm.merge_preview(pg_temp.c('e'), pg_temp.c('g')) WHERE part = 'consent';
SELECT crm.merge(pg_temp.c('e'), pg_temp.c('g')) AS eg \gset
SELECT is(pg_temp.holds('e') || ', survey by sms ' || crm.may_contact(pg_temp.c('e'), 'survey', 'sms'), 'marketing email withdrawn, marketing * given, survey * expired, survey by sms false', 'as foreseen');
SELECT crm.merge(pg_temp.c('h'), pg_temp.c('e')) AS he \gset
SELECT is(pg_temp.may('h'), 'phone sms', 'who said nothing says nothing against it');
SET SESSION AUTHORIZATION crm_test_consent_writer;
SELECT is(count(crm.consent_grant(pg_temp.c('f'), 'marketing', 'email', 'v2')), 1::bigint, 'asked again, he agrees');
SELECT is(pg_temp.may('e'), 'email phone sms', 'that is said for all his records');
SELECT is(count(crm.consent_grant(pg_temp.c('f'), 'survey', NULL, 'v2', captured_at => now() - interval '1 day')), 1::bigint, 'a form from before the merge turns up');
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT is(pg_temp.holds('e'), 'marketing email given, marketing * given, survey * expired', 'it was signed for one record alone');
SELECT is(count(crm.consent_withdraw(pg_temp.c('g'), NULL, 'sms')), 1::bigint, 'he refuses a channel');
-- the rule is a row
SELECT is(count(crm.consent_withdraw(pg_temp.c('d'), 'survey', captured_at => now() - interval '3 days')), 1::bigint, 'd refused surveys three days ago');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('UPDATE crm_data.survivorship_rule SET prefer = %L WHERE field = ''consent''', p), '23514', NULL, 'a consent is not chosen by ' || p) FROM unnest(ARRAY['survivor', 'oldest']) p;
SELECT throws_ok($$UPDATE crm_data.survivorship_rule SET prefer = 'strictest' WHERE field = 'email'$$, '23514', NULL, 'and only a consent is strict');
UPDATE crm_data.survivorship_rule SET prefer = 'newest' WHERE field = 'consent';
SELECT is(string_agg(concat_ws(' | ', item, survivor_has, loser_has, result), ', ' ORDER BY item) FILTER (WHERE item LIKE 'survey%'), 'survey, every channel | withdrawn | given | given', 'the newest word of any record: so the preview')
  FROM crm.merge_preview(pg_temp.c('d'), pg_temp.c('h')) WHERE part = 'consent';
SELECT is(pg_temp.holds('e'), 'marketing email given, marketing * given, survey * given, * sms withdrawn', 'and so the view, at once');
SELECT is(crm.may_contact(pg_temp.c('e'), 'survey', 'email'), true, 'and the answer');
DELETE FROM crm_data.survivorship_rule WHERE field = 'consent';
SELECT is(crm.consent_rule() || ' ' || crm.may_contact(pg_temp.c('e'), 'survey', 'email'), 'strictest false', 'without a rule the strictest holds');
INSERT INTO crm_data.survivorship_rule VALUES ('consent', 'strictest');
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT throws_ok(format('SELECT crm.merge(%L, %L, %L)', pg_temp.c('d'), pg_temp.c('h'), ch), '22023', NULL, 'nobody chooses a consent by hand: ' || ch) FROM unnest(ARRAY['{"consent": "loser"}', '{"consent": "survivor"}']) ch;
-- apart again, in another order than together
SELECT is(crm.unmerge(:ef, 'two persons') -> 'refusals', jsonb_build_array(jsonb_build_object('customer', pg_temp.c('f'), 'purpose', NULL, 'channel', 'sms', 'status', 'withdrawn',
    'event', (SELECT max(event_id) - 1 FROM crm.consent_history))), 'undoing tells which refusals stand no more for whom');
SELECT crm.unmerge(:he, 'two persons'), crm.unmerge(:eg, 'two persons') \gset _
SELECT is(array_agg(format('%s: %s', label, pg_temp.holds(label)) ORDER BY label), (SELECT array_agg(format('%s: %s', label, holds) ORDER BY label) FROM own WHERE label IN ('e', 'f', 'g')),
    'each record says again exactly what it said') FROM own WHERE label IN ('e', 'f', 'g');
SELECT is(array_agg(pg_temp.may(label) ORDER BY label), (SELECT array_agg(may ORDER BY label) FROM own WHERE label IN ('e', 'f', 'g')), 'and allows exactly what it allowed') FROM own WHERE label IN ('e', 'f', 'g');
SELECT is(pg_temp.holds('h'), 'marketing email given, survey * given, * sms withdrawn', 'what was said meanwhile stays with the record that stood for all');

-- 5. registration brings consents, all or nothing
SET SESSION AUTHORIZATION crm_test_consent_writer;
INSERT INTO c SELECT 'i', crm.register_customer('{"kind": "individual", "name": "王小明", "phone": "13800138999"}', day => '2021-05-06', consents =>
    '[{"purpose": "marketing", "channel": "email", "notice_version": "v1", "evidence": "web form"}, {"status": "denied", "channel": "phone"}]');
SELECT is(pg_temp.may('i'), 'email', 'a registration with its consents');
SELECT throws_ok(format('SELECT crm.register_customer(%L, consents => %L)', '{"kind": "individual", "name": "李小红", "phone": "13800138998"}', bad), state, NULL, 'refused whole: ' || bad) FROM (VALUES
    ('{}', '22023'), ('[7]', '22023'), ('[{"purpose": "marketing"}]', '22023'), ('[{"purpose": "marketing", "notice_version": "v1"}, {"purpose": "spam", "notice_version": "v1"}]', '22023'),
    ('[{"purpose": "marketing", "notice_version": "v1", "captured_by": "me"}]', '22023'), ('[{"purpose": "marketing", "notice_version": "v1", "captured_at": "1999-01-01"}]', 'KH007'),
    ('[{"purpose": "marketing", "notice_version": "v1", "captured_at": "soon"}]', '22007')) v (bad, state);
SELECT throws_ok($$SELECT crm.register_customer('{"kind": "individual", "name": "李小红", "phone": "13800138998"}', consents => NULL)$$, '22004', NULL, 'no null');
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT is(count(*), 0::bigint, 'and nothing is left of it') FROM crm.customer_search('phone', '13800138998');
-- a field that needs a consent, once a row says so
RESET SESSION AUTHORIZATION;
INSERT INTO crm_data.intake_rule (kind, field, is_required, consent_purpose) VALUES ('individual', 'bank_card', false, 'sensitive_data');
SET SESSION AUTHORIZATION crm_test_consent_writer;
SELECT lives_ok($$SELECT crm.register_customer('{"kind": "individual", "name": "李小红", "phone": "13800138998"}')$$, 'without the field nothing is needed');
SELECT throws_ok(format('SELECT crm.register_customer(%L, consents => %L)', '{"kind": "individual", "name": "李小强", "phone": "13800138997", "bank_card": "4111111111111111"}', has), 'KH005', NULL, 'with it: ' || has)
  FROM unnest(ARRAY['[]', '[{"purpose": "sensitive_data", "notice_version": "v1"}]', '[{"purpose": "marketing", "kind": "separate", "notice_version": "v1"}]',
                    '[{"purpose": "sensitive_data", "kind": "separate", "notice_version": "v1"}, {"purpose": "sensitive_data", "status": "denied"}]']) has;
SELECT lives_ok($$SELECT crm.register_customer('{"kind": "individual", "name": "李小强", "phone": "13800138997", "bank_card": "4111111111111111"}',
    consents => '[{"purpose": "sensitive_data", "kind": "separate", "notice_version": "v1"}]')$$, 'with a separate consent it is taken');
SELECT crm.import_begin('cards', 'a client', 2, '2021-05-06', 'CUST') AS job \gset
SELECT lives_ok(format($$SELECT crm.import_rows('cards', ARRAY[jsonb_populate_record(NULL::crm.customer_input, '{"line": 1, "kind": "individual", "name": "赵小一", "phone": "13800138990"}')], '2021-05-06', 'CUST', false, %s)$$, :job), 'an import without the field');
SELECT throws_ok(format($$SELECT crm.import_rows('cards', ARRAY[jsonb_populate_record(NULL::crm.customer_input, '{"line": 2, "kind": "individual", "name": "赵小二", "phone": "13800138991", "bank_card": "4111111111111111"}')], '2021-05-06', 'CUST', false, %s)$$, :job),
    'KH005', NULL, 'none with it: a file brings no consents');

-- 6. legal holds
CREATE FUNCTION pg_temp.deleting(l text, state text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT throws_ok(format(q, pg_temp.c(l)), state, NULL, l || ': ' || q) FROM unnest(ARRAY['SELECT crm.remove_external_id(%L, ''old'', ''X1'')',
        'SELECT crm.points_set_standing(%L, has_left => true)', 'SELECT crm.retire_customer_code(%L, ''erased'')']) q $$;
RESET SESSION AUTHORIZATION;
UPDATE crm_data.merge_policy SET threshold = NULL WHERE measure IN ('amount', 'points', 'records');
SELECT crm.points_earn(customer => pg_temp.c('a'), programme => 'main', request_id => 'e1', amount => 10, expires_on => '2099-12-31') IS NOT NULL AS earned \gset _
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT crm.add_external_id(pg_temp.c('a'), 'old', 'X1'), crm.add_external_id(pg_temp.c('b'), 'old', 'X2') \gset _
SELECT throws_ok(format('SELECT crm.legal_hold_place(%s)', args), state, NULL, why) FROM (VALUES
    (format('%L, '' ''', pg_temp.c('a')), '22023', 'not without a reason'), (format('%L, ''x'', ''everything''', pg_temp.c('a')), '22023', 'not of a scope that is none'),
    (format('%L, ''x'', ''all'', ''2020-01-01''', pg_temp.c('a')), '22023', 'not ended already'), ('''CUST209901010001'', ''x''', 'P0002', 'on nobody')) v (args, state, why);
SELECT crm.legal_hold_place(pg_temp.c('a'), 'lawsuit 7') AS hold \gset
SELECT pg_temp.deleting('a', 'KH011');
SELECT is(crm.customer_by_external_id('old', 'X1'), pg_temp.c('a'), 'nothing was deleted');
SELECT is(crm.customer_card(pg_temp.c('a')) #>> '{holds,0,reason}', 'lawsuit 7', 'the card says so to the data department');
SELECT is(count(*), 1::bigint, 'what deletes nothing goes on') FROM crm.points_lock(customer => pg_temp.c('a'), programme => 'main', request_id => 'r1');
SELECT is(count(crm.consent_withdraw(pg_temp.c('a'), 'survey')), 1::bigint, 'a refusal is heard');
-- a merge is allowed, because it deletes nothing and can be undone; the hold is of the whole customer
SELECT is(array_agg(concat_ws(' ', item, survivor_has, loser_has, why)), '{all held lawsuit 7}', 'the preview tells of it') FROM crm.merge_preview(pg_temp.c('b'), pg_temp.c('a')) WHERE part = 'hold';
SELECT crm.merge(pg_temp.c('b'), pg_temp.c('a')) AS ba \gset
SELECT throws_ok(format('SELECT crm.remove_external_id(%L, ''old'', ''X2'')', pg_temp.c('b')), 'KH011', NULL, 'also what was the other''s');
SELECT is(count(*), 1::bigint, 'a second hold, of points,') FROM crm.legal_hold_place(pg_temp.c('b'), 'audit', 'points', '2099-12-31');
SELECT is(count(DISTINCT hold_id) || ' ' || count(*), '1 2', 'is one hold on both records') FROM crm.legal_hold WHERE scope = 'points';
RESET SESSION AUTHORIZATION;
UPDATE crm_data.merge SET merged_on = '2001-01-01' WHERE merge_id = :ba;
SET SESSION AUTHORIZATION crm_test_consent_one;
SELECT lives_ok(format('SELECT crm.unmerge(%s, ''two persons'')', :ba), 'and while it stands, undoing is never too late');
SELECT is(concat_ws(' ', crm.is_held(pg_temp.c('b'))::text, crm.is_held(pg_temp.c('b'), 'identity')::text, crm.is_held(pg_temp.c('a'), 'identity')::text, crm.is_held(pg_temp.c('a'), 'points')::text),
    'true false true true', 'apart, each keeps what was placed on it');
SELECT lives_ok(format('SELECT crm.remove_external_id(%L, ''old'', ''X2'')', pg_temp.c('b')), 'a hold of points holds points alone');
SELECT throws_ok(format('SELECT crm.points_set_standing(%L, has_left => true)', pg_temp.c('b')), 'KH011', NULL, 'and those it does');
-- lifting
SELECT throws_ok(format('SELECT crm.legal_hold_lift(%s, ''settled'')', :hold), 'KH004', NULL, 'who placed it does not lift it');
SET SESSION AUTHORIZATION crm_test_consent_two;
SELECT throws_ok(format('SELECT crm.legal_hold_lift(%s, '''')', :hold), '22023', NULL, 'nor anybody without a reason');
SELECT lives_ok(format('SELECT crm.legal_hold_lift(%s, ''settled'')', :hold), 'somebody else does');
SELECT throws_ok(format('SELECT crm.legal_hold_lift(%s, ''settled'')', :hold), 'P0002', NULL, 'once');
SELECT lives_ok(format('SELECT crm.remove_external_id(%L, ''old'', ''X1'')', pg_temp.c('a')), 'then it can be deleted');
SELECT is(string_agg(concat_ws(' ', scope, stands, placed_by, lifted_by, lifted_why), ', ' ORDER BY hold_id, record_code),
    'all f crm_test_consent_one crm_test_consent_two settled, points t crm_test_consent_one, points t crm_test_consent_one', 'all of it is known') FROM crm.legal_hold;
RESET SESSION AUTHORIZATION;
ALTER TABLE crm_data.legal_hold DISABLE TRIGGER USER;
UPDATE crm_data.legal_hold SET until = '2001-01-01' WHERE scope = 'points';
ALTER TABLE crm_data.legal_hold ENABLE TRIGGER USER;
SELECT is(crm.is_held(pg_temp.c('a')), false, 'past its last day it holds no more');
SET ROLE crm_owner;
SELECT throws_ok(statement, state, NULL, 'not even the owner: ' || statement) FROM (VALUES
    ('DELETE FROM crm_data.legal_hold', '42501'), ('TRUNCATE crm_data.legal_hold', '42501'), ('UPDATE crm_data.legal_hold SET until = NULL', 'P0002'),
    ('UPDATE crm_data.legal_hold SET lifted_why = ''again'' WHERE lifted_by IS NOT NULL', 'P0002')) v (statement, state);
INSERT INTO crm_data.legal_hold (customer_code, reason, placed_by, lifted_by, lifted_at, lifted_why) VALUES (pg_temp.c('d'), 'x', 'somebody', 'another', now(), 'y') RETURNING placed_by = session_user AND lifted_by IS NULL AS signed \gset
SELECT is(:'signed'::boolean, true, 'nor does he sign for others');
SELECT throws_ok(format('UPDATE crm_data.legal_hold SET lifted_by = ''another'', lifted_why = ''y'' WHERE customer_code = %L', pg_temp.c('d')), '23514', NULL, 'nor lift his own in another''s name');
RESET ROLE;
SELECT is((SELECT array_agg(f::text) FROM crm.merge_rule_faults() f), NULL, 'a merge knows what to do with all of it');
SELECT * FROM finish();
ROLLBACK;
