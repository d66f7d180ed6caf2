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
    ('field_policy', 'note', 'reference', 'general', 3, 'internal', 'note', '说明', NULL);
