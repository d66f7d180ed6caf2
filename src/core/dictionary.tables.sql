-- dictionary: what every field means and how it is protected, as rows. Each room's
-- tables file adds the rows of its fields; the comments in the catalog come from them.

CREATE TABLE crm_data.field_policy (
    object        text NOT NULL,
    field         text,
    category      text,
    sensitivity   text NOT NULL CHECK (sensitivity IN ('general', 'sensitive')),
    secrecy_level smallint NOT NULL CHECK (secrecy_level BETWEEN 1 AND 3),
    layer         text CHECK (layer IN ('basic', 'service', 'extended', 'internal')),
    label_en      text NOT NULL,
    label_zh      text NOT NULL,
    note          text,
    UNIQUE NULLS NOT DISTINCT (object, field)
);
ALTER TABLE crm_data.field_policy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.field_policy TO crm_owner USING (true);
CREATE POLICY everybody ON crm_data.field_policy FOR SELECT USING (true);
GRANT SELECT ON crm_data.field_policy TO PUBLIC;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('field_policy', NULL, NULL, 'general', 3, NULL, 'field policy', '字段规则', 'The data dictionary; a row with no field speaks of the table.'),
    ('field_policy', 'object', 'reference', 'general', 3, 'internal', 'table', '对象', NULL),
    ('field_policy', 'field', 'reference', 'general', 3, 'internal', 'field', '字段', 'Null: the table as a whole.'),
    ('field_policy', 'category', 'reference', 'general', 3, 'internal', 'category', '信息类别', NULL),
    ('field_policy', 'sensitivity', 'reference', 'general', 3, 'internal', 'sensitivity', '敏感性', 'general or sensitive.'),
    ('field_policy', 'secrecy_level', 'reference', 'general', 3, 'internal', 'secrecy level', '密级', '1 is the highest, 3 is public.'),
    ('field_policy', 'layer', 'reference', 'general', 3, 'internal', 'layer', '视图层次', 'Layer of the unified view; internal is in none.'),
    ('field_policy', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('field_policy', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('field_policy', 'note', 'reference', 'general', 3, 'internal', 'note', '说明', NULL),
    ('job', NULL, NULL, 'general', 3, NULL, 'long work', '长任务', 'One row a run: what it is and how far.'),
    ('job', 'job_id', 'operation', 'general', 3, 'internal', 'number of the run', '任务号', NULL),
    ('job', 'kind', 'operation', 'general', 3, 'internal', 'kind of work', '任务类别', 'import, ...'),
    ('job', 'subject', 'operation', 'general', 3, 'internal', 'subject', '对象', 'The batch, the table.'),
    ('job', 'state', 'operation', 'general', 3, 'internal', 'state', '状态', 'running, done or failed.'),
    ('job', 'done', 'operation', 'general', 3, 'internal', 'rows done', '已处理行数', 'Committed.'),
    ('job', 'total', 'operation', 'general', 3, 'internal', 'rows to do', '总行数', 'Null while unknown.'),
    ('job', 'started_by', 'operation', 'general', 3, 'internal', 'started by', '发起人', NULL),
    ('job', 'pid', 'operation', 'general', 3, 'internal', 'server process', '进程号', 'Of the last run.'),
    ('job', 'started_at', 'operation', 'general', 3, 'internal', 'started at', '开始时间', NULL),
    ('job', 'updated_at', 'operation', 'general', 3, 'internal', 'last commit', '更新时间', 'When it last committed a batch.'),
    ('schema_version', NULL, NULL, 'general', 3, NULL, 'deployed version', '部署版本', 'Which version of each room is deployed, and every migration that ran.'),
    ('schema_version', 'room', 'operation', 'general', 3, 'internal', 'room', '模块', NULL),
    ('schema_version', 'version', 'operation', 'general', 3, 'internal', 'version', '版本', 'That this step brought it to.'),
    ('schema_version', 'applied_at', 'operation', 'general', 3, 'internal', 'applied at', '时间', NULL),
    ('schema_version', 'applied_by', 'operation', 'general', 3, 'internal', 'applied by', '执行人', 'Who ran deploy().');
