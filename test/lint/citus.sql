-- Proves: the tables obey the rules of Citus, so that customers can be spread over
-- machines without a new schema; and every table is classified, a new one included.
-- Why rules instead of Citus itself: they are what breaks late and costs a migration.
BEGIN;
SELECT no_plan();

CREATE TEMPORARY TABLE placed (relation text PRIMARY KEY, placement text NOT NULL, why text);
-- By customer_code, one customer's rows on one machine.
INSERT INTO placed SELECT unnest(ARRAY['crm_data.customer', 'crm_data.individual', 'crm_data.organization', 'crm_data.customer_group',
    'crm_data.identity_document', 'crm_data.contact_point', 'crm_data.bank_account', 'crm_data.address',
    'crm_data.purchase', 'crm_data.interaction', 'crm_data.external_id', 'crm_data.customer_code_alias',
    'crm_data.points_account', 'crm_data.points_journal', 'crm_data.points_reversal', 'crm_data.points_approval', 'crm_data.points_reason', 'crm_data.points_promise',
    'crm_data.field_source', 'crm_data.customer_relation', 'crm_data.consent_event', 'crm_data.legal_hold',
    'crm_data.points_element', 'crm_data.points_earning', 'crm_data.points_remainder', 'crm_data.points_standing',
    'crm_data.points_gift_use', 'crm_data.points_redemption', 'crm_data.points_notice']), 'distributed';
INSERT INTO placed SELECT 'crm_data.' || unnest(ARRAY['score_result', 'score_judgement', 'score_request', 'legal_profile', 'ownership_share', 'key_manager',
    'financial_report', 'external_rating', 'credit_exposure', 'qualification_check', 'credit_limit', 'credit_warning', 'churn_signal', 'customer_class',
    'customer_level', 'level_notice', 'quality_score', 'quality_issue', 'cleaning_proposal', 'follow_up', 'customer_cost', 'customer_dormancy', 'level_assessment', 'value_snapshot', 'benefit_used', 'event_outbox']), 'distributed';
-- What is unique over all customers: distributed by what is claimed; or, where a foreign
-- key leads to the claim, copied to every machine, which costs a write on each of them.
INSERT INTO placed VALUES
    ('crm_data.document_claim', 'claim', 'by the document''s token'),
    ('crm_data.external_id_claim', 'copied claim', 'external_id refers to it; without that key it could be distributed by value');
-- A copy on every machine: small, seldom written.
INSERT INTO placed SELECT unnest(ARRAY['crm_data.customer_kind', 'crm_data.lifecycle_state', 'crm_data.document_kind', 'crm_data.channel',
    'crm_data.field_policy', 'crm_data.intake_rule', 'crm_secure.key_ring', 'crm.mask_setting', 'crm_data.points_programme',
    'crm_data.merge_rule', 'crm_data.merge_policy', 'crm_data.survivorship_rule', 'crm_data.source_reliability', 'crm_data.relation_kind',
    'crm_data.legal_basis', 'crm_data.processing_purpose', 'crm_data.consent_policy',
    'crm_data.points_type', 'crm_data.points_rule', 'crm_data.points_level', 'crm_data.points_redeem_rule', 'crm_data.points_hold_rule', 'crm_data.points_transfer_rule', 'crm_data.points_draft']), 'reference';
INSERT INTO placed SELECT 'crm_data.' || unnest(ARRAY['score_model', 'score_characteristic', 'score_bin', 'score_grade', 'rfm_segment', 'credit_policy', 'credit_warning_rule',
    'rule_set', 'dormancy_reason', 'churn_rule', 'class_rule', 'class_score', 'class_action', 'level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement', 'quality_field', 'quality_weight', 'quality_source', 'quality_policy', 'cleaning_rule']), 'reference';
INSERT INTO placed VALUES
    ('crm_data.points_gift_batch', 'local', 'one budget for all machines'),
    ('crm_data.points_reward', 'local', 'one stock for all machines'),
    ('crm_data.points_merge', 'local', 'a merge moves points between customers, so it is led from one place'),
    ('crm_data.schema_version', 'local', 'deploy() runs where DDL runs'),
    ('crm_data.job', 'local', 'procedures run where they are called'),
    ('crm_data.code_scheme', 'local', 'with the counter'),
    ('crm_data.code_counter', 'local', 'one counter for all machines: no gaps, nothing twice'),
    ('crm_data.match_model', 'local', 'a model runs where it is called; over many machines it needs a copy of its source'),
    ('crm_data.match_counter', 'local', 'with its model'),
    ('crm_data.match_parameter', 'local', 'with its model'),
    ('crm_data.match_page', 'local', 'with its model'),
    ('crm_data.match_record', 'local', 'with its model'),
    ('crm_data.match_key', 'local', 'with its model'),
    ('crm_data.match_pair', 'local', 'with its model'),
    ('crm_data.match_cluster', 'local', 'with its model'),
    ('crm_data.match_gone', 'local', 'with its model'),
    ('crm_data.match_label', 'local', 'with its model'),
    ('crm_data.match_report', 'local', 'with its model'),
    ('crm_data.match_stage', 'local', 'with its model'),
    ('crm_data.match_asked', 'local', 'counted where it is asked'),
    ('crm_data.import_batch', 'local', 'a file comes in at one place'),
    ('crm_data.import_line', 'local', 'with its batch'),
    ('crm_data.import_reject', 'local', 'with its batch'),
    ('crm_data.duplicate_case', 'local', 'speaks of two customers; people decide at one place'),
    ('crm_data.merge', 'local', 'speaks of two customers; locks them one by one'),
    ('crm_data.merge_request', 'local', 'with the merges'),
    ('crm_data.cleaning_run', 'reference', 'how far a run is; its proposals refer to it'),
    ('crm.customer_staging', 'local', 'with its batch');

-- Trigger functions on distributed tables, read for one rule: they touch only the row's customer.
CREATE TEMPORARY TABLE reviewed (function text PRIMARY KEY, why text NOT NULL);
INSERT INTO reviewed VALUES
    ('crm.code_keep()', 'only refuses'),
    ('crm.points_keep()', 'only refuses'),
    ('crm.points_keep_records()', 'only refuses'),
    ('crm.points_four_eyes()', 'looks at the row, or refuses'),
    ('crm.score_row_keep()', 'only refuses'),
    ('crm.consent_keep()', 'only refuses'),
    ('crm.consent_sign()', 'sets columns of the row, or refuses'),
    ('crm.legal_hold_sign()', 'sets columns of the row, or refuses'),
    ('crm.cleaning_proposal_keep()', 'only refuses'),
    ('crm.cleaning_proposal_added()', 'only refuses, by the run, of which every machine has a copy'),
    ('crm.score_sign()', 'sets columns of the row'),
    ('crm.score_request_keep()', 'sets columns of the row, or refuses'),
    ('crm.score_result_fill()', 'reads models, which are on every machine'),
    ('crm.credit_limit_keep()', 'reads policies, and requests, results and limits of the row''s customer'),
    ('crm.ownership_keep()', 'reads the shares of the row''s customer'),
    ('crm.event_keep()', 'only refuses'),
    ('crm.follow_up_keep()', 'sets a column of the row, or refuses'),
    ('crm.follow_up_reassessed()', 'closes follow-ups of the rows'' customers'),
    ('crm.level_noticed()', 'writes events of the rows'' customers'),
    ('crm.level_keep()', 'reads schemes, and requests and levels of the row''s customer'),
    ('crm.code_retired_check()', 'reads the aliases of the inserted codes, which lie with them');

CREATE TEMPORARY VIEW our_table AS
SELECT c.oid, c.oid::regclass::text AS name, p.placement FROM pg_class c LEFT JOIN placed p ON p.relation = c.oid::regclass::text
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('crm', 'crm_data', 'crm_report', 'crm_secure'));
CREATE TEMPORARY VIEW distributed AS
SELECT t.*, a.attnum AS code FROM our_table t LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'customer_code'
 WHERE t.placement = 'distributed';
CREATE TEMPORARY VIEW our_reference AS
SELECT k.*, s.name || ' ' || k.conname AS name, s.placement AS from_placement, t.placement AS to_placement
  FROM pg_constraint k JOIN our_table s ON s.oid = k.conrelid LEFT JOIN our_table t ON t.oid = k.confrelid WHERE k.contype = 'f';

-- -- every table on exactly one list ---------------------------------------------------

SELECT set_eq('SELECT name FROM our_table', 'SELECT relation FROM placed',
    'every table is distributed, a claim, a reference or local, and every one listed exists');
SELECT cmp_ok((SELECT count(*) FROM distributed), '>', 10::bigint, 'there are distributed tables to look at');

-- -- the distribution column --------------------------------------------------------------

SELECT is_empty(
    $$SELECT d.name FROM distributed d LEFT JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum = d.code
       WHERE (a.attnotnull AND a.attgenerated = '' AND a.attidentity = '' AND a.atttypid = 'crm.customer_code'::regtype) IS NOT TRUE$$,
    'customer_code is there, NOT NULL and not generated');
SELECT is_empty(
    $$SELECT d.name FROM distributed d LEFT JOIN pg_index i ON i.indrelid = d.oid AND i.indisprimary
       WHERE (i.indkey[0] = d.code) IS NOT TRUE$$,
    'every primary key begins with customer_code');
SELECT is_empty(
    $$SELECT i.indexrelid::regclass FROM distributed d JOIN pg_index i ON i.indrelid = d.oid
       WHERE (i.indisunique OR i.indisexclusion) AND d.code <> ALL (i.indkey::smallint[])$$,
    'every unique or exclusion constraint and every unique index contains customer_code');
SELECT is_empty(
    $$SELECT d.name, a.attname FROM distributed d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attidentity <> ''
       WHERE a.atttypid <> 'bigint'::regtype$$,
    'numbers given on several machines are bigint');

-- -- references -------------------------------------------------------------------------------

SELECT cmp_ok((SELECT count(*) FROM our_reference WHERE from_placement = 'distributed' AND to_placement = 'distributed'),
    '>', 5::bigint, 'there are references between distributed tables to look at');
SELECT is_empty(
    $$SELECT r.name FROM our_reference r JOIN distributed s ON s.oid = r.conrelid JOIN distributed t ON t.oid = r.confrelid
       WHERE array_position(r.conkey, s.code) IS DISTINCT FROM array_position(r.confkey, t.code) OR array_position(r.conkey, s.code) IS NULL$$,
    'a reference between distributed tables holds customer_code at the same place on both sides');
SELECT is_empty(
    $$SELECT name FROM our_reference WHERE from_placement IN ('distributed', 'claim') AND to_placement NOT IN ('distributed', 'reference', 'copied claim')
          OR from_placement IN ('claim', 'copied claim') AND to_placement <> 'reference'$$,
    'other references of distributed tables go to tables that are on every machine');
SELECT is_empty(
    $$SELECT name FROM our_reference WHERE from_placement = 'reference' AND to_placement <> 'reference'
          OR from_placement = 'local' AND to_placement NOT IN ('local', 'reference') OR to_placement IS NULL$$,
    'reference tables refer to one another only, local tables to these and their like');
SELECT is_empty(
    $$SELECT name FROM our_reference WHERE conrelid = confrelid AND from_placement = 'distributed'$$,
    'no customer refers to another: a merge is a pointer, not a reference');
SELECT is_empty(
    $$SELECT name FROM our_reference WHERE from_placement = 'distributed' AND (confupdtype NOT IN ('a', 'r') OR confdeltype IN ('n', 'd'))$$,
    'no reference would rewrite a customer_code');

-- -- triggers -----------------------------------------------------------------------------------

SELECT cmp_ok((SELECT count(*) FROM pg_trigger g JOIN distributed d ON d.oid = g.tgrelid WHERE NOT g.tgisinternal),
    '>', 0::bigint, 'there are triggers on distributed tables to look at');
SELECT is_empty(
    $$SELECT d.name, g.tgname, g.tgfoid::regprocedure FROM pg_trigger g JOIN distributed d ON d.oid = g.tgrelid
       WHERE NOT g.tgisinternal AND g.tgfoid::regprocedure::text NOT IN (SELECT function FROM reviewed)$$,
    'every trigger function on a distributed table has been reviewed');
SELECT is_empty($$SELECT function FROM reviewed EXCEPT SELECT tgfoid::regprocedure::text FROM pg_trigger$$,
    'no reviewed trigger function is out of use');

-- -- claims ---------------------------------------------------------------------------------------

SELECT is_empty(
    $$SELECT c.name FROM our_table c LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer_code'
       WHERE c.placement IN ('claim', 'copied claim') AND (a.attnotnull AND a.attnum <> ALL (i.indkey::smallint[])) IS NOT TRUE$$,
    'a claim is keyed by what is claimed, and names its customer');

SELECT * FROM finish();
ROLLBACK;
