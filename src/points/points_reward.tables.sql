-- points_reward: levels, gifts with a budget, rewards with a stock, notices.

CREATE TABLE crm_data.points_level (
    level    text PRIMARY KEY,
    rank     smallint NOT NULL UNIQUE,
    label_zh text NOT NULL,
    label_en text NOT NULL
);
INSERT INTO crm_data.points_level (level, rank, label_zh, label_en) VALUES
    ('none', 0, '普通', 'none'), ('silver', 1, '银卡', 'silver'), ('gold', 2, '金卡', 'gold'), ('platinum', 3, '白金卡', 'platinum'), ('diamond', 4, '钻石卡', 'diamond');

CREATE TABLE crm_data.points_gift_batch (
    batch             text   NOT NULL PRIMARY KEY CHECK (batch ~ '\S'),
    programme         text   NOT NULL,
    type              text   NOT NULL,
    label             text   NOT NULL,
    budget            bigint NOT NULL CHECK (budget > 0),
    spent             bigint NOT NULL DEFAULT 0,
    returned          bigint NOT NULL DEFAULT 0,
    valid_from        date   NOT NULL,
    valid_until       date   NOT NULL,
    expires_on        date,
    most_per_customer bigint CHECK (most_per_customer > 0),
    opened_by         name   NOT NULL DEFAULT session_user,
    opened_at         timestamptz NOT NULL DEFAULT now(),
    approved_by       name,
    approved_at       timestamptz,
    closed_at         timestamptz,
    FOREIGN KEY (programme, type) REFERENCES crm_data.points_type,
    CHECK (spent - returned <= budget),
    CHECK (returned BETWEEN 0 AND spent),
    CHECK (valid_until >= valid_from),
    CHECK (approved_by <> opened_by)
) WITH (fillfactor = 50);
CREATE INDEX points_gift_batch_type_idx ON crm_data.points_gift_batch (programme, type);

CREATE TABLE crm_data.points_gift_use (
    customer_code crm.customer_code NOT NULL,
    request_id    text   NOT NULL,
    batch         text   NOT NULL,
    amount        bigint NOT NULL CHECK (amount > 0),
    expires_on    date   NOT NULL,
    PRIMARY KEY (customer_code, request_id)
);

CREATE TABLE crm_data.points_reward (
    item              text   NOT NULL PRIMARY KEY CHECK (item ~ '\S'),
    programme         text   NOT NULL REFERENCES crm_data.points_programme,
    label_zh          text   NOT NULL,
    label_en          text   NOT NULL,
    category          text   NOT NULL,
    points            bigint NOT NULL CHECK (points BETWEEN 1 AND 1000000000000),
    cash              numeric(12, 2) NOT NULL CHECK (cash >= 0),
    min_level         text   NOT NULL REFERENCES crm_data.points_level,
    valid_from        date   NOT NULL,
    valid_until       date   NOT NULL,
    most_per_customer integer CHECK (most_per_customer > 0),
    stock             bigint NOT NULL DEFAULT 0 CHECK (stock >= 0),
    stocked           bigint NOT NULL DEFAULT 0,
    CHECK (valid_until >= valid_from)
) WITH (fillfactor = 50);
CREATE INDEX points_reward_programme_idx ON crm_data.points_reward (programme);
CREATE INDEX points_reward_level_idx ON crm_data.points_reward (min_level);

CREATE TABLE crm_data.points_redeem_rule (
    programme           text    NOT NULL PRIMARY KEY REFERENCES crm_data.points_programme,
    threshold           bigint  NOT NULL CHECK (threshold >= 0),
    min_tenure_months   integer NOT NULL CHECK (min_tenure_months >= 0),
    most_a_month        integer CHECK (most_a_month > 0),
    most_points_a_month bigint  CHECK (most_points_a_month > 0)
);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_redeem_rule
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_programme_changed();
-- Who once had 1,000 points may redeem from then on.
INSERT INTO crm_data.points_redeem_rule (programme, threshold, min_tenure_months) VALUES ('main', 1000, 0);

-- Held points do not expire; where a programme has it otherwise, the expiry run takes them out of their holds.
CREATE TABLE crm_data.points_hold_rule (
    programme text    NOT NULL PRIMARY KEY REFERENCES crm_data.points_programme,
    expires   boolean NOT NULL
);

-- What giving points away costs the giver, in points.
CREATE TABLE crm_data.points_transfer_rule (
    programme    text    NOT NULL PRIMARY KEY REFERENCES crm_data.points_programme,
    fee_percent  numeric NOT NULL CHECK (fee_percent BETWEEN 0 AND 100),
    fee_fixed    bigint  NOT NULL CHECK (fee_fixed BETWEEN 0 AND 1000000000000),
    fee_rounding text    NOT NULL CHECK (fee_rounding IN ('floor', 'half_up', 'ceil'))
);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_transfer_rule
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_programme_changed();

CREATE TABLE crm_data.points_redemption (
    customer_code crm.customer_code NOT NULL,
    request_id    text    NOT NULL,
    item          text    NOT NULL,
    programme     text    NOT NULL,
    quantity      bigint  NOT NULL CHECK (quantity > 0),
    points        bigint  NOT NULL CHECK (points > 0),
    cash          numeric(14, 2) NOT NULL CHECK (cash >= 0),
    redeemed_on   date    NOT NULL,
    asked_code    crm.customer_code,
    cancelled_by  text,
    cancelled_at  timestamptz,
    PRIMARY KEY (customer_code, request_id)
);

CREATE INDEX points_redemption_asked_idx ON crm_data.points_redemption (asked_code, request_id) WHERE asked_code IS NOT NULL;

CREATE TABLE crm_data.points_notice (
    customer_code crm.customer_code NOT NULL,
    programme     text     NOT NULL,
    expires_on    date     NOT NULL,
    days          smallint NOT NULL CHECK (days IN (30, 7)),
    amount        bigint   NOT NULL CHECK (amount > 0),
    noted_on      date     NOT NULL,
    sent_at       timestamptz,
    PRIMARY KEY (customer_code, programme, expires_on, days)
);
CREATE INDEX points_notice_unsent_idx ON crm_data.points_notice (noted_on) WHERE sent_at IS NULL;

CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE OR DELETE ON crm_data.points_gift_batch FOR EACH ROW EXECUTE FUNCTION crm.points_four_eyes();

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['points_level', 'points_gift_batch', 'points_gift_use', 'points_reward', 'points_redeem_rule', 'points_hold_rule', 'points_transfer_rule', 'points_redemption', 'points_notice'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        IF member IN ('points_gift_batch', 'points_gift_use', 'points_reward', 'points_redemption') THEN
            EXECUTE format('CREATE TRIGGER functions_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.%I
                            FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep_records()', member);
        END IF;
        IF member IN ('points_level', 'points_reward', 'points_redeem_rule', 'points_hold_rule', 'points_transfer_rule') THEN
            EXECUTE format('CREATE POLICY everybody ON crm_data.%I FOR SELECT USING (true)', member);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO PUBLIC', member);
        ELSE
            EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
        END IF;
    END LOOP;
END
$guards$;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('points_level', NULL, NULL, 'general', 3, NULL, 'levels of customers', '客户等级', 'A reference list.'),
    ('points_level', 'level', 'reference', 'general', 3, 'internal', 'level', '等级', NULL),
    ('points_level', 'rank', 'reference', 'general', 3, 'internal', 'rank', '次序', 'The higher the better.'),
    ('points_level', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('points_level', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('points_gift_batch', NULL, NULL, 'general', 3, NULL, 'batch of gift points', '赠送积分批次', 'With a budget and two persons'' consent.'),
    ('points_gift_batch', 'batch', 'reference', 'general', 3, 'internal', 'batch', '批次', NULL),
    ('points_gift_batch', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_gift_batch', 'type', 'reference', 'general', 3, 'internal', 'type of points', '积分类型', NULL),
    ('points_gift_batch', 'label', 'reference', 'general', 3, 'internal', 'label', '名称', NULL),
    ('points_gift_batch', 'budget', 'reference', 'general', 3, 'internal', 'budget', '预算', 'Points; never gone beyond by what was given less what came back.'),
    ('points_gift_batch', 'spent', 'reference', 'general', 3, 'internal', 'given so far', '已赠', NULL),
    ('points_gift_batch', 'returned', 'reference', 'general', 3, 'internal', 'taken back of it', '已收回', 'By crm.points_reverse(); can be given again.'),
    ('points_gift_batch', 'valid_from', 'reference', 'general', 3, 'internal', 'from', '开始日', NULL),
    ('points_gift_batch', 'valid_until', 'reference', 'general', 3, 'internal', 'until', '结束日', NULL),
    ('points_gift_batch', 'expires_on', 'reference', 'general', 3, 'internal', 'last usable day', '有效期至', 'Null: by the life of the type.'),
    ('points_gift_batch', 'most_per_customer', 'reference', 'general', 3, 'internal', 'most for one customer', '单客户上限', NULL),
    ('points_gift_batch', 'opened_by', 'reference', 'general', 3, 'internal', 'proposed by', '提交人', 'Role of the session.'),
    ('points_gift_batch', 'opened_at', 'reference', 'general', 3, 'internal', 'proposed at', '提交时间', NULL),
    ('points_gift_batch', 'approved_by', 'reference', 'general', 3, 'internal', 'approved by', '审批人', 'Another one.'),
    ('points_gift_batch', 'approved_at', 'reference', 'general', 3, 'internal', 'approved at', '审批时间', NULL),
    ('points_gift_batch', 'closed_at', 'reference', 'general', 3, 'internal', 'closed at', '关闭时间', NULL),
    ('points_gift_use', NULL, NULL, 'general', 2, NULL, 'gift out of a batch', '批次赠送明细', NULL),
    ('points_gift_use', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_gift_use', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of its posting.'),
    ('points_gift_use', 'batch', 'points', 'general', 3, 'internal', 'batch', '批次', NULL),
    ('points_gift_use', 'amount', 'points', 'general', 2, 'internal', 'amount', '分值', NULL),
    ('points_gift_use', 'expires_on', 'points', 'general', 3, 'internal', 'last usable day', '有效期至', NULL),
    ('points_reward', NULL, NULL, 'general', 3, NULL, 'reward', '积分回馈产品', 'What points buy. Changed by crm.define_points_reward() and crm.points_stock().'),
    ('points_reward', 'item', 'reference', 'general', 3, 'internal', 'reward', '回馈产品', NULL),
    ('points_reward', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', 'Whose points pay it.'),
    ('points_reward', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('points_reward', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('points_reward', 'category', 'reference', 'general', 3, 'internal', 'category', '品类', NULL),
    ('points_reward', 'points', 'reference', 'general', 3, 'internal', 'points for one', '所需积分', NULL),
    ('points_reward', 'cash', 'reference', 'general', 3, 'internal', 'money beside', '加付金额', 'Yuan for one.'),
    ('points_reward', 'min_level', 'reference', 'general', 3, 'internal', 'level needed', '最低等级', NULL),
    ('points_reward', 'valid_from', 'reference', 'general', 3, 'internal', 'offered from', '上架日', NULL),
    ('points_reward', 'valid_until', 'reference', 'general', 3, 'internal', 'offered until', '下架日', NULL),
    ('points_reward', 'most_per_customer', 'reference', 'general', 3, 'internal', 'most for one customer', '单客户限兑', NULL),
    ('points_reward', 'stock', 'reference', 'general', 3, 'internal', 'in stock', '库存', NULL),
    ('points_reward', 'stocked', 'reference', 'general', 3, 'internal', 'stocked in all', '累计入库', 'Less what was redeemed it is the stock.'),
    ('points_hold_rule', NULL, NULL, 'general', 3, NULL, 'rule of holds', '积分冻结规则', 'Changed by crm.define_points_hold_rule().'),
    ('points_hold_rule', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_hold_rule', 'expires', 'reference', 'general', 3, 'internal', 'held points expire', '冻结积分是否失效', 'Whether crm.points_expire_due() takes what is past its day out of holds.'),
    ('points_redeem_rule', NULL, NULL, 'general', 3, NULL, 'rule of redemption', '积分回馈规则', 'Changed by crm.define_points_redeem_rule().'),
    ('points_redeem_rule', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_redeem_rule', 'threshold', 'reference', 'general', 3, 'internal', 'threshold', '起兑门槛', 'Points had at once, at least once; then it stays.'),
    ('points_redeem_rule', 'min_tenure_months', 'reference', 'general', 3, 'internal', 'least tenure', '最短网龄', 'Months.'),
    ('points_redeem_rule', 'most_a_month', 'reference', 'general', 3, 'internal', 'most redemptions a month', '月兑换次数上限', NULL),
    ('points_redeem_rule', 'most_points_a_month', 'reference', 'general', 3, 'internal', 'most points a month', '月兑换积分上限', NULL),
    ('points_transfer_rule', NULL, NULL, 'general', 3, NULL, 'rule of giving points away', '积分转赠规则', 'Changed by crm.define_points_transfer_rule().'),
    ('points_transfer_rule', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_transfer_rule', 'fee_percent', 'reference', 'general', 3, 'internal', 'fee, percent', '手续费比例', 'Of what is given.'),
    ('points_transfer_rule', 'fee_fixed', 'reference', 'general', 3, 'internal', 'fee, fixed', '固定手续费', 'Points, on top of the percentage.'),
    ('points_transfer_rule', 'fee_rounding', 'reference', 'general', 3, 'internal', 'rounding of the percentage', '手续费取整方式', 'floor, half_up or ceil.'),
    ('points_redemption', NULL, NULL, 'general', 2, NULL, 'redemption for a reward', '积分兑换记录', NULL),
    ('points_redemption', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_redemption', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of its posting.'),
    ('points_redemption', 'item', 'points', 'general', 3, 'internal', 'reward', '回馈产品', NULL),
    ('points_redemption', 'programme', 'points', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_redemption', 'quantity', 'points', 'general', 3, 'internal', 'quantity', '数量', NULL),
    ('points_redemption', 'points', 'points', 'general', 2, 'internal', 'points', '积分', NULL),
    ('points_redemption', 'cash', 'points', 'general', 2, 'internal', 'money paid', '实付金额', 'Yuan.'),
    ('points_redemption', 'redeemed_on', 'points', 'general', 3, 'internal', 'redeemed on', '兑换日期', NULL),
    ('points_redemption', 'asked_code', 'identity', 'general', 3, 'internal', 'asked for under', '申请编号', 'The former code that asked, where the points are its survivor''s; else null.'),
    ('points_redemption', 'cancelled_by', 'points', 'general', 3, 'internal', 'cancelling request', '取消请求号', 'Null: not cancelled.'),
    ('points_redemption', 'cancelled_at', 'points', 'general', 3, 'internal', 'cancelled at', '取消时间', NULL),
    ('points_notice', NULL, NULL, 'general', 2, NULL, 'notice of expiry', '积分到期提醒', 'One of each kind for each account and last day.'),
    ('points_notice', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_notice', 'programme', 'points', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_notice', 'expires_on', 'points', 'general', 3, 'internal', 'last usable day', '有效期至', NULL),
    ('points_notice', 'days', 'points', 'general', 3, 'internal', 'days before', '提前天数', '30 or 7.'),
    ('points_notice', 'amount', 'points', 'general', 2, 'internal', 'points that end', '到期积分', 'When it was noted.'),
    ('points_notice', 'noted_on', 'points', 'general', 3, 'internal', 'noted on', '生成日期', NULL),
    ('points_notice', 'sent_at', 'points', 'general', 3, 'internal', 'sent at', '发送时间', NULL);

CREATE VIEW crm.points_reward WITH (security_invoker = true) AS
SELECT r.item, r.programme, CASE crm.lang() WHEN 'zh' THEN r.label_zh ELSE r.label_en END AS label, r.category, r.points, r.cash, r.min_level,
       r.valid_from, r.valid_until, r.most_per_customer, r.stock
  FROM crm_data.points_reward r;
GRANT SELECT ON crm.points_reward TO PUBLIC;
COMMENT ON VIEW crm.points_reward IS 'What points buy (积分回馈产品).';
COMMENT ON COLUMN crm.points_reward.label IS 'Label in the language of the session (名称).';

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('points_gift_use', 'stays', 'what a batch gave this record; limits count all records of a customer'),
    ('points_redemption', 'stays', 'what this record redeemed; limits count all records of a customer'),
    ('points_notice', 'stays', 'a notice that was given');
