-- points_rule: types of points, versions of rules, elements, and what was earned by which version.

CREATE TABLE crm_data.points_type (
    programme       text NOT NULL REFERENCES crm_data.points_programme,
    type            text NOT NULL CHECK (type ~ '^[A-Za-z0-9_.-]{1,31}$'),
    label_zh        text NOT NULL,
    label_en        text NOT NULL,
    category        text NOT NULL CHECK (category IN ('consumption', 'reward', 'gift', 'campaign')),
    class           text NOT NULL CHECK (class ~ '^[A-Za-z0-9_.-]{0,15}$'),
    life            text NOT NULL CHECK (life IN ('natural_year', 'months', 'days', 'fixed', 'never')),
    life_length     integer CHECK (life_length BETWEEN 0 AND 36500),
    life_until      date,
    priority        integer NOT NULL,
    redeemable_for  text[],
    is_transferable boolean NOT NULL,
    PRIMARY KEY (programme, type),
    UNIQUE (programme, class),
    CHECK (CASE life WHEN 'fixed' THEN life_until IS NOT NULL WHEN 'never' THEN true ELSE life_length IS NOT NULL END)
);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_type
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_programme_changed();

CREATE TABLE crm_data.points_rule (
    version        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme      text NOT NULL REFERENCES crm_data.points_programme,
    rule           text NOT NULL CHECK (rule ~ '^[A-Za-z0-9_.-]{1,31}$'),
    -- What requests call the rule, whatever programmes have one of its name: a customer's requests are of all programmes.
    named          text NOT NULL,
    valid_from     date NOT NULL,
    valid_until    date CHECK (valid_until >= valid_from),
    element        text NOT NULL CHECK (element ~ '^[A-Za-z0-9_.-]{1,31}$'),
    type           text NOT NULL,
    condition      text,
    formula        text NOT NULL,
    multiplier     numeric NOT NULL CHECK (multiplier >= 0 AND multiplier < 1000000),
    rounding       text NOT NULL CHECK (rounding IN ('floor', 'carry', 'half_up', 'ceil')),
    cap_day        bigint CHECK (cap_day >= 0),
    cap_month      bigint CHECK (cap_month >= 0),
    cap_year       bigint CHECK (cap_year >= 0),
    cap_number     integer CHECK (cap_number >= 0),
    cap_number_per text CHECK (cap_number_per IN ('day', 'month', 'year')),
    defined_by     name NOT NULL DEFAULT session_user,
    defined_at     timestamptz NOT NULL DEFAULT now(),
    state          text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved')),
    edited_by      name[] NOT NULL DEFAULT ARRAY[session_user]::name[],
    -- Why it holds from a day on that lies before its approval; null: it does not.
    backdated_for  text CHECK (backdated_for ~ '\S'),
    approved_by    name,
    approved_at    timestamptz,
    used_at        timestamptz,
    -- Of one day, one that holds and one that is to take its place.
    UNIQUE (programme, rule, valid_from, state),
    FOREIGN KEY (programme, type) REFERENCES crm_data.points_type,
    CHECK ((cap_number IS NULL) = (cap_number_per IS NULL))
);
CREATE INDEX points_rule_type_idx ON crm_data.points_rule (programme, type);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OF state OR DELETE OR TRUNCATE ON crm_data.points_rule FOR EACH STATEMENT EXECUTE FUNCTION crm.points_programme_changed();
CREATE TRIGGER versions_stay_all BEFORE TRUNCATE ON crm_data.points_rule FOR EACH STATEMENT EXECUTE FUNCTION crm.points_terms_keep();

-- Terms that are one row each, before they hold and as they were approved.
CREATE TABLE crm_data.points_draft (
    draft       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text   NOT NULL CHECK (kind IN ('type', 'redeem_rule', 'transfer_rule', 'reward')),
    name        text   NOT NULL,
    terms       jsonb  NOT NULL,
    state       text   NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved')),
    edited_by   name[] NOT NULL DEFAULT ARRAY[session_user]::name[],
    drafted_at  timestamptz NOT NULL DEFAULT now(),
    approved_by name,
    approved_at timestamptz
);
CREATE UNIQUE INDEX points_draft_open_idx ON crm_data.points_draft (kind, name) WHERE state = 'draft';
CREATE TRIGGER terms_stay BEFORE INSERT OR UPDATE OR DELETE ON crm_data.points_draft FOR EACH ROW EXECUTE FUNCTION crm.points_terms_keep();
CREATE TRIGGER terms_stay_all BEFORE TRUNCATE ON crm_data.points_draft FOR EACH STATEMENT EXECUTE FUNCTION crm.points_terms_keep();

CREATE TABLE crm_data.points_element (
    customer_code crm.customer_code NOT NULL,
    kind          text    NOT NULL CHECK (kind ~ '^[A-Za-z0-9_.-]{1,31}$'),
    source        text    NOT NULL CHECK (octet_length(source) BETWEEN 1 AND 100),
    occurred_on   date    NOT NULL CHECK (isfinite(occurred_on)),
    amount        numeric NOT NULL CHECK (amount > -1e15 AND amount < 1e15),
    category      text    NOT NULL,
    facts         jsonb   NOT NULL CHECK (jsonb_typeof(facts) = 'object'),
    period        date    NOT NULL GENERATED ALWAYS AS (date_trunc('month', occurred_on::timestamp)::date) STORED,
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, kind, source)
);
CREATE INDEX points_element_period_idx ON crm_data.points_element (period, customer_code);

-- What a rule may ask: the element's own facts, and those of its customer on that day.
CREATE VIEW crm.points_element_facts WITH (security_invoker = true) AS
SELECT e.customer_code, coalesce(c.survivor_code, e.customer_code) AS root, e.kind, e.source, e.occurred_on, e.period,
       e.facts || jsonb_strip_nulls(jsonb_build_object('element', e.kind, 'amount', e.amount, 'category', e.category,
           'month', extract(month FROM e.occurred_on)::int, 'day', extract(day FROM e.occurred_on)::int,
           'kind', c.kind, 'lifecycle_state', c.lifecycle_state, 'level', s.level,
           'tenure_months', CASE WHEN since.day <= e.occurred_on
                            THEN 12 * (extract(year FROM e.occurred_on) - extract(year FROM since.day))::int
                                 + (extract(month FROM e.occurred_on) - extract(month FROM since.day))::int
                                 - (extract(day FROM e.occurred_on) < extract(day FROM since.day))::int END)) AS facts
  FROM crm_data.points_element e
  LEFT JOIN crm_data.customer c ON c.customer_code = e.customer_code
 CROSS JOIN LATERAL crm.points_level_at(e.customer_code, e.occurred_on) s
 CROSS JOIN LATERAL (SELECT (c.registered_at AT TIME ZONE current_setting('crm.timezone'))::date AS day) since;
COMMENT ON VIEW crm.points_element_facts IS 'Elements with all that rules may ask of them and of their customer on that day (要素事实).';
COMMENT ON COLUMN crm.points_element_facts.customer_code IS 'Record that it is of (客户编号).';
COMMENT ON COLUMN crm.points_element_facts.root IS 'Customer that it counts for (归属客户).';
COMMENT ON COLUMN crm.points_element_facts.kind IS 'Kind of element (要素类别).';
COMMENT ON COLUMN crm.points_element_facts.source IS 'Its id where it comes from (来源单号).';
COMMENT ON COLUMN crm.points_element_facts.occurred_on IS 'Its day (发生日期).';
COMMENT ON COLUMN crm.points_element_facts.period IS 'First day of its month (账期).';
COMMENT ON COLUMN crm.points_element_facts.facts IS 'Facts by name, as crm.points_formula() takes them (计算依据).';

-- What was earned, with all that it was reckoned from.
CREATE TABLE crm_data.points_earning (
    customer_code crm.customer_code NOT NULL,
    request_id    text    NOT NULL,
    programme     text    NOT NULL,
    rule          text    NOT NULL,
    rule_version  integer NOT NULL,
    kind          text    NOT NULL,
    source        text    NOT NULL,
    occurred_on   date    NOT NULL,
    expires_on    date    NOT NULL,
    class         text    NOT NULL,
    facts         jsonb   NOT NULL,
    exact         numeric NOT NULL,
    carried_in    numeric,
    raw           bigint  NOT NULL,
    day_before    bigint  NOT NULL,
    month_before  bigint  NOT NULL,
    year_before   bigint  NOT NULL,
    number_before bigint  NOT NULL,
    points        bigint  NOT NULL CHECK (points >= 0),
    business_date date    NOT NULL,
    status        text    NOT NULL DEFAULT 'ok',
    PRIMARY KEY (customer_code, programme, request_id)
);

CREATE TABLE crm_data.points_remainder (
    customer_code crm.customer_code NOT NULL,
    programme     text    NOT NULL,
    rule          text    NOT NULL,
    remainder     numeric NOT NULL CHECK (remainder >= 0 AND remainder < 1),
    moved         numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_code, programme, rule)
);

-- How a customer stands, whom billing and service tell: it decides what he may.
CREATE TABLE crm_data.points_standing (
    customer_code crm.customer_code NOT NULL PRIMARY KEY,
    level         text    NOT NULL DEFAULT 'none',
    arrears       boolean NOT NULL DEFAULT false,
    left_on       date,
    changes       bigint  NOT NULL DEFAULT 0,
    locked        text[]  NOT NULL DEFAULT '{}',
    changed_by    name    NOT NULL DEFAULT session_user,
    changed_at    timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT ON crm.points_element_facts TO crm_data_admin;

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['points_type', 'points_rule', 'points_draft', 'points_element', 'points_earning', 'points_remainder', 'points_standing'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        IF member IN ('points_type', 'points_rule') THEN
            EXECUTE format('CREATE POLICY rules_are_known ON crm_data.%I FOR SELECT USING (%s)', member, CASE member WHEN 'points_rule' THEN $$state = 'approved'$$ ELSE 'true' END);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO PUBLIC', member);
        ELSE
            EXECUTE format('CREATE TRIGGER functions_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.%I
                            FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep_records()', member);
            EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
        END IF;
    END LOOP;
    -- What is not decided is not told.
    CREATE POLICY data_department ON crm_data.points_rule FOR SELECT TO crm_data_admin USING (true);
END
$guards$;

-- The usual rules of a telephone company: one yuan received is one point, parts of a yuan give
-- none; from the second year a reward on top; three calendar years, to the end of December.
INSERT INTO crm_data.points_type (programme, type, label_zh, label_en, category, class, life, life_length, priority, is_transferable) VALUES
    ('main', 'consumption', '消费积分', 'consumption points', 'consumption', '', 'natural_year', 3, 100, true),
    ('main', 'tenure', '网龄奖励积分', 'tenure reward points', 'reward', 'tenure', 'natural_year', 3, 200, true),
    ('main', 'gift', '赠送积分', 'gift points', 'gift', 'gift', 'natural_year', 3, 150, true);
INSERT INTO crm_data.points_rule (programme, rule, named, valid_from, element, type, condition, formula, multiplier, rounding, state, backdated_for, approved_by, approved_at)
SELECT 'main', r.rule, r.rule, '2000-01-01', r.element, r.type, r.condition, r.formula, 1, 'floor', 'approved', 'every day has rules', session_user, now()
  FROM (VALUES ('consumption', 'bill', 'consumption', $$category not in ('gift', 'deposit', 'collected', 'penalty')$$, 'floor(amount)'),
               ('purchase', 'purchase', 'consumption', $$currency = 'CNY' and category not in ('gift', 'deposit', 'collected', 'penalty')$$, 'floor(amount)'),
               ('tenure', 'bill', 'tenure', $$tenure_months > 12 and category not in ('gift', 'deposit', 'collected', 'penalty')$$,
                'floor(amount) * if(tenure_months > 48, 0.4, if(tenure_months > 36, 0.3, if(tenure_months > 24, 0.2, 0.1)))')) r (rule, element, type, condition, formula);
CREATE TRIGGER named BEFORE INSERT ON crm_data.points_rule FOR EACH ROW EXECUTE FUNCTION crm.points_rule_name();
CREATE TRIGGER versions_stay BEFORE INSERT OR UPDATE OR DELETE ON crm_data.points_rule FOR EACH ROW EXECUTE FUNCTION crm.points_terms_keep();

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('points_type', NULL, NULL, 'general', 3, NULL, 'type of points', '积分类型', 'With its parameters. Changed by crm.define_points_type().'),
    ('points_type', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_type', 'type', 'reference', 'general', 3, 'internal', 'type', '积分类型', NULL),
    ('points_type', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('points_type', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('points_type', 'category', 'reference', 'general', 3, 'internal', 'category', '类别', 'consumption, reward, gift or campaign.'),
    ('points_type', 'class', 'reference', 'general', 3, 'internal', 'class of its lots', '批次标记', NULL),
    ('points_type', 'life', 'reference', 'general', 3, 'internal', 'life', '有效期规则', 'natural_year, months, days, fixed or never.'),
    ('points_type', 'life_length', 'reference', 'general', 3, 'internal', 'length of the life', '有效期长度', 'Years, months or days.'),
    ('points_type', 'life_until', 'reference', 'general', 3, 'internal', 'fixed last day', '固定截止日', NULL),
    ('points_type', 'priority', 'reference', 'general', 3, 'internal', 'priority', '使用优先级', 'Among lots of one last day the lowest is used first.'),
    ('points_type', 'redeemable_for', 'reference', 'general', 3, 'internal', 'what they buy', '可兑换品类', 'Categories of reward items; null: all.'),
    ('points_type', 'is_transferable', 'reference', 'general', 3, 'internal', 'transferable', '可转赠', NULL),
    ('points_rule', NULL, NULL, 'general', 3, NULL, 'version of a point rule', '积分规则版本', 'What is earned from what, from which day on. Made by crm.define_points_rule().'),
    ('points_rule', 'version', 'reference', 'general', 3, 'internal', 'version', '版本号', 'Unique over all rules; stands in the journal.'),
    ('points_rule', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_rule', 'rule', 'reference', 'general', 3, 'internal', 'rule', '规则', NULL),
    ('points_rule', 'named', 'reference', 'general', 3, 'internal', 'name in requests', '请求号中的规则名', 'The rule; with a number where another programme had one of its name before.'),
    ('points_rule', 'valid_from', 'reference', 'general', 3, 'internal', 'valid from', '生效日', 'By the day of the element.'),
    ('points_rule', 'valid_until', 'reference', 'general', 3, 'internal', 'valid until', '截止日', 'Null: until a later version.'),
    ('points_rule', 'element', 'reference', 'general', 3, 'internal', 'kind of element', '要素类别', NULL),
    ('points_rule', 'type', 'reference', 'general', 3, 'internal', 'type of points', '积分类型', NULL),
    ('points_rule', 'condition', 'reference', 'general', 3, 'internal', 'condition', '条件', 'In the language of crm.points_formula(); null: always.'),
    ('points_rule', 'formula', 'reference', 'general', 3, 'internal', 'formula', '公式', NULL),
    ('points_rule', 'multiplier', 'reference', 'general', 3, 'internal', 'multiplier', '倍数', NULL),
    ('points_rule', 'rounding', 'reference', 'general', 3, 'internal', 'rounding', '取整方式', 'floor, carry, half_up or ceil.'),
    ('points_rule', 'cap_day', 'reference', 'general', 3, 'internal', 'most points a day', '日上限', NULL),
    ('points_rule', 'cap_month', 'reference', 'general', 3, 'internal', 'most points a month', '月上限', NULL),
    ('points_rule', 'cap_year', 'reference', 'general', 3, 'internal', 'most points a year', '年上限', NULL),
    ('points_rule', 'cap_number', 'reference', 'general', 3, 'internal', 'most earnings', '次数上限', NULL),
    ('points_rule', 'cap_number_per', 'reference', 'general', 3, 'internal', 'in which time', '次数周期', 'day, month or year.'),
    ('points_rule', 'defined_by', 'reference', 'general', 3, 'internal', 'defined by', '定义人', 'Role of the session.'),
    ('points_rule', 'defined_at', 'reference', 'general', 3, 'internal', 'defined at', '定义时间', NULL),
    ('points_rule', 'state', 'reference', 'general', 3, 'internal', 'state', '状态', 'draft or approved; a draft gives nothing.'),
    ('points_rule', 'edited_by', 'reference', 'general', 3, 'internal', 'edited by', '编辑人', 'All who had a hand in the draft; none of them approves it.'),
    ('points_rule', 'backdated_for', 'reference', 'general', 3, 'internal', 'why it is back-dated', '追溯原因', 'Null: it holds from a day after its approval.'),
    ('points_rule', 'approved_by', 'reference', 'general', 3, 'internal', 'approved by', '审批人', 'Another one, or a superuser.'),
    ('points_rule', 'approved_at', 'reference', 'general', 3, 'internal', 'approved at', '审批时间', NULL),
    ('points_rule', 'used_at', 'reference', 'general', 3, 'internal', 'first used', '首次使用', 'Then it is not changed any more.'),
    ('points_draft', NULL, NULL, 'general', 3, NULL, 'draft of terms', '积分条款草稿', 'Types, rules of redemption and transfers, rewards, until a second person approves them; then what was approved.'),
    ('points_draft', 'draft', 'reference', 'general', 3, 'internal', 'number', '草稿号', NULL),
    ('points_draft', 'kind', 'reference', 'general', 3, 'internal', 'kind', '类别', 'type, redeem_rule, transfer_rule or reward.'),
    ('points_draft', 'name', 'reference', 'general', 3, 'internal', 'of what', '名称', 'Programme and type, programme, or reward.'),
    ('points_draft', 'terms', 'reference', 'general', 3, 'internal', 'terms', '条款', NULL),
    ('points_draft', 'state', 'reference', 'general', 3, 'internal', 'state', '状态', 'draft or approved.'),
    ('points_draft', 'edited_by', 'reference', 'general', 3, 'internal', 'edited by', '编辑人', 'All who had a hand in it; none of them approves it.'),
    ('points_draft', 'drafted_at', 'reference', 'general', 3, 'internal', 'drafted at', '起草时间', NULL),
    ('points_draft', 'approved_by', 'reference', 'general', 3, 'internal', 'approved by', '审批人', 'Another one, or a superuser.'),
    ('points_draft', 'approved_at', 'reference', 'general', 3, 'internal', 'approved at', '审批时间', NULL),
    ('points_element', NULL, NULL, 'general', 2, NULL, 'point element', '积分计算要素', 'Something that points are reckoned from: a purchase, a bill, a month of tenure, an event.'),
    ('points_element', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_element', 'kind', 'points', 'general', 3, 'internal', 'kind', '类别', 'purchase, bill, tenure, or what rules name.'),
    ('points_element', 'source', 'points', 'general', 3, 'internal', 'source', '来源单号', 'Once for each customer and kind.'),
    ('points_element', 'occurred_on', 'points', 'general', 2, 'internal', 'day', '发生日期', NULL),
    ('points_element', 'amount', 'points', 'general', 2, 'internal', 'amount', '金额', 'Of bills what was received, in yuan.'),
    ('points_element', 'category', 'points', 'general', 3, 'internal', 'category', '费用类别', 'general, or gift, deposit, collected, penalty.'),
    ('points_element', 'facts', 'points', 'general', 2, 'internal', 'facts', '其他事实', 'What conditions ask for.'),
    ('points_element', 'period', 'points', 'general', 3, 'internal', 'month', '账期', 'Its first day.'),
    ('points_element', 'recorded_at', 'points', 'general', 3, 'internal', 'recorded at', '登记时间', NULL),
    ('points_earning', NULL, NULL, 'general', 2, NULL, 'earning by a rule', '规则积分明细', 'What was earned by which version, with all that it was reckoned from.'),
    ('points_earning', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_earning', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of its posting; made of the source.'),
    ('points_earning', 'programme', 'points', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_earning', 'rule', 'points', 'general', 3, 'internal', 'rule', '规则', NULL),
    ('points_earning', 'rule_version', 'points', 'general', 3, 'internal', 'version', '版本号', NULL),
    ('points_earning', 'kind', 'points', 'general', 3, 'internal', 'kind of element', '要素类别', NULL),
    ('points_earning', 'source', 'points', 'general', 3, 'internal', 'source', '来源单号', NULL),
    ('points_earning', 'occurred_on', 'points', 'general', 2, 'internal', 'day', '发生日期', NULL),
    ('points_earning', 'expires_on', 'points', 'general', 3, 'internal', 'last usable day', '有效期至', NULL),
    ('points_earning', 'class', 'points', 'general', 3, 'internal', 'class of points', '积分类别', NULL),
    ('points_earning', 'facts', 'points', 'general', 2, 'internal', 'facts', '计算依据', 'As they were.'),
    ('points_earning', 'exact', 'points', 'general', 2, 'internal', 'exact amount', '精确值', 'Before rounding, ten places.'),
    ('points_earning', 'carried_in', 'points', 'general', 3, 'internal', 'carried from before', '上次余数', 'Null where the rule carries nothing.'),
    ('points_earning', 'raw', 'points', 'general', 2, 'internal', 'before caps', '封顶前积分', NULL),
    ('points_earning', 'day_before', 'points', 'general', 3, 'internal', 'given that day before', '当日已得', NULL),
    ('points_earning', 'month_before', 'points', 'general', 3, 'internal', 'given that month before', '当月已得', NULL),
    ('points_earning', 'year_before', 'points', 'general', 3, 'internal', 'given that year before', '当年已得', NULL),
    ('points_earning', 'number_before', 'points', 'general', 3, 'internal', 'earnings before', '已得次数', 'In the time of the cap.'),
    ('points_earning', 'points', 'points', 'general', 2, 'internal', 'points', '积分', 'What was given; 0 has no entry in the journal.'),
    ('points_earning', 'business_date', 'points', 'general', 3, 'internal', 'business date', '业务日期', NULL),
    ('points_earning', 'status', 'points', 'general', 3, 'internal', 'status', '状态', 'ok, or why the posting was refused.'),
    ('points_remainder', NULL, NULL, 'general', 3, NULL, 'remainder', '积分余数', 'Part of a point that a rule carries on to the next earning.'),
    ('points_remainder', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_remainder', 'programme', 'points', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_remainder', 'rule', 'points', 'general', 3, 'internal', 'rule', '规则', NULL),
    ('points_remainder', 'remainder', 'points', 'general', 3, 'internal', 'remainder', '余数', 'At least 0, less than 1.'),
    ('points_remainder', 'moved', 'points', 'general', 3, 'internal', 'carried between records', '并户转移余数', 'What went to other records of the merged customer, less what came; of all records together nothing.'),
    ('points_standing', NULL, NULL, 'general', 2, NULL, 'standing', '客户积分资格', 'What decides whether a customer earns and redeems. Told by crm.points_set_standing().'),
    ('points_standing', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_standing', 'level', 'points', 'general', 3, 'internal', 'level', '客户等级', 'See points_level.'),
    ('points_standing', 'arrears', 'points', 'general', 2, 'internal', 'in arrears', '欠费', 'No redemption, no accrual until paid.'),
    ('points_standing', 'left_on', 'points', 'general', 2, 'internal', 'left on', '离网日期', 'Then all points were void.'),
    ('points_standing', 'changes', 'points', 'general', 3, 'internal', 'number of changes', '变更次数', NULL),
    ('points_standing', 'locked', 'points', 'general', 3, 'internal', 'accounts locked by it', '因欠费锁定的账户', 'Programmes; those that were locked otherwise stay so.'),
    ('points_standing', 'changed_by', 'points', 'general', 3, 'internal', 'changed by', '变更人', 'Role of the session.'),
    ('points_standing', 'changed_at', 'points', 'general', 3, 'internal', 'changed at', '变更时间', NULL);

CREATE VIEW crm.points_rule WITH (security_invoker = true) AS
SELECT r.programme, r.rule, r.version, r.valid_from, r.valid_until, r.element, r.type, r.condition, r.formula, r.multiplier, r.rounding,
       r.cap_day, r.cap_month, r.cap_year, r.cap_number, r.cap_number_per, r.used_at IS NOT NULL AS is_used,
       r.state, r.edited_by, r.backdated_for, r.approved_by, r.approved_at
  FROM crm_data.points_rule r;
GRANT SELECT ON crm.points_rule TO PUBLIC;
COMMENT ON VIEW crm.points_rule IS 'Versions of the rules by which points are earned (积分规则).';
COMMENT ON COLUMN crm.points_rule.is_used IS 'Whether something was earned by it: then it stays as it is (是否已使用).';

COMMENT ON COLUMN crm.points_rule.state IS 'draft or approved; a draft gives nothing (状态).';
COMMENT ON COLUMN crm.points_rule.edited_by IS 'All who had a hand in the draft (编辑人).';
COMMENT ON COLUMN crm.points_rule.backdated_for IS 'Why it holds for days before its approval (追溯原因).';
COMMENT ON COLUMN crm.points_rule.approved_by IS 'Who approved it (审批人).';
COMMENT ON COLUMN crm.points_rule.approved_at IS 'When it was approved (审批时间).';

CREATE VIEW crm.points_draft WITH (security_invoker = true) AS
SELECT d.draft, d.kind, d.name, d.terms, d.state, d.edited_by, d.drafted_at, d.approved_by, d.approved_at FROM crm_data.points_draft d;
GRANT SELECT ON crm.points_draft TO crm_data_admin;
COMMENT ON VIEW crm.points_draft IS 'Types, rules of redemption and transfers and rewards that wait for a second person, and those that one approved (积分条款草稿).';
COMMENT ON COLUMN crm.points_draft.draft IS 'Number, for crm.approve_points_draft(); a draft that is changed gets another (草稿号).';
COMMENT ON COLUMN crm.points_draft.kind IS 'type, redeem_rule, transfer_rule or reward (类别).';
COMMENT ON COLUMN crm.points_draft.name IS 'Programme and type, programme, or reward (名称).';
COMMENT ON COLUMN crm.points_draft.terms IS 'What is to hold, by columns of its table (条款).';
COMMENT ON COLUMN crm.points_draft.state IS 'draft or approved (状态).';
COMMENT ON COLUMN crm.points_draft.edited_by IS 'All who had a hand in it (编辑人).';
COMMENT ON COLUMN crm.points_draft.drafted_at IS 'When (起草时间).';
COMMENT ON COLUMN crm.points_draft.approved_by IS 'Who approved it (审批人).';
COMMENT ON COLUMN crm.points_draft.approved_at IS 'When it was approved (审批时间).';

CREATE VIEW crm.points_type WITH (security_invoker = true) AS
SELECT t.programme, t.type, CASE crm.lang() WHEN 'zh' THEN t.label_zh ELSE t.label_en END AS label, t.category, t.class, t.life, t.life_length, t.life_until,
       t.priority, t.redeemable_for, t.is_transferable
  FROM crm_data.points_type t;
GRANT SELECT ON crm.points_type TO PUBLIC;
COMMENT ON VIEW crm.points_type IS 'Types of points and their parameters (积分类型).';
COMMENT ON COLUMN crm.points_type.label IS 'Label in the language of the session (名称).';

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('points_element', 'stays', 'belongs to the source that it was read from; posted points move'),
    ('points_earning', 'stays', 'how an entry was reckoned; the entry stays too'),
    ('points_remainder', 'stays', 'parts of a point; the next accrual of the survivor takes them along'),
    ('points_standing', 'stays', 'set for this record; the survivor has one of its own');
