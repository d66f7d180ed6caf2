-- monitor: what the room's tables say, to be read, and views for reporting tools.

-- The room's tables; then what a column means wherever it stands in them.
INSERT INTO crm_data.field_policy (object, sensitivity, secrecy_level, label_en, label_zh, note)
SELECT x[1], CASE WHEN x[1] IN ('legal_profile', 'ownership_share', 'key_manager', 'financial_report', 'external_rating', 'credit_exposure', 'credit_limit',
                                'credit_warning', 'qualification_check', 'score_result', 'score_judgement', 'score_request', 'follow_up', 'customer_cost') THEN 'sensitive' ELSE 'general' END,
       2, x[2], x[3], x[4]
  FROM regexp_split_to_table(trim(E'\n' FROM $tables$
score_model|score model|评分模型|A version of a model; never changed once it is approved.
score_characteristic|characteristic of a model|评分特征|What a version looks at.
score_bin|bin of a characteristic|评分分箱|Which values give how many points.
score_grade|grade of a model|评分等级|From which score a grade is given.
score_result|score of a customer|评分结果|What was found, with all that it was found from; rows are only added.
score_judgement|judgement of a customer|人工评价|An input of models that a person judges, with evidence; rows are only added.
score_request|request for an exception|例外申请|Asked for by one, decided by another, once.
legal_profile|legal-person credit profile|法人信用信息|What credit must know of an organisation.
ownership_share|ownership share|股权结构|Of a customer's owners; at most 100 percent together.
key_manager|key manager|主要负责人|Who leads the organisation.
financial_report|financial report|财务报告|Balance sheet and income of a period; assets = liabilities + equity.
external_rating|external rating|外部评级|What an agency says.
credit_exposure|credit exposure|信用敞口|What is owed as of a day.
qualification_check|check of qualification|资格审查|Whether the customer is legally qualified and able to perform.
credit_policy|credit policy|信用政策|What a grade allows; proposed by one, approved by another, then fixed.
credit_limit|credit limit|信用额度|What was granted; within policy, or by an approved request; rows are only added.
credit_warning_rule|rule of credit warnings|信用预警规则|Which threshold or trend warns.
credit_warning|credit warning|信用预警|A rule that was met, until it is closed.
rule_set|set of rules|规则集|A version: a draft, until somebody else approves it; then it holds from its first day on, and is never changed.
follow_up|follow-up|待办|What is to be done for a customer, whose it is and by when.
customer_cost|cost of a customer|客户成本|Of products and service, investments, bad debts; rows are only added.
dormancy_reason|reason of dormancy|休眠原因|By which evidence it is found.
customer_dormancy|why a customer sleeps|客户休眠原因|As rules or people found it; rows are only added.
level_assessment|assessment of a level|级别评定|What a change of level rests on; rows are only added.
churn_rule|rule of signs of leaving|流失规则|Which measure is a sign, and how strong.
churn_signal|sign of leaving|流失信号|A rule that was met, with evidence; rows are only added.
class_rule|rule of classes|分类规则|The first that fits, in order, gives the class.
class_action|action for a class|分类策略|What is done for customers of a class.
customer_class|class of a customer|客户类别|Over time.
class_score|score of a class scheme|分类评分规则|One more than the edges that a feature reaches.
value_snapshot|value of a month|客户价值快照|Class, with the scores that led to it; once a month, rows are only added.
level_scheme|level scheme|级别方案|By what customers rise and fall.
level_def|level|级别定义|What a level requires.
service_commitment|service commitment|服务承诺|What a level gives.
benefit_entitlement|entitlement to a benefit|权益额度|How often a month or a year a level gives it.
benefit_used|use of a benefit|权益使用记录|Never more than the level gives; rows are only added.
customer_level|level of a customer|客户级别|Over time; rows are only added.
level_notice|notice of a change of level|级别变更通知|Told to the customer, ahead when it falls; rows are only added.
quality_field|field whose quality is assessed|质量字段|By kind of customer.
quality_weight|weight of a dimension of quality|质量权重|Of the four.
quality_source|reliability of a source|来源可靠度|By channel.
quality_score|quality of a customer's data|数据质量评分|As of a day.
quality_issue|issue of data quality|数据质量问题|With whose it is, and by when.
$tables$), E'\n') line, string_to_array(line, '|') x;
INSERT INTO crm_data.field_policy (object, field, category, sensitivity, secrecy_level, layer, label_en, label_zh, note)
SELECT t.object, a.attname, CASE a.attname WHEN 'customer_code' THEN 'identity' ELSE 'scoring' END, t.sensitivity, t.secrecy_level, 'internal', x[2], x[3], nullif(x[4], '')
  FROM regexp_split_to_table(trim(E'\n' FROM $columns$
model|model|模型|
version|version|版本|Numbered from 1 within the model.
purpose|purpose|用途|One version is active for each.
domain|domain|领域|Says who may see it: credit is for credit management.
framework|framework|评价体系|5C, 5P or 6A.
label_zh|Chinese label|中文名称|
label_en|English label|英文名称|
state|state|状态|
base_points|base points|基础分|Everybody has them.
scale_low|total that is 0|百分制零点|On the common scale.
scale_high|total that is 100|百分制满点|On the common scale.
valid_months|months of validity|有效月数|
applies_to|kinds of customers|适用客户类型|Null: all.
method|method|方法|Of fitting; null: an expert's.
target|target|目标变量|
base_score|base score|基准分|
base_odds|base odds|基准比率|Good to bad at the base score.
pdo|points to double the odds|比率翻倍分值|
band_edges|edges of bands|分段边界|Of totals in the development sample.
band_shares|shares of bands|分段占比|In the development sample.
copied_from|copied from|复制自版本|
note|note|说明|
edited_by|edited by|编辑人|None of them may approve it.
created_at|created at|创建时间|
approved_by|approved by|批准人|Role of the session.
approved_at|approved at|批准时间|
activated_by|activated by|启用人|
activated_at|activated at|启用时间|
retired_by|retired by|停用人|
retired_at|retired at|停用时间|
characteristic|characteristic|特征|
position|position|位置|Order in points and of equal losses.
input|input|输入|Column of a source, or feature of the customer.
kind|kind|类别|
factor|factor|因素|Of the framework.
is_manual|judged by a person|人工评价|
weight|weight|权重|
reference_points|reference points|参考分|Loss counts from here; null: the most that can be had.
reason_code|reason code|原因代码|Null: the name of the characteristic.
guidance_zh|Chinese guidance|中文指引|
guidance_en|English guidance|英文指引|
coefficient|coefficient|系数|Of the fit.
information_value|information value|信息值|In the development sample.
bin|bin|分箱|Number within the characteristic.
lower|lower end|下限|Included; null: none.
upper|upper end|上限|Not included; null: none.
members|values|取值|
points|points|分值|
woe|weight of evidence|证据权重|ln of goods' share by bads' share.
goods|goods|好样本数|
bads|bads|坏样本数|
reason_zh|Chinese reason|中文原因|
reason_en|English reason|英文原因|
grade|grade|等级|
customer_code|customer code|客户编号|
result_id|number of the result|结果号|Unique, not dense.
as_of|as of|截止日|
inputs|inputs|输入值|All that the version read.
total|total|总分|Base points and points.
score|score|得分|
reasons|reasons|扣分原因|Up to four, the greatest loss first.
valid_until|last day|有效期至|
valid_from|first day|有效期起|
scored_at|scored at|评分时间|
scored_by|scored by|评分人|
judgement_no|number of the judgement|评价号|Unique, not dense.
value|value|值|
evidence|evidence|依据|
assessed_by|assessed by|评估人|
assessed_at|assessed at|评估时间|
request_no|number of the request|申请号|Unique, not dense.
subject|subject|对象|Purpose, currency or scheme.
wanted|wanted|申请内容|Grade, kind of limit or level.
amount|amount|金额|
reason|reason|原因|
requested_by|requested by|申请人|
requested_at|requested at|申请时间|
decided_by|decided by|审批人|Another than who asked.
decided_at|decided at|审批时间|
decision_note|note of the decision|审批意见|
legal_form|legal form|法律形式|
registered_capital|registered capital|注册资本|
currency|currency|币种|ISO 4217.
established_on|established on|成立日期|
registered_years|years of registration|登记年限|
business_scope|business scope|经营范围|
industry|industry|行业|
structure|internal organisation|内部组织|
recorded_by|recorded by|登记人|
recorded_at|recorded at|登记时间|
owner_no|entry number|序号|
owner_name|owner|股东|Encrypted.
percent|percent|持股比例|
manager_no|entry number|序号|
name|name|姓名|Encrypted; shown as surname and stars.
post|post|职务|
period_end|end of the period|期末日|
months|months|期间月数|
assets|assets|资产总额|
liabilities|liabilities|负债总额|
equity|equity|所有者权益|
current_assets|current assets|流动资产|
current_liabilities|current liabilities|流动负债|
revenue|revenue|营业收入|
net_profit|net profit|净利润|
source|source|来源|
rating_no|number of the rating|评级号|Unique, not dense.
agency|agency|评级机构|
reference|reference|编号|That of its source.
rating|rating|评级|As the agency writes it.
rated_on|rated on|评级日期|
outstanding|outstanding|未偿金额|
overdue|overdue|逾期金额|
overdue_days|days overdue|逾期天数|
checked_on|checked on|审查日期|
qualified|legally qualified|具备资格|
able|able to perform|具备履约能力|
checked_by|checked by|审查人|
limit_amount|limit|额度|
temporary_limit|temporary limit|临时额度|At most 7 days, on top.
payment_days|days of payment|账期天数|
deposit_percent|deposit|保证金比例|Percent.
review_months|months between reviews|复审月数|
proposed_by|proposed by|拟定人|
limit_no|number of the limit|额度号|Unique, not dense.
cause|cause|原因|
policy_from|policy from|所依政策|First day of the row of policy that held.
granted_by|granted by|授予人|
granted_at|granted at|授予时间|
rule|rule|规则|
measure|measure|指标|
comparison|comparison|比较方式|
threshold|threshold|阈值|
severity|severity|严重程度|watch or act.
active|in use|启用|
previous|value before|前值|
raised_at|raised at|预警时间|
closed_by|closed by|关闭人|
closed_at|closed at|关闭时间|
closing_note|note on closing|关闭说明|
pattern|pattern|匹配模式|Regular expression on subject and outcome.
days|days|天数|
found_at|found at|发现时间|
scheme|scheme|方案|
class|class|类别|
sort|order|排序|
feature|feature|特征|Null: every customer.
action|action|措施|
every_days|every so many days|间隔天数|Null: once on entering.
since|first day|起始日|
class_before|class before|原类别|
until|last day|结束日|Null: it holds.
unit|unit|单位|
notice_days|days of notice|提前通知天数|
min_tenure_days|least tenure|最低在网天数|
level|level|级别|
rank|rank|级别次序|
minimum|minimum|最低值|Of the scheme's feature.
credit_minimum|least credit score|最低信用分|Null: none required.
points_level|level for points|积分等级|Of points_level; null: none.
commitment|commitment|承诺|
changed_by|changed by|变更人|
changed_at|changed at|变更时间|
due_on|due on|到期日|
level_from|level before|原级别|
level_to|level after|新级别|
noted_on|noted on|通知日|
field|field|字段|
required|required|必填|
half_life_days|half-life|半衰期|Days; null: it does not age.
due_days|days until it is due|期限天数|
dimension|dimension|维度|
channel|channel|渠道|
reliability|reliability|可靠度|0 to 1, of values that nobody verified.
accuracy|accuracy|准确性|0 to 1.
completeness|completeness|完整性|0 to 1.
consistency|consistency|一致性|0 to 1.
timeliness|timeliness|及时性|0 to 1.
owner_unit|responsible unit|归属单位|
author|author|登记人|Who registered the customer.
found_on|found on|发现日|
closed_on|closed on|关闭日|
rule_set|set of rules|规则集|Kind, and scheme: class.value, level.star.
rule_version|version of the rules|规则版本|By which it was found.
condition|condition|条件|In the language of crm.points_formula(), on the features; null: none.
asks_reason|asks for the reason|须查明原因|On entering it is said why.
on_first|on the first class too|首次分类适用|For customers who had no class before.
seconded_by|seconded by|会签人|The first of two who must agree.
seconded_at|seconded at|会签时间|
follow_up_no|number of the follow-up|待办号|Unique, not dense.
opened_on|opened on|开始日|
owner|owner|负责人|
outcome|outcome|结果|
cost_no|number of the cost|成本号|Unique, not dense.
cost_kind|kind of cost|成本类别|product_cost, service_cost, investment or bad_debt.
incurred_on|incurred on|发生日|
entry_no|number of the entry|记录号|Unique, not dense.
signal|sign of leaving|流失信号|A rule of churn_rule.
found_by|found by|发现方式|rule or person.
assessment_no|number of the assessment|评定号|Unique, not dense.
edges|edges|分界值|Rising.
is_falling|less is better|越小越好|
month|month|月份|Its first day.
r_score|recency score|近度评分|From 1 up; null: never bought.
f_score|frequency score|频度评分|From 1 up.
m_score|spending score|金额评分|From 1 up.
c_score|contribution score|贡献评分|From 1 up.
value_score|weighted score|价值评分|0 to 100.
recency_days|days since the last purchase|距上次购买天数|
purchases|purchases|购买次数|Of 365 days.
contribution|contribution|利润贡献|Amount of 365 days less costs, CNY.
lifetime_value|lifetime value|终身价值|CNY; null: not reckoned.
kept_at|kept at|登记时间|
benefit|benefit|权益|
quantity|how often|次数|In the month or year.
per|in which time|周期|month or year, by the calendar.
request_id|request|请求号|Of the caller; the same is recorded once.
use_no|number of the use|使用序号|Of the record and benefit, from 1.
used_on|used on|使用日期|
backdated_for|back-dated for|追溯原因|Why it holds before its approval; null: it does not.
$columns$), E'\n') line, string_to_array(line, '|') x, crm_data.field_policy t, pg_attribute a
 WHERE a.attname = x[1] AND a.attnum > 0 AND a.attrelid = to_regclass('crm_data.' || quote_ident(t.object)) AND t.field IS NULL
   AND NOT EXISTS (SELECT FROM crm_data.field_policy p WHERE p.object = t.object AND p.field IS NOT NULL);

DO $views$
DECLARE
    member text;
    reader text;
BEGIN
    FOREACH member IN ARRAY ARRAY['score_model', 'score_characteristic', 'score_bin', 'score_grade', 'score_result', 'score_judgement', 'score_request',
        'legal_profile', 'ownership_share', 'key_manager', 'financial_report', 'external_rating', 'credit_exposure', 'qualification_check', 'credit_policy',
        'credit_limit', 'credit_warning_rule', 'credit_warning', 'rule_set', 'follow_up', 'customer_cost', 'churn_rule', 'churn_signal', 'class_rule', 'class_score', 'class_action', 'customer_class', 'value_snapshot',
        'dormancy_reason', 'customer_dormancy', 'level_scheme', 'level_def', 'service_commitment', 'benefit_entitlement', 'benefit_used', 'level_assessment', 'customer_level', 'level_notice', 'quality_field', 'quality_weight', 'quality_source', 'quality_score', 'quality_issue'] LOOP
        EXECUTE format('CREATE VIEW crm.%1$I WITH (security_invoker = true) AS SELECT %2$s FROM crm_data.%1$I', member,
            (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
              WHERE a.attrelid = format('crm_data.%I', member)::regclass AND a.attnum > 0 AND NOT a.attisdropped));
        EXECUTE format('COMMENT ON VIEW crm.%I IS %L', member,
            (SELECT upper(left(p.label_en, 1)) || substr(p.label_en, 2) || ' (' || p.label_zh || '). Who may see which rows is the table''s to say.'
               FROM crm_data.field_policy p WHERE p.object = member AND p.field IS NULL));
        -- Who may read the table may read it here.
        FOR reader IN SELECT DISTINCT g.grantee::regrole FROM pg_class c, aclexplode(c.relacl) g
                       WHERE c.oid = format('crm_data.%I', member)::regclass AND g.privilege_type = 'SELECT' AND g.grantee <> c.relowner LOOP
            EXECUTE format('GRANT SELECT ON crm.%I TO %s', member, reader);
        END LOOP;
    END LOOP;
END
$views$;

-- -- what has been found out about a customer, beside the unified view ---------------------
-- Not columns of crm.customer_view: who reads that need not have rights to any of this.

CREATE VIEW crm.customer_assessment WITH (security_invoker = true) AS
SELECT c.customer_code,
       (SELECT jsonb_object_agg(a.programme, crm.available(a.state, crm.company_today())) FROM crm_data.points_account a
         WHERE a.customer_code = c.customer_code AND a.state <> '{}') AS points,
       coalesce(v.level, s.level) AS points_level,
       (SELECT jsonb_object_agg(l.scheme, l.level)
          FROM (SELECT DISTINCT ON (x.scheme) x.scheme, x.level, x.valid_until FROM crm_data.customer_level x
                 WHERE x.customer_code = c.customer_code AND x.valid_from <= crm.company_today() ORDER BY x.scheme, x.valid_from DESC) l
         WHERE l.valid_until >= crm.company_today()) AS levels,
       (SELECT jsonb_object_agg(k.scheme, k.class) FROM crm_data.customer_class k WHERE k.customer_code = c.customer_code AND k.until IS NULL) AS classes,
       (SELECT jsonb_object_agg(r.purpose, r.score)
          FROM (SELECT DISTINCT ON (x.purpose) x.purpose, x.score FROM crm_data.score_result x
                 WHERE x.customer_code = c.customer_code AND x.domain <> 'credit' AND x.as_of <= crm.company_today() AND x.valid_until >= crm.company_today()
                 ORDER BY x.purpose, x.as_of DESC, x.result_id DESC) r) AS scores,
       q.score AS quality, q.as_of AS quality_as_of,
       (SELECT array_agg(DISTINCT i.field ORDER BY i.field) FROM crm_data.quality_issue i
         WHERE i.customer_code = c.customer_code AND i.closed_on IS NULL AND i.reason <> 'missing') AS low_confidence
  FROM crm_data.customer c
  LEFT JOIN crm.customer_points_level v ON v.customer_code = c.customer_code
  LEFT JOIN crm_data.points_standing s ON s.customer_code = c.customer_code
  LEFT JOIN LATERAL (SELECT x.score, x.as_of FROM crm_data.quality_score x WHERE x.customer_code = c.customer_code ORDER BY x.as_of DESC LIMIT 1) q ON true
 WHERE c.lifecycle_state <> 'merged';
GRANT SELECT ON crm.customer_assessment TO crm_data_admin;
COMMENT ON VIEW crm.customer_assessment IS
$$What has been found out about each customer: points, levels, classes, scores, quality of his data; for the data department (客户评价视图).
What credit management found is crm.credit_standing(). crm.customer_card() has both, as far as the caller may see them.$$;
COMMENT ON COLUMN crm.customer_assessment.customer_code IS 'Customer, merged records under the one that stands for them (客户编号).';
COMMENT ON COLUMN crm.customer_assessment.points IS 'Available points today in the smallest unit, by programme in which he has or owes any (可用积分).';
COMMENT ON COLUMN crm.customer_assessment.points_level IS 'Level by which points go; null: none (积分等级).';
COMMENT ON COLUMN crm.customer_assessment.levels IS 'Valid level by scheme (客户级别).';
COMMENT ON COLUMN crm.customer_assessment.classes IS 'Class by scheme: activity, value, churn and others (客户分类).';
COMMENT ON COLUMN crm.customer_assessment.scores IS 'Latest valid score, 0 to 100, by purpose, but those of credit (评分).';
COMMENT ON COLUMN crm.customer_assessment.quality IS 'Quality of the data when last assessed, 0 to 1 (数据质量).';
COMMENT ON COLUMN crm.customer_assessment.quality_as_of IS 'Day of that (质量评估日).';
COMMENT ON COLUMN crm.customer_assessment.low_confidence IS 'Fields whose values are stale, invalid or contradict others, to be verified; null: none (低可信字段).';

-- -- reports: no customer stands in them, and nobody twice: merged records are not counted,
-- -- as the one that stands for them is. Undoing a merge brings them back.

GRANT SELECT (customer_code, survivor_code, lifecycle_state) ON crm_data.customer TO crm_credit;
CREATE POLICY who_stands_for_whom ON crm_data.customer FOR SELECT TO crm_credit USING (true);

CREATE VIEW crm_report.score_distribution WITH (security_invoker = true) AS
SELECT r.model, r.version, r.purpose, r.as_of, least(9, floor(r.score / 10))::integer * 10 AS score_from, r.grade, count(*) AS customers
  FROM crm_data.score_result r JOIN crm_data.customer c ON c.customer_code = r.customer_code AND c.lifecycle_state <> 'merged'
 GROUP BY r.model, r.version, r.purpose, r.as_of, 5, r.grade;
COMMENT ON VIEW crm_report.score_distribution IS 'How many results lie in each tenth of the common scale, by version and day (评分分布).';

CREATE VIEW crm_report.score_migration WITH (security_invoker = true) AS
SELECT m.purpose, date_trunc('month', m.as_of::timestamp)::date AS month, m.grade_before, m.grade, count(*) AS customers
  FROM (SELECT r.purpose, r.as_of, r.grade, lag(r.grade) OVER (PARTITION BY r.customer_code, r.purpose ORDER BY r.as_of, r.result_id) AS grade_before
          FROM crm_data.score_result r JOIN crm_data.customer c ON c.customer_code = r.customer_code AND c.lifecycle_state <> 'merged') m
 WHERE m.grade_before IS NOT NULL GROUP BY m.purpose, 2, m.grade_before, m.grade;
COMMENT ON VIEW crm_report.score_migration IS 'From which grade to which results moved against the customer''s result before, by month (等级迁移).';

CREATE VIEW crm_report.score_band WITH (security_invoker = true) AS
SELECT m.model, m.version, r.as_of, b.band, m.band_shares[b.band] AS expected, count(*) FILTER (WHERE b.band = r.band) AS customers,
       count(*) FILTER (WHERE b.band = r.band)::float8 / count(*) AS actual
  FROM crm_data.score_model m
  JOIN (SELECT x.model, x.version, x.as_of, width_bucket(x.total::float8, y.band_edges) + 1 AS band
          FROM crm_data.score_result x JOIN crm_data.customer c ON c.customer_code = x.customer_code AND c.lifecycle_state <> 'merged'
          JOIN crm_data.score_model y ON y.model = x.model AND y.version = x.version AND cardinality(y.band_edges) > 0) r
    ON r.model = m.model AND r.version = m.version
 CROSS JOIN LATERAL generate_series(1, cardinality(m.band_shares)) b (band)
 GROUP BY m.model, m.version, r.as_of, b.band;
COMMENT ON VIEW crm_report.score_band IS 'Shares of results in the bands of the development sample, expected and actual, by version and day (评分分段).';

CREATE VIEW crm_report.score_stability WITH (security_invoker = true) AS
SELECT p.model, p.version, p.as_of, p.customers, p.stability_index,
       CASE WHEN p.stability_index < 0.1 THEN 'stable' WHEN p.stability_index < 0.25 THEN 'watch' ELSE 'act' END AS advice
  FROM (SELECT b.model, b.version, b.as_of, sum(b.customers)::bigint AS customers,
               -- A band that is empty counts as one ten-thousandth, or the logarithm had no value.
               crm.population_stability_index(array_agg(greatest(b.expected, 0.0001) ORDER BY b.band), array_agg(greatest(b.actual, 0.0001) ORDER BY b.band)) AS stability_index
          FROM crm_report.score_band b GROUP BY b.model, b.version, b.as_of) p;
COMMENT ON VIEW crm_report.score_stability IS
$$Population stability index of each version and day: sum of (actual - expected) ln(actual / expected) over the bands (群体稳定性指标).
Below 0.10 stable, up to 0.25 watch, above act. Only versions that hold the bands of their development sample.$$;

CREATE VIEW crm_report.characteristic_stability WITH (security_invoker = true) AS
SELECT p.model, p.version, p.as_of, p.characteristic, p.stability_index, p.customers,
       CASE WHEN p.stability_index < 0.1 THEN 'stable' WHEN p.stability_index < 0.25 THEN 'watch' ELSE 'act' END AS advice
  FROM (SELECT e.model, e.version, d.as_of, e.characteristic, max(d.customers) AS customers,
               crm.population_stability_index(array_agg(greatest(e.expected, 0.0001) ORDER BY e.points), array_agg(greatest(coalesce(a.actual, 0)::float8 / d.customers, 0.0001) ORDER BY e.points)) AS stability_index
          -- A bin is known again by its points: bins of the same points are one.
          FROM (SELECT b.model, b.version, b.characteristic, b.points * c.weight AS points, row_number() OVER (PARTITION BY b.model, b.version, b.points * c.weight, b.characteristic) AS n,
                       (sum(b.goods + b.bads) OVER (PARTITION BY b.model, b.version, b.characteristic, b.points * c.weight) / sum(b.goods + b.bads) OVER (PARTITION BY b.model, b.version, b.characteristic))::float8 AS expected
                  FROM crm_data.score_bin b JOIN crm_data.score_characteristic c ON c.model = b.model AND c.version = b.version AND c.characteristic = b.characteristic
                 WHERE b.goods IS NOT NULL AND b.bads IS NOT NULL) e
          JOIN (SELECT r.model, r.version, r.as_of, count(*) AS customers FROM crm_data.score_result r
                  JOIN crm_data.customer c ON c.customer_code = r.customer_code AND c.lifecycle_state <> 'merged' GROUP BY 1, 2, 3) d ON d.model = e.model AND d.version = e.version
          LEFT JOIN (SELECT r.model, r.version, r.as_of, x.characteristic, r.points[x.n] AS points, count(*) AS actual
                       FROM crm_data.score_result r JOIN crm_data.customer c ON c.customer_code = r.customer_code AND c.lifecycle_state <> 'merged'
                       JOIN (SELECT y.model, y.version, y.characteristic, row_number() OVER (PARTITION BY y.model, y.version ORDER BY y.position) AS n FROM crm_data.score_characteristic y) x
                         ON x.model = r.model AND x.version = r.version GROUP BY 1, 2, 3, 4, 5) a
            ON a.model = e.model AND a.version = e.version AND a.as_of = d.as_of AND a.characteristic = e.characteristic AND a.points = e.points
         WHERE e.n = 1 GROUP BY e.model, e.version, d.as_of, e.characteristic) p;
COMMENT ON VIEW crm_report.characteristic_stability IS
$$Stability index of each characteristic of a version, by day: which input drifted, where crm_report.score_stability says that something did (特征稳定性指标).
Expected are the shares of the bins in the development sample (goods and bads of score_bin); bins of the same points count as one. Only characteristics whose bins hold them.$$;

CREATE VIEW crm_report.score_override WITH (security_invoker = true) AS
SELECT q.kind, q.subject, q.wanted, date_trunc('month', q.requested_at) AS month, q.state, count(*) AS requests,
       avg(q.decided_at - q.requested_at) AS decision_time
  FROM crm_data.score_request q GROUP BY q.kind, q.subject, q.wanted, 4, q.state;
COMMENT ON VIEW crm_report.score_override IS 'Exceptions asked for and decided, by month (例外审批).';

CREATE VIEW crm_report.credit_exposure WITH (security_invoker = true) AS
SELECT l.grade, e.currency, count(*) AS customers, sum(e.outstanding) AS outstanding, sum(e.overdue) AS overdue, sum(l.amount) AS limits
  FROM (SELECT c.survivor_code AS customer_code, o.currency, sum(o.outstanding) AS outstanding, sum(o.overdue) AS overdue
          FROM (SELECT DISTINCT ON (x.customer_code) x.* FROM crm_data.credit_exposure x WHERE x.as_of <= crm.company_today() ORDER BY x.customer_code, x.as_of DESC) o
          JOIN crm_data.customer c ON c.customer_code = o.customer_code GROUP BY c.survivor_code, o.currency) e
  LEFT JOIN LATERAL (SELECT y.grade, y.amount FROM crm_data.credit_limit y
                      WHERE y.customer_code = e.customer_code AND y.kind = 'long_term' AND crm.company_today() BETWEEN y.valid_from AND y.valid_until
                      ORDER BY y.limit_no DESC LIMIT 1) l ON true
 GROUP BY l.grade, e.currency;
COMMENT ON VIEW crm_report.credit_exposure IS 'What is owed and overdue against the long-term limits in force, by grade (信用敞口).';

CREATE VIEW crm_report.value_segment WITH (security_invoker = true) AS
SELECT k.scheme, k.class, count(*) AS customers, avg(k.value) AS average_value
  FROM crm_data.customer_class k JOIN crm_data.customer c ON c.customer_code = k.customer_code AND c.lifecycle_state <> 'merged'
 WHERE k.until IS NULL GROUP BY k.scheme, k.class;
COMMENT ON VIEW crm_report.value_segment IS 'How many customers are in each class now, by scheme (价值分群).';

CREATE VIEW crm_report.class_migration WITH (security_invoker = true) AS
SELECT k.scheme, date_trunc('month', k.since::timestamp)::date AS month, k.class_before, k.class, count(*) AS customers
  FROM crm_data.customer_class k JOIN crm_data.customer c ON c.customer_code = k.customer_code AND c.lifecycle_state <> 'merged'
 GROUP BY k.scheme, 2, k.class_before, k.class;
COMMENT ON VIEW crm_report.class_migration IS 'Who moved from which class to which, by month (类别迁移).';

CREATE VIEW crm_report.level_migration WITH (security_invoker = true) AS
SELECT m.scheme, date_trunc('month', m.valid_from::timestamp)::date AS month, m.level_before, m.level, m.cause, count(*) AS customers
  FROM (SELECT l.scheme, l.valid_from, l.level, l.cause, lag(l.level) OVER (PARTITION BY l.customer_code, l.scheme ORDER BY l.valid_from) AS level_before
          FROM crm_data.customer_level l JOIN crm_data.customer c ON c.customer_code = l.customer_code AND c.lifecycle_state <> 'merged') m
 GROUP BY m.scheme, 2, m.level_before, m.level, m.cause;
COMMENT ON VIEW crm_report.level_migration IS 'Who moved from which level to which, by month and cause (级别迁移).';

CREATE VIEW crm_report.quality_trend WITH (security_invoker = true) AS
SELECT s.as_of, s.owner_unit, s.author, count(*) AS customers, avg(s.accuracy) AS accuracy, avg(s.completeness) AS completeness,
       avg(s.consistency) AS consistency, avg(s.timeliness) AS timeliness, avg(s.score) AS score
  FROM crm_data.quality_score s JOIN crm_data.customer c ON c.customer_code = s.customer_code AND c.lifecycle_state <> 'merged'
 GROUP BY s.as_of, s.owner_unit, s.author;
COMMENT ON VIEW crm_report.quality_trend IS 'Quality of data by day, unit and author of the record (数据质量趋势).';

CREATE VIEW crm_report.quality_backlog WITH (security_invoker = true) AS
SELECT i.owner_unit, i.author, i.field, i.reason, count(*) FILTER (WHERE i.closed_on IS NULL) AS open,
       count(*) FILTER (WHERE i.closed_on IS NULL AND i.due_on < crm.company_today()) AS overdue, count(*) FILTER (WHERE i.closed_on > i.due_on) AS closed_late, count(*) AS found
  FROM crm_data.quality_issue i JOIN crm_data.customer c ON c.customer_code = i.customer_code AND c.lifecycle_state <> 'merged'
 GROUP BY i.owner_unit, i.author, i.field, i.reason;
COMMENT ON VIEW crm_report.quality_backlog IS 'What is wrong in the data, whose it is to put right, and what is overdue (数据质量待办).';

DO $columns$
DECLARE
    entry text[];
    column_of record;
BEGIN
    GRANT SELECT ON crm_report.score_distribution, crm_report.score_migration, crm_report.score_band, crm_report.score_stability, crm_report.characteristic_stability, crm_report.score_override TO crm_data_admin, crm_credit;
    GRANT SELECT ON crm_report.credit_exposure TO crm_credit;
    GRANT SELECT ON crm_report.value_segment, crm_report.class_migration, crm_report.level_migration, crm_report.quality_trend, crm_report.quality_backlog TO crm_data_admin;
    FOR entry IN SELECT string_to_array(line, '|') FROM regexp_split_to_table(trim(E'\n' FROM $names$
model|Model (模型).
version|Version (版本).
purpose|Purpose (用途).
as_of|As of this day (截止日).
score_from|Lower end of the tenth of the scale, 0 to 90 (分段下限).
grade|Grade (等级).
customers|Number of customers or results (客户数).
month|First day of the month (月份).
grade_before|Grade before (原等级).
band|Number of the band, from 1 (分段).
expected|Share in the development sample (预期占比).
actual|Share of the results (实际占比).
characteristic|Characteristic (特征).
stability_index|Population stability index, PSI (群体稳定性指标).
advice|stable, watch or act (建议).
kind|What was asked for: grade, limit or level (类别).
subject|Purpose, currency or scheme (对象).
wanted|Grade, kind of limit or level (申请内容).
state|requested, approved or rejected (状态).
requests|Number of requests (申请数).
decision_time|Average time until the decision (平均审批时长).
currency|Currency (币种).
outstanding|Owed (未偿金额).
overdue|Overdue: money, or open issues past their day (逾期).
limits|Long-term limits in force (有效额度).
scheme|Scheme (方案).
class|Class (类别).
class_before|Class before; null: the first (原类别).
average_value|Average of the value that the rule looked at (平均值).
level|Level (级别).
level_before|Level before; null: the first (原级别).
cause|assessed or approved (变更原因).
owner_unit|Responsible unit (归属单位).
author|Who registered the customer (登记人).
accuracy|Accuracy, 0 to 1 (准确性).
completeness|Completeness, 0 to 1 (完整性).
consistency|Consistency, 0 to 1 (一致性).
timeliness|Timeliness, 0 to 1 (及时性).
score|All four by their weights, 0 to 1 (总分).
field|Field (字段).
reason|missing, invalid, inconsistent or stale (原因).
open|Open issues (未关闭).
closed_late|Closed after their day (逾期关闭).
found|All that were found (发现数).
$names$), E'\n') line LOOP
        FOR column_of IN SELECT a.attrelid::regclass AS view, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                          WHERE c.relnamespace = 'crm_report'::regnamespace AND c.relkind = 'v' AND a.attname = entry[1] AND col_description(c.oid, a.attnum) IS NULL
                            AND c.relname IN ('score_distribution', 'score_migration', 'score_band', 'score_stability', 'characteristic_stability', 'score_override', 'credit_exposure', 'value_segment',
                                              'class_migration', 'level_migration', 'quality_trend', 'quality_backlog') LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', column_of.view, column_of.attname, entry[2]);
        END LOOP;
    END LOOP;
END
$columns$;
