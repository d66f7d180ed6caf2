-- points_promise: points that are promised for a day; until then they are held.

CREATE TABLE crm_data.points_promise (
    customer_code crm.customer_code NOT NULL,
    request_id    text        NOT NULL CHECK (octet_length(request_id) <= 160),
    programme     text        NOT NULL,
    release_on    date        NOT NULL,
    promised_by   name        NOT NULL DEFAULT session_user,
    promised_at   timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz,
    cancelled_by  text,
    PRIMARY KEY (customer_code, request_id)
);
CREATE INDEX points_promise_due_idx ON crm_data.points_promise (release_on) WHERE closed_at IS NULL;
CREATE TRIGGER functions_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_promise
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep_records();
ALTER TABLE crm_data.points_promise ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.points_promise TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.points_promise FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.points_promise TO crm_data_admin;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('points_promise', NULL, NULL, 'general', 2, NULL, 'promised points', '待生效积分', 'Points that are held until their day. Written by crm.points_promise(), crm.points_release_due() and crm.cancel_points_promise().'),
    ('points_promise', 'customer_code', 'identity', 'general', 3, 'service', 'customer code', '客户编号', 'To whom they were promised; a merge may have moved the hold.'),
    ('points_promise', 'request_id', 'points', 'general', 3, 'service', 'request', '请求号', 'Of the gift; the hold is an entry named after it.'),
    ('points_promise', 'programme', 'points', 'general', 3, 'service', 'programme', '积分计划', NULL),
    ('points_promise', 'release_on', 'points', 'general', 3, 'service', 'day of release', '生效日期', NULL),
    ('points_promise', 'promised_by', 'points', 'general', 3, 'internal', 'promised by', '提交人', 'Role of the session.'),
    ('points_promise', 'promised_at', 'points', 'general', 3, 'internal', 'promised at', '提交时间', NULL),
    ('points_promise', 'closed_at', 'points', 'general', 3, 'internal', 'released or cancelled at', '生效或取消时间', NULL),
    ('points_promise', 'cancelled_by', 'points', 'general', 3, 'internal', 'cancelled by', '取消请求', 'Request that cancelled it.');

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('points_promise', 'stays', 'to whom it was promised; the hold moves, and is found where it went');

CREATE VIEW crm.points_promised WITH (security_invoker = true) AS
SELECT p.customer_code, p.request_id, p.programme, j.amount, p.release_on, j.expires_on, p.promised_by, p.promised_at, p.closed_at, p.cancelled_by
  FROM crm_data.points_promise p JOIN crm_data.points_journal j ON j.customer_code = p.customer_code AND j.request_id = p.request_id;
GRANT SELECT ON crm.points_promised TO crm_data_admin;
COMMENT ON VIEW crm.points_promised IS 'Points that are promised for a day, those that came, and those that were cancelled (待生效积分).';
COMMENT ON COLUMN crm.points_promised.customer_code IS 'To whom they were promised (客户编号).';
COMMENT ON COLUMN crm.points_promised.request_id IS 'Request (请求号).';
COMMENT ON COLUMN crm.points_promised.programme IS 'Programme (积分计划).';
COMMENT ON COLUMN crm.points_promised.release_on IS 'Day from which they can be used (生效日期).';
COMMENT ON COLUMN crm.points_promised.promised_by IS 'Role of the session (提交人).';
COMMENT ON COLUMN crm.points_promised.promised_at IS 'When (提交时间).';
COMMENT ON COLUMN crm.points_promised.closed_at IS 'When they came or were cancelled; null: to come (生效或取消时间).';
COMMENT ON COLUMN crm.points_promised.cancelled_by IS 'Request that cancelled it (取消请求).';
COMMENT ON COLUMN crm.points_promised.amount IS 'Points (分值).';
COMMENT ON COLUMN crm.points_promised.expires_on IS 'Last usable day (有效期至).';
