-- rule: sets of rules, each in versions. A version is a draft until a second person approves
-- it; then it holds from its first day on, until a newer one begins, and is never changed.

CREATE TABLE crm_data.rule_set (
    -- churn, warning, dormancy, or class and level with their scheme: class.value, level.star.
    rule_set    text NOT NULL CHECK (rule_set ~ '^(churn|warning|dormancy|(class|level)\.[A-Za-z0-9_-]{1,40})$'),
    version     integer NOT NULL CHECK (version > 0),
    state       text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved')),
    valid_from  date NOT NULL,
    -- The last day; null: until a newer version begins.
    valid_until date CHECK (valid_until >= valid_from),
    note        text,
    -- Why it holds from a day on that lies before its approval; null: it does not.
    backdated_for text CHECK (backdated_for ~ '\S'),
    edited_by   name[] NOT NULL DEFAULT ARRAY[session_user]::name[],
    created_at  timestamptz NOT NULL DEFAULT now(),
    approved_by name,
    approved_at timestamptz,
    PRIMARY KEY (rule_set, version)
);
INSERT INTO crm_data.rule_set (rule_set, version, state, valid_from, note, backdated_for, approved_by, approved_at)
SELECT s, 1, 'approved', '2000-01-01', 'shipped', 'every day has rules', session_user, now()
  FROM unnest(ARRAY['churn', 'warning', 'dormancy', 'class.activity', 'class.value', 'class.churn', 'level.star']) s;
ALTER TABLE crm_data.rule_set ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.rule_set TO crm_owner USING (true);
CREATE POLICY modellers ON crm_data.rule_set FOR SELECT TO crm_data_admin, crm_credit USING (true);
GRANT SELECT ON crm_data.rule_set TO crm_data_admin, crm_credit;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON crm_data.rule_set FOR EACH ROW EXECUTE FUNCTION crm.rule_set_keep();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON crm_data.rule_set FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();
