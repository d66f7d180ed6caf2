-- code_links: what else leads to a customer: former codes, identifiers of other
-- systems. After party, whose customer table it refers to.

CREATE TABLE crm_data.customer_code_alias (
    customer_code crm.customer_code NOT NULL PRIMARY KEY,
    survivor_code crm.customer_code CHECK (survivor_code <> customer_code),
    reason        text NOT NULL CHECK (reason IN ('merged', 'recoded', 'erased')),
    retired_on    date NOT NULL DEFAULT crm.company_today(),
    CONSTRAINT erased_has_no_survivor CHECK ((reason = 'erased') = (survivor_code IS NULL))
);
CREATE INDEX customer_code_alias_survivor ON crm_data.customer_code_alias (survivor_code);
ALTER TABLE crm_data.customer_code_alias ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.customer_code_alias TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.customer_code_alias FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.customer_code_alias TO crm_data_admin;
CREATE TRIGGER keep_row BEFORE UPDATE OR DELETE ON crm_data.customer_code_alias FOR EACH ROW EXECUTE FUNCTION crm.code_keep();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON crm_data.customer_code_alias FOR EACH STATEMENT EXECUTE FUNCTION crm.code_keep();
COMMENT ON TABLE crm_data.customer_code_alias IS
'Codes out of use and where they lead; without a survivor, the tombstone of an erased customer (曾用编号). A merge within this database is customer.survivor_code instead, and can be undone.';
COMMENT ON COLUMN crm_data.customer_code_alias.customer_code IS 'The retired code; never used again (停用的编号).';
COMMENT ON COLUMN crm_data.customer_code_alias.survivor_code IS 'The code that stands for it, itself perhaps retired since; null when erased (承接编号).';

-- Immutable, and never used again; the second once for each statement, so that a
-- batch pays for one join.
CREATE TRIGGER code_is_immutable BEFORE UPDATE OF customer_code ON crm_data.customer FOR EACH ROW
    WHEN (NEW.customer_code <> OLD.customer_code) EXECUTE FUNCTION crm.code_keep();
CREATE TRIGGER code_is_not_retired AFTER INSERT ON crm_data.customer REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION crm.code_retired_check();

CREATE TABLE crm_data.external_id_claim (
    system        text NOT NULL CHECK (char_length(system) BETWEEN 1 AND 200),
    value         text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 200),
    customer_code crm.customer_code NOT NULL,
    PRIMARY KEY (system, value),
    UNIQUE (customer_code, system, value)
);
ALTER TABLE crm_data.external_id_claim ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.external_id_claim TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.external_id_claim FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.external_id_claim TO crm_data_admin;

CREATE TABLE crm_data.external_id (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    system        text NOT NULL,
    value         text NOT NULL,
    added_at      timestamptz NOT NULL DEFAULT now(),
    added_by      name NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, system, value),
    -- No identifier without its claim, whoever writes.
    FOREIGN KEY (customer_code, system, value) REFERENCES crm_data.external_id_claim (customer_code, system, value)
);
ALTER TABLE crm_data.external_id ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.external_id TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.external_id FOR SELECT TO crm_data_admin USING (true);
-- Readers have no policy: the unified view shows them no identifiers, and no error.
GRANT SELECT ON crm_data.external_id TO crm_data_admin, crm_reader;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('customer_code_alias', NULL, NULL, 'general', 3, NULL, 'retired codes', '曾用编号', 'Where they lead; without a survivor, the tombstone of an erased customer. A merge within this database is customer.survivor_code instead, and can be undone.'),
    ('customer_code_alias', 'customer_code', 'identity', 'general', 3, 'internal', 'retired code', '停用的编号', 'Never used again.'),
    ('customer_code_alias', 'survivor_code', 'identity', 'general', 3, 'internal', 'surviving code', '承接编号', 'Perhaps retired itself since; null when erased.'),
    ('customer_code_alias', 'reason', 'status', 'general', 3, 'internal', 'reason', '停用原因', 'merged, recoded or erased.'),
    ('customer_code_alias', 'retired_on', 'origin', 'general', 3, 'internal', 'retired on', '停用日期', 'Day of the company''s calendar.'),
    ('external_id_claim', NULL, NULL, 'general', 2, NULL, 'claim of an external identifier', '外部编号唯一性登记', 'One identifier of a system has one customer, also when customers are spread over machines.'),
    ('external_id_claim', 'system', 'identity', 'general', 3, 'internal', 'other system', '外部系统', NULL),
    ('external_id_claim', 'value', 'identity', 'general', 2, 'internal', 'external identifier', '外部编号', NULL),
    ('external_id_claim', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', 'To whom it was given.'),
    ('external_id', NULL, NULL, 'general', 2, NULL, 'external identifier', '外部编号', 'What a customer is called in other systems.'),
    ('external_id', 'customer_code', 'identity', 'general', 3, 'internal', 'customer code', '客户编号', NULL),
    ('external_id', 'system', 'identity', 'general', 3, 'extended', 'other system', '外部系统', NULL),
    ('external_id', 'value', 'identity', 'general', 2, 'extended', 'external identifier', '外部编号', 'As that system writes it.'),
    ('external_id', 'added_at', 'origin', 'general', 3, 'internal', 'noted at', '登记时间', NULL),
    ('external_id', 'added_by', 'origin', 'general', 3, 'internal', 'noted by', '登记人', 'Role of the session.');

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('customer_code_alias', 'stays', 'codes lead on, however often their survivors merge'),
    ('external_id_claim', 'stays', 'an identifier still finds the record on which it was noted, and that its survivor'),
    ('external_id', 'pointer', 'identifiers of both records');
