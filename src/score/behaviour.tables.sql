-- behaviour: signs of leaving, classes and levels. Rules are rows; what was found is history.

CREATE TABLE crm_data.churn_rule (
    rule_set  text NOT NULL GENERATED ALWAYS AS ('churn') STORED,
    version   integer NOT NULL,
    rule      text NOT NULL,
    -- A feature; consumption_ratio or interval_ratio; interactions, counted by pattern and days; noted, by crm.note_churn_signal().
    measure   text NOT NULL,
    pattern   text,
    days      integer NOT NULL DEFAULT 90 CHECK (days > 0),
    comparison text NOT NULL DEFAULT 'at_least' CHECK (comparison IN ('at_least', 'at_most')),
    threshold float8 NOT NULL CHECK (threshold NOT IN ('NaN', 'Infinity', '-Infinity')),
    -- Chance of leaving that this sign alone stands for.
    weight    float8 NOT NULL CHECK (weight > 0 AND weight < 1),
    -- In the language of crm.points_formula(), on the features: must hold besides; null: nothing.
    condition text CHECK (condition IS NULL OR crm.points_condition(condition, '{}') IS NOT NULL),
    active    boolean NOT NULL DEFAULT true,
    label_zh  text NOT NULL,
    label_en  text NOT NULL,
    PRIMARY KEY (version, rule),
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set
);
CREATE INDEX churn_rule_set_idx ON crm_data.churn_rule (rule_set, version);
INSERT INTO crm_data.churn_rule (version, rule, measure, pattern, days, comparison, threshold, weight, label_zh, label_en)
SELECT 1, v.* FROM (VALUES
    ('consumption_halved', 'consumption_ratio', NULL, 90, 'at_most', 0.5, 0.3, '消费减半', 'consumption of 90 days is half of the 90 before'),
    ('interval_exceeded', 'interval_ratio', NULL, 90, 'at_least', 3, 0.3, '超过自身购买间隔三倍', 'no purchase for three of the customer''s own intervals'),
    ('complaints', 'interactions', 'complain|投诉', 90, 'at_least', 2, 0.25, '多次投诉', 'two complaints within 90 days'),
    ('leaving_asked', 'interactions', 'cancel|terminat|port out|销户|携号|退订', 60, 'at_least', 1, 0.4, '咨询离网', 'asked how to leave'),
    ('suspension_asked', 'interactions', 'suspend|停机|停用', 60, 'at_least', 1, 0.3, '申请停机', 'asked for suspension'),
    ('agreement_ends', 'noted', NULL, 30, 'at_least', 1, 0.2, '协议30天内到期', 'agreement ends within 30 days'),
    ('usage_low', 'noted', NULL, 60, 'at_least', 1, 0.25, '用量连续两月低于70%', 'usage under 70 % for two months'),
    ('late_payment', 'noted', NULL, 60, 'at_least', 1, 0.15, '付款延迟', 'payment late'),
    ('price_changed', 'noted', NULL, 90, 'at_least', 1, 0.1, '价格上调', 'the price was raised')) v;

CREATE TABLE crm_data.churn_signal (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    as_of         date   NOT NULL,
    rule          text   NOT NULL,
    rule_version  integer NOT NULL,
    value         float8 NOT NULL,
    evidence      jsonb  NOT NULL,
    found_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, as_of, rule),
    FOREIGN KEY (rule_version, rule) REFERENCES crm_data.churn_rule
);
CREATE INDEX churn_signal_rule_idx ON crm_data.churn_signal (rule_version, rule);

-- The first rule of a scheme, in order, whose feature lies within its bounds gives the class.
CREATE TABLE crm_data.class_rule (
    rule_set text NOT NULL GENERATED ALWAYS AS ('class.' || scheme) STORED,
    scheme   text NOT NULL,
    version  integer NOT NULL,
    class    text NOT NULL,
    sort     smallint NOT NULL,
    feature  text,
    lower    float8,
    upper    float8,
    -- In the language of crm.points_formula(), on the features: must hold besides; null: nothing.
    condition text CHECK (condition IS NULL OR crm.points_condition(condition, '{}') IS NOT NULL),
    -- On entering it dormancy_reason says why.
    asks_reason boolean NOT NULL DEFAULT false,
    label_zh text NOT NULL,
    label_en text NOT NULL,
    PRIMARY KEY (scheme, version, class),
    UNIQUE (scheme, version, sort) DEFERRABLE,
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set
);
CREATE INDEX class_rule_set_idx ON crm_data.class_rule (rule_set, version);
-- Scores that classes of a scheme may go by: one more than the edges that a feature reaches; is_falling: less is better.
CREATE TABLE crm_data.class_score (
    rule_set   text NOT NULL GENERATED ALWAYS AS ('class.' || scheme) STORED,
    scheme     text NOT NULL,
    version    integer NOT NULL,
    score      text NOT NULL CHECK (score ~ '^[a-z][a-z0-9_]{0,40}$'),
    feature    text NOT NULL,
    edges      float8[] NOT NULL CHECK (cardinality(edges) >= 1 AND cardinality(edges) <= 20 AND array_ndims(edges) = 1 AND crm.class_edges_rise(edges)),
    is_falling boolean NOT NULL DEFAULT false,
    weight     smallint NOT NULL DEFAULT 1 CHECK (weight > 0),
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (scheme, version, score),
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set
);
CREATE INDEX class_score_set_idx ON crm_data.class_score (rule_set, version);
INSERT INTO crm_data.class_score (version, scheme, score, feature, edges, is_falling, label_zh, label_en)
SELECT 1, 'value', v.* FROM (VALUES
    ('r_score', 'recency_days', '{31,91,181,366}'::float8[], true, '近度', 'recency'),
    ('f_score', 'purchases_12m', '{1,3,6,12}', false, '频度', 'frequency'),
    ('m_score', 'amount_12m', '{500,2000,5000,10000}', false, '消费能力', 'spending'),
    ('c_score', 'contribution_12m', '{0.01,1000,3000,8000}', false, '利润贡献', 'contribution')) v;
INSERT INTO crm_data.class_rule (version, scheme, class, sort, feature, lower, upper, label_zh, label_en, asks_reason, condition)
SELECT 1, v.*, v.column1 = 'activity' AND v.column2 IN ('dormant', 'lost'),
       -- Who costs more than he brings is of low value, whatever he spends.
       CASE WHEN v.column1 = 'value' AND v.column2 <> 'low' THEN 'contribution_12m >= 0' END FROM (VALUES
    ('activity', 'active', 1, 'recency_days', 0, 91, '活跃', 'active'),
    ('activity', 'dormant', 2, 'recency_days', 91, 366, '休眠', 'dormant'),
    ('activity', 'lost', 3, 'recency_days', 366, NULL, '流失', 'lost'),
    ('activity', 'potential', 4, NULL, NULL, NULL, '潜在', 'potential'),
    ('value', 'high', 1, 'amount_12m', 10000, NULL, '高价值', 'high value'),
    ('value', 'medium', 2, 'amount_12m', 2000, 10000, '中价值', 'medium value'),
    ('value', 'low', 3, NULL, NULL, NULL, '低价值', 'low value'),
    ('churn', 'high', 1, 'churn_risk', 0.6, NULL, '高风险', 'high risk'),
    ('churn', 'medium', 2, 'churn_risk', 0.3, 0.6, '中风险', 'medium risk'),
    ('churn', 'low', 3, NULL, NULL, NULL, '低风险', 'low risk')) v;
-- What is done for a class: once on entering it, or every so many days.
CREATE TABLE crm_data.class_action (
    rule_set   text NOT NULL GENERATED ALWAYS AS ('class.' || scheme) STORED,
    scheme     text NOT NULL,
    version    integer NOT NULL,
    class      text NOT NULL,
    action     text NOT NULL,
    every_days integer CHECK (every_days > 0),
    -- Once: so many days after entering; regularly: so many days ahead it stands in the work list.
    due_days   integer NOT NULL DEFAULT 14 CHECK (due_days >= 0),
    -- For customers too who had no class before.
    on_first   boolean NOT NULL DEFAULT false,
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (scheme, version, class, action),
    FOREIGN KEY (scheme, version, class) REFERENCES crm_data.class_rule
);
INSERT INTO crm_data.class_action (version, scheme, class, action, every_days, on_first, label_zh, label_en)
SELECT 1, v.* FROM (VALUES
    ('value', 'high', 'contact', 30, false, '客户经理定期回访', 'regular contact by the account manager'),
    ('value', 'medium', 'contact', 90, false, '定期回访', 'regular contact'),
    ('value', 'high', 'dedicated_team', NULL, false, '专属团队', 'assign a dedicated team'),
    ('value', 'low', 'upgrade_chance', NULL, false, '挖掘升级潜力', 'look for chances to upgrade'),
    ('activity', 'active', 'cross_sell', NULL, false, '交叉销售', 'cross-selling'),
    ('activity', 'dormant', 'wake_up', NULL, true, '唤醒', 'wake-up, with the reason found'),
    ('activity', 'potential', 'trial', NULL, true, '试用推广', 'promotion and trial'),
    ('churn', 'high', 'retain', NULL, true, '挽留', 'retention')) v;

-- Why a customer sleeps: the first, in order, for which there is evidence; without pattern and signal: when there is none.
CREATE TABLE crm_data.dormancy_reason (
    rule_set text NOT NULL GENERATED ALWAYS AS ('dormancy') STORED,
    version  integer NOT NULL,
    reason   text NOT NULL,
    sort     smallint NOT NULL,
    -- Of subject and outcome of interactions; or a sign of leaving.
    pattern  text,
    signal   text,
    days     integer NOT NULL DEFAULT 180 CHECK (days > 0),
    label_zh text NOT NULL,
    label_en text NOT NULL,
    PRIMARY KEY (version, reason),
    UNIQUE (version, sort) DEFERRABLE,
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set,
    CHECK (num_nonnulls(pattern, signal) < 2)
);
CREATE INDEX dormancy_reason_set_idx ON crm_data.dormancy_reason (rule_set, version);
INSERT INTO crm_data.dormancy_reason (version, reason, sort, pattern, signal, label_zh, label_en)
SELECT 1, v.* FROM (VALUES
    ('complaint', 1, 'complain|投诉', NULL, '投诉未满意', 'a complaint'),
    ('competitor', 2, 'port out|competitor|携号|友商|竞争对手', NULL, '转向竞争对手', 'went to a competitor'),
    ('price', 3, 'price|expensive|too dear|价格|太贵|资费', NULL, '价格原因', 'the price'),
    ('price_changed', 4, NULL, 'price_changed', '调价', 'a raised price'),
    ('agreement_ended', 5, NULL, 'agreement_ends', '协议到期', 'an agreement that ended'),
    ('moved', 6, 'moved|relocat|搬家|搬迁|出国', NULL, '搬迁', 'moved away'),
    ('no_need', 7, 'no need|not needed|不需要|用不上', NULL, '需求消失', 'no need any more'),
    ('unknown', 99, NULL, NULL, '未知，待回访', 'not known; to be asked')) v;
CREATE TABLE crm_data.customer_dormancy (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    entry_no      bigint GENERATED ALWAYS AS IDENTITY,
    since         date NOT NULL,
    reason        text NOT NULL,
    rule_version  integer NOT NULL,
    found_by      text NOT NULL CHECK (found_by IN ('rule', 'person')),
    evidence      jsonb NOT NULL CHECK (found_by = 'rule' OR evidence ->> 'note' ~ '\S'),
    recorded_by   name NOT NULL DEFAULT session_user,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, entry_no),
    FOREIGN KEY (rule_version, reason) REFERENCES crm_data.dormancy_reason
);
CREATE INDEX customer_dormancy_reason_idx ON crm_data.customer_dormancy (rule_version, reason);
CREATE INDEX customer_dormancy_since_idx ON crm_data.customer_dormancy (customer_code, since);
CREATE TABLE crm_data.customer_class (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    scheme        text NOT NULL,
    since         date NOT NULL,
    class         text NOT NULL,
    class_before  text,
    -- The last day; null: it holds.
    until         date,
    value         float8,
    rule_version  integer NOT NULL,
    PRIMARY KEY (customer_code, scheme, since),
    FOREIGN KEY (scheme, rule_version, class) REFERENCES crm_data.class_rule,
    CHECK (until >= since - 1)
);
CREATE INDEX customer_class_rule_idx ON crm_data.customer_class (scheme, rule_version, class);

-- The value of each customer, month by month, with the scores that led to it.
CREATE TABLE crm_data.value_snapshot (
    customer_code  crm.customer_code NOT NULL REFERENCES crm_data.customer,
    month          date NOT NULL CHECK (month = date_trunc('month', month::timestamp)::date),
    as_of          date NOT NULL CHECK (date_trunc('month', as_of::timestamp)::date = month),
    scheme         text NOT NULL GENERATED ALWAYS AS ('value') STORED,
    class          text NOT NULL,
    rule_version   integer NOT NULL,
    -- What its rule looked at; null: nothing.
    value          float8,
    r_score        smallint,
    f_score        smallint,
    m_score        smallint,
    c_score        smallint,
    value_score    float8,
    recency_days   integer,
    purchases      integer NOT NULL,
    amount         numeric NOT NULL,
    contribution   numeric NOT NULL,
    -- Where somebody reckoned it: the judgement lifetime_value.
    lifetime_value numeric,
    kept_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, month),
    FOREIGN KEY (scheme, rule_version, class) REFERENCES crm_data.class_rule
);
CREATE INDEX value_snapshot_month_idx ON crm_data.value_snapshot (month, class);
CREATE INDEX value_snapshot_rule_idx ON crm_data.value_snapshot (scheme, rule_version, class);

-- -- levels ---------------------------------------------------------------------------

CREATE TABLE crm_data.level_scheme (
    rule_set        text NOT NULL GENERATED ALWAYS AS ('level.' || scheme) STORED,
    scheme          text NOT NULL,
    version         integer NOT NULL,
    applies_to      text[] CHECK (applies_to <@ ARRAY['individual', 'organization', 'group']),
    unit            text,
    feature         text NOT NULL,
    valid_months    smallint NOT NULL DEFAULT 12 CHECK (valid_months > 0),
    notice_days     smallint NOT NULL DEFAULT 30 CHECK (notice_days >= 0),
    min_tenure_days integer NOT NULL DEFAULT 180 CHECK (min_tenure_days >= 0),
    label_zh        text NOT NULL,
    label_en        text NOT NULL,
    PRIMARY KEY (scheme, version),
    FOREIGN KEY (rule_set, version) REFERENCES crm_data.rule_set
);
CREATE INDEX level_scheme_set_idx ON crm_data.level_scheme (rule_set, version);
CREATE TABLE crm_data.level_def (
    rule_set       text NOT NULL GENERATED ALWAYS AS ('level.' || scheme) STORED,
    scheme         text NOT NULL,
    version        integer NOT NULL,
    level          text NOT NULL,
    rank           smallint NOT NULL,
    minimum        float8 NOT NULL,
    credit_minimum float8,
    -- In the language of crm.points_formula(), on the features: must hold besides; null: nothing.
    condition      text CHECK (condition IS NULL OR crm.points_condition(condition, '{}') IS NOT NULL),
    -- What the level is to the points: rewards, rules and liabilities go by it; null: nothing.
    points_level   text REFERENCES crm_data.points_level,
    label_zh       text NOT NULL,
    label_en       text NOT NULL,
    PRIMARY KEY (scheme, version, level),
    UNIQUE (scheme, version, rank) DEFERRABLE,
    FOREIGN KEY (scheme, version) REFERENCES crm_data.level_scheme
);
CREATE INDEX level_def_points_level_idx ON crm_data.level_def (points_level);
CREATE TABLE crm_data.service_commitment (
    rule_set   text NOT NULL GENERATED ALWAYS AS ('level.' || scheme) STORED,
    scheme     text NOT NULL,
    version    integer NOT NULL,
    level      text NOT NULL,
    commitment text NOT NULL,
    target     numeric NOT NULL,
    unit       text NOT NULL,
    label_zh   text NOT NULL,
    label_en   text NOT NULL,
    PRIMARY KEY (scheme, version, level, commitment),
    FOREIGN KEY (scheme, version, level) REFERENCES crm_data.level_def
);
INSERT INTO crm_data.level_scheme (scheme, version, feature, label_zh, label_en) VALUES ('star', 1, 'amount_12m', '星级', 'stars');
INSERT INTO crm_data.level_def (version, scheme, level, rank, minimum, points_level, label_zh, label_en) SELECT 1, v.* FROM (VALUES
    ('star', '1', 1, 0, 'none', '一星', 'one star'), ('star', '2', 2, 1000, 'silver', '二星', 'two stars'), ('star', '3', 3, 3000, 'gold', '三星', 'three stars'),
    ('star', '4', 4, 8000, 'platinum', '四星', 'four stars'), ('star', '5', 5, 20000, 'diamond', '五星', 'five stars')) v;
INSERT INTO crm_data.service_commitment (version, scheme, level, commitment, target, unit, label_zh, label_en) SELECT 1, v.* FROM (VALUES
    ('star', '4', 'complaint_answer', 24, 'hour', '投诉答复时限', 'answer to a complaint'), ('star', '5', 'complaint_answer', 8, 'hour', '投诉答复时限', 'answer to a complaint'),
    ('star', '5', 'dedicated_manager', 1, 'person', '专属客户经理', 'dedicated manager')) v;
-- How often a month or a year, by the calendar, a level gives a benefit.
CREATE TABLE crm_data.benefit_entitlement (
    rule_set text NOT NULL GENERATED ALWAYS AS ('level.' || scheme) STORED,
    scheme   text NOT NULL,
    version  integer NOT NULL,
    level    text NOT NULL,
    benefit  text NOT NULL CHECK (benefit ~ '^[A-Za-z0-9_.-]{1,40}$'),
    quantity integer NOT NULL CHECK (quantity > 0),
    per      text NOT NULL DEFAULT 'year' CHECK (per IN ('month', 'year')),
    label_zh text NOT NULL,
    label_en text NOT NULL,
    PRIMARY KEY (scheme, version, level, benefit),
    FOREIGN KEY (scheme, version, level) REFERENCES crm_data.level_def
);
INSERT INTO crm_data.benefit_entitlement (version, scheme, level, benefit, quantity, per, label_zh, label_en) SELECT 1, v.* FROM (VALUES
    ('star', '4', 'airport_lounge', 4, 'year', '机场贵宾厅', 'airport lounge'), ('star', '5', 'airport_lounge', 12, 'year', '机场贵宾厅', 'airport lounge'),
    ('star', '5', 'emergency_restart', 2, 'month', '应急开机', 'emergency restart of service')) v;
-- Each use, once. Numbers of a customer do not repeat, so two sessions cannot both take the last.
CREATE TABLE crm_data.benefit_used (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    benefit       text NOT NULL,
    request_id    text NOT NULL CHECK (octet_length(request_id) BETWEEN 1 AND 100),
    use_no        integer NOT NULL,
    used_on       date NOT NULL,
    scheme        text NOT NULL,
    rule_version  integer NOT NULL,
    level         text NOT NULL,
    recorded_by   name NOT NULL DEFAULT session_user,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, benefit, request_id),
    UNIQUE (customer_code, benefit, use_no),
    FOREIGN KEY (scheme, rule_version, level, benefit) REFERENCES crm_data.benefit_entitlement
);
CREATE INDEX benefit_used_rule_idx ON crm_data.benefit_used (scheme, rule_version, level, benefit);
-- What a change of level rests on.
CREATE TABLE crm_data.level_assessment (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    assessment_no bigint GENERATED ALWAYS AS IDENTITY,
    scheme        text NOT NULL,
    rule_version  integer NOT NULL,
    as_of         date NOT NULL,
    inputs        jsonb NOT NULL,
    value         float8 NOT NULL,
    level         text NOT NULL,
    assessed_by   name NOT NULL DEFAULT session_user,
    assessed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, assessment_no)
);
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
    assessment_no bigint,
    rule_version  integer NOT NULL,
    changed_by    name NOT NULL DEFAULT session_user,
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, scheme, valid_from),
    FOREIGN KEY (scheme, rule_version, level) REFERENCES crm_data.level_def,
    FOREIGN KEY (customer_code, request_no) REFERENCES crm_data.score_request,
    FOREIGN KEY (customer_code, assessment_no) REFERENCES crm_data.level_assessment
);
CREATE INDEX customer_level_def_idx ON crm_data.customer_level (scheme, rule_version, level);
CREATE INDEX customer_level_assessment_idx ON crm_data.customer_level (customer_code, assessment_no);
CREATE INDEX customer_level_request_idx ON crm_data.customer_level (customer_code, request_no);
CREATE TABLE crm_data.level_notice (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    scheme        text NOT NULL,
    rule_version  integer NOT NULL,
    due_on        date NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('upgrade', 'downgrade')),
    level_from    text,
    level_to      text NOT NULL,
    noted_on      date NOT NULL,
    PRIMARY KEY (customer_code, scheme, due_on, kind),
    FOREIGN KEY (scheme, rule_version) REFERENCES crm_data.level_scheme
);
CREATE INDEX level_notice_scheme_idx ON crm_data.level_notice (scheme, rule_version);

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['churn_rule', 'churn_signal', 'class_rule', 'class_score', 'class_action', 'customer_class', 'value_snapshot', 'dormancy_reason', 'customer_dormancy', 'level_scheme', 'level_def',
                                  'service_commitment', 'benefit_entitlement', 'benefit_used', 'level_assessment', 'customer_level', 'level_notice'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
    CREATE TRIGGER transition BEFORE INSERT ON crm_data.customer_level FOR EACH ROW EXECUTE FUNCTION crm.level_keep();
    CREATE TRIGGER told AFTER INSERT ON crm_data.level_notice REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION crm.level_noticed();
    FOREACH member IN ARRAY ARRAY['churn_rule', 'class_rule', 'class_score', 'class_action', 'dormancy_reason', 'level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement'] LOOP
        EXECUTE format('CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON crm_data.%I FOR EACH ROW EXECUTE FUNCTION crm.rule_part_keep()', member);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()', member);
    END LOOP;
    FOREACH member IN ARRAY ARRAY['customer_level', 'level_assessment', 'level_notice', 'churn_signal', 'customer_dormancy', 'value_snapshot', 'benefit_used'] LOOP
        EXECUTE format('CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()', member);
    END LOOP;
END
$guards$;

CREATE VIEW crm_report.value_segments WITH (security_invoker = true) AS
SELECT v.month, v.class, v.rule_version, count(*) AS customers, count(*) FILTER (WHERE b.class IS DISTINCT FROM v.class) AS entered,
       round(avg(v.r_score), 2) AS r_score, round(avg(v.f_score), 2) AS f_score, round(avg(v.m_score), 2) AS m_score, round(avg(v.c_score), 2) AS c_score,
       round(avg(v.value_score)::numeric, 2) AS value_score, sum(v.amount) AS amount, sum(v.contribution) AS contribution, sum(v.lifetime_value) AS lifetime_value
  FROM crm_data.value_snapshot v
  LEFT JOIN crm_data.value_snapshot b ON b.customer_code = v.customer_code AND b.month = (v.month - interval '1 month')::date
 GROUP BY 1, 2, 3;
GRANT SELECT ON crm_report.value_segments TO crm_data_admin;
COMMENT ON VIEW crm_report.value_segments IS 'Segments of value by month, as they were found then (客户价值分层月报).';
COMMENT ON COLUMN crm_report.value_segments.month IS 'First day of the month (月份).';
COMMENT ON COLUMN crm_report.value_segments.class IS 'Class of the scheme value (价值类别).';
COMMENT ON COLUMN crm_report.value_segments.rule_version IS 'Version of the rules that found it (规则版本).';
COMMENT ON COLUMN crm_report.value_segments.customers IS 'Number of customers (客户数).';
COMMENT ON COLUMN crm_report.value_segments.entered IS 'Of these, who had another class or none the month before (新进入客户数).';
COMMENT ON COLUMN crm_report.value_segments.r_score IS 'Mean recency score (平均近度评分).';
COMMENT ON COLUMN crm_report.value_segments.f_score IS 'Mean frequency score (平均频度评分).';
COMMENT ON COLUMN crm_report.value_segments.m_score IS 'Mean spending score (平均金额评分).';
COMMENT ON COLUMN crm_report.value_segments.c_score IS 'Mean contribution score (平均贡献评分).';
COMMENT ON COLUMN crm_report.value_segments.value_score IS 'Mean of the weighted score, 0 to 100 (平均价值评分).';
COMMENT ON COLUMN crm_report.value_segments.amount IS 'CNY spent in the 365 days before (消费金额).';
COMMENT ON COLUMN crm_report.value_segments.contribution IS 'That less what the customers cost, CNY (利润贡献).';
COMMENT ON COLUMN crm_report.value_segments.lifetime_value IS 'Sum of lifetime values where they were reckoned, CNY (终身价值).';

CREATE VIEW crm.contact_due WITH (security_invoker = true) AS
SELECT k.customer_code, k.scheme, k.class, a.every_days, n.last_contact_at,
       CASE WHEN n.last_contact_at IS NULL THEN k.since ELSE (n.last_contact_at AT TIME ZONE current_setting('crm.timezone'))::date END + a.every_days AS due_on
  FROM crm_data.customer_class k
  JOIN crm_data.class_action a ON a.scheme = k.scheme AND a.version = crm.rule_version('class.' || k.scheme, crm.company_today()) AND a.class = k.class AND a.action = 'contact' AND a.every_days IS NOT NULL
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
  FROM (SELECT DISTINCT ON (l.customer_code, l.scheme) l.customer_code, l.scheme, l.rule_version, l.level, l.valid_until
          FROM crm_data.customer_level l WHERE l.valid_from <= crm.company_today() ORDER BY l.customer_code, l.scheme, l.valid_from DESC) h
  JOIN crm_data.level_def d ON d.scheme = h.scheme AND d.version = h.rule_version AND d.level = h.level
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
    ('value_snapshot', 'stays', 'what was found of this record in that month'),
    ('customer_dormancy', 'stays', 'why this record fell asleep'),
    ('level_assessment', 'stays', 'what was reckoned from this record'),
    ('customer_level', 'stays', 'reckoned anew for the survivor'),
    ('benefit_used', 'stays', 'a use of this record; crm.benefit_left() counts it for the survivor'),
    ('level_notice', 'stays', 'a notice that was given');
