-- outbox: what other systems are to be told, written in the transaction in which it happened.

CREATE TABLE crm_data.event_outbox (
    customer_code crm.customer_code NOT NULL,
    event_id      bigint GENERATED ALWAYS AS IDENTITY,
    -- Says who may take it: credit for credit management, general for the data department.
    domain        text NOT NULL CHECK (domain IN ('credit', 'general')),
    kind          text NOT NULL CHECK (kind ~ '^[a-z_]+\.[a-z_]+$'),
    -- Codes, numbers, days: no personal data leave by it.
    payload       jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    created_at    timestamptz NOT NULL DEFAULT now(),
    delivered_at  timestamptz,
    delivered_to  name,
    PRIMARY KEY (customer_code, event_id),
    CHECK (num_nonnulls(delivered_at, delivered_to) IN (0, 2))
);
CREATE INDEX event_outbox_waiting_idx ON crm_data.event_outbox (domain, event_id) WHERE delivered_at IS NULL;
ALTER TABLE crm_data.event_outbox ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.event_outbox TO crm_owner USING (true);
CREATE POLICY credit ON crm_data.event_outbox FOR SELECT TO crm_credit USING (domain = 'credit');
CREATE POLICY not_credit ON crm_data.event_outbox FOR SELECT TO crm_data_admin USING (domain <> 'credit');
GRANT SELECT ON crm_data.event_outbox TO crm_data_admin, crm_credit;
CREATE TRIGGER only_delivered BEFORE UPDATE ON crm_data.event_outbox FOR EACH ROW EXECUTE FUNCTION crm.event_keep();
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON crm_data.event_outbox FOR EACH STATEMENT EXECUTE FUNCTION crm.event_keep();

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES ('event_outbox', 'stays', 'what was told under this code');

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('event_outbox', NULL, NULL, 'general', 2, NULL, 'outbox of events', '事件发件箱', 'What other systems are to be told; rows are only added, and marked when taken.'),
    ('event_outbox', 'customer_code', 'identity', 'general', 2, 'internal', 'customer code', '客户编号', NULL),
    ('event_outbox', 'event_id', 'reference', 'general', 2, 'internal', 'number of the event', '事件号', 'Unique, not dense.'),
    ('event_outbox', 'domain', 'reference', 'general', 2, 'internal', 'domain', '领域', 'Says who may take it.'),
    ('event_outbox', 'kind', 'reference', 'general', 2, 'internal', 'kind', '类别', 'Such as credit.limit_reached.'),
    ('event_outbox', 'payload', 'reference', 'general', 2, 'internal', 'content', '内容', 'Without personal data.'),
    ('event_outbox', 'created_at', 'reference', 'general', 2, 'internal', 'created at', '创建时间', NULL),
    ('event_outbox', 'delivered_at', 'reference', 'general', 2, 'internal', 'taken at', '取走时间', 'Null: waiting.'),
    ('event_outbox', 'delivered_to', 'reference', 'general', 2, 'internal', 'taken by', '取走人', NULL);
