-- credit: what is known of a customer's means, what his grade allows, what was granted,
-- and what warns. All of it is for credit management alone.

CREATE TABLE crm_data.legal_profile (
    customer_code      crm.customer_code PRIMARY KEY REFERENCES crm_data.customer,
    legal_form         text,
    registered_capital numeric(18,2) CHECK (registered_capital >= 0),
    currency           char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    established_on     date,
    registered_years   smallint CHECK (registered_years > 0),
    business_scope     text,
    industry           text,
    structure          text,
    recorded_by        name NOT NULL DEFAULT session_user,
    recorded_at        timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE crm_data.ownership_share (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    owner_no      smallint NOT NULL CHECK (owner_no > 0),
    owner_name    crm.private_text NOT NULL,
    percent       numeric(7,4) NOT NULL CHECK (percent > 0 AND percent <= 100),
    PRIMARY KEY (customer_code, owner_no)
);
CREATE TABLE crm_data.key_manager (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    manager_no    smallint NOT NULL CHECK (manager_no > 0),
    name          crm.person_name NOT NULL,
    post          text NOT NULL,
    PRIMARY KEY (customer_code, manager_no)
);
-- Balance sheet and income of a period; ratios are reckoned, never stored.
CREATE TABLE crm_data.financial_report (
    customer_code       crm.customer_code NOT NULL REFERENCES crm_data.customer,
    period_end          date NOT NULL,
    months              smallint NOT NULL DEFAULT 12 CHECK (months BETWEEN 1 AND 12),
    currency            char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    assets              numeric(18,2) NOT NULL CHECK (assets >= 0),
    liabilities         numeric(18,2) NOT NULL CHECK (liabilities >= 0),
    equity              numeric(18,2) NOT NULL,
    current_assets      numeric(18,2) CHECK (current_assets BETWEEN 0 AND assets),
    current_liabilities numeric(18,2) CHECK (current_liabilities BETWEEN 0 AND liabilities),
    revenue             numeric(18,2) CHECK (revenue >= 0),
    net_profit          numeric(18,2),
    source              text NOT NULL CHECK (source ~ '\S'),
    recorded_by         name NOT NULL DEFAULT session_user,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, period_end, months),
    CONSTRAINT accounting_equation CHECK (abs(assets - liabilities - equity) <= 1)
);
CREATE TABLE crm_data.external_rating (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    rating_no     bigint GENERATED ALWAYS AS IDENTITY,
    agency        text NOT NULL CHECK (agency ~ '\S'),
    reference     text NOT NULL,
    rating        text NOT NULL,
    score         float8 CHECK (score BETWEEN 0 AND 100),
    rated_on      date NOT NULL,
    valid_until   date NOT NULL CHECK (valid_until >= rated_on),
    recorded_by   name NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, rating_no)
);
-- What the billing system says is owed, day by day.
CREATE TABLE crm_data.credit_exposure (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    as_of         date NOT NULL,
    outstanding   numeric(18,2) NOT NULL CHECK (outstanding >= 0),
    overdue       numeric(18,2) NOT NULL DEFAULT 0 CHECK (overdue BETWEEN 0 AND outstanding),
    overdue_days  integer NOT NULL DEFAULT 0 CHECK (overdue_days >= 0),
    currency      char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    source        text NOT NULL,
    PRIMARY KEY (customer_code, as_of)
);
CREATE TABLE crm_data.qualification_check (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    checked_on    date NOT NULL,
    qualified     boolean NOT NULL,
    able          boolean NOT NULL,
    evidence      text NOT NULL CHECK (evidence ~ '\S'),
    checked_by    name NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, checked_on)
);

-- Grade -> limit and terms. Proposed by one, approved by another, then fixed; a newer row follows it.
CREATE TABLE crm_data.credit_policy (
    grade           text NOT NULL,
    valid_from      date NOT NULL,
    limit_amount    numeric(16,2) NOT NULL CHECK (limit_amount >= 0),
    temporary_limit numeric(16,2) NOT NULL DEFAULT 0 CHECK (temporary_limit >= 0),
    currency        char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    payment_days    smallint NOT NULL DEFAULT 0 CHECK (payment_days BETWEEN 0 AND 365),
    deposit_percent numeric(5,2) NOT NULL DEFAULT 0 CHECK (deposit_percent BETWEEN 0 AND 100),
    review_months   smallint NOT NULL DEFAULT 12 CHECK (review_months > 0),
    proposed_by     name NOT NULL DEFAULT session_user,
    approved_by     name,
    approved_at     timestamptz,
    PRIMARY KEY (grade, valid_from)
);
CREATE TABLE crm_data.credit_limit (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    limit_no      bigint GENERATED ALWAYS AS IDENTITY,
    kind          text NOT NULL CHECK (kind IN ('long_term', 'temporary', 'not_controlled')),
    amount        numeric(16,2) CHECK (amount >= 0),
    currency      char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    valid_from    date NOT NULL,
    -- The last day.
    valid_until   date NOT NULL CHECK (valid_until >= valid_from),
    cause         text NOT NULL CHECK (cause ~ '\S'),
    grade         text,
    policy_from   date,
    request_no    bigint,
    granted_by    name NOT NULL DEFAULT session_user,
    granted_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, limit_no),
    FOREIGN KEY (customer_code, request_no) REFERENCES crm_data.score_request,
    CHECK ((kind = 'not_controlled') = (amount IS NULL)),
    CONSTRAINT temporary_is_short CHECK (kind <> 'temporary' OR valid_until - valid_from < 7),
    CONSTRAINT all_expire CHECK (valid_until < 'infinity' AND (kind <> 'not_controlled' OR valid_until - valid_from <= 366))
);
CREATE INDEX credit_limit_request_idx ON crm_data.credit_limit (customer_code, request_no);

CREATE TABLE crm_data.credit_warning_rule (
    rule_set   text NOT NULL GENERATED ALWAYS AS ('warning') STORED,
    version    integer NOT NULL,
    rule       text NOT NULL,
    measure    text NOT NULL,
    comparison text NOT NULL CHECK (comparison IN ('above', 'below', 'rises_by', 'falls_by')),
    threshold  float8 NOT NULL CHECK (threshold NOT IN ('NaN', 'Infinity', '-Infinity')),
    severity   text NOT NULL CHECK (severity IN ('watch', 'act')),
    active     boolean NOT NULL DEFAULT true,
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (version, rule),
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set
);
CREATE INDEX credit_warning_rule_set_idx ON crm_data.credit_warning_rule (rule_set, version);
CREATE TABLE crm_data.credit_warning (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    rule          text NOT NULL,
    rule_version  integer NOT NULL,
    as_of         date NOT NULL,
    value         float8 NOT NULL,
    previous      float8,
    severity      text NOT NULL,
    raised_at     timestamptz NOT NULL DEFAULT now(),
    closed_by     name,
    closed_at     timestamptz,
    closing_note  text,
    PRIMARY KEY (customer_code, rule, as_of),
    FOREIGN KEY (rule_version, rule) REFERENCES crm_data.credit_warning_rule,
    CHECK (num_nonnulls(closed_by, closed_at, closing_note) IN (0, 3))
);
CREATE INDEX credit_warning_rule_idx ON crm_data.credit_warning (rule_version, rule);
INSERT INTO crm_data.credit_warning_rule (version, rule, measure, comparison, threshold, severity, label_zh, label_en) SELECT 1, v.* FROM (VALUES
    ('overdue', 'overdue_days', 'above', 30, 'act', '逾期超过30天', 'more than 30 days overdue'),
    ('debt_high', 'debt_ratio', 'above', 0.8, 'watch', '资产负债率超过80%', 'debt ratio above 80 %'),
    ('debt_rising', 'debt_ratio', 'rises_by', 0.1, 'watch', '资产负债率较上期上升10个百分点', 'debt ratio up by 10 points since the report before'),
    ('liquidity_low', 'current_ratio', 'below', 1, 'watch', '流动比率低于1', 'current ratio below 1'),
    ('margin_falling', 'profit_margin', 'falls_by', 0.05, 'watch', '净利率较上期下降5个百分点', 'profit margin down by 5 points since the report before'),
    ('score_falling', 'credit_score', 'falls_by', 10, 'act', '信用分下降10分以上', 'credit score down by 10 and more'),
    ('grade_fell', 'grade_rank', 'falls_by', 1, 'act', '信用等级下调', 'the grade fell'),
    ('report_missing', 'report_age_days', 'above', 500, 'watch', '财务报告缺失', 'no financial report for 500 days'),
    ('limit_used', 'limit_used', 'above', 0.9, 'act', '额度使用超过90%', 'more than 90 % of the limit used')) v;

-- -- guards -------------------------------------------------------------------------

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['legal_profile', 'ownership_share', 'key_manager', 'financial_report', 'external_rating', 'credit_exposure',
                                  'qualification_check', 'credit_policy', 'credit_limit', 'credit_warning_rule', 'credit_warning'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY credit ON crm_data.%I FOR SELECT TO crm_credit USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_credit', member);
    END LOOP;
    CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON crm_data.credit_warning_rule FOR EACH ROW EXECUTE FUNCTION crm.rule_part_keep();
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON crm_data.credit_warning_rule FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();
    CREATE TRIGGER within_policy BEFORE INSERT ON crm_data.credit_limit FOR EACH ROW EXECUTE FUNCTION crm.credit_limit_keep();
    CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON crm_data.credit_limit FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();
    CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE OR DELETE ON crm_data.credit_policy FOR EACH ROW EXECUTE FUNCTION crm.credit_policy_keep();
    CREATE TRIGGER never_emptied BEFORE TRUNCATE ON crm_data.credit_policy FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();
    CREATE TRIGGER at_most_all BEFORE INSERT OR UPDATE ON crm_data.ownership_share FOR EACH ROW EXECUTE FUNCTION crm.ownership_keep();
END
$guards$;

-- -- what follows from the reports -----------------------------------------------------

CREATE VIEW crm.financial_ratio WITH (security_invoker = true) AS
SELECT r.customer_code, r.period_end, r.months,
       (r.liabilities / nullif(r.assets, 0))::float8 AS debt_ratio,
       (r.current_assets / nullif(r.current_liabilities, 0))::float8 AS current_ratio,
       (r.equity / nullif(r.assets, 0))::float8 AS equity_ratio,
       (r.net_profit / nullif(r.revenue, 0))::float8 AS profit_margin,
       (r.net_profit / nullif(r.equity, 0))::float8 AS return_on_equity,
       (r.revenue / nullif(lag(r.revenue) OVER w, 0) - 1)::float8 AS revenue_growth,
       ((r.net_profit - lag(r.net_profit) OVER w) / nullif(abs(lag(r.net_profit) OVER w), 0))::float8 AS profit_growth,
       (r.equity / nullif(lag(r.equity) OVER w, 0) - 1)::float8 AS capital_growth
  FROM crm_data.financial_report r
WINDOW w AS (PARTITION BY r.customer_code, r.months ORDER BY r.period_end);
GRANT SELECT ON crm.financial_ratio TO crm_credit;
COMMENT ON VIEW crm.financial_ratio IS
$$Ratios of each financial report, and growth against the report of the same length before it (财务比率).
Shares, not percent: 0.4 is 40 %. Null where a figure is missing or the divisor is 0.$$;
COMMENT ON COLUMN crm.financial_ratio.debt_ratio IS 'Liabilities / assets (资产负债率).';
COMMENT ON COLUMN crm.financial_ratio.current_ratio IS 'Current assets / current liabilities (流动比率).';
COMMENT ON COLUMN crm.financial_ratio.equity_ratio IS 'Equity / assets (股东权益比率).';
COMMENT ON COLUMN crm.financial_ratio.profit_margin IS 'Net profit / revenue (净利率).';
COMMENT ON COLUMN crm.financial_ratio.return_on_equity IS 'Net profit / equity (净资产收益率).';
COMMENT ON COLUMN crm.financial_ratio.revenue_growth IS 'Growth of revenue (营业收入增长率).';
COMMENT ON COLUMN crm.financial_ratio.profit_growth IS 'Growth of net profit, against its size before (净利润增长率).';
COMMENT ON COLUMN crm.financial_ratio.capital_growth IS 'Growth of equity (资本增长率).';
COMMENT ON COLUMN crm.financial_ratio.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm.financial_ratio.period_end IS 'Last day of the period (期末日).';
COMMENT ON COLUMN crm.financial_ratio.months IS 'Length of the period (期间月数).';

CREATE VIEW crm.legal_profile_completeness WITH (security_invoker = true) AS
SELECT p.customer_code, 1 - cardinality(m.missing)::float8 / 9 AS completeness, m.missing
  FROM crm_data.legal_profile p
 CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
            CASE WHEN p.legal_form IS NULL THEN 'legal_form' END, CASE WHEN p.registered_capital IS NULL THEN 'registered_capital' END,
            CASE WHEN p.established_on IS NULL THEN 'established_on' END, CASE WHEN p.registered_years IS NULL THEN 'registered_years' END,
            CASE WHEN p.business_scope IS NULL THEN 'business_scope' END, CASE WHEN p.industry IS NULL THEN 'industry' END,
            CASE WHEN p.structure IS NULL THEN 'structure' END,
            CASE WHEN NOT EXISTS (SELECT FROM crm_data.ownership_share s WHERE s.customer_code = p.customer_code) THEN 'ownership_share' END,
            CASE WHEN NOT EXISTS (SELECT FROM crm_data.key_manager k WHERE k.customer_code = p.customer_code) THEN 'key_manager' END], NULL) AS missing) m;
GRANT SELECT ON crm.legal_profile_completeness TO crm_credit;
COMMENT ON VIEW crm.legal_profile_completeness IS 'How much of what credit must know of a legal person is known, and what is missing; name and address are the master''s (法人信用信息完整度).';
COMMENT ON COLUMN crm.legal_profile_completeness.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm.legal_profile_completeness.completeness IS 'Share of nine that are known, 0 to 1 (完整度).';
COMMENT ON COLUMN crm.legal_profile_completeness.missing IS 'Which are not (缺失项).';

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('legal_profile', 'stays', 'seen for the survivor where it has none of its own'),
    ('ownership_share', 'stays', 'who owns this records organisation'),
    ('key_manager', 'stays', 'who leads this records organisation'),
    ('financial_report', 'stays', 'books of this record; the latest of all records counts for the survivor'),
    ('external_rating', 'stays', 'a rating given to this record'),
    ('credit_exposure', 'stays', 'what this record owes; counted for the survivor beside its own'),
    ('qualification_check', 'stays', 'a check of this record'),
    ('credit_limit', 'stays', 'given to this record by approval, never summed without one'),
    ('credit_warning', 'stays', 'a warning that was given');
