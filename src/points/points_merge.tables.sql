-- points_merge: which customer's lots were moved to whom; the lots themselves are in the journal.

CREATE TABLE crm_data.points_merge (
    request_id    text NOT NULL PRIMARY KEY,
    merge_no      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    survivor_code crm.customer_code NOT NULL,
    loser_code    crm.customer_code NOT NULL,
    business_date date NOT NULL,
    attempt       integer NOT NULL DEFAULT 1,
    moved_by      name NOT NULL DEFAULT session_user,
    moved_at      timestamptz NOT NULL DEFAULT now(),
    returned_by   text,
    returned_at   timestamptz,
    follows       text REFERENCES crm_data.points_merge,
    CHECK (survivor_code <> loser_code)
);
CREATE INDEX points_merge_loser_idx ON crm_data.points_merge (loser_code) WHERE returned_by IS NULL;
CREATE INDEX points_merge_survivor_idx ON crm_data.points_merge (survivor_code) WHERE returned_by IS NULL;
CREATE INDEX points_merge_follows_idx ON crm_data.points_merge (follows);
CREATE TRIGGER functions_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_data.points_merge
    FOR EACH STATEMENT EXECUTE FUNCTION crm.points_keep_records();
ALTER TABLE crm_data.points_merge ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.points_merge TO crm_owner USING (true);
CREATE POLICY data_department ON crm_data.points_merge FOR SELECT TO crm_data_admin USING (true);
GRANT SELECT ON crm_data.points_merge TO crm_data_admin;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('points_merge', NULL, NULL, 'general', 2, NULL, 'moves of points by merge', '积分合并记录', 'Which customer''s lots were moved to whom; one row a request.'),
    ('points_merge', 'request_id', 'points', 'general', 3, 'internal', 'request', '请求号', NULL),
    ('points_merge', 'merge_no', 'points', 'general', 3, 'internal', 'number', '序号', 'In the order in which they were moved.'),
    ('points_merge', 'survivor_code', 'identity', 'general', 3, 'internal', 'survivor', '保留客户', 'Who has the lots now.'),
    ('points_merge', 'loser_code', 'identity', 'general', 3, 'internal', 'loser', '被合并客户', 'Who had them.'),
    ('points_merge', 'business_date', 'points', 'general', 3, 'internal', 'business date', '业务日期', NULL),
    ('points_merge', 'attempt', 'points', 'general', 3, 'internal', 'times moved', '过账次数', 'Moved anew when a merge before it in the chain was undone.'),
    ('points_merge', 'moved_by', 'points', 'general', 3, 'internal', 'moved by', '操作人', 'Role of the session.'),
    ('points_merge', 'moved_at', 'points', 'general', 3, 'internal', 'moved at', '操作时间', NULL),
    ('points_merge', 'returned_by', 'points', 'general', 3, 'internal', 'request that returned them', '撤销请求号', 'Null: not returned.'),
    ('points_merge', 'returned_at', 'points', 'general', 3, 'internal', 'returned at', '撤销时间', NULL),
    ('points_merge', 'follows', 'points', 'general', 3, 'internal', 'merge that it follows', '所跟合并', 'Of what was posted to the merged code afterwards.');

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('points_merge', 'stays', 'which lots were moved to whom');
