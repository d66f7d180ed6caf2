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
    WHEN ((OLD.scheme, OLD.stripes, OLD.reset_period) IS DISTINCT FROM (NEW.scheme, NEW.stripes, NEW.reset_period))
    EXECUTE FUNCTION crm.code_scheme_keep();
CREATE TRIGGER keep_row BEFORE DELETE ON crm_data.code_scheme FOR EACH ROW EXECUTE FUNCTION crm.code_scheme_keep();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON crm_data.code_scheme FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
COMMENT ON TABLE crm_data.code_scheme IS
'What customer codes are made of: letters, day, serial; several schemes live side by side (客户编码方案). Changed by crm.define_code_scheme().';
COMMENT ON COLUMN crm_data.code_scheme.scheme IS 'Its letters, one to four capitals, which stand in front of the day (编码前缀).';
COMMENT ON COLUMN crm_data.code_scheme.label_zh IS 'What it is for, in Chinese (中文名称).';
COMMENT ON COLUMN crm_data.code_scheme.label_en IS 'What it is for, in English (英文名称).';
COMMENT ON COLUMN crm_data.code_scheme.serial_digits IS 'Digits of the serial that are planned, 4 to 7 (流水号位数).';
COMMENT ON COLUMN crm_data.code_scheme.space IS 'Serials that these digits give in a period: 9999 to 9999999 (号段容量).';
COMMENT ON COLUMN crm_data.code_scheme.widen IS 'Whether serials go on with more digits when the space is used up; else KH013 (允许扩位).';
COMMENT ON COLUMN crm_data.code_scheme.stripes IS 'How many sessions may allocate side by side; 1 gives serials without gaps (并行数).';
COMMENT ON COLUMN crm_data.code_scheme.reset_period IS 'When serials begin at 1 again: day, month or year (流水号重置周期).';
COMMENT ON COLUMN crm_data.code_scheme.valid_during IS 'Days on which codes of it may be allocated (有效期).';

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
COMMENT ON COLUMN crm_data.code_counter.scheme IS 'Code scheme (编码方案).';
COMMENT ON COLUMN crm_data.code_counter.period_on IS 'First day of the period: the day itself, or the first of its month or year (周期首日).';
COMMENT ON COLUMN crm_data.code_counter.stripe IS 'Which of the scheme''s stripes, from 0 (并行序号).';
COMMENT ON COLUMN crm_data.code_counter.taken IS 'Serials taken in this stripe; with one stripe, the last serial (已用数量).';

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
