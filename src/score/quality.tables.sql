-- quality: how good the data of a customer is, in four dimensions, and what is to be put right.

-- What is looked at for a kind of customer, beside what intake requires.
CREATE TABLE crm_data.quality_field (
    kind         text NOT NULL CHECK (kind IN ('individual', 'organization', 'group')),
    field        text NOT NULL,
    required     boolean NOT NULL DEFAULT false,
    weight       float8 NOT NULL DEFAULT 1 CHECK (weight > 0 AND weight < 1000),
    -- After so many days without verification a value counts half; null: it does not age.
    half_life_days integer CHECK (half_life_days > 0),
    due_days     smallint NOT NULL DEFAULT 30 CHECK (due_days > 0),
    PRIMARY KEY (kind, field)
);
INSERT INTO crm_data.quality_field (kind, field, required, weight, half_life_days) VALUES
    ('individual', 'name', true, 3, NULL), ('individual', 'document', true, 3, 1825), ('individual', 'phone', true, 3, 365),
    ('individual', 'email', false, 1, 730), ('individual', 'address', false, 2, 730), ('individual', 'birth_date', false, 1, NULL),
    ('individual', 'sex', false, 1, NULL), ('individual', 'occupation', false, 1, 730),
    ('organization', 'name', true, 3, NULL), ('organization', 'document', true, 3, 1825), ('organization', 'uscc', false, 2, NULL),
    ('organization', 'phone', true, 2, 365), ('organization', 'email', false, 1, 730), ('organization', 'address', false, 2, 730),
    ('organization', 'industry', false, 1, 730), ('organization', 'legal_representative', false, 2, 365), ('organization', 'contact_name', true, 2, 365),
    ('group', 'name', true, 3, NULL), ('group', 'phone', false, 2, 365), ('group', 'industry', false, 1, 730), ('group', 'contact_name', true, 2, 365);
CREATE TABLE crm_data.quality_weight (
    dimension text PRIMARY KEY CHECK (dimension IN ('accuracy', 'completeness', 'consistency', 'timeliness')),
    weight    float8 NOT NULL CHECK (weight > 0 AND weight < 1000)
);
INSERT INTO crm_data.quality_weight (dimension, weight) VALUES ('accuracy', 0.3), ('completeness', 0.3), ('consistency', 0.2), ('timeliness', 0.2);
-- How far values are believed that nobody has verified, by the channel through which they came.
CREATE TABLE crm_data.quality_source (
    channel     text PRIMARY KEY REFERENCES crm_data.channel,
    reliability float8 NOT NULL CHECK (reliability BETWEEN 0 AND 1)
);
INSERT INTO crm_data.quality_source (channel, reliability)
SELECT c.code, CASE c.code WHEN 'counter' THEN 0.95 WHEN 'store' THEN 0.95 WHEN 'visit' THEN 0.9 WHEN 'import' THEN 0.8 WHEN 'partner' THEN 0.7 ELSE 0.75 END
  FROM crm_data.channel c;

-- verify_below: a value believed less than this, source times age, is to be verified;
-- escalate_days: so many days past its day an issue goes to the head of the unit.
CREATE TABLE crm_data.quality_policy (
    measure   text PRIMARY KEY CHECK (measure IN ('verify_below', 'escalate_days')),
    threshold float8 NOT NULL CHECK (threshold BETWEEN 0 AND 3650),
    CHECK (measure <> 'verify_below' OR threshold <= 1)
);
INSERT INTO crm_data.quality_policy (measure, threshold) VALUES ('verify_below', 0.4), ('escalate_days', 0);

CREATE TABLE crm_data.quality_score (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    as_of         date NOT NULL,
    accuracy      float8 NOT NULL CHECK (accuracy BETWEEN 0 AND 1),
    completeness  float8 NOT NULL CHECK (completeness BETWEEN 0 AND 1),
    consistency   float8 NOT NULL CHECK (consistency BETWEEN 0 AND 1),
    timeliness    float8 NOT NULL CHECK (timeliness BETWEEN 0 AND 1),
    score         float8 NOT NULL CHECK (score BETWEEN 0 AND 1),
    owner_unit    text,
    author        name NOT NULL,
    PRIMARY KEY (customer_code, as_of)
);
CREATE INDEX quality_score_day_idx ON crm_data.quality_score (as_of);
CREATE TABLE crm_data.quality_issue (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    field         text NOT NULL,
    reason        text NOT NULL CHECK (reason IN ('missing', 'invalid', 'inconsistent', 'stale', 'doubtful')),
    found_on      date NOT NULL,
    owner_unit    text,
    author        name NOT NULL,
    due_on        date NOT NULL,
    closed_on     date,
    -- Whose task it is by name; null: the unit's.
    owner         name,
    escalated_on  date CHECK (escalated_on > due_on),
    -- The how many-th time that this was found of this customer.
    times         integer NOT NULL DEFAULT 1 CHECK (times > 0),
    PRIMARY KEY (customer_code, field, reason, found_on),
    CHECK (closed_on >= found_on)
);
CREATE INDEX quality_issue_open_idx ON crm_data.quality_issue (due_on) WHERE closed_on IS NULL;

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['quality_field', 'quality_weight', 'quality_source', 'quality_policy', 'quality_score', 'quality_issue'] LOOP
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY data_department ON crm_data.%I FOR SELECT TO crm_data_admin USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin', member);
    END LOOP;
END
$guards$;

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('quality_score', 'stays', 'reckoned anew for the survivor'),
    ('quality_issue', 'stays', 'a fault of this record');
