-- health: what is not in order, for who runs the database. Each check says what it found, or
-- nothing. Quick: catalogs, settings and what has an index; the ledger's own check is crm.points_audit().

CREATE FUNCTION crm.health_schema() RETURNS TABLE (checked text, level text, finding text, hint text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    WITH ours AS (
        SELECT c.* FROM pg_class c
         WHERE c.relnamespace IN (to_regnamespace('crm_data'), to_regnamespace('crm_secure')) AND c.relkind IN ('r', 'p')
    )
    VALUES
    ('triggers', 'error',
     (SELECT string_agg(format('%s of %s', t.tgname, t.tgrelid::regclass), ', ' ORDER BY t.oid) FROM pg_trigger t JOIN ours ON ours.oid = t.tgrelid WHERE t.tgenabled NOT IN ('O', 'A')),
     'ALTER TABLE ... ENABLE TRIGGER ALL; what was written meanwhile was not checked.'),
    ('row security', 'error',
     (SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid) FROM ours WHERE NOT (relrowsecurity AND relforcerowsecurity)),
     'ALTER TABLE ... ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.'),
    ('owner', 'warning',
     (SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid) FROM ours WHERE relowner <> to_regrole('crm_owner')),
     'ALTER TABLE ... OWNER TO crm_owner, or keep tables of your own in a schema of your own.'),
    ('indexes', 'error',
     (SELECT string_agg(i.indexrelid::regclass::text, ', ' ORDER BY i.indexrelid) FROM pg_index i JOIN ours ON ours.oid = i.indrelid WHERE NOT (i.indisvalid AND i.indisready)),
     'REINDEX INDEX CONCURRENTLY ..., or drop what a concurrent build left behind.'),
    ('constraints', 'warning',
     (SELECT string_agg(format('%s of %s', n.conname, n.conrelid::regclass), ', ' ORDER BY n.oid) FROM pg_constraint n JOIN ours ON ours.oid = n.conrelid WHERE NOT n.convalidated),
     'ALTER TABLE ... VALIDATE CONSTRAINT ...'),
    ('statistics', 'warning',
     (SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid) FROM ours WHERE relkind = 'r' AND reltuples < 0 AND pg_relation_size(oid) >= 1048576),
     'ANALYZE; until then plans are guesses. After pg_restore or pg_upgrade nobody else does it at once.') $$;
COMMENT ON FUNCTION crm.health_schema() IS $$The checks of crm.health() that concern tables (表结构检查). A part of crm.health(): finding is null where all is in order.$$;

CREATE FUNCTION crm.health_rights() RETURNS TABLE (checked text, level text, finding text, hint text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    VALUES
    ('roles', 'error',
     (SELECT string_agg(fault, ', ')
        FROM (SELECT format('%s may log in or has more rights than its own', rolname) FROM pg_roles
               WHERE rolname ~ '^crm_(owner|admin|data_admin|reader|writer|searcher|revealer|credit|backup|key_custodian|steward)$'
                 AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls AND rolname <> 'crm_backup')
              UNION ALL
              SELECT format('%s is not a member of %s', member, of_role)
                FROM (VALUES ('crm_data_admin', 'crm_writer'), ('crm_data_admin', 'crm_searcher'), ('crm_data_admin', 'crm_reader'),
                             ('crm_data_admin', 'crm_steward'), ('crm_owner', 'crm_writer'), ('crm_owner', 'crm_searcher'),
                             ('crm_owner', 'crm_steward'), ('crm_backup', 'pg_read_all_data')) m (member, of_role)
               WHERE NOT pg_has_role(member, of_role, 'MEMBER')
              UNION ALL
              SELECT 'crm_backup cannot pass row security' FROM pg_roles WHERE rolname = 'crm_backup' AND NOT rolbypassrls) f (fault)),
     'GRANT or ALTER ROLE what is named, as CREATE EXTENSION had done.'),
    ('views', 'error',
     (SELECT string_agg(format('%s may not read %s', role, view), ', ')
        FROM (VALUES ('crm_reader', 'crm.customer_view'), ('crm_reader', 'crm.customer_contact'), ('crm_data_admin', 'crm.customer_view'),
                     ('crm_writer', 'crm.import_error'), ('crm_admin', 'crm.job_progress')) v (role, view)
       WHERE has_table_privilege(role, view, 'SELECT') IS NOT TRUE),
     'GRANT SELECT on the view to the role.'),
    ('functions', 'warning',
     (SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid) FROM pg_proc p
        JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid AND i.privtype = 'e'
       WHERE p.pronamespace = 'crm'::regnamespace
         AND (NOT p.proacl @> i.initprivs
              OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0) AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) a WHERE a.grantee = 0))),
     'A right that the extension gave is gone, or everybody has one that it kept from them.') $$;
COMMENT ON FUNCTION crm.health_rights() IS $$The checks of crm.health() that concern roles and rights (权限检查). A part of crm.health().$$;

CREATE FUNCTION crm.health_settings() RETURNS TABLE (checked text, level text, finding text, hint text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    VALUES
    ('search path', 'warning',
     (SELECT format('search_path is %s.', reset_val) FROM pg_settings WHERE name = 'search_path' AND reset_val !~ '\mcrm\M'),
     'ALTER DATABASE ... SET search_path = "$user", public, crm; else operators of the types are not found.'),
    ('log', 'warning',
     (SELECT string_agg(format('%s is %s', name, setting), ', ' ORDER BY name) FROM pg_settings
       WHERE name = 'log_statement' AND setting <> 'none' OR name = 'log_min_error_statement' AND setting NOT IN ('fatal', 'panic')
          OR name = 'log_parameter_max_length_on_error' AND setting <> '0' OR name = 'log_min_duration_statement' AND setting <> '-1'),
     'Values written into statements reach the server log; doc/install.md says which settings keep them out.') $$;
COMMENT ON FUNCTION crm.health_settings() IS $$The checks of crm.health() that concern settings of the session that asks (设置检查). A part of crm.health().$$;

CREATE FUNCTION crm.health_work(waiting_days integer) RETURNS TABLE (checked text, level text, finding text, hint text)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    RETURN QUERY VALUES
    ('posting path', 'warning', (SELECT path FROM crm.points_write_path() path WHERE path <> 'direct'),
     'Postings are right all the same, and slower; doc/points.md says what leads there.'),
    ('jobs', 'warning',
     (SELECT string_agg(format('%s of "%s" %s, %s of %s', j.kind, j.subject, j.state, j.done, coalesce(j.total::text, '?')), ', ' ORDER BY j.job_id)
        FROM crm.job_progress j
       WHERE (j.state IN ('interrupted', 'failed') OR j.state = 'running' AND j.updated_at < now() - interval '1 day')
         AND NOT EXISTS (SELECT FROM crm_data.job x WHERE x.kind = j.kind AND x.subject = j.subject AND x.job_id > j.job_id AND x.state = 'done')),
     'Call the same procedure again: it goes on where it stopped.'),
    ('expiry', 'warning',
     (SELECT format('points of %s accounts are past their last day, the oldest since %s', count(*), min(a.next_due))
        FROM crm_data.points_account a WHERE a.next_due < crm.company_today() - 1 HAVING count(*) > 0),
     'CALL crm.points_expire_due(); every day, by cron.'),
    ('promises', 'warning',
     (SELECT format('%s promises of points are due, the oldest since %s', count(*), min(p.release_on))
        FROM crm_data.points_promise p WHERE p.closed_at IS NULL AND p.release_on < crm.company_today() - 1 HAVING count(*) > 0),
     'CALL crm.points_release_due(); every day, by cron.'),
    ('approvals', 'warning',
     (SELECT format('%s requests wait for more than %s days, the oldest since %s', count(*), waiting_days, min(r.at)::date)
        FROM (SELECT m.requested_at FROM crm_data.merge_request m WHERE m.state = 'pending'
              UNION ALL SELECT s.requested_at FROM crm_data.score_request s WHERE s.state = 'requested') r (at)
       WHERE r.at < now() - make_interval(days => waiting_days) HAVING count(*) > 0),
     'crm.merge_approve() or crm.merge_reject(), crm.score_decide(): by a second person.'),
    ('matching', 'warning',
     (SELECT string_agg(CASE WHEN m.run_at IS NULL THEN format('model "%s" never ran', m.name)
                             ELSE format('model "%s" ran on %s, %s customers came since', m.name, m.run_at::date, n.since) END, ', ' ORDER BY m.name)
        FROM crm_data.match_model m,
             LATERAL (SELECT count(*) AS since FROM crm_data.customer c WHERE c.registered_at > coalesce(m.run_at, '-infinity')) n
       WHERE m.source = 'crm.match_customer' AND n.since > 1000 + 0.1 * m.records),
     'CALL crm.match_run(...); duplicates among these are not on the worklist.');
END
$$;
COMMENT ON FUNCTION crm.health_work(integer) IS $$The checks of crm.health() that concern what is to be done: jobs, expiry, promises, approvals, matching (待办检查). A part of crm.health().$$;

CREATE FUNCTION crm.health(waiting_days integer DEFAULT 7) RETURNS TABLE (checked text, state text, detail text, hint text)
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    here text := (SELECT extversion FROM pg_extension WHERE extname = 'crm');
    -- Before the tables there is nothing more to ask.
    is_deployed boolean := to_regclass('crm_data.schema_version') IS NOT NULL;
    pending text := CASE WHEN is_deployed THEN (SELECT string_agg(d.step::text, ', ') FROM crm.deploy_pending() d) ELSE 'nothing is deployed' END;
BEGIN
    RETURN QUERY
    SELECT c.checked, CASE WHEN c.finding IS NULL THEN 'ok' ELSE c.level END, c.finding, CASE WHEN c.finding IS NOT NULL THEN c.hint END
      FROM (VALUES
            ('library', 'error', CASE WHEN library_version() <> here THEN format('library %s, database %s', library_version(), here) END,
             'ALTER EXTENSION crm UPDATE; CALL crm.deploy(); or install the library of the database''s version.'),
            ('deployment', 'error', pending, 'CALL crm.deploy();'),
            ('key', 'error', (SELECT k.detail FROM crm.key_status() k WHERE NOT k.loaded), 'doc/install.md, Keys: what each answer of crm.key_status() asks for.')
           ) c (checked, level, finding, hint);
    IF pending IS NULL THEN
        RETURN QUERY
        SELECT c.checked, CASE WHEN c.finding IS NULL THEN 'ok' ELSE c.level END, c.finding, CASE WHEN c.finding IS NOT NULL THEN c.hint END
          FROM (SELECT * FROM crm.health_schema() UNION ALL SELECT * FROM crm.health_rights()
                UNION ALL SELECT * FROM crm.health_settings() UNION ALL SELECT * FROM crm.health_work(waiting_days)) c;
    END IF;
END
$$;
ALTER FUNCTION crm.health(integer) OWNER TO crm_owner;
REVOKE EXECUTE ON FUNCTION crm.health(integer) FROM PUBLIC; -- tells what is unguarded, and counts what the caller may not read
GRANT EXECUTE ON FUNCTION crm.health(integer) TO crm_admin;
COMMENT ON FUNCTION crm.health(integer) IS
$$What is not in order in this database, one row a check: ok, warning or error, what was found, what to do (健康检查).
Library and deployment, key, triggers, row security, owners, indexes, constraints, statistics, roles, views, functions, search path, log settings, posting path, jobs, expiry of points, promises of points, requests that wait longer than waiting_days, matching. Quick enough for every minute; it does not read the ledger, as crm.points_audit() does. Settings are those of the session that asks. For crm_admin and superusers.$$;
REVOKE EXECUTE ON FUNCTION crm.health_schema(), crm.health_rights(), crm.health_settings(), crm.health_work(integer) FROM PUBLIC; -- parts of crm.health()
GRANT EXECUTE ON FUNCTION crm.health_schema(), crm.health_rights(), crm.health_settings(), crm.health_work(integer) TO crm_owner;
