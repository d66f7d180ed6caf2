-- code: what a customer code is made of, and how far each day's serials are.

CREATE TABLE crm_data.code_scheme (
    scheme        text      NOT NULL CHECK (scheme ~ '^[A-Z]{1,4}$'),
    label_zh      text      NOT NULL,
    label_en      text      NOT NULL,
    serial_digits smallint  NOT NULL DEFAULT 4 CHECK (serial_digits BETWEEN 4 AND 7),
    space         integer   NOT NULL GENERATED ALWAYS AS (power(10, serial_digits)::integer - 1) STORED,
    widen         boolean   NOT NULL DEFAULT false,
    stripes       smallint  NOT NULL DEFAULT 1 CHECK (stripes BETWEEN 1 AND 64),
    reset_period  text      NOT NULL DEFAULT 'day' CHECK (reset_period IN ('day', 'month', 'year')),
    valid_during  daterange NOT NULL DEFAULT '(,)',
    PRIMARY KEY (scheme),
    -- Stripes fill unevenly, so that a hard limit would come early and at no certain serial.
    CONSTRAINT stripes_need_widen CHECK (stripes = 1 OR widen)
);
ALTER TABLE crm_data.code_scheme ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.code_scheme TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.code_scheme FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.code_scheme TO crm_data_admin;
CREATE TRIGGER keep_rule BEFORE UPDATE OF scheme, stripes, reset_period ON crm_data.code_scheme FOR EACH ROW
    WHEN (OLD.scheme <> NEW.scheme OR OLD.stripes <> NEW.stripes OR OLD.reset_period <> NEW.reset_period)
    EXECUTE FUNCTION crm.code_scheme_keep();
CREATE TRIGGER keep_row BEFORE DELETE ON crm_data.code_scheme FOR EACH ROW EXECUTE FUNCTION crm.code_scheme_keep();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON crm_data.code_scheme FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
COMMENT ON TABLE crm_data.code_scheme IS
'What customer codes are made of: letters, day, serial; several schemes live side by side (客户编码方案). Changed by crm.define_code_scheme().';
COMMENT ON COLUMN crm_data.code_scheme.widen IS 'Whether serials go on with more digits when the space is used up; else KH013 (允许扩位).';
COMMENT ON COLUMN crm_data.code_scheme.stripes IS 'How many sessions may allocate side by side; 1 gives serials without gaps (并行数).';

INSERT INTO crm_data.code_scheme (scheme, label_zh, label_en)
VALUES ('CUST', '客户编号', 'Customer code')
ON CONFLICT (scheme) DO NOTHING;

CREATE TABLE crm_data.code_counter (
    scheme    text     NOT NULL REFERENCES crm_data.code_scheme,
    period_on date     NOT NULL,
    stripe    smallint NOT NULL CHECK (stripe >= 0),
    taken     integer  NOT NULL CHECK (taken >= 0),
    PRIMARY KEY (scheme, period_on, stripe)
) WITH (fillfactor = 10); -- today's row is rewritten for ever: an emptier page is pruned more often, and its chain stays short
ALTER TABLE crm_data.code_counter ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.code_counter TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.code_counter FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.code_counter TO crm_data_admin;
CREATE TRIGGER keep_count BEFORE UPDATE ON crm_data.code_counter FOR EACH ROW
    WHEN (NEW.taken < OLD.taken OR (NEW.scheme, NEW.period_on, NEW.stripe) <> (OLD.scheme, OLD.period_on, OLD.stripe))
    EXECUTE FUNCTION crm.code_keep();
CREATE TRIGGER keep_row BEFORE DELETE ON crm_data.code_counter FOR EACH ROW EXECUTE FUNCTION crm.code_keep();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON crm_data.code_counter FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
COMMENT ON TABLE crm_data.code_counter IS
'How many serials of each scheme and period are taken; moved by the allocating functions alone, and only up (流水号计数器).';
COMMENT ON COLUMN crm_data.code_counter.taken IS 'Serials taken in this stripe; with one stripe, the last serial (已用数量).';

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('code_scheme', NULL, NULL, 'general', 3, NULL, 'code scheme', '客户编码方案', 'What customer codes are made of: letters, day, serial; several live side by side. Changed by crm.define_code_scheme().'),
    ('code_scheme', 'scheme', 'reference', 'general', 3, 'internal', 'letters', '编码前缀', 'One to four capitals, which stand in front of the day.'),
    ('code_scheme', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('code_scheme', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('code_scheme', 'serial_digits', 'reference', 'general', 3, 'internal', 'digits of the serial', '流水号位数', 'That are planned, 4 to 7.'),
    ('code_scheme', 'space', 'reference', 'general', 3, 'internal', 'serials of a period', '号段容量', '9999 to 9999999, from the digits.'),
    ('code_scheme', 'widen', 'reference', 'general', 3, 'internal', 'may widen', '允许扩位', 'Serials go on with more digits when the space is used up; else KH013.'),
    ('code_scheme', 'stripes', 'reference', 'general', 3, 'internal', 'stripes', '并行数', 'So many sessions may allocate side by side; 1 gives serials without gaps.'),
    ('code_scheme', 'reset_period', 'reference', 'general', 3, 'internal', 'reset period', '流水号重置周期', 'When serials begin at 1 again: day, month or year.'),
    ('code_scheme', 'valid_during', 'reference', 'general', 3, 'internal', 'validity', '有效期', 'Days on which codes of it may be allocated.'),
    ('code_counter', NULL, NULL, 'general', 3, NULL, 'counter of serials', '流水号计数器', 'Moved by the allocating functions alone, and only up.'),
    ('code_counter', 'scheme', 'reference', 'general', 3, 'internal', 'code scheme', '编码方案', NULL),
    ('code_counter', 'period_on', 'reference', 'general', 3, 'internal', 'first day of the period', '周期首日', 'The day itself, or the first of its month or year.'),
    ('code_counter', 'stripe', 'reference', 'general', 3, 'internal', 'stripe', '并行序号', 'From 0.'),
    ('code_counter', 'taken', 'reference', 'general', 3, 'internal', 'serials taken', '已用数量', 'In this stripe; with one stripe, the last serial.');

-- Run as its owner: how many codes were given is no secret, the counter's rows are nobody's business.
CREATE VIEW crm.code_scheme AS
SELECT s.scheme, CASE crm.lang() WHEN 'zh' THEN s.label_zh ELSE s.label_en END AS label,
       s.scheme || ' + yyyymmdd + ' || s.serial_digits || CASE WHEN s.widen THEN '+' ELSE '' END AS composition,
       crm.customer_code(crm.company_today(), 1, s.scheme) AS example,
       s.reset_period, s.stripes = 1 AS has_no_gaps, s.widen, s.valid_during, s.space,
       coalesce(t.taken, 0) AS taken, round(100.0 * coalesce(t.taken, 0) / s.space, 1) AS percent
  FROM crm_data.code_scheme s
  LEFT JOIN LATERAL (SELECT sum(c.taken)::integer AS taken FROM crm_data.code_counter c
                      WHERE c.scheme = s.scheme AND c.period_on = date_trunc(s.reset_period, crm.company_today()::timestamp)::date) t ON true;
GRANT SELECT ON crm.code_scheme TO crm_reader, crm_writer, crm_admin;
COMMENT ON VIEW crm.code_scheme IS
$$The code schemes: what their codes are made of, and how much of the current period is used (客户编码方案).$$;
COMMENT ON COLUMN crm.code_scheme.scheme IS 'Its letters (编码前缀).';
COMMENT ON COLUMN crm.code_scheme.label IS 'What it is for, in the language of the session (名称).';
COMMENT ON COLUMN crm.code_scheme.composition IS 'Segments: letters, day, digits of the serial; + when it may have more (编码构成).';
COMMENT ON COLUMN crm.code_scheme.example IS 'What a code of today looks like; it is not allocated (示例).';
COMMENT ON COLUMN crm.code_scheme.reset_period IS 'When serials begin at 1 again: day, month or year (流水号重置周期).';
COMMENT ON COLUMN crm.code_scheme.has_no_gaps IS 'Whether serials are without gaps (连续无缺号).';
COMMENT ON COLUMN crm.code_scheme.widen IS 'Whether serials go on with more digits when the space is used up (允许扩位).';
COMMENT ON COLUMN crm.code_scheme.valid_during IS 'Days on which codes of it may be allocated (有效期).';
COMMENT ON COLUMN crm.code_scheme.space IS 'Serials planned for a period (号段容量).';
COMMENT ON COLUMN crm.code_scheme.taken IS 'Serials taken in the current period (已用数量).';
COMMENT ON COLUMN crm.code_scheme.percent IS 'Taken, in percent of the space; operators are warned at 80 (已用百分比).';
