-- work: what is to be done for customers, with whose it is and by when.

CREATE TABLE crm_data.follow_up (
    customer_code crm.customer_code NOT NULL REFERENCES crm_data.customer,
    follow_up_no  bigint GENERATED ALWAYS AS IDENTITY,
    domain        text NOT NULL DEFAULT 'general' CHECK (domain IN ('general', 'credit')),
    action        text NOT NULL,
    -- scheme.class of a strategy's action; purpose of a reassessment
    subject       text NOT NULL,
    opened_on     date NOT NULL,
    due_on        date NOT NULL,
    owner_unit    text,
    owner         name,
    closed_on     date,
    closed_by     name,
    outcome       text CHECK (outcome ~ '\S'),
    PRIMARY KEY (customer_code, follow_up_no),
    CHECK (num_nonnulls(closed_on, closed_by, outcome) IN (0, 3))
);
CREATE UNIQUE INDEX follow_up_open_idx ON crm_data.follow_up (customer_code, action, subject) WHERE closed_on IS NULL;
CREATE INDEX follow_up_due_idx ON crm_data.follow_up (due_on) WHERE closed_on IS NULL;
ALTER TABLE crm_data.follow_up ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.follow_up TO crm_owner USING (true);
CREATE POLICY credit ON crm_data.follow_up FOR SELECT TO crm_credit USING (domain = 'credit');
CREATE POLICY not_credit ON crm_data.follow_up FOR SELECT TO crm_data_admin USING (domain <> 'credit');
GRANT SELECT ON crm_data.follow_up TO crm_data_admin, crm_credit;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON crm_data.follow_up FOR EACH ROW EXECUTE FUNCTION crm.follow_up_keep();
CREATE TRIGGER only_added BEFORE DELETE OR TRUNCATE ON crm_data.follow_up FOR EACH STATEMENT EXECUTE FUNCTION crm.score_row_keep();
-- A new result of a purpose is what its reassessment asked for.
CREATE TRIGGER reassessed AFTER INSERT ON crm_data.score_result REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION crm.follow_up_reassessed();

CREATE VIEW crm.follow_up_due WITH (security_invoker = true) AS
SELECT f.customer_code, f.follow_up_no, f.domain, f.action, f.subject, f.opened_on, f.due_on, f.owner_unit, f.owner,
       greatest(crm.company_today() - f.due_on, 0) AS days_overdue
  FROM crm_data.follow_up f WHERE f.closed_on IS NULL;
GRANT SELECT ON crm.follow_up_due TO crm_data_admin, crm_credit;
COMMENT ON VIEW crm.follow_up_due IS 'What is open of the work list; overdue is what has days_overdue above 0 (待办与逾期).';
COMMENT ON COLUMN crm.follow_up_due.customer_code IS 'Customer (客户编号).';
COMMENT ON COLUMN crm.follow_up_due.follow_up_no IS 'Number of the follow-up (待办号).';
COMMENT ON COLUMN crm.follow_up_due.domain IS 'Says who may see it (领域).';
COMMENT ON COLUMN crm.follow_up_due.action IS 'What is to be done (措施).';
COMMENT ON COLUMN crm.follow_up_due.subject IS 'scheme.class of a strategy, purpose of a reassessment (对象).';
COMMENT ON COLUMN crm.follow_up_due.opened_on IS 'Since when it stands in the list (开始日).';
COMMENT ON COLUMN crm.follow_up_due.due_on IS 'By when it is to be done (到期日).';
COMMENT ON COLUMN crm.follow_up_due.owner_unit IS 'Responsible unit (归属单位).';
COMMENT ON COLUMN crm.follow_up_due.owner IS 'Whose it is; null: nobody''s yet (负责人).';
COMMENT ON COLUMN crm.follow_up_due.days_overdue IS 'Days since it was due; 0: not yet (逾期天数).';

INSERT INTO crm_data.merge_rule (relation, way, reason) VALUES ('follow_up', 'stays', 'work that was opened for this record');
