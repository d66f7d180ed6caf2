-- view: the unified customer view. Invoker's rights, so row security sees the
-- reader; values of personal types mask themselves. Joins say ON: a dump writes
-- USING without the schema of the operator, and cannot be restored. A merged record is shown as
-- the one that stands for it, whose own entries come first.

-- -- relations below a customer ------------------------------------------------

CREATE VIEW crm.customer_document WITH (security_invoker = true) AS
SELECT c.survivor_code AS customer_code, d.document_no, d.kind, d.number, d.valid_until, d.verified_at
  FROM crm_data.identity_document d JOIN crm_data.customer c ON c.customer_code = d.customer_code;
CREATE VIEW crm.customer_contact WITH (security_invoker = true) AS
SELECT c.survivor_code AS customer_code, p.contact_no, p.phone, p.email, p.is_preferred, p.verified_at
  FROM crm_data.contact_point p JOIN crm_data.customer c ON c.customer_code = p.customer_code;
CREATE VIEW crm.customer_address WITH (security_invoker = true) AS
SELECT c.survivor_code AS customer_code, a.address_no, a.division, crm.division_name(a.division) AS division_name,
       a.detail, a.valid_during
  FROM crm_data.address a JOIN crm_data.customer c ON c.customer_code = a.customer_code;
CREATE VIEW crm.customer_purchase WITH (security_invoker = true) AS
SELECT c.survivor_code AS customer_code, p.order_no, p.purchased_on, p.product, p.quantity, p.amount, p.currency, p.channel
  FROM crm_data.purchase p JOIN crm_data.customer c ON c.customer_code = p.customer_code;
CREATE VIEW crm.customer_interaction WITH (security_invoker = true) AS
SELECT c.survivor_code AS customer_code, i.happened_at, i.channel, i.direction, i.subject, i.outcome, i.duration_seconds
  FROM crm_data.interaction i JOIN crm_data.customer c ON c.customer_code = i.customer_code;

-- -- three layers, and all of them in one ----------------------------------------
-- customer.golden names, field by field, the merged record whose value is shown; for
-- most customers it is null, and what asks for others' values is never run.

CREATE VIEW crm.customer_basic WITH (security_invoker = true) AS
SELECT c.customer_code, c.kind, c.lifecycle_state,
       CASE WHEN c.golden ? 'name' THEN coalesce((SELECT x.name FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'name')::crm.customer_code)::text,
                    (SELECT x.name FROM crm_data.organization x WHERE x.customer_code = (c.golden ->> 'name')::crm.customer_code),
                    (SELECT x.name FROM crm_data.customer_group x WHERE x.customer_code = (c.golden ->> 'name')::crm.customer_code))
            ELSE coalesce(i.name::text, o.name, g.name) END AS name,
       CASE WHEN c.golden ? 'name' THEN (SELECT x.name FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'name')::crm.customer_code) ELSE i.name END AS person_name,
       CASE WHEN c.golden ? 'sex' THEN (SELECT x.sex FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'sex')::crm.customer_code) ELSE i.sex END AS sex,
       extract(year FROM CASE WHEN c.golden ? 'birth_date' THEN (SELECT x.birth_date FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'birth_date')::crm.customer_code) ELSE i.birth_date END)::smallint AS birth_year,
       d.kind AS document_kind, d.number AS document_number,
       phone.phone, email.email,
       CASE WHEN c.golden ? 'contact_name' THEN coalesce((SELECT x.contact_name FROM crm_data.organization x WHERE x.customer_code = (c.golden ->> 'contact_name')::crm.customer_code),
                    (SELECT x.contact_name FROM crm_data.customer_group x WHERE x.customer_code = (c.golden ->> 'contact_name')::crm.customer_code))
            ELSE coalesce(o.contact_name, g.contact_name) END AS contact_name,
       a.division, crm.division_name(a.division) AS division_name, a.detail AS address,
       CASE WHEN c.golden ? 'owner_unit' THEN (SELECT x.owner_unit FROM crm_data.customer x WHERE x.customer_code = (c.golden ->> 'owner_unit')::crm.customer_code) ELSE c.owner_unit END AS owner_unit,
       CASE WHEN c.golden ? 'channel' THEN (SELECT x.channel FROM crm_data.customer x WHERE x.customer_code = (c.golden ->> 'channel')::crm.customer_code) ELSE c.channel END AS channel,
       CASE WHEN c.golden ? 'registered_at' THEN (SELECT x.registered_at FROM crm_data.customer x WHERE x.customer_code = (c.golden ->> 'registered_at')::crm.customer_code) ELSE c.registered_at END AS registered_at
  FROM crm_data.customer c
  LEFT JOIN crm_data.individual i ON i.customer_code = c.customer_code
  LEFT JOIN crm_data.organization o ON o.customer_code = c.customer_code
  LEFT JOIN crm_data.customer_group g ON g.customer_code = c.customer_code
  LEFT JOIN LATERAL (SELECT x.kind, x.number FROM crm_data.customer m JOIN crm_data.identity_document x ON x.customer_code = m.customer_code
                      WHERE m.survivor_code = c.customer_code
                      ORDER BY m.customer_code <> coalesce((c.golden ->> 'document')::crm.customer_code, c.customer_code),
                               m.customer_code <> c.customer_code, x.document_no, m.customer_code LIMIT 1) d ON true
  LEFT JOIN LATERAL (SELECT x.phone FROM crm_data.customer m JOIN crm_data.contact_point x ON x.customer_code = m.customer_code
                      WHERE m.survivor_code = c.customer_code AND x.phone IS NOT NULL
                      ORDER BY m.customer_code <> coalesce((c.golden ->> 'phone')::crm.customer_code, c.customer_code),
                               m.customer_code <> c.customer_code, NOT x.is_preferred, x.contact_no, m.customer_code LIMIT 1) phone ON true
  LEFT JOIN LATERAL (SELECT x.email FROM crm_data.customer m JOIN crm_data.contact_point x ON x.customer_code = m.customer_code
                      WHERE m.survivor_code = c.customer_code AND x.email IS NOT NULL
                      ORDER BY m.customer_code <> coalesce((c.golden ->> 'email')::crm.customer_code, c.customer_code),
                               m.customer_code <> c.customer_code, NOT x.is_preferred, x.contact_no, m.customer_code LIMIT 1) email ON true
  LEFT JOIN LATERAL (SELECT x.division, x.detail FROM crm_data.customer m JOIN crm_data.address x ON x.customer_code = m.customer_code
                      WHERE m.survivor_code = c.customer_code
                      ORDER BY m.customer_code <> coalesce((c.golden ->> 'address')::crm.customer_code, c.customer_code),
                               m.customer_code <> c.customer_code, upper_inf(x.valid_during) DESC, lower(x.valid_during) DESC, x.address_no, m.customer_code LIMIT 1) a ON true
 WHERE c.lifecycle_state <> 'merged';

-- The service and the extended layer are not every reader's: who may not see them
-- gets no rows here, and empty columns in crm.customer_view.
CREATE VIEW crm.customer_service WITH (security_invoker = true, security_barrier = true) AS
SELECT c.customer_code,
       p.purchases, p.purchase_amounts, p.last_purchase_on, p.last_product,
       n.interactions, n.last_interaction_at, n.last_subject, n.last_outcome
  FROM crm_data.customer c,
       LATERAL (SELECT coalesce(sum(x.n), 0)::bigint AS purchases,
                       jsonb_object_agg(x.currency, x.amount) FILTER (WHERE x.currency IS NOT NULL) AS purchase_amounts,
                       max(x.last_on) AS last_purchase_on,
                       (array_agg(x.last_product ORDER BY x.last_on DESC, x.currency))[1] AS last_product
                  FROM (SELECT q.currency, count(*) AS n, sum(q.amount) AS amount, max(q.purchased_on) AS last_on,
                               (array_agg(q.product ORDER BY q.purchased_on DESC, q.purchase_id DESC))[1] AS last_product
                          FROM crm_data.customer m JOIN crm_data.purchase q ON q.customer_code = m.customer_code
                         WHERE m.survivor_code = c.customer_code GROUP BY q.currency) x) p,
       LATERAL (SELECT count(*) AS interactions, max(q.happened_at) AS last_interaction_at,
                       (array_agg(q.subject ORDER BY q.happened_at DESC, q.interaction_id DESC))[1] AS last_subject,
                       (array_agg(q.outcome ORDER BY q.happened_at DESC, q.interaction_id DESC))[1] AS last_outcome
                  FROM crm_data.customer m JOIN crm_data.interaction q ON q.customer_code = m.customer_code
                 WHERE m.survivor_code = c.customer_code) n
 WHERE c.lifecycle_state <> 'merged' AND pg_has_role('crm_data_admin', 'USAGE');

CREATE VIEW crm.customer_extended WITH (security_invoker = true, security_barrier = true) AS
SELECT c.customer_code,
       date_part('year', age(crm.company_today(), CASE WHEN c.golden ? 'birth_date' THEN (SELECT x.birth_date FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'birth_date')::crm.customer_code) ELSE i.birth_date END))::smallint AS age,
       CASE WHEN c.golden ? 'nationality' THEN (SELECT x.nationality FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'nationality')::crm.customer_code) ELSE i.nationality END AS nationality,
       CASE WHEN c.golden ? 'occupation' THEN (SELECT x.occupation FROM crm_data.individual x WHERE x.customer_code = (c.golden ->> 'occupation')::crm.customer_code) ELSE i.occupation END AS occupation,
       CASE WHEN c.golden ? 'industry' THEN coalesce((SELECT x.industry FROM crm_data.organization x WHERE x.customer_code = (c.golden ->> 'industry')::crm.customer_code),
                    (SELECT x.industry FROM crm_data.customer_group x WHERE x.customer_code = (c.golden ->> 'industry')::crm.customer_code))
            ELSE coalesce(o.industry, g.industry) END AS industry,
       CASE WHEN c.golden ? 'uscc' THEN (SELECT x.uscc FROM crm_data.organization x WHERE x.customer_code = (c.golden ->> 'uscc')::crm.customer_code) ELSE o.uscc END AS uscc,
       CASE WHEN c.golden ? 'legal_representative' THEN (SELECT x.legal_representative FROM crm_data.organization x WHERE x.customer_code = (c.golden ->> 'legal_representative')::crm.customer_code) ELSE o.legal_representative END AS legal_representative,
       (SELECT x.card FROM crm_data.customer m JOIN crm_data.bank_account x ON x.customer_code = m.customer_code
         WHERE m.survivor_code = c.customer_code
         ORDER BY m.customer_code <> coalesce((c.golden ->> 'bank_card')::crm.customer_code, c.customer_code),
                  m.customer_code <> c.customer_code, x.account_no, m.customer_code LIMIT 1) AS bank_card,
       -- A list for each system: one system may know a customer by several, all the more after a merge.
       (SELECT jsonb_object_agg(y.system, y.ids)
          FROM (SELECT x.system, jsonb_agg(x.value ORDER BY m.customer_code <> c.customer_code, x.value) AS ids
                  FROM crm_data.customer m JOIN crm_data.external_id x ON x.customer_code = m.customer_code
                 WHERE m.survivor_code = c.customer_code GROUP BY x.system) y) AS external_ids,
       (SELECT array_agg(m.customer_code ORDER BY m.customer_code) FROM crm_data.customer m
         WHERE m.survivor_code = c.customer_code AND m.customer_code <> c.customer_code) AS merged_codes,
       c.golden
  FROM crm_data.customer c
  LEFT JOIN crm_data.individual i ON i.customer_code = c.customer_code
  LEFT JOIN crm_data.organization o ON o.customer_code = c.customer_code
  LEFT JOIN crm_data.customer_group g ON g.customer_code = c.customer_code
 WHERE c.lifecycle_state <> 'merged' AND pg_has_role('crm_data_admin', 'USAGE');

-- OFFSET 0: each layer is made for the customers asked for. As plain joins the layers, which
-- are security barriers, were made for all customers unless one code was asked for by equality.
CREATE VIEW crm.customer_view WITH (security_invoker = true) AS
SELECT b.customer_code, b.kind, b.lifecycle_state, b.name, b.person_name, b.sex, b.birth_year, b.document_kind, b.document_number,
       b.phone, b.email, b.contact_name, b.division, b.division_name, b.address, b.owner_unit, b.channel, b.registered_at,
       s.purchases, s.purchase_amounts, s.last_purchase_on, s.last_product,
       s.interactions, s.last_interaction_at, s.last_subject, s.last_outcome,
       e.age, e.nationality, e.occupation, e.industry, e.uscc, e.legal_representative, e.bank_card, e.external_ids, e.merged_codes, e.golden
  FROM crm.customer_basic b
  LEFT JOIN LATERAL (SELECT x.* FROM crm.customer_service x WHERE x.customer_code = b.customer_code OFFSET 0) s ON true
  LEFT JOIN LATERAL (SELECT x.* FROM crm.customer_extended x WHERE x.customer_code = b.customer_code OFFSET 0) e ON true;

-- Keyed tokens and codes; for crm.customer_search() alone.
CREATE VIEW crm.customer_token WITH (security_invoker = true) AS
SELECT 'phone' AS kind, p.token, p.customer_code FROM crm_data.contact_point p WHERE p.phone IS NOT NULL
UNION ALL
SELECT 'email', p.token, p.customer_code FROM crm_data.contact_point p WHERE p.email IS NOT NULL
UNION ALL
SELECT 'id_number', d.number_token, d.customer_code FROM crm_data.identity_document d
UNION ALL
SELECT 'bank_card', a.card_token, a.customer_code FROM crm_data.bank_account a
UNION ALL
SELECT 'person_name', i.name_token, i.customer_code FROM crm_data.individual i;

-- Names of organisations and groups, also of those that were merged; for crm.customer_search() alone.
CREATE VIEW crm.customer_organization WITH (security_invoker = true) AS
SELECT o.name, o.customer_code FROM crm_data.organization o
UNION ALL
SELECT g.name, g.customer_code FROM crm_data.customer_group g;

GRANT SELECT ON crm.customer_document, crm.customer_contact, crm.customer_address, crm.customer_purchase, crm.customer_interaction,
    crm.customer_basic, crm.customer_service, crm.customer_extended, crm.customer_view TO crm_reader, crm_data_admin;
GRANT SELECT ON crm.customer_token, crm.customer_organization TO crm_searcher;

-- -- the dictionary: a view's column is what the table's column of that name is -------
-- Sensitivity and level come along; what a view computes is stated here.

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note)
SELECT v.relname, a.attname, columns.*
  FROM (VALUES
        ('name', 'identity', 'sensitive', 2, 'basic', 'name', '姓名或名称', 'Of a person masked, of an organisation or a group in full.'),
        ('person_name', 'identity', 'sensitive', 2, 'basic', 'name of a person', '个人姓名', 'Encrypted; what crm.reveal() takes.'),
        ('division_name', 'contact', 'general', 2, 'basic', 'name of the division', '行政区划名称', NULL),
        ('birth_year', 'identity', 'general', 2, 'basic', 'year of birth', '出生年份', NULL),
        ('purchases', 'trade', 'general', 2, 'service', 'number of purchases', '购买次数', NULL),
        ('purchase_amounts', 'trade', 'general', 2, 'service', 'sum of the purchases', '购买金额', 'An object, by currency.'),
        ('last_purchase_on', 'trade', 'general', 2, 'service', 'day of the last purchase', '最近购买日期', NULL),
        ('last_product', 'trade', 'general', 2, 'service', 'product last bought', '最近购买产品', NULL),
        ('interactions', 'service', 'general', 2, 'service', 'number of interactions', '接触次数', NULL),
        ('last_interaction_at', 'service', 'general', 2, 'service', 'time of the last interaction', '最近接触时间', NULL),
        ('last_subject', 'service', 'general', 2, 'service', 'subject of the last interaction', '最近接触主题', NULL),
        ('last_outcome', 'service', 'general', 2, 'service', 'outcome of the last interaction', '最近接触结果', NULL),
        ('age', 'identity', 'general', 2, 'extended', 'age', '年龄', 'Full years today, from the birth date.'),
        ('external_ids', 'identity', 'general', 3, 'extended', 'external ids', '外部编号', 'An object with a list for each system.'),
        ('merged_codes', 'identity', 'general', 3, 'extended', 'merged codes', '已并入编号', 'Codes of records that were merged into this one.'))
       computed (field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note)
  JOIN pg_attribute a ON a.attname = computed.field AND a.attnum > 0
  JOIN pg_class v ON v.oid = a.attrelid AND v.relkind = 'v' AND v.relnamespace = 'crm'::regnamespace
   AND v.relname ~ '^customer_(view|basic|service|extended|address)$',
       LATERAL (SELECT computed.category, computed.sensitivity, computed.secrecy_level, computed.layer,
                       computed.label_en, computed.label_zh, computed.note) columns;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note)
SELECT DISTINCT ON (v.relname, a.attname)
       v.relname, a.attname, p.category, p.sensitivity, p.secrecy_level, p.layer, p.label_en, p.label_zh, p.note
  FROM pg_class v
  JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
  JOIN crm_data.field_policy p ON p.field = CASE a.attname WHEN 'document_number' THEN 'number' WHEN 'address' THEN 'detail'
                                                 WHEN 'document_kind' THEN 'kind' WHEN 'bank_card' THEN 'card' ELSE a.attname END
   AND (p.object <> 'identity_document' OR a.attname LIKE 'document%' OR v.relname = 'customer_document')
   AND (a.attname <> 'document_kind' OR p.object = 'identity_document')
   AND (a.attname <> 'kind' OR p.object = CASE v.relname WHEN 'customer_document' THEN 'identity_document' ELSE 'customer' END)
   AND p.object IN ('customer', 'individual', 'organization', 'customer_group', 'identity_document', 'contact_point',
                    'bank_account', 'address', 'purchase', 'interaction')
 WHERE v.relnamespace = 'crm'::regnamespace AND v.relkind = 'v'
   AND v.relname ~ '^customer_(view|basic|service|extended|document|contact|address|purchase|interaction)$'
 ORDER BY v.relname, a.attname, (p.object = replace(v.relname, 'customer_', '')) DESC, (p.object = 'customer') DESC, p.object
ON CONFLICT DO NOTHING;

COMMENT ON VIEW crm.customer_view IS
$$The unified customer view: one row a customer, all layers, masked (客户统一视图).
basic: who it is and how to reach him; service: purchases and interactions; extended: profile, cards, other systems. Columns of a layer that the reader's role may not see are null. Sensitive as a whole, because it holds sensitive fields.$$;
COMMENT ON VIEW crm.customer_basic IS $$Basic layer of the unified view: who the customer is and how to reach him (客户基本信息视图).$$;
COMMENT ON VIEW crm.customer_service IS $$Service layer of the unified view: purchases and interactions in sums; for the data department (客户服务信息视图).$$;
COMMENT ON VIEW crm.customer_extended IS $$Extended layer of the unified view: profile, cards, other systems; for the data department (客户扩展信息视图).$$;
COMMENT ON VIEW crm.customer_document IS $$Identity documents of customers (客户证件).$$;
COMMENT ON VIEW crm.customer_contact IS $$Telephone numbers and e-mail addresses of customers (客户联系方式).$$;
COMMENT ON VIEW crm.customer_address IS $$Addresses of customers over time (客户地址).$$;
COMMENT ON VIEW crm.customer_purchase IS $$Purchases of customers; for the data department (客户购买记录).$$;
COMMENT ON VIEW crm.customer_interaction IS $$Interactions with customers; for the data department (客户接触记录).$$;
COMMENT ON VIEW crm.customer_token IS $$Keyed tokens of searchable values; a part of crm.customer_search() (检索令牌).$$;
COMMENT ON VIEW crm.customer_organization IS $$Names of organisations and groups under their own codes, merged or not; a part of crm.customer_search() (单位名称检索).$$;
COMMENT ON COLUMN crm.customer_organization.name IS 'Name of the organisation or group (单位或集团名称).';
COMMENT ON COLUMN crm.customer_token.kind IS 'Kind of value: phone, email, id_number, bank_card or person_name (检索类别).';
COMMENT ON COLUMN crm.customer_token.token IS 'Keyed token of the value (检索令牌).';
COMMENT ON COLUMN crm.customer_token.customer_code IS 'Whose it is (客户编号).';
COMMENT ON COLUMN crm.customer_organization.customer_code IS 'Whose it is (客户编号).';
