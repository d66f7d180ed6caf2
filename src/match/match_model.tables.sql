-- match: models, what they learned, what a run found, what people decided.
--
-- A run writes pages (match_page) and the model's row; records that come later stand
-- in plain rows beside them (match_record, match_key, match_pair, match_cluster) until
-- the next run. Written by the functions of room match alone.

CREATE TABLE crm_data.match_model (
    model_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL UNIQUE CHECK (name ~ '\S' AND length(name) <= 100),
    source       text NOT NULL,
    settings     jsonb NOT NULL,
    owner        name NOT NULL,
    version      integer NOT NULL DEFAULT 1,
    state        text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'trained', 'done')),
    is_tuned     boolean NOT NULL DEFAULT false,
    is_sealed    boolean NOT NULL DEFAULT false,
    secret_check bigint,
    parameters   bytea,
    fingerprint  bigint,
    run          bigint NOT NULL DEFAULT 0,
    records      bigint NOT NULL DEFAULT 0,
    candidates   bigint NOT NULL DEFAULT 0,
    pairs        bigint NOT NULL DEFAULT 0,
    clusters     bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    run_at       timestamptz
);
-- What every added record takes a number of; holding the row keeps additions one after the other.
CREATE TABLE crm_data.match_counter (
    model_id     integer PRIMARY KEY,
    next_record  bigint NOT NULL DEFAULT 0,
    next_cluster bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);

CREATE TABLE crm_data.match_parameter (
    model_id   integer NOT NULL REFERENCES crm_data.match_model ON DELETE CASCADE,
    comparison text NOT NULL,
    level      smallint NOT NULL,
    label      text NOT NULL,
    m          float8 NOT NULL,
    u          float8 NOT NULL,
    weight     float8 NOT NULL,
    PRIMARY KEY (model_id, comparison, level)
);

-- Some kilobytes a row, uncompressed and in line: a look-up reads one row and no toast.
CREATE TABLE crm_data.match_page (
    model_id integer NOT NULL,
    run      bigint NOT NULL,
    kind     "char" NOT NULL,
    first    bigint NOT NULL,
    body     bytea NOT NULL,
    PRIMARY KEY (model_id, run, kind, first)
) WITH (toast_tuple_target = 8160);
ALTER TABLE crm_data.match_page ALTER COLUMN body SET STORAGE EXTERNAL;

-- What a run has finished, so that it is taken up behind it; of the last run it stays.
CREATE TABLE crm_data.match_stage (
    model_id    integer NOT NULL,
    run         bigint NOT NULL,
    stage       text NOT NULL CHECK (stage IN ('index', 'pairs')),
    part        smallint NOT NULL,
    basis       bigint NOT NULL,
    job_id      bigint NOT NULL,
    pairs       bigint NOT NULL,
    candidates  bigint NOT NULL,
    by_rule     bigint[] NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model_id, run, stage, part)
);

CREATE TABLE crm_data.match_record (
    model_id   integer NOT NULL,
    record     bigint NOT NULL,
    id         text COLLATE "C" NOT NULL,
    cluster_id bigint NOT NULL,
    prepared   bytea NOT NULL,
    PRIMARY KEY (model_id, record),
    UNIQUE (model_id, id)
);
CREATE TABLE crm_data.match_key (
    model_id integer NOT NULL,
    hash     bigint NOT NULL,
    record   bigint NOT NULL,
    PRIMARY KEY (model_id, hash, record)
);
CREATE TABLE crm_data.match_pair (
    model_id integer NOT NULL,
    record_r bigint NOT NULL,
    record_l bigint NOT NULL,
    weight   float8 NOT NULL,
    vector   bigint NOT NULL,
    PRIMARY KEY (model_id, record_r, record_l)
);
-- Clusters that changed since the run: their members now, or where they went.
CREATE TABLE crm_data.match_cluster (
    model_id   integer NOT NULL,
    cluster_id bigint NOT NULL,
    went_into  bigint,
    members    bigint[] NOT NULL,
    PRIMARY KEY (model_id, cluster_id)
);
-- Records of the run that were taken out since.
CREATE TABLE crm_data.match_gone (
    model_id integer NOT NULL,
    record   bigint NOT NULL,
    PRIMARY KEY (model_id, record)
);

CREATE TABLE crm_data.match_label (
    model_id   integer NOT NULL REFERENCES crm_data.match_model ON DELETE CASCADE,
    id_l       text COLLATE "C" NOT NULL,
    id_r       text COLLATE "C" NOT NULL,
    verdict    text NOT NULL CHECK (verdict IN ('same', 'different', 'related')),
    note       text,
    decided_by name NOT NULL DEFAULT session_user,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, id_l, id_r),
    CHECK (id_l < id_r)
);
CREATE INDEX match_label_other ON crm_data.match_label (model_id, id_r);

CREATE TABLE crm_data.match_report (
    model_id      integer NOT NULL REFERENCES crm_data.match_model ON DELETE CASCADE,
    rule          smallint NOT NULL,
    blocking_rule text NOT NULL,
    pairs         bigint NOT NULL,
    blocks        bigint NOT NULL,
    skipped       bigint NOT NULL,
    skipped_pairs bigint NOT NULL,
    largest       bigint NOT NULL,
    PRIMARY KEY (model_id, rule)
);

-- Questions about customers that were answered blind, for their bound and for who looks after them.
CREATE TABLE crm_data.match_asked (
    asked_by name NOT NULL DEFAULT session_user,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind     text NOT NULL,
    hits     integer NOT NULL
);
CREATE INDEX match_asked_idx ON crm_data.match_asked (asked_by, asked_at);
DO $meters$
BEGIN
    FOR meter IN 0 .. 63 LOOP
        EXECUTE format('CREATE SEQUENCE crm_data.match_meter_%s', meter);
    END LOOP;
END
$meters$;

DO $guards$
DECLARE
    member text;
BEGIN
    -- Nobody but the functions, which check that the caller may read the source: even
    -- who is whose duplicate tells about people.
    FOREACH member IN ARRAY ARRAY['match_model', 'match_parameter', 'match_page', 'match_record', 'match_key', 'match_pair',
                                  'match_cluster', 'match_gone', 'match_counter', 'match_asked', 'match_label', 'match_report', 'match_stage'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
    END LOOP;
END
$guards$;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('match_model', NULL, NULL, 'general', 3, NULL, 'matching model', '匹配模型', 'What is compared with what, and how it is judged.'),
    ('match_model', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_model', 'name', 'match', 'general', 3, 'internal', 'name', '名称', NULL),
    ('match_model', 'source', 'match', 'general', 3, 'internal', 'source', '来源表', 'Qualified name of a table or view.'),
    ('match_model', 'settings', 'match', 'general', 3, 'internal', 'settings', '设置', 'Shape: crm.match_settings_check().'),
    ('match_model', 'owner', 'match', 'general', 3, 'internal', 'owner', '属主', 'Role that made the model; its members may change it.'),
    ('match_model', 'version', 'match', 'general', 3, 'internal', 'version of the settings', '设置版本', NULL),
    ('match_model', 'state', 'match', 'general', 3, 'internal', 'state', '状态', 'new, trained or done: a run is complete.'),
    ('match_model', 'is_tuned', 'match', 'general', 3, 'internal', 'tuned by hand', '人工调校', 'A run keeps the parameters and does not train.'),
    ('match_model', 'is_sealed', 'match', 'general', 3, 'internal', 'sealed', '已加密', 'Reads personal data: pages are encrypted, hashes keyed.'),
    ('match_model', 'secret_check', 'match', 'general', 3, 'internal', 'check of the secret', '密钥校验', 'Tells whether the hashes were made with the token key of today.'),
    ('match_model', 'parameters', 'match', 'general', 3, 'internal', 'parameters', '参数', 'The fitted model, bit by bit; match_parameter shows them.'),
    ('match_model', 'fingerprint', 'match', 'general', 3, 'internal', 'fingerprint', '指纹', 'Of the records that the parameters were trained on, while a run is unfinished.'),
    ('match_model', 'run', 'match', 'general', 3, 'internal', 'number of the run', '运行号', 'Whose pages are valid.'),
    ('match_model', 'records', 'match', 'general', 3, 'internal', 'records', '记录数', 'Of the run.'),
    ('match_model', 'candidates', 'match', 'general', 3, 'internal', 'candidate pairs', '候选对数', 'Pairs that were scored.'),
    ('match_model', 'pairs', 'match', 'general', 3, 'internal', 'pairs', '匹配对数', 'Pairs that were kept.'),
    ('match_model', 'clusters', 'match', 'general', 3, 'internal', 'clusters', '簇数', 'Single records included.'),
    ('match_counter', NULL, NULL, 'general', 3, NULL, 'counter of a model', '模型计数器', NULL),
    ('match_counter', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_counter', 'next_record', 'match', 'general', 3, 'internal', 'next record', '下一记录号', NULL),
    ('match_counter', 'next_cluster', 'match', 'general', 3, 'internal', 'next cluster', '下一簇号', 'Numbers of clusters are never used again.'),
    ('match_model', 'created_at', 'match', 'general', 3, 'internal', 'created at', '创建时间', NULL),
    ('match_model', 'run_at', 'match', 'general', 3, 'internal', 'last run', '上次运行', NULL),
    ('match_asked', NULL, NULL, 'general', 2, NULL, 'question about customers', '查重提问', 'Of crm.customer_candidates() and crm.lead_check().'),
    ('match_asked', 'asked_by', 'operation', 'general', 3, 'internal', 'asked by', '提问人', NULL),
    ('match_asked', 'asked_at', 'operation', 'general', 3, 'internal', 'asked at', '提问时间', NULL),
    ('match_asked', 'kind', 'operation', 'general', 3, 'internal', 'kind', '类别', 'candidates or lead.'),
    ('match_asked', 'hits', 'operation', 'general', 3, 'internal', 'found', '命中数', NULL),
    ('match_parameter', NULL, NULL, 'general', 3, NULL, 'parameter of a model', '模型参数', 'm, u and weight of each level.'),
    ('match_parameter', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_parameter', 'comparison', 'match', 'general', 3, 'internal', 'comparison', '比较项', NULL),
    ('match_parameter', 'level', 'match', 'general', 3, 'internal', 'level', '等级', '1 is the strongest agreement.'),
    ('match_parameter', 'label', 'match', 'general', 3, 'internal', 'name of the level', '等级名称', NULL),
    ('match_parameter', 'm', 'match', 'general', 3, 'internal', 'm', 'm 概率', 'Chance of the level among matches.'),
    ('match_parameter', 'u', 'match', 'general', 3, 'internal', 'u', 'u 概率', 'Chance of the level among other pairs.'),
    ('match_parameter', 'weight', 'match', 'general', 3, 'internal', 'weight', '权重', 'Bits: log2(m/u), bounded.'),
    ('match_page', NULL, NULL, 'sensitive', 2, NULL, 'page of a run', '匹配页', 'Sorted entries: prepared records, ids, keys, terms, pairs, clusters.'),
    ('match_page', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_page', 'run', 'match', 'general', 3, 'internal', 'number of the run', '运行号', NULL),
    ('match_page', 'kind', 'match', 'general', 3, 'internal', 'kind', '类别', 'r, i, d, k, t, p or c.'),
    ('match_page', 'first', 'match', 'general', 3, 'internal', 'first key', '首键', NULL),
    ('match_page', 'body', 'match', 'sensitive', 2, 'internal', 'entries', '内容', 'Encrypted where the source holds personal data.'),
    ('match_record', NULL, NULL, 'sensitive', 2, NULL, 'record added', '新增记录', 'Since the last run.'),
    ('match_record', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_record', 'record', 'match', 'general', 3, 'internal', 'number of the record', '记录号', NULL),
    ('match_record', 'id', 'match', 'general', 3, 'internal', 'id', '记录标识', NULL),
    ('match_record', 'cluster_id', 'match', 'general', 3, 'internal', 'cluster it came to', '所入簇', NULL),
    ('match_record', 'prepared', 'match', 'sensitive', 2, 'internal', 'prepared bytes', '预处理数据', 'Encrypted where the source holds personal data.'),
    ('match_key', NULL, NULL, 'general', 3, NULL, 'block key added', '新增分块键', 'Of records added since the last run.'),
    ('match_key', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_key', 'hash', 'match', 'general', 3, 'internal', 'hash', '哈希', 'Keyed where the source holds personal data.'),
    ('match_key', 'record', 'match', 'general', 3, 'internal', 'number of the record', '记录号', NULL),
    ('match_pair', NULL, NULL, 'general', 3, NULL, 'pair added', '新增匹配对', 'Of records added since the last run.'),
    ('match_pair', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_pair', 'record_r', 'match', 'general', 3, 'internal', 'later record', '后记录号', NULL),
    ('match_pair', 'record_l', 'match', 'general', 3, 'internal', 'earlier record', '前记录号', NULL),
    ('match_pair', 'weight', 'match', 'general', 3, 'internal', 'match weight', '匹配权重', 'Bits.'),
    ('match_pair', 'vector', 'match', 'general', 3, 'internal', 'vector of levels', '等级向量', 'Four bits a comparison.'),
    ('match_cluster', NULL, NULL, 'general', 3, NULL, 'cluster changed', '变更的簇', 'Since the last run.'),
    ('match_cluster', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_cluster', 'cluster_id', 'match', 'general', 3, 'internal', 'cluster', '簇号', NULL),
    ('match_cluster', 'went_into', 'match', 'general', 3, 'internal', 'went into', '并入簇', 'The older cluster that it was merged with.'),
    ('match_cluster', 'members', 'match', 'general', 3, 'internal', 'records', '成员', NULL),
    ('match_gone', NULL, NULL, 'general', 3, NULL, 'record taken out', '移除记录', 'Since the last run.'),
    ('match_gone', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_gone', 'record', 'match', 'general', 3, 'internal', 'number of the record', '记录号', NULL),
    ('match_label', NULL, NULL, 'general', 3, NULL, 'judgement of a pair', '人工判定', 'What a person said: it binds every later run.'),
    ('match_label', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_label', 'id_l', 'match', 'general', 3, 'internal', 'one record', '记录一', NULL),
    ('match_label', 'id_r', 'match', 'general', 3, 'internal', 'other record', '记录二', NULL),
    ('match_label', 'verdict', 'match', 'general', 3, 'internal', 'verdict', '结论', 'same, different or related.'),
    ('match_label', 'note', 'match', 'general', 2, 'internal', 'note', '备注', NULL),
    ('match_label', 'decided_by', 'match', 'general', 3, 'internal', 'decided by', '判定人', NULL),
    ('match_label', 'decided_at', 'match', 'general', 3, 'internal', 'decided at', '判定时间', NULL),
    ('match_stage', NULL, NULL, 'general', 3, NULL, 'finished stage of a run', '运行阶段', 'A stopped run is taken up behind it.'),
    ('match_stage', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_stage', 'run', 'match', 'general', 3, 'internal', 'number of the run', '运行号', NULL),
    ('match_stage', 'stage', 'match', 'general', 3, 'internal', 'stage', '阶段', 'index: records, ids, keys; pairs.'),
    ('match_stage', 'part', 'match', 'general', 3, 'internal', 'part of the stage', '部分号', 'From 0.'),
    ('match_stage', 'basis', 'match', 'general', 3, 'internal', 'what it rests on', '依据', 'Hash of records, settings, secret and, for pairs, parameters.'),
    ('match_stage', 'job_id', 'match', 'general', 3, 'internal', 'job that finished it', '作业号', NULL),
    ('match_stage', 'pairs', 'match', 'general', 3, 'internal', 'pairs kept', '保留对数', NULL),
    ('match_stage', 'candidates', 'match', 'general', 3, 'internal', 'candidates', '候选对数', NULL),
    ('match_stage', 'by_rule', 'match', 'general', 3, 'internal', 'candidates by rule', '各规则候选对数', 'In the order of rules.'),
    ('match_stage', 'finished_at', 'match', 'general', 3, 'internal', 'finished at', '完成时间', NULL),
    ('match_report', NULL, NULL, 'general', 3, NULL, 'report of a blocking rule', '分块报告', 'Of the last run.'),
    ('match_report', 'model_id', 'match', 'general', 3, 'internal', 'number of the model', '模型号', NULL),
    ('match_report', 'rule', 'match', 'general', 3, 'internal', 'number of the rule', '规则号', NULL),
    ('match_report', 'blocking_rule', 'match', 'general', 3, 'internal', 'blocking rule', '分块规则', NULL),
    ('match_report', 'pairs', 'match', 'general', 3, 'internal', 'pairs', '对数', 'Made by this rule and by none before it.'),
    ('match_report', 'blocks', 'match', 'general', 3, 'internal', 'blocks', '块数', 'Of two records and more.'),
    ('match_report', 'skipped', 'match', 'general', 3, 'internal', 'blocks skipped', '跳过块数', 'Larger than block_cap.'),
    ('match_report', 'skipped_pairs', 'match', 'general', 3, 'internal', 'pairs skipped', '跳过对数', NULL),
    ('match_report', 'largest', 'match', 'general', 3, 'internal', 'largest block', '最大块', NULL);

-- -- the customer master's own model ----------------------------------------------------
-- One row a customer that stands for itself. Who reads it needs the tables' policies, so it is
-- the data department's; the values open only inside the engine.
CREATE VIEW crm.match_customer WITH (security_invoker = true) AS
SELECT c.customer_code, i.name AS person_name, coalesce(o.name, g.name) AS organization_name, d.number AS document_number,
       p.phone, e.email, i.birth_date, i.sex::text AS sex, a.detail AS address
  FROM crm_data.customer c
  LEFT JOIN crm_data.individual i ON i.customer_code = c.customer_code
  LEFT JOIN crm_data.organization o ON o.customer_code = c.customer_code
  LEFT JOIN crm_data.customer_group g ON g.customer_code = c.customer_code
  LEFT JOIN LATERAL (SELECT x.number FROM crm_data.identity_document x WHERE x.customer_code = c.customer_code ORDER BY x.document_no LIMIT 1) d ON true
  LEFT JOIN LATERAL (SELECT x.phone FROM crm_data.contact_point x WHERE x.customer_code = c.customer_code AND x.phone IS NOT NULL
                      ORDER BY NOT x.is_preferred, x.contact_no LIMIT 1) p ON true
  LEFT JOIN LATERAL (SELECT x.email FROM crm_data.contact_point x WHERE x.customer_code = c.customer_code AND x.email IS NOT NULL
                      ORDER BY NOT x.is_preferred, x.contact_no LIMIT 1) e ON true
  LEFT JOIN LATERAL (SELECT x.detail FROM crm_data.address x WHERE x.customer_code = c.customer_code
                      ORDER BY upper_inf(x.valid_during) DESC, x.address_no LIMIT 1) a ON true
 WHERE c.lifecycle_state NOT IN ('merged', 'archived', 'cancelled', 'erased');
GRANT SELECT ON crm.match_customer TO crm_data_admin;
COMMENT ON VIEW crm.match_customer IS
$$What the matching model "customer" compares: each customer that was not merged away, with its first document, telephone, e-mail and address (客户匹配来源).$$;
COMMENT ON COLUMN crm.match_customer.customer_code IS 'Customer code (客户编号).';
COMMENT ON COLUMN crm.match_customer.person_name IS 'Name of a person (姓名).';
COMMENT ON COLUMN crm.match_customer.organization_name IS 'Name of an organisation or group (单位名称).';
COMMENT ON COLUMN crm.match_customer.document_number IS 'First document (证件号码).';
COMMENT ON COLUMN crm.match_customer.phone IS 'Preferred telephone (电话).';
COMMENT ON COLUMN crm.match_customer.email IS 'Preferred e-mail address (电子邮箱).';
COMMENT ON COLUMN crm.match_customer.birth_date IS 'Birth date (出生日期).';
COMMENT ON COLUMN crm.match_customer.sex IS 'Sex (性别).';
COMMENT ON COLUMN crm.match_customer.address IS 'Present address (地址).';

INSERT INTO crm_data.match_model (name, source, owner, is_sealed, settings) VALUES ('customer', 'crm.match_customer', 'crm_steward', true, '{
    "link_type": "dedupe_only", "unique_id_column_name": "customer_code", "seed": 1,
    "comparisons": [
        {"name": "person_name", "kind": "cn_name", "columns": ["person_name"]},
        {"name": "organization_name", "kind": "cn_company_name", "columns": ["organization_name"]},
        {"name": "document_number", "kind": "cn_id_number", "columns": ["document_number"]},
        {"name": "phone", "kind": "cn_phone", "columns": ["phone"]},
        {"name": "email", "kind": "email", "columns": ["email"]},
        {"name": "birth_date", "kind": "date", "columns": ["birth_date"]},
        {"name": "sex", "kind": "exact", "columns": ["sex"]},
        {"name": "address", "kind": "cn_address", "columns": ["address"]}],
    "blocking_rules_to_generate_predictions": [
        ["phone:last8"], ["document_number:last12"], ["email:local_part"], ["address:door"],
        ["organization_name:name"], ["organization_name:brand_region"], ["organization_name:brand_sound"],
        ["person_name:part", "birth_date:year_day"], ["person_name:pinyin", "birth_date:year"], ["person_name:letters", "birth_date:year_month"],
        ["person_name:part", "birth_date:full"], ["person_name:pinyin"], ["document_number:birth_sequence"],
        ["person_name:part", "document_number:first12"], ["person_name:letters", "phone:masked"]]}');
