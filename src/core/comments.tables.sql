-- comments: the last step, when every room has added its rows to the dictionary.

DO $comments$
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT c.oid::regclass AS object, p.field,
               upper(left(p.label_en, 1)) || substr(p.label_en, 2) || ' (' || p.label_zh || ')'
               || coalesce('. ' || p.note, '.') AS text
          FROM crm_data.field_policy p
          JOIN pg_class c ON c.relname = p.object AND c.relnamespace IN ('crm_data'::regnamespace, 'crm'::regnamespace)
           AND (c.relkind IN ('r', 'p') OR c.relkind = 'v' AND p.field IS NOT NULL)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = p.field
         WHERE p.field IS NULL OR a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        IF entry.field IS NULL THEN
            EXECUTE format('COMMENT ON TABLE %s IS %L', entry.object, entry.text);
        ELSE
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', entry.object, entry.field, entry.text);
        END IF;
    END LOOP;
    -- Policies are few and bear names of their kind.
    FOR entry IN
        SELECT p.polname, p.polrelid::regclass AS object, k.text
          FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relnamespace IN ('crm_data'::regnamespace, 'crm_secure'::regnamespace)
          JOIN (VALUES ('owner', 'What runs as crm_owner reads and writes every row (属主).'),
                       ('data_department', 'The data department reads every row (数据管理部).'),
                       ('reader', 'Readers see every customer, basic layer (只读).'),
                       ('importers', 'Who may import reads what became of it (导入人员).'),
                       ('visible', 'Who runs or watches long work sees it (任务查看).'),
                       ('everybody', 'Everybody reads the reference list (公共参考数据).'),
                       ('credit', 'Credit management reads what concerns credit (信用管理).'),
                       ('who_stands_for_whom', 'Credit management counts nobody twice, and reads no more of it than codes (信用管理).'),
                       ('not_credit', 'The data department reads all but what concerns credit (数据管理部).'),
                       ('modellers', 'Who works with score models reads them (建模人员).'),
                       ('rules_are_known', 'Everybody may know the rules (公开规则).')) k (name, text) ON k.name = p.polname
         WHERE obj_description(p.oid, 'pg_policy') IS NULL
    LOOP
        EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', entry.polname, entry.object, entry.text);
    END LOOP;
END
$comments$;

CREATE VIEW crm.dictionary WITH (security_invoker = true) AS
SELECT n.nspname AS schema, c.relname AS object, a.attname AS field, format_type(a.atttypid, a.atttypmod) AS type,
       CASE crm.lang() WHEN 'zh' THEN p.label_zh ELSE p.label_en END AS label,
       p.label_en, p.label_zh, p.category,
       coalesce(p.sensitivity, 'general') AS sensitivity,
       coalesce(p.secrecy_level, 3::smallint) AS secrecy_level,
       p.layer,
       m.pii_type IS NOT NULL AS is_encrypted,
       CASE WHEN m.pii_type IS NOT NULL THEN format('%s + %s (%s)', m.shown_left, m.shown_right, m.unit) END AS mask,
       col_description(c.oid, a.attnum) AS meaning
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('crm', 'crm_data', 'crm_report', 'crm_secure')
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN crm.mask_settings() m ON m.is_default AND m.pii_type = t.typname AND t.typnamespace = 'crm'::regnamespace
  LEFT JOIN crm_data.field_policy p ON p.object = c.relname AND p.field = a.attname
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f');
GRANT SELECT ON crm.dictionary TO PUBLIC;
COMMENT ON VIEW crm.dictionary IS
$$What each field means and how it is protected, in two languages (数据字典).
One row for each column of each table and view of the product.$$;
COMMENT ON COLUMN crm.dictionary.schema IS 'Schema (模式).';
COMMENT ON COLUMN crm.dictionary.object IS 'Table or view (对象).';
COMMENT ON COLUMN crm.dictionary.field IS 'Column (字段).';
COMMENT ON COLUMN crm.dictionary.type IS 'Data type (类型).';
COMMENT ON COLUMN crm.dictionary.label IS 'Label in the language of the session (名称).';
COMMENT ON COLUMN crm.dictionary.label_en IS 'English label (英文名称).';
COMMENT ON COLUMN crm.dictionary.label_zh IS 'Chinese label (中文名称).';
COMMENT ON COLUMN crm.dictionary.category IS 'Category of information (信息类别).';
COMMENT ON COLUMN crm.dictionary.sensitivity IS 'general or sensitive (敏感性).';
COMMENT ON COLUMN crm.dictionary.secrecy_level IS '1 is the highest, 3 is public (密级).';
COMMENT ON COLUMN crm.dictionary.layer IS 'Layer of the unified view (视图层次).';
COMMENT ON COLUMN crm.dictionary.is_encrypted IS 'Whether values are encrypted at rest and masked when shown (是否加密).';
COMMENT ON COLUMN crm.dictionary.mask IS 'What is shown of an encrypted value, left + right, and in which unit; narrower ones: crm.mask_settings() (掩码).';
COMMENT ON COLUMN crm.dictionary.meaning IS 'What the column means (含义).';
