-- score_fit: the segments of customers by recency, frequency and monetary value.

CREATE TABLE crm_data.rfm_segment (
    segment   text     PRIMARY KEY CHECK (segment ~ '^[a-z_]{1,63}$'),
    -- Segments are tried in this order; the first that fits is the customer's.
    position  smallint NOT NULL UNIQUE CHECK (position > 0),
    r_from    smallint NOT NULL DEFAULT 1,
    r_to      smallint NOT NULL DEFAULT 5,
    f_from    smallint NOT NULL DEFAULT 1,
    f_to      smallint NOT NULL DEFAULT 5,
    m_from    smallint NOT NULL DEFAULT 1,
    m_to      smallint NOT NULL DEFAULT 5,
    label_zh  text     NOT NULL,
    label_en  text     NOT NULL,
    CHECK (r_from <= r_to AND f_from <= f_to AND m_from <= m_to)
);
INSERT INTO crm_data.rfm_segment (segment, position, r_from, r_to, f_from, f_to, m_from, m_to, label_zh, label_en) VALUES
    ('champion',     1, 4, 5, 4, 5, 4, 5, '重要价值客户', 'Champions: recent, frequent, high spending'),
    ('loyal',        2, 3, 5, 4, 5, 1, 5, '忠诚客户',     'Loyal: come often'),
    ('big_spender',  3, 3, 5, 1, 3, 4, 5, '重要发展客户', 'Big spenders: spend much, seldom'),
    ('new',          4, 5, 5, 1, 1, 1, 3, '新客户',       'New: bought for the first time'),
    ('promising',    5, 4, 5, 1, 3, 1, 3, '潜力客户',     'Promising: recent, not yet frequent'),
    ('must_keep',    6, 1, 2, 4, 5, 4, 5, '重要挽留客户', 'Must keep: were among the best, stay away'),
    ('at_risk',      7, 1, 2, 3, 5, 1, 5, '流失预警客户', 'At risk: came often, stay away'),
    ('need_care',    8, 3, 3, 1, 3, 1, 3, '一般维持客户', 'Need care: middling, fading'),
    ('dormant_high', 9, 1, 2, 1, 2, 4, 5, '高价值休眠客户', 'Dormant, spent much'),
    ('dormant',     10, 1, 2, 1, 2, 1, 3, '休眠客户',     'Dormant: long ago, seldom, little');
ALTER TABLE crm_data.rfm_segment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.rfm_segment TO crm_owner USING (true);
CREATE POLICY everybody ON crm_data.rfm_segment FOR SELECT USING (true);
GRANT SELECT ON crm_data.rfm_segment TO PUBLIC; -- a rule, no data of customers

INSERT INTO crm_data.field_policy (object, field, label_zh, label_en, category, sensitivity, secrecy_level, layer) VALUES
    ('rfm_segment', NULL, 'RFM 客户分群', 'segments by recency, frequency, monetary value', NULL, 'general', 3, NULL),
    ('rfm_segment', 'segment', '分群', 'segment', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'position', '次序', 'order in which segments are tried', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'r_from', '近度下限', 'least recency score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'r_to', '近度上限', 'greatest recency score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'f_from', '频度下限', 'least frequency score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'f_to', '频度上限', 'greatest frequency score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'm_from', '金额下限', 'least monetary score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'm_to', '金额上限', 'greatest monetary score', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'label_zh', '中文名称', 'Chinese label', 'reference', 'general', 3, 'internal'),
    ('rfm_segment', 'label_en', '英文名称', 'English label', 'reference', 'general', 3, 'internal');

CREATE VIEW crm.rfm_segment_rule WITH (security_invoker = true) AS
SELECT s.segment, s.position, s.r_from, s.r_to, s.f_from, s.f_to, s.m_from, s.m_to,
       CASE crm.lang() WHEN 'zh' THEN s.label_zh ELSE s.label_en END AS label, s.label_zh, s.label_en
  FROM crm_data.rfm_segment s;
GRANT SELECT ON crm.rfm_segment_rule TO PUBLIC; -- a rule, no data of customers
COMMENT ON VIEW crm.rfm_segment_rule IS
$$Segments of customers by quintile scores of recency, frequency, monetary value (RFM 客户分群规则).
A customer belongs to the first segment, by position, whose three ranges hold his scores.$$;
DO $comments$
DECLARE
    entry record;
BEGIN
    FOR entry IN SELECT field, label_zh, label_en FROM crm_data.field_policy WHERE object = 'rfm_segment' AND field IS NOT NULL LOOP
        EXECUTE format('COMMENT ON COLUMN crm.rfm_segment_rule.%I IS %L', entry.field, entry.label_en || ' (' || entry.label_zh || ').');
    END LOOP;
    COMMENT ON COLUMN crm.rfm_segment_rule.label IS 'Label in the language of the session (名称).';
END
$comments$;
