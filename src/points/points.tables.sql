-- points: programmes, accounts and their journal. Everything is written by the posting
-- functions alone; an account's state is the sum of its entries' changes.

CREATE TABLE crm_data.points_programme (
    programme    text     NOT NULL PRIMARY KEY CHECK (programme ~ '^[A-Za-z0-9_.-]{1,31}$'),
    label_zh     text     NOT NULL,
    label_en     text     NOT NULL,
    scale        smallint NOT NULL DEFAULT 0 CHECK (scale BETWEEN 0 AND 6),
    redeem_min   bigint   NOT NULL DEFAULT 0 CHECK (redeem_min >= 0),
    allow_debt   boolean  NOT NULL DEFAULT true,
    auto_open    boolean  NOT NULL DEFAULT true,
    is_chained   boolean  NOT NULL DEFAULT true,
    adjust_limit bigint   CHECK (adjust_limit >= 0),
    free_credit  boolean  NOT NULL DEFAULT false
);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_programme
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_programme_changed();
INSERT INTO crm_data.points_programme (programme, label_zh, label_en) VALUES ('main', '积分', 'Points');

-- What changes stands together, so that a posting's log record stays short; one index more
-- than the key, and none on the state, so that updates stay within the page (HOT). Columns of
-- fixed width first, so that none is lost to alignment. status is o or l. src/points/points_table.c
-- knows rows of exactly this form; whatever is added here makes the postings go through SQL.
CREATE TABLE crm_data.points_account (
    customer_code crm.customer_code NOT NULL,
    seq           bigint NOT NULL DEFAULT 0,
    next_due      date   GENERATED ALWAYS AS (crm.next_expiry(state)) STORED,
    status        "char" NOT NULL DEFAULT 'o',
    programme     text        NOT NULL,
    chain         bytea,
    state         crm.points_ledger NOT NULL,
    PRIMARY KEY (customer_code, programme)
) WITH (fillfactor = 75);
CREATE INDEX points_account_due_idx ON crm_data.points_account (next_due);

-- The key is everything at once: a request is posted once, an account is found, machines share the load.
-- No reference to the account: the writer holds its row. Names of requests compare as bytes: that a request
-- is posted once must not rest on a language's order, which changes with the system's libraries.
CREATE TABLE crm_data.points_journal (
    customer_code crm.customer_code NOT NULL,
    seq           bigint      NOT NULL,
    amount        bigint      NOT NULL,
    available     bigint      NOT NULL,
    posted_at     timestamptz NOT NULL,
    business_date date        NOT NULL,
    expires_on    date,
    held          bigint,
    debt          bigint,
    counterparty  crm.customer_code,
    rule_version  integer,
    is_rest       boolean,
    request_id    text COLLATE "C" NOT NULL,
    programme     text        NOT NULL,
    kind          text        NOT NULL,
    ref           text,
    class         text,
    delta         crm.points_ledger NOT NULL,
    hash          bytea,
    PRIMARY KEY (customer_code, request_id)
);

-- How much of an entry was taken back so far: the journal is never changed.
CREATE TABLE crm_data.points_reversal (
    customer_code crm.customer_code NOT NULL,
    request_id    text        NOT NULL,
    reversed      bigint NOT NULL CHECK (reversed > 0),
    PRIMARY KEY (customer_code, request_id)
) WITH (fillfactor = 90);

-- A second person's yes to an adjustment beyond the limit, given beforehand.
CREATE TABLE crm_data.points_approval (
    customer_code crm.customer_code NOT NULL,
    request_id    text        NOT NULL,
    programme     text        NOT NULL,
    amount        bigint      NOT NULL,
    reason        text        NOT NULL CHECK (reason ~ '\S'),
    approved_by   name        NOT NULL DEFAULT session_user,
    approved_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, request_id)
);

-- Why something was posted, where somebody said so: beside the journal, so that a posting without a reason pays nothing.
CREATE TABLE crm_data.points_reason (
    customer_code crm.customer_code NOT NULL,
    request_id    text        NOT NULL,
    reason        text        NOT NULL CHECK (reason ~ '\S'),
    noted_by      name        NOT NULL DEFAULT session_user,
    noted_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, request_id)
);

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['points_account', 'points_journal', 'points_reversal'] LOOP
        -- Not even the owner: only the posting functions and a superuser, who restores dumps.
        EXECUTE format('CREATE TRIGGER postings_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep()', member);
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
    CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE OR DELETE ON crm_data.points_approval FOR EACH ROW EXECUTE FUNCTION crm.points_four_eyes();
    FOREACH member IN ARRAY ARRAY['points_approval', 'points_reason'] LOOP
        EXECUTE format('CREATE TRIGGER functions_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep_records()', member);
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
    ALTER TABLE crm_data.points_programme ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON crm_data.points_programme TO crm_owner USING (true);
    CREATE POLICY everybody ON crm_data.points_programme FOR SELECT USING (true);
    GRANT SELECT ON crm_data.points_programme TO PUBLIC;
END
$guards$;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('points_programme', NULL, NULL, 'general', 3, NULL, 'points programme', '积分计划', 'Rules by which points are kept. Changed by crm.define_points_programme().'),
    ('points_programme', 'programme', 'reference', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_programme', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
    ('points_programme', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('points_programme', 'scale', 'reference', 'general', 3, 'internal', 'scale', '小数位数', 'Amounts are whole numbers of the smallest unit; a point has 10 to the power of this of them.'),
    ('points_programme', 'redeem_min', 'reference', 'general', 3, 'internal', 'least redemption', '最低兑换额', 'In the smallest unit; less is below_min.'),
    ('points_programme', 'allow_debt', 'reference', 'general', 3, 'internal', 'debt allowed', '允许欠分', 'Taking back a credit that is spent leaves a debt; else it is refused.'),
    ('points_programme', 'auto_open', 'reference', 'general', 3, 'internal', 'opens by itself', '自动开户', 'The first credit opens the account.'),
    ('points_programme', 'is_chained', 'reference', 'general', 3, 'internal', 'hash chain', '哈希链', 'Each entry holds the hash of the one before.'),
    ('points_programme', 'adjust_limit', 'reference', 'general', 3, 'internal', 'limit of adjustments', '调整限额', 'Beyond it a second person must approve; null: no limit.'),
    ('points_programme', 'free_credit', 'reference', 'general', 3, 'internal', 'credits without a rule', '允许规则外入账', 'Writers may earn and gift also where the programme has rules of earning.'),
    ('points_account', NULL, NULL, 'general', 2, NULL, 'points account', '积分账户', 'The state of a customer''s points in a programme.'),
    ('points_account', 'customer_code', 'identity', 'general', 3, 'service', 'customer code', '客户编号', NULL),
    ('points_account', 'programme', 'points', 'general', 3, 'service', 'programme', '积分计划', NULL),
    ('points_account', 'status', 'points', 'general', 3, 'service', 'status', '状态', 'o: open; l: locked, no redemption, freeze or transfer out.'),
    ('points_account', 'next_due', 'points', 'general', 3, 'internal', 'next expiry', '最近失效日', 'First last usable day of available points; due when it is past.'),
    ('points_account', 'seq', 'points', 'general', 3, 'internal', 'number of the last entry', '末笔序号', 'Entries are numbered from 1 without gaps.'),
    ('points_account', 'chain', 'points', 'general', 3, 'internal', 'head of the chain', '链头', 'SHA-256 of the last entry.'),
    ('points_account', 'state', 'points', 'general', 2, 'service', 'points', '积分余额', 'By hold, last usable day and class.'),
    ('points_journal', NULL, NULL, 'general', 2, NULL, 'points journal', '积分流水', 'Every change of every account; rows are only added.'),
    ('points_journal', 'customer_code', 'identity', 'general', 3, 'service', 'customer code', '客户编号', NULL),
    ('points_journal', 'seq', 'points', 'general', 3, 'service', 'number', '序号', 'From 1 without gaps within the account.'),
    ('points_journal', 'amount', 'points', 'general', 2, 'service', 'amount', '分值', 'As the customer sees it: positive comes in.'),
    ('points_journal', 'available', 'points', 'general', 2, 'service', 'available afterwards', '可用积分', 'The answer that was given.'),
    ('points_journal', 'posted_at', 'points', 'general', 3, 'service', 'posted at', '记账时间', NULL),
    ('points_journal', 'business_date', 'points', 'general', 3, 'service', 'business date', '业务日期', 'Day that decides expiry.'),
    ('points_journal', 'expires_on', 'points', 'general', 3, 'service', 'last usable day', '有效期至', 'Of a credit.'),
    ('points_journal', 'held', 'points', 'general', 2, 'service', 'held afterwards', '冻结积分', 'Null: none.'),
    ('points_journal', 'debt', 'points', 'general', 2, 'service', 'debt afterwards', '欠分', 'Null: none.'),
    ('points_journal', 'counterparty', 'points', 'general', 2, 'service', 'other customer', '对方客户', 'Of a transfer.'),
    ('points_journal', 'rule_version', 'points', 'general', 3, 'internal', 'rule version', '规则版本', 'By which the amount was reckoned.'),
    ('points_journal', 'is_rest', 'points', 'general', 3, 'internal', 'all that remained', '剩余全部', 'The request gave no amount.'),
    ('points_journal', 'request_id', 'points', 'general', 3, 'service', 'request', '请求号', 'Unique for each customer; those of the product itself begin with ~.'),
    ('points_journal', 'programme', 'points', 'general', 3, 'service', 'programme', '积分计划', NULL),
    ('points_journal', 'kind', 'points', 'general', 3, 'service', 'kind', '类别', 'The operation, or expire, or receive.'),
    ('points_journal', 'ref', 'points', 'general', 3, 'service', 'request referred to', '原请求号', 'What is reversed, unfrozen or captured.'),
    ('points_journal', 'class', 'points', 'general', 3, 'service', 'class of points', '积分类别', 'Of a credit.'),
    ('points_journal', 'delta', 'points', 'general', 2, 'service', 'change', '变动', 'Lot by lot; state = sum of changes.'),
    ('points_journal', 'hash', 'points', 'general', 3, 'internal', 'hash', '哈希', 'SHA-256 of this entry and the hash before; null when the programme keeps no chain.'),
    ('points_reversal', NULL, NULL, 'general', 2, NULL, 'reversed so far', '已返销', 'How much of an entry was taken back.'),
    ('points_reversal', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_reversal', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of the entry that is taken back.'),
    ('points_reversal', 'reversed', 'points', 'general', 2, 'internal', 'reversed so far', '已返销分值', NULL),
    ('points_approval', NULL, NULL, 'general', 2, NULL, 'approval of an adjustment', '积分调整审批', 'A second person''s yes to an adjustment beyond the limit.'),
    ('points_approval', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_approval', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of the adjustment.'),
    ('points_approval', 'programme', 'points', 'general', 3, 'internal', 'programme', '积分计划', NULL),
    ('points_approval', 'amount', 'points', 'general', 2, 'internal', 'amount', '分值', 'Exactly this one is approved.'),
    ('points_approval', 'reason', 'points', 'general', 3, 'internal', 'reason', '原因', NULL),
    ('points_approval', 'approved_by', 'points', 'general', 3, 'internal', 'approved by', '审批人', 'Role of the session.'),
    ('points_approval', 'approved_at', 'points', 'general', 3, 'internal', 'approved at', '审批时间', NULL),
    ('points_reason', NULL, NULL, 'general', 2, NULL, 'reason of a posting', '积分操作原因', 'Why points were frozen, locked, adjusted or otherwise posted, where somebody said so. Written with the posting, or by crm.points_note_reason().'),
    ('points_reason', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('points_reason', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', 'Of the posting.'),
    ('points_reason', 'reason', 'points', 'general', 2, 'internal', 'reason', '原因', 'No part of the request''s content: the first one stays.'),
    ('points_reason', 'noted_by', 'points', 'general', 3, 'internal', 'noted by', '记录人', 'Role of the session.'),
    ('points_reason', 'noted_at', 'points', 'general', 3, 'internal', 'noted at', '记录时间', NULL);

-- -- what people read ---------------------------------------------------------------

CREATE VIEW crm.points_programme WITH (security_invoker = true) AS
SELECT programme, CASE crm.lang() WHEN 'zh' THEN label_zh ELSE label_en END AS label, scale, redeem_min, allow_debt, auto_open, is_chained, adjust_limit, free_credit
  FROM crm_data.points_programme;
GRANT SELECT ON crm.points_programme TO PUBLIC;
COMMENT ON VIEW crm.points_programme IS 'The points programmes and their rules (积分计划).';

CREATE VIEW crm.points_account WITH (security_invoker = true) AS
SELECT a.customer_code, a.programme, CASE a.status WHEN 'l' THEN 'locked' ELSE 'open' END AS status, crm.available(a.state, crm.company_today()) AS available, crm.held(a.state) AS held,
       crm.debt(a.state) AS debt, a.state, crm.next_expiry(a.state) AS next_expiry, a.seq, a.chain
  FROM crm_data.points_account a;
GRANT SELECT ON crm.points_account TO crm_data_admin;
COMMENT ON VIEW crm.points_account IS
$$Points of each customer as of today, in the company's time zone (积分账户).
Lots that are past their day count no more, whether that was posted or not.$$;

CREATE VIEW crm.points_journal WITH (security_invoker = true) AS
SELECT customer_code, request_id, programme, seq, kind, amount, delta, ref, rule_version, business_date, posted_at, expires_on, class, counterparty,
       available, coalesce(held, 0) AS held, coalesce(debt, 0) AS debt, hash
  FROM crm_data.points_journal;
GRANT SELECT ON crm.points_journal TO crm_data_admin;
COMMENT ON VIEW crm.points_journal IS 'Every change of every points account; entries are only added (积分流水).';

CREATE VIEW crm.points_reason WITH (security_invoker = true) AS
SELECT j.customer_code, j.request_id, j.programme, j.seq, j.kind, j.amount, j.business_date, coalesce(r.reason, a.reason) AS reason, r.noted_by, r.noted_at, a.approved_by
  FROM crm_data.points_journal j
  LEFT JOIN crm_data.points_reason r ON r.customer_code = j.customer_code AND r.request_id = j.request_id
  LEFT JOIN crm_data.points_approval a ON a.customer_code = j.customer_code AND a.request_id = j.request_id AND a.programme = j.programme AND a.amount = j.amount AND j.kind = 'adjust'
 WHERE r.reason IS NOT NULL OR a.reason IS NOT NULL;
GRANT SELECT ON crm.points_reason TO crm_data_admin;
COMMENT ON VIEW crm.points_reason IS
$$Why points were frozen, locked, adjusted or otherwise posted, who said so, and who approved it (积分操作原因).
Of an adjustment beyond the limit, at least the reason of its approval.$$;

CREATE VIEW crm.points_expiring WITH (security_invoker = true) AS
SELECT a.customer_code, a.programme, l.expires_on, l.expires_on - crm.company_today() AS days_left, sum(l.amount)::bigint AS amount,
       CASE WHEN l.expires_on - crm.company_today() <= 7 THEN 7 ELSE 30 END AS notice
  FROM crm_data.points_account a, LATERAL crm.lots(a.state) l
 WHERE a.next_due <= crm.company_today() + 30 AND l.hold = 0
   AND l.expires_on BETWEEN crm.company_today() AND crm.company_today() + 30
 GROUP BY a.customer_code, a.programme, l.expires_on;
GRANT SELECT ON crm.points_expiring TO crm_data_admin;
COMMENT ON VIEW crm.points_expiring IS
$$Points that end within 30 days, for notices 30 and 7 days before (积分到期提醒).
Found through the index on the next expiry; held points do not expire while they are held.$$;

CREATE VIEW crm_report.points_liability WITH (security_invoker = true) AS
SELECT a.programme, CASE WHEN l.expires_on NOT IN ('infinity', '-infinity') THEN date_trunc('month', l.expires_on::timestamp)::date END AS expiry_month,
       l.class, CASE WHEN l.expires_on = '-infinity' THEN 'debt' WHEN l.hold > 0 THEN 'held' ELSE 'available' END AS level,
       count(DISTINCT a.customer_code::text) AS customers, sum(l.amount) AS amount
  FROM crm_data.points_account a, LATERAL crm.lots(a.state) l
 WHERE l.hold > 0 OR l.expires_on >= crm.company_today() OR l.expires_on = '-infinity'
 GROUP BY 1, 2, 3, 4;
GRANT SELECT ON crm_report.points_liability TO crm_data_admin;
COMMENT ON VIEW crm_report.points_liability IS 'Outstanding points by month of expiry, class and level: available, held or debt (积分负债).';

DO $columns$
DECLARE
    entry text[];
    view regclass;
BEGIN
    FOREACH entry SLICE 1 IN ARRAY ARRAY[
        ['customer_code', 'Customer (客户编号).'], ['programme', 'Programme (积分计划).'], ['label', 'Label in the language of the session (名称).'],
        ['scale', 'Decimal places of a point (小数位数).'], ['redeem_min', 'Least redemption (最低兑换额).'], ['allow_debt', 'Whether a debt may arise (允许欠分).'],
        ['auto_open', 'Whether the first credit opens the account (自动开户).'], ['is_chained', 'Whether entries hold hashes (哈希链).'],
        ['adjust_limit', 'Beyond it adjustments need a second person (调整限额).'], ['free_credit', 'Whether writers may earn and gift where there are rules of earning (允许规则外入账).'], ['status', 'open or locked (状态).'], ['available', 'Points that can be used (可用积分).'],
        ['held', 'Points in holds (冻结积分).'], ['debt', 'Points owed (欠分).'], ['state', 'All lots (积分批次).'], ['next_expiry', 'First last usable day (最近失效日).'],
        ['seq', 'Number of the entry, or of the last one (序号).'], ['chain', 'Head of the hash chain (链头).'], ['request_id', 'Request (请求号).'], ['kind', 'Kind of entry (类别).'],
        ['amount', 'Points (分值).'], ['delta', 'Change, lot by lot (变动).'], ['ref', 'Request referred to (原请求号).'], ['rule_version', 'Version of the rule (规则版本).'],
        ['business_date', 'Business date (业务日期).'], ['posted_at', 'When it was posted (记账时间).'], ['expires_on', 'Last usable day (有效期至).'], ['class', 'Class of points (积分类别).'],
        ['counterparty', 'Other customer of a transfer (对方客户).'], ['hash', 'Hash (哈希).'], ['days_left', 'Days until then (剩余天数).'],
        ['notice', 'Which notice is due: 30 or 7 days before (提醒档).'], ['expiry_month', 'First day of the month of expiry; null for never and for debts (失效月份).'],
        ['reason', 'Why it was posted (原因).'], ['noted_by', 'Who said so: role of the session (记录人).'], ['noted_at', 'When (记录时间).'], ['approved_by', 'Who approved it (审批人).'],
        ['level', 'available, held or debt (层级).'], ['customers', 'Number of customers (客户数).']] LOOP
        FOR view IN SELECT a.attrelid FROM pg_attribute a
                         WHERE a.attname = entry[1] AND a.attrelid IN ('crm.points_programme'::regclass, 'crm.points_account'::regclass,
                               'crm.points_journal'::regclass, 'crm.points_reason'::regclass, 'crm.points_expiring'::regclass, 'crm_report.points_liability'::regclass) LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view, entry[1], entry[2]);
        END LOOP;
    END LOOP;
END
$columns$;

INSERT INTO crm_data.merge_rule (relation, way, move_by, return_by, reason) VALUES
    ('points_account', 'moves', 'points_merge_move', 'points_merge_return', 'lots move with their last days, and come back'),
    ('points_journal', 'stays', NULL, NULL, 'what was posted to which account; the moves are entries too'),
    ('points_reversal', 'stays', NULL, NULL, 'belongs to an entry of the journal'),
    ('points_approval', 'stays', NULL, NULL, 'belongs to a request'),
    ('points_reason', 'stays', NULL, NULL, 'belongs to a request');
