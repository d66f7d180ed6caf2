-- party: customers and what belongs to them. Every key begins with the customer
-- code, which is also the distribution column; no customer refers to another.

-- -- reference lists: one design ----------------------------------------------

CREATE TABLE crm_data.customer_kind (
    code     text PRIMARY KEY,
    label_zh text NOT NULL,
    label_en text NOT NULL,
    sort     smallint NOT NULL DEFAULT 0,
    active   boolean NOT NULL DEFAULT true
);
CREATE TABLE crm_data.lifecycle_state (LIKE crm_data.customer_kind INCLUDING ALL);
CREATE TABLE crm_data.document_kind (LIKE crm_data.customer_kind INCLUDING ALL);
CREATE TABLE crm_data.channel (LIKE crm_data.customer_kind INCLUDING ALL);

INSERT INTO crm_data.customer_kind (code, label_zh, label_en, sort) VALUES
    ('individual', '个人客户', 'individual', 1),
    ('organization', '商业客户', 'organization', 2),
    ('group', '集团客户', 'group', 3);
INSERT INTO crm_data.lifecycle_state (code, label_zh, label_en, sort) VALUES
    ('potential', '潜在', 'potential', 1), ('registered', '在册', 'registered', 2), ('active', '活跃', 'active', 3),
    ('dormant', '休眠', 'dormant', 4), ('former', '流失', 'former', 5), ('archived', '已归档', 'archived', 6),
    ('cancelled', '注销', 'cancelled', 7), ('merged', '已合并', 'merged', 8), ('erased', '已删除', 'erased', 9);
INSERT INTO crm_data.document_kind (code, label_zh, label_en, sort) VALUES
    ('resident_id', '居民身份证', 'resident identity card', 1),
    ('passport', '护照', 'passport', 2),
    ('hk_macau_resident_permit', '港澳居民来往内地通行证', 'mainland travel permit for Hong Kong and Macau residents', 3),
    ('taiwan_resident_permit', '台湾居民来往大陆通行证', 'mainland travel permit for Taiwan residents', 4),
    ('permit_to_hk_macau', '往来港澳通行证', 'permit for travel to Hong Kong and Macau', 5),
    ('permit_to_taiwan', '往来台湾通行证', 'permit for travel to Taiwan', 6),
    ('hk_id', '香港身份证', 'Hong Kong identity card', 7),
    ('tw_id', '台湾身份证', 'Taiwan identity card', 8),
    ('uscc', '统一社会信用代码', 'unified social credit code', 9),
    ('org_code', '组织机构代码', 'organisation code', 10),
    ('business_license', '营业执照注册号', 'business licence number', 11);
INSERT INTO crm_data.channel (code, label_zh, label_en, sort) VALUES
    ('import', '批量导入', 'import', 1), ('counter', '营业厅', 'counter', 2), ('phone', '电话', 'phone', 3),
    ('online', '网上', 'online', 4), ('app', '手机应用', 'app', 5), ('email', '电子邮件', 'e-mail', 6),
    ('store', '门店', 'store', 7), ('wechat', '微信', 'WeChat', 8), ('visit', '走访', 'visit', 9), ('sms', '短信', 'text message', 11),
    ('partner', '合作伙伴', 'partner', 10), ('other', '其他', 'other', 99);

-- -- the customer -------------------------------------------------------------

CREATE TABLE crm_data.customer (
    customer_code   crm.customer_code PRIMARY KEY,
    -- Three kinds for ever, each with a table of its own below; hence no reference.
    kind            text NOT NULL CHECK (kind IN ('individual', 'organization', 'group')),
    lifecycle_state text NOT NULL DEFAULT 'registered' CHECK (lifecycle_state IN
                        ('potential', 'registered', 'active', 'dormant', 'former', 'archived', 'cancelled', 'merged', 'erased')),
    survivor_code   crm.customer_code NOT NULL,
    owner_unit      text,
    channel         text NOT NULL DEFAULT 'counter',
    registered_at   timestamptz NOT NULL DEFAULT now(),
    registered_by   name NOT NULL DEFAULT session_user,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    golden          jsonb,
    CHECK ((survivor_code <> customer_code) = (lifecycle_state = 'merged'))
);
CREATE INDEX customer_survivor_idx ON crm_data.customer (survivor_code);

CREATE TABLE crm_data.individual (
    customer_code  crm.customer_code PRIMARY KEY REFERENCES crm_data.customer,
    name           crm.person_name NOT NULL,
    name_token     uuid NOT NULL GENERATED ALWAYS AS (crm.token(name)) STORED,
    sex            "char" CHECK (sex IN ('M', 'F')),
    birth_date     date CHECK (birth_date >= '1850-01-01'),
    nationality    char(2),
    occupation     text
);
CREATE INDEX individual_name_idx ON crm_data.individual (name_token);

CREATE TABLE crm_data.organization (
    customer_code        crm.customer_code PRIMARY KEY REFERENCES crm_data.customer,
    name                 text NOT NULL,
    uscc                 crm.unified_social_credit_code,
    industry             text,
    legal_representative crm.person_name,
    contact_name         crm.person_name
);
CREATE INDEX organization_name_idx ON crm_data.organization (name);
CREATE INDEX organization_uscc_idx ON crm_data.organization (uscc);

CREATE TABLE crm_data.customer_group (
    customer_code crm.customer_code PRIMARY KEY REFERENCES crm_data.customer,
    name          text NOT NULL,
    industry      text,
    contact_name  crm.person_name
);
CREATE INDEX customer_group_name_idx ON crm_data.customer_group (name);

CREATE TABLE crm_data.identity_document (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    document_no   smallint NOT NULL,
    -- The kinds that room ident can judge; a look-up for each would cost more than this check.
    kind          text NOT NULL CHECK (kind IN ('resident_id', 'passport', 'hk_macau_resident_permit', 'taiwan_resident_permit',
                      'permit_to_hk_macau', 'permit_to_taiwan', 'hk_id', 'tw_id', 'uscc', 'org_code', 'business_license')),
    number        crm.id_number NOT NULL,
    number_token  uuid NOT NULL GENERATED ALWAYS AS (crm.token(number)) STORED,
    valid_until   date,
    verified_at   timestamptz,
    PRIMARY KEY (customer_code, document_no)
);

-- One valid document has one customer. The claim is keyed by the document, not by
-- the customer, so that it holds across machines as well.
CREATE TABLE crm_data.document_claim (
    number_token  uuid NOT NULL,
    kind          text NOT NULL,
    customer_code crm.customer_code NOT NULL,
    PRIMARY KEY (number_token, kind)
);

CREATE TABLE crm_data.contact_point (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    contact_no    smallint NOT NULL,
    phone         crm.phone,
    email         crm.email,
    token         uuid NOT NULL GENERATED ALWAYS AS (coalesce(crm.token(phone), crm.token(email))) STORED,
    is_preferred  boolean NOT NULL DEFAULT false,
    verified_at   timestamptz,
    PRIMARY KEY (customer_code, contact_no),
    CHECK (num_nonnulls(phone, email) = 1)
);
CREATE INDEX contact_point_token_idx ON crm_data.contact_point (token);

CREATE TABLE crm_data.bank_account (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    account_no    smallint NOT NULL,
    card          crm.bank_card NOT NULL,
    card_token    uuid NOT NULL GENERATED ALWAYS AS (crm.token(card)) STORED,
    PRIMARY KEY (customer_code, account_no)
);
CREATE INDEX bank_account_card_idx ON crm_data.bank_account (card_token);

CREATE TABLE crm_data.address (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    address_no    smallint NOT NULL,
    division      crm.division_code,
    detail        crm.postal_address NOT NULL,
    valid_during  daterange NOT NULL,
    PRIMARY KEY (customer_code, address_no)
);
CREATE INDEX address_division_idx ON crm_data.address (division);

-- -- dealings -----------------------------------------------------------------

CREATE TABLE crm_data.purchase (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    purchase_id   bigint GENERATED ALWAYS AS IDENTITY,
    order_no      text NOT NULL,
    purchased_on  date NOT NULL,
    product       text NOT NULL,
    quantity      numeric NOT NULL CHECK (quantity > 0),
    amount        numeric(16,2) NOT NULL,
    currency      char(3) NOT NULL DEFAULT 'CNY' CHECK (currency ~ '^[A-Z]{3}$'),
    channel       text NOT NULL REFERENCES crm_data.channel,
    PRIMARY KEY (customer_code, purchase_id),
    UNIQUE (customer_code, order_no)
);

CREATE TABLE crm_data.interaction (
    customer_code    crm.customer_code NOT NULL REFERENCES crm_data.customer,
    interaction_id   bigint GENERATED ALWAYS AS IDENTITY,
    happened_at      timestamptz NOT NULL,
    channel          text NOT NULL REFERENCES crm_data.channel,
    direction        text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    subject          text NOT NULL,
    outcome          text,
    duration_seconds integer CHECK (duration_seconds >= 0),
    recorded_by      name NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, interaction_id)
);
CREATE INDEX interaction_time_idx ON crm_data.interaction (customer_code, happened_at);

-- -- guards -------------------------------------------------------------------

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['customer', 'individual', 'organization', 'customer_group', 'identity_document',
                                  'contact_point', 'bank_account', 'address', 'purchase', 'interaction'] LOOP
        IF member <> 'customer' THEN -- there room code guards it, and retired codes with it
            EXECUTE format('CREATE TRIGGER code_is_immutable BEFORE UPDATE OF customer_code ON crm_data.%I FOR EACH ROW
                            WHEN (NEW.customer_code <> OLD.customer_code) EXECUTE FUNCTION crm.code_keep()', member);
        END IF;
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
    -- Readers see the basic layer of all customers. The other layers have no policy for
    -- them, so the same view shows them these columns empty.
    FOREACH member IN ARRAY ARRAY['customer', 'individual', 'organization', 'customer_group', 'identity_document',
                                  'contact_point', 'address'] LOOP
        EXECUTE format('CREATE POLICY reader ON crm_data.%I FOR SELECT TO crm_reader USING (true)', member);
    END LOOP;
    -- No right on the schema: the tables cannot be named, only read through a view.
    GRANT SELECT ON crm_data.customer, crm_data.individual, crm_data.organization, crm_data.customer_group,
        crm_data.identity_document, crm_data.contact_point, crm_data.address, crm_data.bank_account,
        crm_data.purchase, crm_data.interaction TO crm_reader;
    FOREACH member IN ARRAY ARRAY['customer_kind', 'lifecycle_state', 'document_kind', 'channel'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY everybody ON crm_data.%I FOR SELECT USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO PUBLIC', member);
    END LOOP;
    ALTER TABLE crm_data.document_claim ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON crm_data.document_claim TO crm_owner USING (true);
END
$guards$;
CREATE TRIGGER is_never_removed BEFORE DELETE OR TRUNCATE ON crm_data.customer
    FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();

-- -- the dictionary's rows ----------------------------------------------------

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('customer', NULL, NULL, 'general', 3, NULL, 'customer', '客户', 'One row for each customer of any kind, past, present or potential.'),
    ('customer', 'customer_code', 'identity', 'general', 3, 'basic', 'customer code', '客户编号', 'Given by the system, never changed, never used again.'),
    ('customer', 'kind', 'identity', 'general', 3, 'basic', 'kind of customer', '客户类型', 'individual, organization or group.'),
    ('customer', 'lifecycle_state', 'status', 'general', 3, 'basic', 'lifecycle state', '生命周期状态', 'See lifecycle_state.'),
    ('customer', 'survivor_code', 'identity', 'general', 3, 'internal', 'surviving code', '合并后编号', 'The record that stands for this one; itself until it is merged.'),
    ('customer', 'owner_unit', 'responsibility', 'general', 3, 'basic', 'responsible unit', '归属单位', NULL),
    ('customer', 'channel', 'origin', 'general', 3, 'basic', 'channel of registration', '来源渠道', NULL),
    ('customer', 'registered_at', 'origin', 'general', 3, 'basic', 'registered at', '登记时间', NULL),
    ('customer', 'registered_by', 'origin', 'general', 3, 'internal', 'registered by', '登记人', 'Role of the session.'),
    ('customer', 'updated_at', 'origin', 'general', 3, 'internal', 'changed at', '更新时间', NULL),
    ('customer', 'golden', 'origin', 'general', 3, 'extended', 'values of merged records', '取自并入记录的字段', 'Field to the merged record whose value is shown; null: all its own.'),
    ('individual', NULL, NULL, 'sensitive', 2, NULL, 'individual', '个人客户', 'What makes a customer a person.'),
    ('individual', 'customer_code', 'identity', 'general', 3, 'basic', 'customer code', '客户编号', NULL),
    ('individual', 'name', 'identity', 'sensitive', 2, 'basic', 'name', '姓名', 'Encrypted; shown as surname and stars.'),
    ('individual', 'name_token', 'identity', 'sensitive', 2, 'internal', 'token of the name', '姓名检索令牌', 'Keyed; equal names have equal tokens.'),
    ('individual', 'sex', 'identity', 'general', 2, 'basic', 'sex', '性别', 'M or F.'),
    ('individual', 'birth_date', 'identity', 'sensitive', 2, 'extended', 'birth date', '出生日期', 'The view shows the year.'),
    ('individual', 'nationality', 'identity', 'general', 2, 'basic', 'nationality', '国籍', 'ISO 3166-1, two letters.'),
    ('individual', 'occupation', 'profile', 'general', 2, 'extended', 'occupation', '职业', NULL),
    ('organization', NULL, NULL, 'general', 3, NULL, 'organisation', '商业客户', 'What makes a customer a business.'),
    ('organization', 'customer_code', 'identity', 'general', 3, 'basic', 'customer code', '客户编号', NULL),
    ('organization', 'name', 'identity', 'general', 3, 'basic', 'name', '单位名称', 'A name of an organisation is no personal data.'),
    ('organization', 'uscc', 'identity', 'general', 3, 'basic', 'unified social credit code', '统一社会信用代码', 'GB 32100.'),
    ('organization', 'industry', 'profile', 'general', 3, 'extended', 'industry', '行业', NULL),
    ('organization', 'legal_representative', 'identity', 'sensitive', 2, 'extended', 'legal representative', '法人代表', 'Encrypted; shown as surname and stars.'),
    ('organization', 'contact_name', 'contact', 'sensitive', 2, 'basic', 'contact person', '联系人', 'Encrypted; shown as surname and stars.'),
    ('customer_group', NULL, NULL, 'general', 3, NULL, 'group', '集团客户', 'What makes a customer a group.'),
    ('customer_group', 'customer_code', 'identity', 'general', 3, 'basic', 'customer code', '客户编号', NULL),
    ('customer_group', 'name', 'identity', 'general', 3, 'basic', 'name', '集团名称', NULL),
    ('customer_group', 'industry', 'profile', 'general', 3, 'extended', 'industry', '行业', NULL),
    ('customer_group', 'contact_name', 'contact', 'sensitive', 2, 'basic', 'contact person', '联系人', 'Encrypted; shown as surname and stars.'),
    ('identity_document', NULL, NULL, 'sensitive', 1, NULL, 'identity document', '身份证件', 'Documents under which a customer is registered.'),
    ('identity_document', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('identity_document', 'document_no', 'identity', 'general', 3, 'internal', 'entry number', '序号', 'Dense for each customer; 1 is the primary document.'),
    ('identity_document', 'kind', 'identity', 'general', 2, 'basic', 'kind of document', '证件类型', 'See document_kind.'),
    ('identity_document', 'number', 'identity', 'sensitive', 1, 'basic', 'document number', '证件号码', 'Encrypted; shown with its first and last character.'),
    ('identity_document', 'number_token', 'identity', 'sensitive', 1, 'internal', 'token of the number', '证件号码检索令牌', 'Keyed; equal numbers have equal tokens.'),
    ('identity_document', 'valid_until', 'identity', 'general', 2, 'extended', 'valid until', '有效期至', 'Last day.'),
    ('identity_document', 'verified_at', 'identity', 'general', 3, 'extended', 'verified at', '核验时间', NULL),
    ('document_claim', NULL, NULL, 'sensitive', 1, NULL, 'claim of a document', '证件唯一性登记', 'Which customer a document belongs to; one document has one customer.'),
    ('document_claim', 'number_token', 'identity', 'sensitive', 1, 'internal', 'token of the number', '证件号码检索令牌', NULL),
    ('document_claim', 'kind', 'identity', 'general', 2, 'internal', 'kind of document', '证件类型', NULL),
    ('document_claim', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('contact_point', NULL, NULL, 'sensitive', 2, NULL, 'contact point', '联系方式', 'A telephone number or an e-mail address.'),
    ('contact_point', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('contact_point', 'contact_no', 'contact', 'general', 3, 'internal', 'entry number', '序号', 'Dense for each customer.'),
    ('contact_point', 'phone', 'contact', 'sensitive', 2, 'basic', 'telephone number', '电话号码', 'Encrypted; E.164 inside; shown as 138****8000.'),
    ('contact_point', 'email', 'contact', 'sensitive', 2, 'basic', 'e-mail address', '电子邮箱', 'Encrypted; shown as a***@example.com.'),
    ('contact_point', 'token', 'contact', 'sensitive', 2, 'internal', 'token of the value', '检索令牌', 'Keyed; equal values have equal tokens.'),
    ('contact_point', 'is_preferred', 'contact', 'general', 3, 'basic', 'preferred', '首选', NULL),
    ('contact_point', 'verified_at', 'contact', 'general', 3, 'extended', 'verified at', '核验时间', NULL),
    ('bank_account', NULL, NULL, 'sensitive', 1, NULL, 'bank card', '银行卡', NULL),
    ('bank_account', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('bank_account', 'account_no', 'payment', 'general', 3, 'internal', 'entry number', '序号', 'Dense for each customer.'),
    ('bank_account', 'card', 'payment', 'sensitive', 1, 'extended', 'card number', '银行卡号', 'Encrypted; shown with its last four digits.'),
    ('bank_account', 'card_token', 'payment', 'sensitive', 1, 'internal', 'token of the card number', '银行卡号检索令牌', NULL),
    ('address', NULL, NULL, 'sensitive', 2, NULL, 'address', '地址', 'Addresses over time, down to the door.'),
    ('address', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('address', 'address_no', 'contact', 'general', 3, 'internal', 'entry number', '序号', 'Dense for each customer.'),
    ('address', 'division', 'contact', 'general', 2, 'basic', 'administrative division', '行政区划', 'GB/T 2260; null when the text does not say it.'),
    ('address', 'detail', 'contact', 'sensitive', 2, 'basic', 'address', '详细地址', 'Encrypted; shown down to the district.'),
    ('address', 'valid_during', 'contact', 'general', 3, 'extended', 'valid during', '有效期间', 'Days.'),
    ('purchase', NULL, NULL, 'general', 2, NULL, 'purchase', '购买记录', NULL),
    ('purchase', 'customer_code', 'identity', 'general', 3, 'service', 'customer code', '客户编号', NULL),
    ('purchase', 'purchase_id', 'trade', 'general', 3, 'internal', 'number of the purchase', '购买记录号', 'Unique, not dense.'),
    ('purchase', 'order_no', 'trade', 'general', 3, 'service', 'order number', '订单号', 'Unique for each customer: recording it twice is refused.'),
    ('purchase', 'purchased_on', 'trade', 'general', 2, 'service', 'day of purchase', '购买日期', NULL),
    ('purchase', 'product', 'trade', 'general', 2, 'service', 'product', '产品', NULL),
    ('purchase', 'quantity', 'trade', 'general', 2, 'service', 'quantity', '数量', NULL),
    ('purchase', 'amount', 'trade', 'general', 2, 'service', 'amount', '金额', 'In the currency beside it.'),
    ('purchase', 'currency', 'trade', 'general', 3, 'service', 'currency', '币种', 'ISO 4217.'),
    ('purchase', 'channel', 'trade', 'general', 3, 'service', 'channel', '渠道', NULL),
    ('interaction', NULL, NULL, 'general', 2, NULL, 'interaction', '接触记录', 'A contact with the customer, in either direction.'),
    ('interaction', 'customer_code', 'identity', 'general', 3, 'service', 'customer code', '客户编号', NULL),
    ('interaction', 'interaction_id', 'service', 'general', 3, 'internal', 'number of the interaction', '接触记录号', 'Unique, not dense.'),
    ('interaction', 'happened_at', 'service', 'general', 2, 'service', 'time', '发生时间', NULL),
    ('interaction', 'channel', 'service', 'general', 3, 'service', 'channel', '渠道', NULL),
    ('interaction', 'direction', 'service', 'general', 3, 'service', 'direction', '方向', 'inbound or outbound.'),
    ('interaction', 'subject', 'service', 'general', 2, 'service', 'subject', '主题', NULL),
    ('interaction', 'outcome', 'service', 'general', 2, 'service', 'outcome', '结果', NULL),
    ('interaction', 'duration_seconds', 'service', 'general', 3, 'service', 'duration', '时长', 'Seconds.'),
    ('interaction', 'recorded_by', 'service', 'general', 3, 'internal', 'recorded by', '记录人', 'Role of the session.');

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note)
SELECT list.object, field.*
  FROM (VALUES ('customer_kind', 'kinds of customers', '客户类型表'), ('lifecycle_state', 'lifecycle states', '生命周期状态表'),
               ('document_kind', 'kinds of documents', '证件类型表'), ('channel', 'channels', '渠道表')) list (object, en, zh),
       LATERAL (VALUES (NULL, NULL, 'general', 3, NULL, list.en, list.zh, 'A reference list.'),
                       ('code', 'reference', 'general', 3, 'internal', 'code', '代码', NULL),
                       ('label_zh', 'reference', 'general', 3, 'internal', 'Chinese label', '中文名称', NULL),
                       ('label_en', 'reference', 'general', 3, 'internal', 'English label', '英文名称', NULL),
                       ('sort', 'reference', 'general', 3, 'internal', 'order', '排序', NULL),
                       ('active', 'reference', 'general', 3, 'internal', 'in use', '启用', 'Old entries are switched off, not removed.')) field;

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('customer', 'golden', 'holds the pointer; who stands for whom'),
    ('individual', 'golden', 'one row a person: field by field'),
    ('organization', 'golden', 'one row an organisation: field by field'),
    ('customer_group', 'golden', 'one row a group: field by field'),
    ('identity_document', 'pointer', 'both records'' documents are the survivor''s'),
    ('contact_point', 'pointer', 'both records'' telephones and addresses reach the survivor'),
    ('bank_account', 'pointer', 'both records'' cards are the survivor''s'),
    ('address', 'pointer', 'addresses over time'),
    ('purchase', 'pointer', 'what either bought'),
    ('interaction', 'pointer', 'what was said to either'),
    ('document_claim', 'stays', 'a document still finds the record on which it was noted, and that its survivor');
