-- core: long work shows its progress here.

CREATE TABLE crm_data.job (
    job_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    subject     text NOT NULL,
    state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    done        bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
    total       bigint CHECK (total >= 0),
    started_by  name NOT NULL DEFAULT session_user,
    pid         integer NOT NULL DEFAULT pg_backend_pid(),
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE crm_data.job ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_data.job TO crm_owner USING (true);
CREATE POLICY visible ON crm_data.job FOR SELECT TO crm_data_admin, crm_admin, crm_writer USING (true);
GRANT SELECT ON crm_data.job TO crm_data_admin, crm_admin, crm_writer;

CREATE VIEW crm.job_progress WITH (security_invoker = true) AS
SELECT job_id, kind, subject,
       -- Running is what has a session that is at work on something else than this view.
       -- Who may not see others' sessions sees their numbers alone, and takes that for an answer.
       CASE WHEN j.state = 'running' AND NOT EXISTS (
                SELECT FROM pg_stat_activity a
                 WHERE a.pid = j.pid AND a.pid <> pg_backend_pid() AND coalesce(a.backend_start <= j.started_at, true)
                   AND coalesce(a.state, 'active') = 'active')
            THEN 'interrupted' ELSE j.state END AS state,
       done, total,
       round(100.0 * done / NULLIF(total, 0), 1) AS percent,
       round(done / NULLIF(extract(epoch FROM updated_at - started_at), 0)) AS rows_per_second,
       CASE WHEN j.state = 'running' AND done > 0
            THEN updated_at + (updated_at - started_at) * ((total - done)::float8 / done) END AS estimated_end,
       started_by, started_at, updated_at
  FROM crm_data.job j;
GRANT SELECT ON crm.job_progress TO crm_data_admin, crm_admin, crm_writer;
COMMENT ON VIEW crm.job_progress IS
$$Progress of long work, visible to other sessions while it runs (任务进度).
Rows done, total, rate and estimated end. State interrupted: it failed or its session has ended; the work goes on from where it was when it is called again.$$;
COMMENT ON COLUMN crm.job_progress.percent IS 'Done, in percent of total (完成百分比).';
COMMENT ON COLUMN crm.job_progress.rows_per_second IS 'Rows a second since the start (速度).';
COMMENT ON COLUMN crm.job_progress.estimated_end IS 'When it will end at this rate (预计完成时间).';
COMMENT ON COLUMN crm.job_progress.job_id IS 'Number of the run (任务号).';
COMMENT ON COLUMN crm.job_progress.kind IS 'What runs: import, ... (任务类别).';
COMMENT ON COLUMN crm.job_progress.subject IS 'What it runs on (对象).';
COMMENT ON COLUMN crm.job_progress.state IS 'running, done, failed or interrupted (状态).';
COMMENT ON COLUMN crm.job_progress.done IS 'Rows done so far, committed (已处理行数).';
COMMENT ON COLUMN crm.job_progress.total IS 'Rows to do (总行数).';
COMMENT ON COLUMN crm.job_progress.started_by IS 'Who started it (发起人).';
COMMENT ON COLUMN crm.job_progress.started_at IS 'When it began (开始时间).';
COMMENT ON COLUMN crm.job_progress.updated_at IS 'When it last committed (更新时间).';
