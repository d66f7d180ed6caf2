-- profit: what a customer costs, so that what he brings can be told from what he pays.

CREATE TABLE crm_data.customer_cost (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    cost_no       bigint GENERATED ALWAYS AS IDENTITY,
    cost_kind     text NOT NULL CHECK (cost_kind IN ('product_cost', 'service_cost', 'investment', 'bad_debt')),
    incurred_on   date NOT NULL,
    amount        numeric(16,2) NOT NULL,
    currency      char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    source        text NOT NULL CHECK (source ~ '\S'),
    -- The source's own number of the entry: the same one twice is refused.
    reference     text NOT NULL CHECK (reference ~ '\S'),
    recorded_by   name NOT NULL DEFAULT session_user,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, cost_no),
    UNIQUE (customer_code, source, reference)
);
CREATE INDEX customer_cost_day_idx ON crm_data.customer_cost (incurred_on);
ALTER TABLE crm_data.customer_cost ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.customer_cost TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.customer_cost FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.customer_cost TO crm_data_admin;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON crm_data.customer_cost FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES ('customer_cost', 'stays', 'a cost of this record; crm.customer_profit() counts it for the survivor');

-- Every calendar year and currency by itself: amounts of two currencies are never added.
CREATE VIEW crm_report.profit_abc WITH (security_invoker = true) AS
SELECT y.year, y.currency, crm.abc_class(y.share_before) AS class, count(*) AS customers, sum(y.revenue) AS revenue, sum(y.cost) AS cost, sum(y.contribution) AS contribution
  FROM (SELECT p.year, p.currency, p.revenue, p.cost, p.revenue - p.cost AS contribution,
               CASE WHEN p.revenue > p.cost THEN ((sum(greatest(p.revenue - p.cost, 0)) OVER (PARTITION BY p.year, p.currency ORDER BY p.revenue - p.cost DESC, p.customer_code) - (p.revenue - p.cost))
                    / sum(greatest(p.revenue - p.cost, 0)) OVER (PARTITION BY p.year, p.currency)) ELSE 1 END AS share_before
          FROM (SELECT c.survivor_code AS customer_code, x.year, x.currency, sum(x.revenue) AS revenue, sum(x.cost) AS cost
                  FROM (SELECT b.customer_code, extract(year FROM b.purchased_on)::integer AS year, b.currency::text, b.amount AS revenue, 0::numeric AS cost FROM crm_data.purchase b
                        UNION ALL
                        SELECT k.customer_code, extract(year FROM k.incurred_on)::integer, k.currency::text, 0, k.amount FROM crm_data.customer_cost k) x
                  JOIN crm_data.customer c ON c.customer_code = x.customer_code GROUP BY 1, 2, 3) p) y
 GROUP BY 1, 2, 3;
GRANT SELECT ON crm_report.profit_abc TO crm_data_admin;
COMMENT ON VIEW crm_report.profit_abc IS 'What customers of each class of contribution bring and cost, by calendar year and currency; who brings no profit is C (利润贡献ABC分析).';
COMMENT ON COLUMN crm_report.profit_abc.year IS 'Calendar year (年度).';
COMMENT ON COLUMN crm_report.profit_abc.currency IS 'Currency, ISO 4217; never mixed (币种).';
COMMENT ON COLUMN crm_report.profit_abc.class IS 'A: the first 80 % of contribution, B: to 95 %, C (类别).';
COMMENT ON COLUMN crm_report.profit_abc.customers IS 'Number of customers (客户数).';
COMMENT ON COLUMN crm_report.profit_abc.revenue IS 'What they paid (收入).';
COMMENT ON COLUMN crm_report.profit_abc.cost IS 'Costs of products and service, investments, bad debts (成本).';
COMMENT ON COLUMN crm_report.profit_abc.contribution IS 'Revenue less costs (利润贡献).';
