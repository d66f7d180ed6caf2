-- merge_rule: what a merge does with each table that holds customer codes. Early, so that
-- every room states its rules beside its tables; crm.merge_rule_faults() says who forgot.

CREATE TABLE crm_data.merge_rule (
    relation  text PRIMARY KEY,
    way       text NOT NULL CHECK (way IN ('pointer', 'golden', 'moves', 'stays')),
    move_by   text,
    return_by text,
    reason    text NOT NULL CHECK (reason ~ '\S'),
    CONSTRAINT moves_by_functions CHECK ((way = 'moves') = (num_nonnulls(move_by, return_by) = 2))
);
ALTER TABLE crm_data.merge_rule ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.merge_rule TO crm_owner USING (true);
CREATE POLICY rules_are_known ON crm_data.merge_rule FOR SELECT USING (true);
GRANT SELECT ON crm_data.merge_rule TO PUBLIC;

INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note) VALUES
    ('merge_rule', NULL, NULL, 'general', 3, NULL, 'rule of merging', '合并规则', 'What a merge does with each table that holds customer codes.'),
    ('merge_rule', 'relation', 'reference', 'general', 3, 'internal', 'table', '数据表', 'In crm_data.'),
    ('merge_rule', 'way', 'reference', 'general', 3, 'internal', 'way', '处理方式', 'pointer: rows keep their code, views show them under the survivor; golden: one row a customer, field by field; moves: a balance, by postings that can be returned; stays: a record of what happened.'),
    ('merge_rule', 'move_by', 'reference', 'general', 3, 'internal', 'moved by', '转移函数', 'Function (survivor, loser, request, day).'),
    ('merge_rule', 'return_by', 'reference', 'general', 3, 'internal', 'returned by', '退回函数', 'Function (request, new request, day).'),
    ('merge_rule', 'reason', 'reference', 'general', 3, 'internal', 'reason', '原因', NULL);
