-- clean: values are corrected by rules, in runs that are looked at first, approved by a
-- second person, and can be undone. What a run changed and what stood there before stays.

-- A version is never changed; another one is a new row. field: crm.cleaning_fields().
CREATE TABLE crm_data.cleaning_rule (
    rule       text     NOT NULL CHECK (rule ~ '^[a-z][a-z0-9_]{0,62}$'),
    version    integer  NOT NULL CHECK (version > 0),
    field      text     NOT NULL,
    method     text     NOT NULL,
    -- Of the method map: {"value": "value"}.
    map        jsonb,
    -- How sure it is; also that of the value that it leaves.
    confidence numeric  NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    -- Where its values come from, for crm_data.field_source; null: from where they were, only written otherwise.
    source     text,
    -- Of several rules for a value the first proposes.
    sort       smallint NOT NULL DEFAULT 0,
    active     boolean  NOT NULL DEFAULT true,
    label_zh   text     NOT NULL,
    label_en   text     NOT NULL,
    defined_by name     NOT NULL DEFAULT session_user,
    defined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, version),
    CONSTRAINT known_method CHECK (crm.cleaning_fits(field, method)),
    CONSTRAINT map_for_map CHECK ((method = 'map') = (map IS NOT NULL) AND (map IS NULL OR jsonb_typeof(map) = 'object'))
);
CREATE UNIQUE INDEX cleaning_rule_active_idx ON crm_data.cleaning_rule (rule) WHERE active;
INSERT INTO crm_data.cleaning_rule (rule, version, field, method, confidence, source, sort, label_zh, label_en) VALUES
    ('occupation_spelling', 1, 'individual.occupation', 'fold', 1, NULL, 1, '职业书写规范', 'occupation written in one way'),
    ('nationality_capitals', 1, 'individual.nationality', 'upper', 1, NULL, 1, '国籍代码大写', 'country code in capitals'),
    ('organization_name_spelling', 1, 'organization.name', 'organization_name', 1, NULL, 1, '单位名称书写规范', 'name of an organisation written in one way'),
    ('organization_industry_spelling', 1, 'organization.industry', 'fold', 1, NULL, 1, '行业书写规范', 'industry written in one way'),
    ('group_name_spelling', 1, 'customer_group.name', 'organization_name', 1, NULL, 1, '集团名称书写规范', 'name of a group written in one way'),
    ('group_industry_spelling', 1, 'customer_group.industry', 'fold', 1, NULL, 1, '集团行业书写规范', 'industry of a group written in one way'),
    ('birth_date_by_identity', 1, 'individual.birth_date', 'identity', 0.98, 'cleaning', 2, '按身份证号更正出生日期', 'birth date as the identity number tells it'),
    ('sex_by_identity', 1, 'individual.sex', 'identity', 0.98, 'cleaning', 2, '按身份证号更正性别', 'sex as the identity number tells it'),
    ('credit_code_by_document', 1, 'organization.uscc', 'document', 0.95, 'cleaning', 2, '按证件更正信用代码', 'credit code as the document has it'),
    ('division_successor', 1, 'address.division', 'successor', 0.9, NULL, 2, '撤并区划更新为现行代码', 'withdrawn division replaced by the one in force'),
    ('division_by_address', 1, 'address.division', 'address', 0.8, NULL, 3, '按详细地址补全区划', 'division as the address names it'),
    ('one_preferred_contact', 1, 'contact_point.is_preferred', 'single', 0.7, NULL, 2, '首选联系方式唯一', 'one preferred contact of each sort'),
    ('merged_values', 1, 'customer.golden', 'survivorship', 0.9, NULL, 2, '按存活规则取合并记录的值', 'value of a merged record by survivorship');

-- rules: those looked for, with their versions. done_code: how far the present stage is.
CREATE TABLE crm_data.cleaning_run (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of       date NOT NULL,
    rules       jsonb NOT NULL,
    state       text NOT NULL DEFAULT 'preview'
                CHECK (state IN ('preview', 'proposed', 'rejected', 'approved', 'applying', 'applied', 'undoing', 'undone')),
    done_code   crm.customer_code,
    proposals   bigint NOT NULL DEFAULT 0,
    -- Over all that is proposed and not rejected: what was looked at is what is applied.
    digest      bytea,
    created_by  name NOT NULL DEFAULT session_user,
    created_at  timestamptz NOT NULL DEFAULT now(),
    decided_by  name,
    decided_at  timestamptz,
    decision_note text,
    applied_by  name,
    applied_at  timestamptz,
    undone_by   name,
    undone_at   timestamptz,
    undone_why  text,
    CONSTRAINT decided_by_another CHECK (state NOT IN ('approved', 'applying', 'applied', 'undoing', 'undone') OR decided_by <> created_by),
    CONSTRAINT digest_when_looked_at CHECK (state = 'preview' OR digest IS NOT NULL)
);

CREATE TABLE crm_data.cleaning_proposal (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    run_id        bigint   NOT NULL REFERENCES crm_data.cleaning_run,
    field         text     NOT NULL,
    -- Number of the entry, of the tables that have several for a customer; else 0.
    entry         smallint NOT NULL DEFAULT 0,
    rule          text     NOT NULL,
    version       integer  NOT NULL,
    confidence    numeric  NOT NULL,
    -- In the clear what is no personal data; of what is, the mask here and the value beside it.
    before        text,
    after         text     NOT NULL,
    before_sealed crm.private_text,
    after_sealed  crm.private_text,
    state         text     NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'rejected', 'applied', 'stale', 'undone', 'conflict')),
    reason        text,
    changed_at    timestamptz,
    -- The field's source before, and as it was left: what undoing needs.
    source_before jsonb,
    source_after  jsonb,
    digest        bytea    NOT NULL GENERATED ALWAYS AS (crm.cleaning_digest(customer_code::text || '|' || run_id::text || '|' || field || '|' || entry::text || '|' || rule
                      || '|' || version::text || '|' || confidence::text || '|' || coalesce(length(before)::text || ':' || before, '-') || '|' || after, before_sealed, after_sealed)) STORED,
    PRIMARY KEY (customer_code, run_id, field, entry),
    FOREIGN KEY (rule, version) REFERENCES crm_data.cleaning_rule,
    CHECK (before_sealed IS NULL OR after_sealed IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX cleaning_proposal_run_idx ON crm_data.cleaning_proposal (run_id, customer_code);
CREATE INDEX cleaning_proposal_rule_idx ON crm_data.cleaning_proposal (rule, version);

-- What a rule leaves has been thought over by two people, but nobody asked the customer.
INSERT INTO crm_data.source_reliability (source, reliability) VALUES ('cleaning', 0.9);

-- -- guards: the owner is bound too ------------------------------------------------------------

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['cleaning_rule', 'cleaning_run', 'cleaning_proposal'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()', member);
    END LOOP;
    GRANT SELECT ON crm_data.cleaning_rule, crm_data.cleaning_run, crm_data.cleaning_proposal TO crm_data_admin;
    CREATE TRIGGER version_stays BEFORE UPDATE ON crm_data.cleaning_rule FOR EACH ROW
        WHEN (to_jsonb(NEW) - 'active' <> to_jsonb(OLD) - 'active' OR NEW.active) EXECUTE FUNCTION crm.score_row_keep();
    CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE ON crm_data.cleaning_run FOR EACH ROW EXECUTE FUNCTION crm.cleaning_run_keep();
    CREATE TRIGGER born_proposed BEFORE INSERT ON crm_data.cleaning_proposal FOR EACH ROW WHEN (NEW.state <> 'proposed') EXECUTE FUNCTION crm.cleaning_proposal_keep();
    CREATE TRIGGER in_preview_only AFTER INSERT ON crm_data.cleaning_proposal REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION crm.cleaning_proposal_added();
    -- After the update, as only then the digest of the new row is known.
    CREATE TRIGGER content_stays AFTER UPDATE ON crm_data.cleaning_proposal FOR EACH ROW
        WHEN (NEW.digest <> OLD.digest
              OR OLD.state || ' ' || NEW.state <> ALL (ARRAY['proposed rejected', 'proposed applied', 'proposed stale', 'applied undone', 'applied conflict']))
        EXECUTE FUNCTION crm.cleaning_proposal_keep();
END
$guards$;

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('cleaning_run', 'stays', 'how far a run is'),
    ('cleaning_proposal', 'stays', 'a correction of this record''s own row, which a merge leaves where it is');

-- -- what people read --------------------------------------------------------------------------

CREATE VIEW crm.cleaning_rule WITH (security_invoker = true) AS
SELECT r.rule, r.version, r.field, r.method, r.map, r.confidence, r.source, r.sort, r.active, r.label_zh, r.label_en, r.defined_by, r.defined_at
  FROM crm_data.cleaning_rule r;
CREATE VIEW crm.cleaning_run WITH (security_invoker = true) AS
SELECT r.run_id, r.as_of, r.rules, r.state, r.proposals, encode(r.digest, 'hex') AS seen, r.created_by, r.created_at, r.decided_by, r.decided_at, r.decision_note,
       r.applied_by, r.applied_at, r.undone_by, r.undone_at, r.undone_why
  FROM crm_data.cleaning_run r;
CREATE VIEW crm.cleaning_proposal WITH (security_invoker = true) AS
SELECT p.customer_code, c.survivor_code, p.run_id, p.field, p.entry, p.rule, p.version, p.confidence, p.before, p.after,
       CASE WHEN p.state = 'proposed' AND r.state IN ('approved', 'applying', 'applied') THEN 'approved'
            WHEN p.state = 'proposed' AND r.state = 'rejected' THEN 'rejected' ELSE p.state END AS state,
       p.reason, p.changed_at
  FROM crm_data.cleaning_proposal p
  JOIN crm_data.cleaning_run r ON r.run_id = p.run_id
  JOIN crm_data.customer c ON c.customer_code = p.customer_code;

-- What is to be done today: whoever is worth most first, then what is late.
CREATE VIEW crm.quality_worklist WITH (security_invoker = true) AS
SELECT i.customer_code, b.name, i.field, i.reason, i.owner_unit, i.author, i.owner, i.found_on, i.due_on, i.due_on < crm.company_today() AS is_overdue,
       i.escalated_on, i.times, v.class AS value_class, v.sort = 1 AS is_key_customer,
       CASE i.reason WHEN 'missing' THEN 'ask' WHEN 'stale' THEN 'verify' WHEN 'doubtful' THEN 'verify' ELSE 'correct' END AS task,
       row_number() OVER (ORDER BY coalesce(v.sort, 32767), i.escalated_on IS NULL, i.due_on, i.customer_code, i.field, i.reason) AS place
  FROM crm_data.quality_issue i
  JOIN crm_data.customer c ON c.customer_code = i.customer_code AND c.lifecycle_state <> 'merged'
  JOIN crm.customer_basic b ON b.customer_code = i.customer_code
  LEFT JOIN (SELECT k.customer_code, k.class, r.sort FROM crm_data.customer_class k JOIN crm_data.class_rule r ON r.scheme = k.scheme AND r.class = k.class
              WHERE k.scheme = 'value' AND k.until IS NULL) v ON v.customer_code = i.customer_code
 WHERE i.closed_on IS NULL;

CREATE VIEW crm_report.quality_progress WITH (security_invoker = true) AS
SELECT m.month, i.owner_unit, i.author, count(*) FILTER (WHERE i.found_on >= m.month AND i.times = 1) AS found,
       count(*) FILTER (WHERE i.found_on >= m.month AND i.times > 1) AS found_again,
       count(*) FILTER (WHERE i.closed_on < m.next) AS closed, count(*) FILTER (WHERE i.closed_on < m.next AND i.closed_on <= i.due_on) AS closed_in_time,
       count(*) FILTER (WHERE i.escalated_on >= m.month AND i.escalated_on < m.next) AS escalated,
       count(*) FILTER (WHERE i.closed_on IS NULL OR i.closed_on >= m.next) AS open_at_end
  FROM crm_data.quality_issue i
  JOIN crm_data.customer c ON c.customer_code = i.customer_code AND c.lifecycle_state <> 'merged'
 CROSS JOIN LATERAL generate_series(date_trunc('month', i.found_on::timestamp),
                                    date_trunc('month', coalesce(i.closed_on, greatest(i.found_on, crm.company_today()))::timestamp), '1 month') x (begins)
 CROSS JOIN LATERAL (SELECT x.begins::date AS month, (x.begins + interval '1 month')::date AS next) m
 GROUP BY m.month, i.owner_unit, i.author;

CREATE VIEW crm_report.cleaning_outcome WITH (security_invoker = true) AS
SELECT p.run_id, p.rule, p.version, p.state, p.reason, count(*) AS proposals, count(DISTINCT p.customer_code) AS customers
  FROM crm_data.cleaning_proposal p GROUP BY p.run_id, p.rule, p.version, p.state, p.reason;

GRANT SELECT ON crm.cleaning_rule, crm.cleaning_run, crm.cleaning_proposal, crm.quality_worklist, crm_report.quality_progress, crm_report.cleaning_outcome TO crm_data_admin;
COMMENT ON VIEW crm.cleaning_rule IS $$Rules of cleaning, all their versions (清洗规则). One more version: crm.define_cleaning_rule().$$;
COMMENT ON VIEW crm.cleaning_run IS
$$Runs of cleaning and where they stand (清洗批次).
preview: still looking; proposed: to be decided; approved, applying, applied, undoing, undone; rejected. seen: what crm.cleaning_approve() takes as the version that was looked at.$$;
COMMENT ON VIEW crm.cleaning_proposal IS
$$What runs propose and what became of it, personal values masked (更正建议).
State proposed, approved, rejected, applied, stale (its value or its ground changed since: left alone), undone, conflict (changed again since it was applied: left alone).$$;
COMMENT ON VIEW crm.quality_worklist IS
$$Open issues of data quality, the customers of greatest value first, then what was escalated and what is due (数据质量工作清单).
ORDER BY place. task: ask for what is missing, verify what is old or doubtful, correct what is wrong. Key customers are those of the first class of the scheme value.$$;
COMMENT ON VIEW crm_report.quality_progress IS 'Issues found, found again, closed, in time or not, escalated and left, by month, unit and author (整改进度).';
COMMENT ON VIEW crm_report.cleaning_outcome IS 'What became of the proposals of each run and rule (清洗结果).';

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('quality_policy', NULL, NULL, 'general', 3, NULL, 'policy of data quality', '数据质量策略', NULL),
    ('quality_policy', 'measure', 'reference', 'general', 3, 'internal', 'measure', '衡量项', 'verify_below: 0 to 1; escalate_days: days past the day.'),
    ('quality_policy', 'threshold', 'reference', 'general', 3, 'internal', 'threshold', '阈值', NULL),
    ('quality_issue', 'escalated_on', 'scoring', 'general', 2, 'internal', 'escalated on', '升级日', 'When it was found past its day.'),
    ('quality_issue', 'times', 'scoring', 'general', 2, 'internal', 'times found', '发现次数', 'More than 1: it came again.'),
    ('cleaning_rule', NULL, NULL, 'general', 3, NULL, 'rule of cleaning', '清洗规则', 'Which values are corrected, and to what; a version is never changed.'),
    ('cleaning_rule', 'rule', 'reference', 'general', 3, 'internal', 'rule', '规则', NULL),
    ('cleaning_rule', 'version', 'reference', 'general', 3, 'internal', 'version', '版本', NULL),
    ('cleaning_rule', 'field', 'reference', 'general', 3, 'internal', 'field', '字段', 'Table and column.'),
    ('cleaning_rule', 'method', 'reference', 'general', 3, 'internal', 'method', '方法', 'See crm.cleaning_fields().'),
    ('cleaning_rule', 'map', 'reference', 'general', 3, 'internal', 'map', '取值映射', 'Of the method map.'),
    ('cleaning_rule', 'confidence', 'reference', 'general', 3, 'internal', 'confidence', '置信度', '0 to 1.'),
    ('cleaning_rule', 'source', 'reference', 'general', 3, 'internal', 'source', '来源', 'Of the values that it leaves; null: that of the value before.'),
    ('cleaning_rule', 'sort', 'reference', 'general', 3, 'internal', 'order', '排序', 'Of several rules for a value the first proposes.'),
    ('cleaning_rule', 'active', 'reference', 'general', 3, 'internal', 'in use', '启用', NULL),
    ('cleaning_rule', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('cleaning_rule', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('cleaning_rule', 'defined_by', 'origin', 'general', 3, 'internal', 'defined by', '制定人', NULL),
    ('cleaning_rule', 'defined_at', 'origin', 'general', 3, 'internal', 'defined at', '制定时间', NULL),
    ('cleaning_run', NULL, NULL, 'general', 2, NULL, 'run of cleaning', '清洗批次', 'Looked at, approved by a second person, applied, undone.'),
    ('cleaning_run', 'run_id', 'operation', 'general', 3, 'internal', 'number of the run', '批次号', 'Unique, not dense.'),
    ('cleaning_run', 'as_of', 'operation', 'general', 3, 'internal', 'as of', '截止日', NULL),
    ('cleaning_run', 'rules', 'operation', 'general', 3, 'internal', 'rules', '规则', 'With their versions.'),
    ('cleaning_run', 'state', 'operation', 'general', 3, 'internal', 'state', '状态', NULL),
    ('cleaning_run', 'done_code', 'operation', 'general', 3, 'internal', 'done up to', '进度客户', 'Where the present stage goes on when it was broken off.'),
    ('cleaning_run', 'proposals', 'operation', 'general', 3, 'internal', 'proposals', '建议数', NULL),
    ('cleaning_run', 'digest', 'operation', 'general', 3, 'internal', 'digest', '摘要', 'SHA-256 over what is proposed and not rejected.'),
    ('cleaning_run', 'created_by', 'operation', 'general', 3, 'internal', 'begun by', '发起人', 'Role of the session.'),
    ('cleaning_run', 'created_at', 'operation', 'general', 3, 'internal', 'begun at', '发起时间', NULL),
    ('cleaning_run', 'decided_by', 'operation', 'general', 3, 'internal', 'decided by', '审批人', 'Approved never by who began it.'),
    ('cleaning_run', 'decided_at', 'operation', 'general', 3, 'internal', 'decided at', '审批时间', NULL),
    ('cleaning_run', 'decision_note', 'operation', 'general', 2, 'internal', 'note of the decision', '审批意见', NULL),
    ('cleaning_run', 'applied_by', 'operation', 'general', 3, 'internal', 'applied by', '执行人', NULL),
    ('cleaning_run', 'applied_at', 'operation', 'general', 3, 'internal', 'applied at', '完成时间', NULL),
    ('cleaning_run', 'undone_by', 'operation', 'general', 3, 'internal', 'undone by', '撤销人', NULL),
    ('cleaning_run', 'undone_at', 'operation', 'general', 3, 'internal', 'undone at', '撤销时间', NULL),
    ('cleaning_run', 'undone_why', 'operation', 'general', 2, 'internal', 'undone why', '撤销原因', NULL),
    ('cleaning_proposal', NULL, NULL, 'sensitive', 2, NULL, 'proposal of a correction', '更正建议', 'Old and new value; personal ones encrypted.'),
    ('cleaning_proposal', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', 'Of the record itself, merged or not.'),
    ('cleaning_proposal', 'run_id', 'operation', 'general', 3, 'internal', 'run', '批次号', NULL),
    ('cleaning_proposal', 'field', 'operation', 'general', 3, 'internal', 'field', '字段', 'Table and column.'),
    ('cleaning_proposal', 'entry', 'operation', 'general', 3, 'internal', 'entry number', '序号', '0 where there is one row a customer.'),
    ('cleaning_proposal', 'rule', 'operation', 'general', 3, 'internal', 'rule', '规则', NULL),
    ('cleaning_proposal', 'version', 'operation', 'general', 3, 'internal', 'version', '版本', NULL),
    ('cleaning_proposal', 'confidence', 'operation', 'general', 3, 'internal', 'confidence', '置信度', '0 to 1.'),
    ('cleaning_proposal', 'before', 'operation', 'general', 2, 'internal', 'value before', '原值', 'Personal: its mask.'),
    ('cleaning_proposal', 'after', 'operation', 'general', 2, 'internal', 'proposed value', '建议值', 'Personal: its mask.'),
    ('cleaning_proposal', 'before_sealed', 'operation', 'sensitive', 1, 'internal', 'personal value before', '原值（加密）', 'Encrypted.'),
    ('cleaning_proposal', 'after_sealed', 'operation', 'sensitive', 1, 'internal', 'personal proposed value', '建议值（加密）', 'Encrypted.'),
    ('cleaning_proposal', 'state', 'operation', 'general', 3, 'internal', 'state', '状态', NULL),
    ('cleaning_proposal', 'reason', 'operation', 'general', 3, 'internal', 'reason', '原因', 'Of a rejection, or why it was left alone.'),
    ('cleaning_proposal', 'changed_at', 'operation', 'general', 3, 'internal', 'changed at', '变更时间', 'When its state last changed.'),
    ('cleaning_proposal', 'source_before', 'operation', 'general', 3, 'internal', 'source before', '原来源', 'Of the field, to be put back.'),
    ('cleaning_proposal', 'source_after', 'operation', 'general', 3, 'internal', 'source after', '现来源', 'As it was left.'),
    ('cleaning_proposal', 'digest', 'operation', 'general', 3, 'internal', 'digest', '摘要', 'SHA-256 of the content.');

DO $columns$
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT a.attrelid::regclass AS view, a.attname, coalesce(l.text, p.label_en || ' (' || p.label_zh || ').') AS text
          FROM pg_attribute a JOIN pg_class v ON v.oid = a.attrelid
          LEFT JOIN (VALUES ('seen', 'Version that was looked at, for crm.cleaning_approve() (审阅版本).'), ('survivor_code', 'Record that stands for it today (合并后编号).'),
                            ('name', 'Name, masked (名称).'), ('is_overdue', 'Whether its day is past (是否逾期).'), ('value_class', 'Class of the scheme value (价值分类).'),
                            ('is_key_customer', 'Whether that is the first class (是否重点客户).'), ('task', 'ask, verify or correct (任务).'), ('place', 'Order of the work (次序).'),
                            ('month', 'First day of the month (月份).'), ('found', 'Found in it for the first time (新发现).'), ('found_again', 'Found in it again after it had been put right (再次发现).'),
                            ('closed', 'Closed in it (关闭数).'), ('closed_in_time', 'Closed in it by its day (按期关闭).'), ('escalated', 'Escalated in it (升级数).'),
                            ('open_at_end', 'Open when it ended (期末未关闭).'), ('customers', 'Customers (客户数).'), ('proposals', 'Proposals (建议数).'),
                            ('owner_unit', 'Responsible unit (归属单位).'), ('author', 'Who registered the customer (登记人).')) l (name, text) ON l.name = a.attname
          LEFT JOIN crm_data.field_policy p ON p.field = a.attname AND p.object = CASE v.relname WHEN 'quality_worklist' THEN 'quality_issue' WHEN 'quality_progress' THEN 'quality_issue'
                                                                                                 WHEN 'cleaning_outcome' THEN 'cleaning_proposal' ELSE v.relname END
         WHERE a.attnum > 0 AND a.attrelid IN ('crm.cleaning_rule'::regclass, 'crm.cleaning_run'::regclass, 'crm.cleaning_proposal'::regclass, 'crm.quality_worklist'::regclass,
                                               'crm_report.quality_progress'::regclass, 'crm_report.cleaning_outcome'::regclass) LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', entry.view, entry.attname, entry.text);
    END LOOP;
END
$columns$;
