-- behaviour: signs of leaving, classes and levels. Rules are rows; what was found is history.

CREATE TABLE crm_data.churn_rule (
    rule      text PRIMARY KEY,
    -- A feature; consumption_ratio or interval_ratio; interactions, counted by pattern and days; noted, by crm.note_churn_signal().
    measure   text NOT NULL,
    pattern   text,
    days      integer NOT NULL DEFAULT 90 CHECK (days > 0),
    comparison text NOT NULL DEFAULT 'at_least' CHECK (comparison IN ('at_least', 'at_most')),
    threshold float8 NOT NULL CHECK (threshold NOT IN ('NaN', 'Infinity', '-Infinity')),
    -- Chance of leaving that this sign alone stands for.
    weight    float8 NOT NULL CHECK (weight > 0 AND weight < 1),
    active    boolean NOT NULL DEFAULT true,
    label_zh  text NOT NULL,
    label_en  text NOT NULL
);
INSERT INTO crm_data.churn_rule (rule, measure, pattern, days, comparison, threshold, weight, label_zh, label_en) VALUES
    ('consumption_halved', 'consumption_ratio', NULL, 90, 'at_most', 0.5, 0.3, '消费减半', 'consumption of 90 days is half of the 90 before'),
    ('interval_exceeded', 'interval_ratio', NULL, 90, 'at_least', 3, 0.3, '超过自身购买间隔三倍', 'no purchase for three of the customer''s own intervals'),
    ('complaints', 'interactions', 'complain|投诉', 90, 'at_least', 2, 0.25, '多次投诉', 'two complaints within 90 days'),
    ('leaving_asked', 'interactions', 'cancel|terminat|port out|销户|携号|退订', 60, 'at_least', 1, 0.4, '咨询离网', 'asked how to leave'),
    ('suspension_asked', 'interactions', 'suspend|停机|停用', 60, 'at_least', 1, 0.3, '申请停机', 'asked for suspension'),
    ('agreement_ends', 'noted', NULL, 30, 'at_least', 1, 0.2, '协议30天内到期', 'agreement ends within 30 days'),
    ('usage_low', 'noted', NULL, 60, 'at_least', 1, 0.25, '用量连续两月低于70%', 'usage under 70 % for two months'),
    ('late_payment', 'noted', NULL, 60, 'at_least', 1, 0.15, '付款延迟', 'payment late');

CREATE TABLE crm_data.churn_signal (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    as_of         date   NOT NULL,
    rule          text   NOT NULL REFERENCES crm_data.churn_rule,
    value         float8 NOT NULL,
    evidence      jsonb  NOT NULL,
    found_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, as_of, rule)
);
CREATE INDEX churn_signal_rule_idx ON crm_data.churn_signal (rule);

-- The first rule of a scheme, in order, whose feature lies within its bounds gives the class.
CREATE TABLE crm_data.class_rule (
    scheme   text NOT NULL,
    class    text NOT NULL,
    sort     smallint NOT NULL,
    feature  text,
    lower    float8,
    upper    float8,
    label_zh text NOT NULL,
    label_en text NOT NULL,
    PRIMARY KEY (scheme, class),
    UNIQUE (scheme, sort)
);
INSERT INTO crm_data.class_rule (scheme, class, sort, feature, lower, upper, label_zh, label_en) VALUES
    ('activity', 'active', 1, 'recency_days', 0, 91, '活跃', 'active'),
    ('activity', 'dormant', 2, 'recency_days', 91, 366, '休眠', 'dormant'),
    ('activity', 'lost', 3, 'recency_days', 366, NULL, '流失', 'lost'),
    ('activity', 'potential', 4, NULL, NULL, NULL, '潜在', 'potential'),
    ('value', 'high', 1, 'amount_12m', 10000, NULL, '高价值', 'high value'),
    ('value', 'medium', 2, 'amount_12m', 2000, 10000, '中价值', 'medium value'),
    ('value', 'low', 3, NULL, NULL, NULL, '低价值', 'low value'),
    ('churn', 'high', 1, 'churn_risk', 0.6, NULL, '高风险', 'high risk'),
    ('churn', 'medium', 2, 'churn_risk', 0.3, 0.6, '中风险', 'medium risk'),
    ('churn', 'low', 3, NULL, NULL, NULL, '低风险', 'low risk');
-- What is done for a class: once on entering it, or every so many days.
CREATE TABLE crm_data.class_action (
    scheme     text NOT NULL,
    class      text NOT NULL,
    action     text NOT NULL,
    every_days integer CHECK (every_days > 0),
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (scheme, class, action),
    FOREIGN KEY (scheme, class) REFERENCES crm_data.class_rule
);
INSERT INTO crm_data.class_action (scheme, class, action, every_days, label_zh, label_en) VALUES
    ('value', 'high', 'contact', 30, '客户经理定期回访', 'regular contact by the account manager'),
    ('value', 'medium', 'contact', 90, '定期回访', 'regular contact'),
    ('activity', 'active', 'cross_sell', NULL, '交叉销售', 'cross-selling'),
    ('activity', 'dormant', 'wake_up', NULL, '唤醒', 'wake-up, with the reason found'),
    ('activity', 'potential', 'trial', NULL, '试用推广', 'promotion and trial'),
    ('churn', 'high', 'retain', NULL, '挽留', 'retention');
CREATE TABLE crm_data.customer_class (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    scheme        text NOT NULL,
    since         date NOT NULL,
    class         text NOT NULL,
    class_before  text,
    -- The last day; null: it holds.
    until         date,
    value         float8,
    PRIMARY KEY (customer_code, scheme, since),
    FOREIGN KEY (scheme, class) REFERENCES crm_data.class_rule,
    CHECK (until >= since - 1)
);
CREATE INDEX customer_class_rule_idx ON crm_data.customer_class (scheme, class);

-- -- levels ---------------------------------------------------------------------------

CREATE TABLE crm_data.level_scheme (
    scheme          text PRIMARY KEY,
    applies_to      text[] CHECK (applies_to <@ ARRAY['individual', 'organization', 'group']),
    unit            text,
    feature         text NOT NULL,
    valid_months    smallint NOT NULL DEFAULT 12 CHECK (valid_months > 0),
    notice_days     smallint NOT NULL DEFAULT 30 CHECK (notice_days >= 0),
    min_tenure_days integer NOT NULL DEFAULT 180 CHECK (min_tenure_days >= 0),
    label_zh        text NOT NULL,
    label_en        text NOT NULL
);
CREATE TABLE crm_data.level_def (
    scheme         text NOT NULL REFERENCES crm_data.level_scheme,
    level          text NOT NULL,
    rank           smallint NOT NULL,
    minimum        float8 NOT NULL,
    credit_minimum float8,
    -- What the level is to the points: rewards, rules and liabilities go by it; null: nothing.
    points_level   text REFERENCES crm_data.points_level,
    label_zh       text NOT NULL,
    label_en       text NOT NULL,
    PRIMARY KEY (scheme, level),
    UNIQUE (scheme, rank)
);
CREATE INDEX level_def_points_level_idx ON crm_data.level_def (points_level);
CREATE TABLE crm_data.service_commitment (
    scheme     text NOT NULL,
    level      text NOT NULL,
    commitment text NOT NULL,
    target     numeric NOT NULL,
    unit       text NOT NULL,
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (scheme, level, commitment),
    FOREIGN KEY (scheme, level) REFERENCES crm_data.level_def
);
INSERT INTO crm_data.level_scheme (scheme, feature, label_zh, label_en) VALUES ('star', 'amount_12m', '星级', 'stars');
INSERT INTO crm_data.level_def (scheme, level, rank, minimum, points_level, label_zh, label_en) VALUES
    ('star', '1', 1, 0, 'none', '一星', 'one star'), ('star', '2', 2, 1000, 'silver', '二星', 'two stars'), ('star', '3', 3, 3000, 'gold', '三星', 'three stars'),
    ('star', '4', 4, 8000, 'platinum', '四星', 'four stars'), ('star', '5', 5, 20000, 'diamond', '五星', 'five stars');
INSERT INTO crm_data.service_commitment (scheme, level, commitment, target, unit, label_zh, label_en) VALUES
    ('star', '4', 'complaint_answer', 24, 'hour', '投诉答复时限', 'answer to a complaint'), ('star', '5', 'complaint_answer', 8, 'hour', '投诉答复时限', 'answer to a complaint'),
    ('star', '5', 'dedicated_manager', 1, 'person', '专属客户经理', 'dedicated manager');
CREATE TABLE crm_data.customer_level (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    scheme        text NOT NULL,
    valid_from    date NOT NULL,
    level         text NOT NULL,
    rank          smallint NOT NULL,
    -- The last day; until then it does not fall.
    valid_until   date NOT NULL CHECK (valid_until >= valid_from),
    cause         text NOT NULL CHECK (cause IN ('assessed', 'approved')),
    value         float8,
    request_no    bigint,
    changed_by    name NOT NULL DEFAULT session_user,
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, scheme, valid_from),
    FOREIGN KEY (scheme, level) REFERENCES crm_data.level_def,
    FOREIGN KEY (customer_code, request_no) REFERENCES crm_data.score_request
);
CREATE INDEX customer_level_def_idx ON crm_data.customer_level (scheme, level);
CREATE INDEX customer_level_request_idx ON crm_data.customer_level (customer_code, request_no);
CREATE TABLE crm_data.level_notice (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    scheme        text NOT NULL REFERENCES crm_data.level_scheme,
    due_on        date NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('upgrade', 'downgrade')),
    level_from    text,
    level_to      text NOT NULL,
    noted_on      date NOT NULL,
    PRIMARY KEY (customer_code, scheme, due_on, kind)
);
CREATE INDEX level_notice_scheme_idx ON crm_data.level_notice (scheme);

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['churn_rule', 'churn_signal', 'class_rule', 'class_action', 'customer_class', 'level_scheme', 'level_def',
                                  'service_commitment', 'customer_level', 'level_notice'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
    CREATE TRIGGER transition BEFORE INSERT ON crm_data.customer_level FOR EACH ROW EXECUTE FUNCTION crm.level_keep();
    FOREACH member IN ARRAY ARRAY['customer_level', 'level_notice', 'churn_signal'] LOOP
        EXECUTE format('CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()', member);
    END LOOP;
END
$guards$;

CREATE VIEW crm.contact_due WITH (security_invoker = true) AS
SELECT k.customer_code, k.scheme, k.class, a.every_days, n.last_contact_at,
       CASE WHEN n.last_contact_at IS NULL THEN k.since ELSE (n.last_contact_at AT TIME ZONE current_setting('crm.timezone'))::date END + a.every_days AS due_on
  FROM crm_data.customer_class k
  JOIN crm_data.class_action a ON a.scheme = k.scheme AND a.class = k.class AND a.action = 'contact' AND a.every_days IS NOT NULL
  JOIN crm_data.customer c ON c.customer_code = k.customer_code AND c.lifecycle_state <> 'merged'
  LEFT JOIN LATERAL (SELECT max(i.happened_at) AS last_contact_at FROM crm_data.customer m JOIN crm_data.interaction i ON i.customer_code = m.customer_code
                      WHERE m.survivor_code = c.customer_code AND i.direction = 'outbound') n ON true
 WHERE k.until IS NULL;
GRANT SELECT ON crm.contact_due TO crm_data_admin;
COMMENT ON VIEW crm.contact_due IS 'When customers of a class with regular contact are to be contacted next; overdue is what lies before today (回访到期).';
COMMENT ON COLUMN crm.contact_due.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm.contact_due.scheme IS 'Scheme of classes (分类方案).';
COMMENT ON COLUMN crm.contact_due.class IS 'Class (类别).';
COMMENT ON COLUMN crm.contact_due.every_days IS 'Days between contacts (回访间隔天数).';
COMMENT ON COLUMN crm.contact_due.last_contact_at IS 'Last outbound contact; null: none (最近回访时间).';
COMMENT ON COLUMN crm.contact_due.due_on IS 'Day on which the next is due (应回访日期).';

-- -- the levels as the points see them ----------------------------------------------------
-- All customers at once what crm.points_level_at() says of one.

CREATE VIEW crm.customer_points_level WITH (security_invoker = true) AS
SELECT DISTINCT ON (h.customer_code) h.customer_code, d.points_level AS level
  FROM (SELECT DISTINCT ON (l.customer_code, l.scheme) l.customer_code, l.scheme, l.level, l.valid_until
          FROM crm_data.customer_level l WHERE l.valid_from <= crm.company_today() ORDER BY l.customer_code, l.scheme, l.valid_from DESC) h
  JOIN crm_data.level_def d ON d.scheme = h.scheme AND d.level = h.level
  JOIN crm_data.points_level p ON p.level = d.points_level
 WHERE h.valid_until >= crm.company_today()
 ORDER BY h.customer_code, p.rank DESC;
GRANT SELECT ON crm.customer_points_level TO crm_data_admin;
COMMENT ON VIEW crm.customer_points_level IS
$$Level by which points go today, of the customers whose level was assessed; for others crm.points_set_standing() says it (积分客户等级).$$;
COMMENT ON COLUMN crm.customer_points_level.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm.customer_points_level.level IS 'Of crm_data.points_level: the highest that his valid levels stand for (等级).';

CREATE VIEW crm_report.points_liability_by_type WITH (security_invoker = true) AS
SELECT a.programme, CASE WHEN l.expires_on NOT IN ('infinity', '-infinity') THEN date_trunc('month', l.expires_on::timestamp)::date END AS expiry_month,
       coalesce(t.type, l.class) AS type, coalesce(v.level, s.level, 'none') AS customer_level,
       CASE WHEN l.expires_on = '-infinity' THEN 'debt' WHEN l.hold > 0 THEN 'held' ELSE 'available' END AS state,
       count(DISTINCT a.customer_code::text) AS customers, sum(l.amount) AS amount
  FROM crm_data.points_account a
  LEFT JOIN crm.customer_points_level v ON v.customer_code = a.customer_code
  LEFT JOIN crm_data.points_standing s ON s.customer_code = a.customer_code
 CROSS JOIN LATERAL crm.lots(a.state) l
  LEFT JOIN crm_data.points_type t ON t.programme = a.programme AND t.class = l.class AND l.expires_on <> '-infinity'
 WHERE l.hold > 0 OR l.expires_on >= crm.company_today() OR l.expires_on = '-infinity'
 GROUP BY 1, 2, 3, 4, 5;
GRANT SELECT ON crm_report.points_liability_by_type TO crm_data_admin;
COMMENT ON VIEW crm_report.points_liability_by_type IS 'Outstanding points by month of expiry, type of points and level of the customer (积分负债按类型和等级).';
COMMENT ON COLUMN crm_report.points_liability_by_type.programme IS 'Programme (积分计划).';
COMMENT ON COLUMN crm_report.points_liability_by_type.expiry_month IS 'First day of the month of expiry; null for never and for debts (失效月份).';
COMMENT ON COLUMN crm_report.points_liability_by_type.type IS 'Type of points; the class where no type has it (积分类型).';
COMMENT ON COLUMN crm_report.points_liability_by_type.customer_level IS 'Level of the customer (客户等级).';
COMMENT ON COLUMN crm_report.points_liability_by_type.state IS 'available, held or debt (状态).';
COMMENT ON COLUMN crm_report.points_liability_by_type.customers IS 'Number of customers (客户数).';
COMMENT ON COLUMN crm_report.points_liability_by_type.amount IS 'Points in the smallest unit (分值).';

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('churn_signal', 'stays', 'reckoned anew for the survivor'),
    ('customer_class', 'stays', 'reckoned anew for the survivor'),
    ('customer_level', 'stays', 'reckoned anew for the survivor'),
    ('level_notice', 'stays', 'a notice that was given');
