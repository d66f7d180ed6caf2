-- score: models as rows. A version is a draft until a second person approves it; from
-- then on it is never changed, by nobody, and what it scored can be scored again.

CREATE TABLE crm_data.score_model (
    model         text     NOT NULL CHECK (model ~ '^[A-Za-z0-9_.-]{1,63}$'),
    version       integer  NOT NULL CHECK (version > 0),
    -- One version at a time is active for a purpose; the domain says who may see results.
    purpose       text     NOT NULL CHECK (purpose ~ '^[A-Za-z0-9_.-]{1,63}$'),
    domain        text     NOT NULL DEFAULT 'general' CHECK (domain IN ('credit', 'churn', 'loyalty', 'value', 'partner', 'general')),
    framework     text     CHECK (framework IN ('5C', '5P', '6A')),
    label_zh      text     NOT NULL,
    label_en      text     NOT NULL,
    state         text     NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'approved', 'active', 'retired')),
    -- total = base_points + sum of points; 0 to 100 on the common scale between these two totals.
    base_points   integer  NOT NULL DEFAULT 0,
    scale_low     integer  NOT NULL DEFAULT 0,
    scale_high    integer  NOT NULL DEFAULT 100,
    valid_months  smallint NOT NULL DEFAULT 12 CHECK (valid_months > 0),
    -- Kinds of customers that it is made for; null: all.
    applies_to    text[]   CHECK (applies_to <@ ARRAY['individual', 'organization', 'group']),
    -- How it was fitted; null for an expert's model.
    method        text,
    target        text,
    base_score    float8,
    base_odds     float8,
    pdo           float8,
    -- The development sample: shares of scores between these edges, for the stability index.
    band_edges    float8[],
    band_shares   float8[],
    copied_from   integer,
    note          text,
    edited_by     name[]      NOT NULL DEFAULT ARRAY[session_user]::name[],
    created_at    timestamptz NOT NULL DEFAULT now(),
    approved_by   name,
    approved_at   timestamptz,
    activated_by  name,
    activated_at  timestamptz,
    retired_by    name,
    retired_at    timestamptz,
    PRIMARY KEY (model, version),
    CHECK (scale_low < scale_high),
    CHECK (cardinality(band_shares) = cardinality(band_edges) + 1)
);
CREATE UNIQUE INDEX score_model_active_idx ON crm_data.score_model (purpose) WHERE state = 'active';

CREATE TABLE crm_data.score_characteristic (
    model            text     NOT NULL,
    version          integer  NOT NULL,
    characteristic   text     NOT NULL CHECK (characteristic <> ''),
    position         smallint NOT NULL CHECK (position > 0),
    -- Column of the source, or name of the customer's feature.
    input            text     NOT NULL,
    kind             text     NOT NULL CHECK (kind IN ('numeric', 'category')),
    factor           text,
    is_manual        boolean  NOT NULL DEFAULT false,
    weight           smallint NOT NULL DEFAULT 1 CHECK (weight > 0),
    -- Points lost count from here; null: from the most that can be had.
    reference_points integer,
    reason_code      text,
    label_zh         text     NOT NULL,
    label_en         text     NOT NULL,
    guidance_zh      text,
    guidance_en      text,
    coefficient      float8,
    information_value float8,
    PRIMARY KEY (model, version, characteristic),
    UNIQUE (model, version, position) DEFERRABLE,
    FOREIGN KEY (model, version) REFERENCES crm_data.score_model ON DELETE CASCADE
);

-- A bin holds numbers from lower up to but without upper, or the values of a list, or what
-- is missing (null and NaN), or every other value.
CREATE TABLE crm_data.score_bin (
    model          text     NOT NULL,
    version        integer  NOT NULL,
    characteristic text     NOT NULL,
    bin            smallint NOT NULL CHECK (bin > 0),
    kind           text     NOT NULL CHECK (kind IN ('range', 'values', 'missing', 'other')),
    lower          float8   CHECK (lower <> 'NaN'),
    upper          float8   CHECK (upper <> 'NaN'),
    members        text[],
    points         integer  NOT NULL CHECK (points BETWEEN -1000000 AND 1000000),
    woe            float8,
    goods          float8,
    bads           float8,
    reason_code    text,
    reason_zh      text,
    reason_en      text,
    PRIMARY KEY (model, version, characteristic, bin),
    FOREIGN KEY (model, version, characteristic) REFERENCES crm_data.score_characteristic ON DELETE CASCADE,
    CHECK (kind = 'range' OR num_nonnulls(lower, upper) = 0),
    CHECK (lower < upper),
    CHECK ((kind = 'values') = (members IS NOT NULL))
);

CREATE TABLE crm_data.score_grade (
    model    text     NOT NULL,
    version  integer  NOT NULL,
    grade    text     NOT NULL CHECK (grade <> ''),
    -- On the common scale, from here up to the next.
    lower    float8   NOT NULL CHECK (lower BETWEEN 0 AND 100),
    label_zh text     NOT NULL,
    label_en text     NOT NULL,
    PRIMARY KEY (model, version, grade),
    UNIQUE (model, version, lower),
    FOREIGN KEY (model, version) REFERENCES crm_data.score_model ON DELETE CASCADE
);

-- What was found out, by which version, from what: enough to reckon it again.
CREATE TABLE crm_data.score_result (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    result_id     bigint      GENERATED ALWAYS AS IDENTITY,
    model         text        NOT NULL,
    version       integer     NOT NULL,
    purpose       text        NOT NULL,
    domain        text        NOT NULL,
    as_of         date        NOT NULL,
    inputs        jsonb       NOT NULL,
    points        integer[]   NOT NULL,
    total         integer     NOT NULL,
    score         float8      NOT NULL CHECK (score BETWEEN 0 AND 100),
    grade         text,
    reasons       text[]      NOT NULL,
    valid_until   date        NOT NULL,
    scored_at     timestamptz NOT NULL DEFAULT now(),
    scored_by     name        NOT NULL DEFAULT session_user,
    PRIMARY KEY (customer_code, result_id)
);
CREATE INDEX score_result_latest_idx ON crm_data.score_result (customer_code, purpose, as_of, result_id);
CREATE INDEX score_result_model_idx ON crm_data.score_result (model, version, as_of, customer_code);

-- What a person judges, beside what is reckoned: an input of models, with evidence.
CREATE TABLE crm_data.score_judgement (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    judgement_no  bigint      GENERATED ALWAYS AS IDENTITY,
    input         text        NOT NULL CHECK (input <> ''),
    value         jsonb       NOT NULL CHECK (jsonb_typeof(value) IN ('number', 'string', 'boolean')),
    domain        text        NOT NULL DEFAULT 'general',
    evidence      text        NOT NULL CHECK (evidence ~ '\S'),
    assessed_by   name        NOT NULL DEFAULT session_user,
    assessed_at   timestamptz NOT NULL DEFAULT now(),
    valid_from    date        NOT NULL,
    valid_until   date        NOT NULL CHECK (valid_until >= valid_from),
    PRIMARY KEY (customer_code, judgement_no)
);

-- What goes beyond the rules is asked for by one and decided by another.
CREATE TABLE crm_data.score_request (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    request_no    bigint      GENERATED ALWAYS AS IDENTITY,
    kind          text        NOT NULL CHECK (kind IN ('grade', 'limit', 'level')),
    domain        text        NOT NULL CHECK (domain IN ('credit', 'general')),
    -- purpose and grade; kind of limit and amount; scheme and level
    subject       text        NOT NULL,
    wanted        text        NOT NULL,
    amount        numeric(16,2) CHECK (amount >= 0),
    valid_from    date        NOT NULL,
    valid_until   date        NOT NULL CHECK (valid_until >= valid_from),
    reason        text        NOT NULL CHECK (reason ~ '\S'),
    evidence      text        NOT NULL CHECK (evidence ~ '\S'),
    state         text        NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'rejected')),
    requested_by  name        NOT NULL DEFAULT session_user,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    -- The first of two who must agree that a customer has no limit.
    seconded_by   name,
    seconded_at   timestamptz,
    decided_by    name,
    decided_at    timestamptz,
    decision_note text,
    PRIMARY KEY (customer_code, request_no),
    CONSTRAINT all_expire CHECK (valid_until < 'infinity' AND (wanted <> 'not_controlled' OR kind <> 'limit' OR valid_until - valid_from <= 366)),
    -- As in crm_data.credit_limit, so that nobody approves what cannot be granted.
    CONSTRAINT limit_is_known CHECK (kind <> 'limit' OR wanted IN ('long_term', 'temporary', 'not_controlled')),
    CONSTRAINT temporary_is_short CHECK (kind <> 'limit' OR wanted <> 'temporary' OR valid_until - valid_from < 7),
    CHECK ((kind = 'limit') = (amount IS NOT NULL) OR kind = 'limit' AND wanted = 'not_controlled')
);

-- -- guards -------------------------------------------------------------------

DO $guards$
DECLARE
    member text;
BEGIN
    FOREACH member IN ARRAY ARRAY['score_model', 'score_characteristic', 'score_bin', 'score_grade'] LOOP
        EXECUTE format('CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON crm_data.%I FOR EACH ROW EXECUTE FUNCTION crm.%I()',
                       member, CASE member WHEN 'score_model' THEN 'score_model_keep' ELSE 'score_part_keep' END);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()', member);
        IF member <> 'score_grade' THEN
            EXECUTE format('CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_changed()', member);
        END IF;
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        EXECUTE format('CREATE POLICY modellers ON crm_data.%I FOR SELECT TO crm_data_admin, crm_credit USING (true)', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin, crm_credit', member);
    END LOOP;
    FOREACH member IN ARRAY ARRAY['score_result', 'score_judgement', 'score_request'] LOOP
        EXECUTE format('CREATE TRIGGER only_added BEFORE DELETE OR TRUNCATE%s ON crm_data.%I FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep()',
                       CASE WHEN member <> 'score_request' THEN ' OR UPDATE' END, member);
        EXECUTE format('ALTER TABLE crm_data.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
        EXECUTE format('CREATE POLICY owner ON crm_data.%I TO crm_owner USING (true)', member);
        -- What credit says of a person is for credit management alone.
        EXECUTE format('CREATE POLICY credit ON crm_data.%I FOR SELECT TO crm_credit USING (domain = ''credit'')', member);
        EXECUTE format('CREATE POLICY not_credit ON crm_data.%I FOR SELECT TO crm_data_admin USING (domain <> ''credit'')', member);
        EXECUTE format('GRANT SELECT ON crm_data.%I TO crm_data_admin, crm_credit', member);
    END LOOP;
    CREATE TRIGGER reckoned BEFORE INSERT ON crm_data.score_result FOR EACH ROW EXECUTE FUNCTION crm.score_result_fill();
    CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE ON crm_data.score_request FOR EACH ROW EXECUTE FUNCTION crm.score_request_keep();
    CREATE TRIGGER signed BEFORE INSERT ON crm_data.score_judgement FOR EACH ROW EXECUTE FUNCTION crm.score_sign();
END
$guards$;

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES
    ('score_result', 'stays', 'what was reckoned from this record; the survivor is scored anew'),
    ('score_judgement', 'stays', 'a judgement of this record'),
    ('score_request', 'stays', 'a request and who decided it');
