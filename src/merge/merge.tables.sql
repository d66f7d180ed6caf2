-- merge: suspected duplicates, merges, relations between customers. Each of these speaks of
-- two customers, so none is a part of one of them: they lie where decisions are made.

-- -- policies: rows, not code ------------------------------------------------------

-- How far a source is believed, 0 to 1; verified stands for what a document or a call proved.
CREATE TABLE crm_data.source_reliability (
    source      text PRIMARY KEY,
    reliability numeric NOT NULL CHECK (reliability BETWEEN 0 AND 1)
);
INSERT INTO crm_data.source_reliability (source, reliability) VALUES
    ('verified', 1), ('counter', 0.9), ('visit', 0.85), ('store', 0.85), ('phone', 0.75), ('app', 0.75), ('online', 0.7), ('wechat', 0.65),
    ('email', 0.6), ('partner', 0.6), ('sms', 0.55), ('import', 0.5), ('other', 0.4), ('unknown', 0.3);

-- Whose value the golden record shows. trusted: reliability of the source, halved every
-- half_life_days; strictest: whatever allows least.
CREATE TABLE crm_data.survivorship_rule (
    field          text PRIMARY KEY,
    prefer         text NOT NULL CHECK (prefer IN ('trusted', 'newest', 'oldest', 'survivor', 'strictest')),
    half_life_days integer CHECK (half_life_days > 0),
    CONSTRAINT trust_decays CHECK ((prefer = 'trusted') = (half_life_days IS NOT NULL)),
    -- A source, an age or a code say nothing of whether the customer agreed.
    CONSTRAINT consents_allow_or_not CHECK (CASE field WHEN 'consent' THEN prefer IN ('strictest', 'newest') ELSE prefer <> 'strictest' END)
);
INSERT INTO crm_data.survivorship_rule (field, prefer, half_life_days) VALUES
    ('name', 'trusted', 7300), ('sex', 'trusted', 7300), ('birth_date', 'trusted', 7300), ('nationality', 'trusted', 3650),
    ('occupation', 'trusted', 730), ('uscc', 'trusted', 7300), ('industry', 'trusted', 1825), ('legal_representative', 'trusted', 1095),
    ('contact_name', 'newest', NULL), ('document', 'trusted', 3650), ('phone', 'trusted', 365), ('email', 'trusted', 730),
    ('address', 'newest', NULL), ('bank_card', 'survivor', NULL), ('owner_unit', 'survivor', NULL), ('channel', 'survivor', NULL),
    ('registered_at', 'oldest', NULL), ('consent', 'strictest', NULL);

-- Beyond these a merge needs a second person; null: never. undo_days and case_days are periods.
CREATE TABLE crm_data.merge_policy (
    measure   text PRIMARY KEY CHECK (measure IN ('amount', 'points', 'records', 'undo_days', 'case_days')),
    threshold numeric CHECK (threshold >= 0)
);
INSERT INTO crm_data.merge_policy (measure, threshold) VALUES
    ('amount', 100000), ('points', 100000), ('records', 5), ('undo_days', 1095), ('case_days', 14);

CREATE TABLE crm_data.relation_kind (
    code          text PRIMARY KEY,
    label_zh      text NOT NULL,
    label_en      text NOT NULL,
    inverse_zh    text NOT NULL,
    inverse_en    text NOT NULL,
    is_symmetric  boolean NOT NULL GENERATED ALWAYS AS (label_en = inverse_en) STORED
);
INSERT INTO crm_data.relation_kind (code, label_zh, label_en, inverse_zh, inverse_en) VALUES
    ('related', '相关客户', 'related', '相关客户', 'related'), ('household', '同一家庭', 'same household', '同一家庭', 'same household'),
    ('spouse', '配偶', 'spouse', '配偶', 'spouse'), ('guardian', '监护人', 'guardian of', '被监护人', 'ward of'),
    ('parent_company', '母公司', 'parent company of', '子公司', 'subsidiary of'), ('contact_of', '联系人', 'contact person of', '所联系单位', 'has contact person'),
    ('referrer', '推荐人', 'referred', '被推荐人', 'was referred by');

-- -- where a value comes from --------------------------------------------------------

-- Only what differs from the customer's own channel and day of registration.
CREATE TABLE crm_data.field_source (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    field         text NOT NULL,
    source        text NOT NULL,
    confidence    numeric NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    recorded_on   date NOT NULL DEFAULT crm.company_today(),
    recorded_by   name NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, field)
);

-- -- relations between customers -------------------------------------------------------

CREATE TABLE crm_data.customer_relation (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    other_code    crm.customer_code NOT NULL,
    kind          text NOT NULL REFERENCES crm_data.relation_kind,
    valid_from    date NOT NULL DEFAULT crm.company_today(),
    valid_until   date CHECK (valid_until >= valid_from),
    note          text,
    added_by      name NOT NULL DEFAULT session_user,
    added_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_code, kind, other_code, valid_from),
    CHECK (customer_code <> other_code)
);
CREATE INDEX customer_relation_kind_idx ON crm_data.customer_relation (kind);
CREATE INDEX customer_relation_other_idx ON crm_data.customer_relation (other_code);

-- -- suspected duplicates --------------------------------------------------------------

CREATE TABLE crm_data.duplicate_case (
    case_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_code crm.customer_code NOT NULL,
    other_code    crm.customer_code NOT NULL,
    source        text NOT NULL,
    score         double precision CHECK (score BETWEEN 0 AND 1),
    reasons       jsonb NOT NULL DEFAULT '[]',
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'same', 'different', 'related')),
    owner         name,
    due_on        date,
    found_by      name NOT NULL DEFAULT session_user,
    found_at      timestamptz NOT NULL DEFAULT now(),
    decided_by    name,
    decided_at    timestamptz,
    decided_why   text,
    merge_id      bigint,
    UNIQUE (customer_code, other_code),
    CHECK (customer_code < other_code),
    CONSTRAINT decided_by_somebody CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE INDEX duplicate_case_other_idx ON crm_data.duplicate_case (other_code);
CREATE INDEX duplicate_case_open_idx ON crm_data.duplicate_case (score DESC NULLS LAST, case_id) WHERE state IN ('open', 'same');
CREATE INDEX duplicate_case_merge_idx ON crm_data.duplicate_case (merge_id) WHERE merge_id IS NOT NULL;

-- -- merges ------------------------------------------------------------------------------

-- The merges that stand are the edges of trees; customer.survivor_code is the root of each.
-- Rows are added and, once, marked as undone.
CREATE TABLE crm_data.merge (
    merge_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    survivor_code  crm.customer_code NOT NULL,
    loser_code     crm.customer_code NOT NULL,
    chosen         jsonb NOT NULL DEFAULT '{}',
    reason         text,
    loser_state    text NOT NULL,
    had            jsonb NOT NULL,
    request_id     bigint,
    merged_on      date NOT NULL DEFAULT crm.company_today(),
    merged_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    merged_by      name NOT NULL DEFAULT session_user,
    undone_at      timestamptz,
    undone_by      name,
    undone_why     text,
    conflicts      jsonb,
    CHECK (survivor_code <> loser_code),
    CONSTRAINT undone_by_somebody CHECK (num_nulls(undone_at, undone_by, undone_why) IN (0, 3))
);
CREATE UNIQUE INDEX merge_stands_idx ON crm_data.merge (loser_code) WHERE undone_at IS NULL;
CREATE INDEX merge_survivor_idx ON crm_data.merge (survivor_code);

CREATE TABLE crm_data.merge_request (
    request_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    survivor_code crm.customer_code NOT NULL,
    loser_code    crm.customer_code NOT NULL,
    choices       jsonb NOT NULL DEFAULT '{}',
    reason        text NOT NULL CHECK (reason ~ '\S'),
    seen          text NOT NULL,
    measures      jsonb NOT NULL,
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected')),
    requested_by  name NOT NULL DEFAULT session_user,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    decided_by    name,
    decided_at    timestamptz,
    decided_why   text,
    merge_id      bigint,
    CONSTRAINT four_eyes CHECK (decided_by <> requested_by OR state = 'rejected')
);
CREATE UNIQUE INDEX merge_request_pending_idx ON crm_data.merge_request (survivor_code, loser_code) WHERE state = 'pending';

-- -- guards --------------------------------------------------------------------------------

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['source_reliability', 'survivorship_rule', 'merge_policy', 'relation_kind', 'field_source',
                                  'customer_relation', 'duplicate_case', 'merge', 'merge_request'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        IF member IN ('source_reliability', 'survivorship_rule', 'merge_policy', 'relation_kind') THEN
            EXECUTE format('CREATE POLICY rules_are_known ON crm_data.%I FOR SELECT USING (true)', member);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO PUBLIC', member);
        ELSE
            EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
            EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
        END IF;
    END LOOP;
    -- What was merged and why is history.
    CREATE TRIGGER keep_row BEFORE DELETE OR TRUNCATE ON crm_data.merge FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
    CREATE TRIGGER keep_row BEFORE DELETE OR TRUNCATE ON crm_data.merge_request FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
END
$guards$;

CREATE TRIGGER census AFTER INSERT OR UPDATE OR DELETE ON crm_data.merge_rule FOR EACH STATEMENT EXECUTE FUNCTION crm.merge_census_write();
INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('field_source', 'pointer', 'where each record''s own values come from'),
    ('customer_relation', 'pointer', 'either end is shown as its survivor; a relation of a customer to itself is not shown'),
    ('duplicate_case', 'stays', 'what was suspected, of the records as they were; the work list shows their survivors'),
    ('merge', 'stays', 'the merges themselves'),
    ('merge_request', 'stays', 'what was asked for');
COMMENT ON FUNCTION crm.merge_census(crm.customer_code[]) IS
$$What records have: for each and each table its rows and a digest, no values (数据清点). A part of crm.merge(). Written from crm_data.merge_rule.$$;
REVOKE EXECUTE ON FUNCTION crm.merge_census(crm.customer_code[]) FROM PUBLIC; -- reads all tables

-- -- what people read ------------------------------------------------------------------------

-- Every field that a golden record chooses, for every record, masked; key tells equal values.
CREATE VIEW crm.customer_field WITH (security_invoker = true) AS
SELECT c.customer_code, f.field, f.value, f.key, NULL::timestamptz AS verified_at
  FROM crm_data.customer c, LATERAL (VALUES
       ('owner_unit', c.owner_unit, c.owner_unit), ('channel', c.channel, c.channel),
       ('registered_at', c.registered_at::date::text, extract(epoch FROM c.registered_at)::text)) f (field, value, key)
 WHERE f.key IS NOT NULL
UNION ALL
SELECT i.customer_code, f.field, f.value, f.key, NULL
  FROM crm_data.individual i, LATERAL (VALUES
       ('name', i.name::text, i.name_token::text), ('sex', i.sex::text, i.sex::text),
       ('birth_date', extract(year FROM i.birth_date)::text, i.birth_date::text),
       ('nationality', i.nationality::text, i.nationality::text), ('occupation', i.occupation, i.occupation)) f (field, value, key)
 WHERE f.key IS NOT NULL
UNION ALL
SELECT o.customer_code, f.field, f.value, f.key, NULL
  FROM crm_data.organization o, LATERAL (VALUES
       ('name', o.name, o.name), ('uscc', o.uscc::text, o.uscc::text), ('industry', o.industry, o.industry),
       ('legal_representative', o.legal_representative::text, crm.token(o.legal_representative)::text),
       ('contact_name', o.contact_name::text, crm.token(o.contact_name)::text)) f (field, value, key)
 WHERE f.key IS NOT NULL
UNION ALL
SELECT g.customer_code, f.field, f.value, f.key, NULL
  FROM crm_data.customer_group g, LATERAL (VALUES
       ('name', g.name, g.name), ('industry', g.industry, g.industry),
       ('contact_name', g.contact_name::text, crm.token(g.contact_name)::text)) f (field, value, key)
 WHERE f.key IS NOT NULL
UNION ALL
(SELECT DISTINCT ON (d.customer_code) d.customer_code, 'document', d.kind || ' ' || d.number::text, d.kind || d.number_token::text, d.verified_at
   FROM crm_data.identity_document d ORDER BY d.customer_code, d.document_no)
UNION ALL
(SELECT DISTINCT ON (p.customer_code) p.customer_code, 'phone', p.phone::text, p.token::text, p.verified_at
   FROM crm_data.contact_point p WHERE p.phone IS NOT NULL ORDER BY p.customer_code, NOT p.is_preferred, p.contact_no)
UNION ALL
(SELECT DISTINCT ON (p.customer_code) p.customer_code, 'email', p.email::text, p.token::text, p.verified_at
   FROM crm_data.contact_point p WHERE p.email IS NOT NULL ORDER BY p.customer_code, NOT p.is_preferred, p.contact_no)
UNION ALL
(SELECT DISTINCT ON (a.customer_code) a.customer_code, 'address', a.detail::text, crm.token(a.detail)::text, NULL
   FROM crm_data.address a ORDER BY a.customer_code, upper_inf(a.valid_during) DESC, lower(a.valid_during) DESC, a.address_no)
UNION ALL
(SELECT DISTINCT ON (b.customer_code) b.customer_code, 'bank_card', b.card::text, b.card_token::text, NULL
   FROM crm_data.bank_account b ORDER BY b.customer_code, b.account_no);

-- Both ends see a relation; of several records that became one customer it is shown once.
CREATE VIEW crm.customer_relation WITH (security_invoker = true) AS
WITH directed AS (
    SELECT c.survivor_code AS customer_code, o.survivor_code AS other_code, r.kind, false AS is_inverse, r.valid_from, r.valid_until
      FROM crm_data.customer_relation r
      JOIN crm_data.customer c ON c.customer_code = r.customer_code
      JOIN crm_data.customer o ON o.customer_code = r.other_code
    UNION ALL
    SELECT o.survivor_code, c.survivor_code, r.kind, NOT k.is_symmetric, r.valid_from, r.valid_until
      FROM crm_data.customer_relation r
      JOIN crm_data.relation_kind k ON k.code = r.kind
      JOIN crm_data.customer c ON c.customer_code = r.customer_code
      JOIN crm_data.customer o ON o.customer_code = r.other_code
)
SELECT d.customer_code, d.kind,
       CASE WHEN crm.lang() = 'zh' THEN CASE WHEN d.is_inverse THEN k.inverse_zh ELSE k.label_zh END
            ELSE CASE WHEN d.is_inverse THEN k.inverse_en ELSE k.label_en END END AS label,
       d.other_code, d.is_inverse, min(d.valid_from) AS valid_from,
       CASE WHEN bool_or(d.valid_until IS NULL) THEN NULL ELSE max(d.valid_until) END AS valid_until
  FROM directed d JOIN crm_data.relation_kind k ON k.code = d.kind
 WHERE d.customer_code <> d.other_code
 GROUP BY d.customer_code, d.other_code, d.kind, d.is_inverse, k.label_zh, k.label_en, k.inverse_zh, k.inverse_en;

-- Cases as of today: under today's codes, each pair once, and none that is one customer already.
CREATE VIEW crm.duplicate_worklist WITH (security_invoker = true) AS
SELECT w.case_id, w.customer_code, w.other_code, a.kind, a.name, b.name AS other_name, w.state, w.score, w.source, w.reasons,
       crm.duplicate_evidence(w.customer_code, w.other_code) AS evidence,
       w.owner, w.due_on, w.due_on < crm.company_today() AS is_overdue, w.found_by, w.found_at
  FROM (SELECT DISTINCT ON (least(c.survivor_code, o.survivor_code), greatest(c.survivor_code, o.survivor_code))
               least(c.survivor_code, o.survivor_code) AS customer_code, greatest(c.survivor_code, o.survivor_code) AS other_code,
               d.case_id, d.state, d.score, d.source, d.reasons, d.owner, d.due_on, d.found_by, d.found_at
          FROM crm_data.duplicate_case d
          JOIN crm_data.customer c ON c.customer_code = d.customer_code
          JOIN crm_data.customer o ON o.customer_code = d.other_code
         WHERE d.state IN ('open', 'same') AND c.survivor_code <> o.survivor_code
         ORDER BY least(c.survivor_code, o.survivor_code), greatest(c.survivor_code, o.survivor_code), d.state = 'same' DESC, d.score DESC NULLS LAST, d.case_id) w
  JOIN crm.customer_basic a ON a.customer_code = w.customer_code
  JOIN crm.customer_basic b ON b.customer_code = w.other_code;

-- What the matching engine keeps apart for ever.
CREATE VIEW crm.duplicate_cannot_link WITH (security_invoker = true) AS
SELECT d.customer_code, d.other_code, d.decided_by, d.decided_at FROM crm_data.duplicate_case d WHERE d.state IN ('different', 'related');

CREATE VIEW crm.merge_history WITH (security_invoker = true) AS
SELECT m.merge_id, m.survivor_code, m.loser_code, m.undone_at IS NULL AS stands, m.chosen, m.reason, m.merged_at, m.merged_by, m.request_id,
       r.decided_by AS approved_by, m.undone_at, m.undone_by, m.undone_why, m.conflicts
  FROM crm_data.merge m LEFT JOIN crm_data.merge_request r ON r.request_id = m.request_id;

CREATE VIEW crm.merge_request WITH (security_invoker = true) AS
SELECT r.request_id, r.survivor_code, r.loser_code, r.choices, r.reason, r.measures, r.state, r.requested_by, r.requested_at,
       r.decided_by, r.decided_at, r.decided_why, r.merge_id
  FROM crm_data.merge_request r;

-- Not customer_field: its keys would tell a birth date by trying.
GRANT SELECT ON crm.customer_relation, crm.duplicate_worklist, crm.duplicate_cannot_link, crm.merge_history, crm.merge_request
    TO crm_data_admin;

COMMENT ON VIEW crm.customer_field IS
$$Every field that survivorship chooses, of every record, masked, also of those that were merged; for the merging functions alone (客户字段来源值).$$;
COMMENT ON VIEW crm.customer_relation IS
$$Relations between customers, seen from both ends, under the codes of today (客户关系).
A symmetric one is stored once. What merging made a relation of a customer to itself is not shown, and comes back when the merge is undone.$$;
COMMENT ON VIEW crm.duplicate_worklist IS
$$Suspected duplicates that wait for a decision or a merge, the survivors' codes and masked names, with the reasons (疑似重复工作清单).
evidence compares field by field. Best candidates: ORDER BY score DESC. Decide with crm.duplicate_decide(), then crm.merge().$$;
COMMENT ON VIEW crm.duplicate_cannot_link IS
$$Pairs that were decided to be two customers; the matching engine never puts them together (不可关联对).$$;
COMMENT ON VIEW crm.merge_history IS $$Every merge, whether it stands or was undone, with its approval and conflicts (合并记录).$$;
COMMENT ON VIEW crm.merge_request IS $$Merges that need a second person's approval, and what became of them (合并申请).$$;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('source_reliability', NULL, NULL, 'general', 3, NULL, 'reliability of sources', '来源可靠度', 'How far a source is believed; unknown stands for those that are not here.'),
    ('source_reliability', 'source', 'reference', 'general', 3, 'internal', 'source', '来源', 'A channel or another system; verified: proved by a document or a call.'),
    ('source_reliability', 'reliability', 'reference', 'general', 3, 'internal', 'reliability', '可靠度', '0 to 1.'),
    ('survivorship_rule', NULL, NULL, 'general', 3, NULL, 'rule of survivorship', '存活规则', 'Whose value the golden record shows.'),
    ('survivorship_rule', 'field', 'reference', 'general', 3, 'internal', 'field', '字段', 'Of crm.customer_field.'),
    ('survivorship_rule', 'prefer', 'reference', 'general', 3, 'internal', 'prefers', '取值方式', 'trusted, newest, oldest, survivor or strictest.'),
    ('survivorship_rule', 'half_life_days', 'reference', 'general', 3, 'internal', 'half-life', '可信半衰期', 'Days in which the trust in a value halves.'),
    ('merge_policy', NULL, NULL, 'general', 3, NULL, 'policy of merging', '合并策略', 'Beyond these values a merge needs a second person.'),
    ('merge_policy', 'measure', 'reference', 'general', 3, 'internal', 'measure', '衡量项', 'amount: purchases of either in CNY; points: of either, in the smallest unit; records: of the result; undo_days; case_days.'),
    ('merge_policy', 'threshold', 'reference', 'general', 3, 'internal', 'threshold', '阈值', 'Null: no limit.'),
    ('relation_kind', NULL, NULL, 'general', 3, NULL, 'kinds of relations', '关系类型表', 'A reference list.'),
    ('relation_kind', 'code', 'reference', 'general', 3, 'internal', 'code', '代码', NULL),
    ('relation_kind', 'label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', 'What the first is to the second.'),
    ('relation_kind', 'label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
    ('relation_kind', 'inverse_zh', 'reference', 'general', 3, 'internal', 'Chinese inverse', '反向中文名称', 'What the second is to the first.'),
    ('relation_kind', 'inverse_en', 'reference', 'general', 3, 'internal', 'English inverse', '反向英文名称', NULL),
    ('relation_kind', 'is_symmetric', 'reference', 'general', 3, 'internal', 'symmetric', '是否对称', 'Stored once, the smaller code first.'),
    ('field_source', NULL, NULL, 'general', 3, NULL, 'source of a value', '字段来源', 'Where a value comes from, if not from the registration.'),
    ('field_source', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('field_source', 'field', 'reference', 'general', 3, 'internal', 'field', '字段', 'Of crm.customer_field.'),
    ('field_source', 'source', 'origin', 'general', 3, 'internal', 'source', '来源', 'See source_reliability.'),
    ('field_source', 'confidence', 'origin', 'general', 3, 'internal', 'confidence', '置信度', '0 to 1.'),
    ('field_source', 'recorded_on', 'origin', 'general', 3, 'internal', 'as of', '截至日期', NULL),
    ('field_source', 'recorded_by', 'origin', 'general', 3, 'internal', 'recorded by', '登记人', 'Role of the session.'),
    ('customer_relation', NULL, NULL, 'general', 2, NULL, 'relation between customers', '客户关系', NULL),
    ('customer_relation', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('customer_relation', 'other_code', 'identity', 'general', 3, 'internal', 'other customer', '对方客户', NULL),
    ('customer_relation', 'kind', 'profile', 'general', 2, 'internal', 'kind of relation', '关系类型', 'What the first is to the second.'),
    ('customer_relation', 'valid_from', 'profile', 'general', 3, 'internal', 'from', '起始日期', NULL),
    ('customer_relation', 'valid_until', 'profile', 'general', 3, 'internal', 'until', '终止日期', 'Last day.'),
    ('customer_relation', 'note', 'profile', 'general', 2, 'internal', 'note', '备注', NULL),
    ('customer_relation', 'added_by', 'origin', 'general', 3, 'internal', 'noted by', '登记人', 'Role of the session.'),
    ('customer_relation', 'added_at', 'origin', 'general', 3, 'internal', 'noted at', '登记时间', NULL),
    ('duplicate_case', NULL, NULL, 'general', 2, NULL, 'suspected duplicate', '疑似重复', 'Two records that may be one customer, and what was decided.'),
    ('duplicate_case', 'case_id', 'operation', 'general', 3, 'internal', 'number of the case', '案件号', NULL),
    ('duplicate_case', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', 'The smaller of the two.'),
    ('duplicate_case', 'other_code', 'identity', 'general', 3, 'internal', 'other customer', '另一客户', NULL),
    ('duplicate_case', 'source', 'origin', 'general', 3, 'internal', 'found by what', '发现途径', 'intake, staff, or the name of a matching model.'),
    ('duplicate_case', 'score', 'operation', 'general', 3, 'internal', 'probability', '匹配概率', '0 to 1.'),
    ('duplicate_case', 'reasons', 'operation', 'general', 2, 'internal', 'reasons', '理由', 'Holds no values.'),
    ('duplicate_case', 'state', 'operation', 'general', 3, 'internal', 'state', '状态', 'open, same, different (for ever) or related.'),
    ('duplicate_case', 'owner', 'operation', 'general', 3, 'internal', 'owner', '负责人', NULL),
    ('duplicate_case', 'due_on', 'operation', 'general', 3, 'internal', 'due on', '期限', NULL),
    ('duplicate_case', 'found_by', 'origin', 'general', 3, 'internal', 'reported by', '上报人', 'Role of the session.'),
    ('duplicate_case', 'found_at', 'origin', 'general', 3, 'internal', 'found at', '发现时间', NULL),
    ('duplicate_case', 'decided_by', 'operation', 'general', 3, 'internal', 'decided by', '决定人', NULL),
    ('duplicate_case', 'decided_at', 'operation', 'general', 3, 'internal', 'decided at', '决定时间', NULL),
    ('duplicate_case', 'decided_why', 'operation', 'general', 2, 'internal', 'decided why', '决定原因', NULL),
    ('duplicate_case', 'merge_id', 'operation', 'general', 3, 'internal', 'merge that settled it', '了结合并号', NULL),
    ('merge', NULL, NULL, 'general', 2, NULL, 'merge', '客户合并', 'One record stands for another; undone ones stay as history.'),
    ('merge', 'merge_id', 'operation', 'general', 3, 'internal', 'number of the merge', '合并号', NULL),
    ('merge', 'survivor_code', 'identity', 'general', 3, 'internal', 'survivor', '存续客户', 'At that moment; may have been merged since.'),
    ('merge', 'loser_code', 'identity', 'general', 3, 'internal', 'merged record', '被并客户', NULL),
    ('merge', 'chosen', 'operation', 'general', 3, 'internal', 'chosen by hand', '人工取值', 'Field to the code whose value is shown.'),
    ('merge', 'reason', 'operation', 'general', 2, 'internal', 'reason', '原因', NULL),
    ('merge', 'loser_state', 'status', 'general', 3, 'internal', 'state before', '合并前状态', 'Restored when the merge is undone.'),
    ('merge', 'had', 'operation', 'general', 3, 'internal', 'what both had', '合并前数据', 'Of each record rows and digest of each table; holds no values.'),
    ('merge', 'request_id', 'operation', 'general', 3, 'internal', 'request', '申请号', 'Null: none was needed.'),
    ('merge', 'merged_on', 'operation', 'general', 3, 'internal', 'business day', '业务日期', NULL),
    ('merge', 'merged_at', 'operation', 'general', 3, 'internal', 'merged at', '合并时间', NULL),
    ('merge', 'merged_by', 'operation', 'general', 3, 'internal', 'merged by', '合并人', 'Role of the session.'),
    ('merge', 'undone_at', 'operation', 'general', 3, 'internal', 'undone at', '撤销时间', NULL),
    ('merge', 'undone_by', 'operation', 'general', 3, 'internal', 'undone by', '撤销人', NULL),
    ('merge', 'undone_why', 'operation', 'general', 2, 'internal', 'undone why', '撤销原因', NULL),
    ('merge', 'conflicts', 'operation', 'general', 3, 'internal', 'conflicts when undone', '撤销冲突', 'What was changed between.'),
    ('merge_request', NULL, NULL, 'general', 2, NULL, 'request of a merge', '合并申请', 'A merge that a second person must approve.'),
    ('merge_request', 'request_id', 'operation', 'general', 3, 'internal', 'number of the request', '申请号', NULL),
    ('merge_request', 'survivor_code', 'identity', 'general', 3, 'internal', 'survivor', '存续客户', NULL),
    ('merge_request', 'loser_code', 'identity', 'general', 3, 'internal', 'record to be merged', '被并客户', NULL),
    ('merge_request', 'choices', 'operation', 'general', 3, 'internal', 'choices', '人工取值', 'As asked for.'),
    ('merge_request', 'reason', 'operation', 'general', 2, 'internal', 'reason', '原因', NULL),
    ('merge_request', 'seen', 'operation', 'general', 3, 'internal', 'version seen', '所见版本', 'Of both records; the approval is of these.'),
    ('merge_request', 'measures', 'operation', 'general', 2, 'internal', 'measures', '衡量值', 'That made an approval necessary.'),
    ('merge_request', 'state', 'operation', 'general', 3, 'internal', 'state', '状态', 'pending, approved or rejected.'),
    ('merge_request', 'requested_by', 'operation', 'general', 3, 'internal', 'requested by', '申请人', 'Role of the session.'),
    ('merge_request', 'requested_at', 'operation', 'general', 3, 'internal', 'requested at', '申请时间', NULL),
    ('merge_request', 'decided_by', 'operation', 'general', 3, 'internal', 'decided by', '审批人', 'Never who requested it.'),
    ('merge_request', 'decided_at', 'operation', 'general', 3, 'internal', 'decided at', '审批时间', NULL),
    ('merge_request', 'decided_why', 'operation', 'general', 2, 'internal', 'decided why', '审批意见', NULL),
    ('merge_request', 'merge_id', 'operation', 'general', 3, 'internal', 'merge that was made', '合并号', NULL);

DO $columns$
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT a.attrelid::regclass AS view, a.attname, l.text
          FROM (VALUES ('customer_code', 'Customer (客户编号).'), ('other_code', 'The other customer (另一客户).'), ('field', 'Field (字段).'),
                       ('value', 'Value, masked (取值).'), ('key', 'Equal for equal values (比对键).'), ('verified_at', 'When the value was verified (核验时间).'),
                       ('kind', 'Kind of customer, or of relation (类型).'), ('label', 'What the customer is to the other, in the language of the session (关系名称).'),
                       ('is_inverse', 'Whether it is seen from its second end (是否反向).'), ('valid_from', 'First day (起始日期).'), ('valid_until', 'Last day; null while it lasts (终止日期).'),
                       ('case_id', 'Number of the case (案件号).'), ('name', 'Name, masked (名称).'), ('other_name', 'Name of the other, masked (另一客户名称).'),
                       ('state', 'Where it stands (状态).'), ('score', 'Probability that they are one (匹配概率).'), ('source', 'Who found it (发现途径).'),
                       ('reasons', 'Why they may be one (理由).'), ('evidence', 'Field by field: equal or differs (字段比对).'), ('owner', 'Who is to decide (负责人).'),
                       ('due_on', 'Until when (期限).'), ('is_overdue', 'Whether that is past (是否逾期).'), ('found_by', 'Who reported it (上报人).'),
                       ('found_at', 'When it was found (发现时间).'), ('decided_by', 'Who decided (决定人).'), ('decided_at', 'When it was decided (决定时间).'),
                       ('decided_why', 'Why it was decided so (决定原因).'), ('merge_id', 'Number of the merge (合并号).'), ('survivor_code', 'Survivor (存续客户).'),
                       ('loser_code', 'Record that is or was merged (被并客户).'), ('stands', 'Whether it holds today (是否有效).'), ('chosen', 'Values chosen by hand (人工取值).'),
                       ('choices', 'Choices as asked for (人工取值).'), ('measures', 'What made the approval necessary (衡量值).'), ('reason', 'Reason (原因).'),
                       ('merged_at', 'When it was merged (合并时间).'), ('merged_by', 'Who merged (合并人).'), ('request_id', 'Number of the request (申请号).'),
                       ('approved_by', 'Who approved (审批人).'), ('requested_by', 'Who asked (申请人).'), ('requested_at', 'When it was asked for (申请时间).'),
                       ('undone_at', 'When it was undone (撤销时间).'), ('undone_by', 'Who undid it (撤销人).'), ('undone_why', 'Why it was undone (撤销原因).'),
                       ('conflicts', 'What had changed between (撤销冲突).')) l (name, text)
          JOIN pg_attribute a ON a.attname = l.name AND a.attrelid IN ('crm.customer_field'::regclass, 'crm.customer_relation'::regclass,
               'crm.duplicate_worklist'::regclass, 'crm.duplicate_cannot_link'::regclass, 'crm.merge_history'::regclass, 'crm.merge_request'::regclass) LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', entry.view, entry.attname, entry.text);
    END LOOP;
END
$columns$;
