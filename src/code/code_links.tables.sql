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
COMMENT ON COLUMN crm_data.customer_code_alias.reason IS 'merged, recoded or erased (原因).';
COMMENT ON COLUMN crm_data.customer_code_alias.retired_on IS 'Day on the company''s calendar (停用日期).';

-- Immutable and never reused, from whichever side it is tried.
CREATE TRIGGER code_is_immutable BEFORE UPDATE OF customer_code ON crm_data.customer FOR EACH ROW
    WHEN (NEW.customer_code <> OLD.customer_code) EXECUTE FUNCTION crm.code_keep();
CREATE TRIGGER code_is_not_retired AFTER INSERT ON crm_data.customer REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION crm.code_retired_check();

CREATE TABLE crm_data.external_id_claim (
    system        text NOT NULL CHECK (system ~ '^[a-z][a-z0-9_.-]{0,62}$'),
    value         text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 200 AND value = btrim(value)),
    customer_code crm.customer_code NOT NULL,
    PRIMARY KEY (system, value),
    UNIQUE (customer_code, system, value)
);
ALTER TABLE crm_data.external_id_claim ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.external_id_claim TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.external_id_claim FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.external_id_claim TO crm_data_admin;
COMMENT ON TABLE crm_data.external_id_claim IS
'Who has which identifier of another system: makes it unique over all customers, also when they are spread over machines (外部编号占用).';
COMMENT ON COLUMN crm_data.external_id_claim.system IS 'Other system, a short lower-case name: billing, wechat (外部系统).';
COMMENT ON COLUMN crm_data.external_id_claim.value IS 'Identifier there, 1 to 200 characters, as that system writes it (外部编号).';
COMMENT ON COLUMN crm_data.external_id_claim.customer_code IS 'Customer to whom it was given (客户编号).';

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
GRANT SELECT ON crm_data.external_id TO crm_data_admin;
COMMENT ON TABLE crm_data.external_id IS 'Identifiers of a customer in other systems (外部编号).';
COMMENT ON COLUMN crm_data.external_id.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm_data.external_id.system IS 'Other system, a short lower-case name: billing, wechat (外部系统).';
COMMENT ON COLUMN crm_data.external_id.value IS 'Identifier there, as that system writes it (外部编号).';
COMMENT ON COLUMN crm_data.external_id.added_at IS 'When it was noted (登记时间).';
COMMENT ON COLUMN crm_data.external_id.added_by IS 'Who noted it (登记人).';
