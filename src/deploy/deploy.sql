-- deploy: makes and migrates the tables, which are the user's and no members of
-- the extension. Why: member tables lose rows in parallel restores, lose what a
-- DBA added to them, and go with DROP EXTENSION.

CREATE FUNCTION crm.deploy_steps() RETURNS TABLE (room text, version text, step regprocedure, is_migration boolean)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    -- A room's tables as they are now: crm.deploy_ROOM(). A step that brings an
    -- older deployment of it to VERSION: crm.migrate_ROOM_to_VERSION(), with _ for
    -- the dots. Both are members, so whoever can write here owns the extension.
    -- Members are numbered in the order in which they were made: deploy order.
    SELECT coalesce(substring(p.proname FROM '^deploy_(.+)$'), substring(p.proname FROM '^migrate_(.+)_to_[0-9_]+$')),
           coalesce(translate(substring(p.proname FROM '_to_([0-9_]+)$'), '_', '.'), e.extversion),
           p.oid::regprocedure,
           p.proname LIKE 'migrate\_%'
      FROM pg_proc p
      JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
       AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'crm'
     WHERE p.prokind = 'p' AND p.pronargs = 0 AND p.proname ~ '^(deploy|migrate)_.+'
     ORDER BY p.oid $$;
COMMENT ON FUNCTION crm.deploy_steps() IS
$$The steps that crm.deploy() knows, in order: for each room its tables, and its migrations (部署步骤).$$;

CREATE FUNCTION crm.deploy_pending() RETURNS TABLE (room text, version text, step regprocedure)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- A room that was never deployed gets its tables; one that was gets the
    -- migrations that are newer than what it has.
    RETURN QUERY
    SELECT s.room, s.version, s.step
      FROM deploy_steps() WITH ORDINALITY s(room, version, step, is_migration, ord)
      LEFT JOIN LATERAL (SELECT max(string_to_array(v.version, '.')::int[]) AS version
                           FROM crm_data.schema_version v WHERE v.room = s.room) done ON true
     WHERE CASE WHEN s.is_migration
                THEN string_to_array(s.version, '.')::int[] > done.version
                ELSE done.version IS NULL END
     ORDER BY s.is_migration, CASE WHEN s.is_migration THEN string_to_array(s.version, '.')::int[] END, s.ord;
END
$$;
COMMENT ON FUNCTION crm.deploy_pending() IS
$$The steps that crm.deploy() would run now; none when all is up to date (待部署步骤).$$;
REVOKE EXECUTE ON FUNCTION crm.deploy_pending() FROM PUBLIC; -- reads crm_data
GRANT EXECUTE ON FUNCTION crm.deploy_pending() TO crm_owner; -- crm.health() asks as the owner

CREATE PROCEDURE crm.deploy_ground()
    LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    -- A schema may have stayed when the extension was dropped.
    IF to_regnamespace('crm_data') IS NULL THEN CREATE SCHEMA crm_data; END IF;
    IF to_regnamespace('crm_report') IS NULL THEN CREATE SCHEMA crm_report; END IF;
    IF to_regnamespace('crm_secure') IS NULL THEN CREATE SCHEMA crm_secure; END IF;
    COMMENT ON SCHEMA crm_data IS 'Tables of the customer master; read through the views of schema crm (客户数据).';
    COMMENT ON SCHEMA crm_report IS 'Views for reporting tools (报表).';
    COMMENT ON SCHEMA crm_secure IS 'Register of keys, credentials, access log (安全).';
    GRANT USAGE, CREATE ON SCHEMA crm_data, crm_report, crm_secure TO crm_owner;
    GRANT USAGE ON SCHEMA crm_report TO PUBLIC; -- who may read a report is granted view by view
    CREATE TABLE crm_data.schema_version (
        room       text NOT NULL,
        version    text NOT NULL CHECK (version ~ '^[0-9]+(\.[0-9]+)*$'),
        applied_at timestamptz NOT NULL DEFAULT now(),
        applied_by name NOT NULL DEFAULT session_user,
        PRIMARY KEY (room, version)
    );
    ALTER TABLE crm_data.schema_version OWNER TO crm_owner;
    ALTER TABLE crm_data.schema_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON crm_data.schema_version TO crm_owner USING (true);
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.deploy_ground() FROM PUBLIC; -- a part of crm.deploy()
COMMENT ON PROCEDURE crm.deploy_ground() IS 'First step of crm.deploy(): schemas and the version table (部署基础).';

-- A library may serve a database that is a version behind, but nothing is deployed across versions.
CREATE FUNCTION crm.check_library() RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    here text := (SELECT extversion FROM pg_extension WHERE extname = 'crm');
    library text := crm.library_version();
BEGIN
    IF library <> here THEN
        RAISE EXCEPTION 'the library of crm is of another version than this database' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('Library %s, database %s.', library, here),
            HINT = CASE WHEN string_to_array(library, '.')::int[] > string_to_array(here, '.')::int[]
                        THEN 'ALTER EXTENSION crm UPDATE; then CALL crm.deploy() again.'
                        ELSE 'Install the library of the database''s version, then connect again.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION crm.check_library() IS
$$Raise 55000 when the loaded library is of another version than the extension in this database (版本检查).$$;

CREATE PROCEDURE crm.deploy()
    LANGUAGE plpgsql SET search_path = pg_catalog, crm, pg_temp
    AS $$
DECLARE
    pending record;
    before text := current_setting('role');
    steps int := 0;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'only a superuser can deploy crm' USING ERRCODE = 'insufficient_privilege',
            HINT = 'Connect as a superuser: deploy() makes objects for crm_owner and rights for the other roles.';
    END IF;
    PERFORM crm.check_library();
    -- Two deploys at once: the second waits here, then finds nothing to do.
    PERFORM pg_advisory_xact_lock(hashtext('crm.deploy'));
    IF to_regclass('crm_data.schema_version') IS NULL THEN
        CALL crm.deploy_ground();
    END IF;
    FOR pending IN SELECT * FROM crm.deploy_pending() LOOP
        IF pending.room <> 'ground' THEN
            -- All objects are the owner's, who cannot log in.
            SET LOCAL ROLE crm_owner;
            EXECUTE format('CALL %s', pending.step);
            PERFORM set_config('role', before, true);
        END IF;
        INSERT INTO crm_data.schema_version (room, version) VALUES (pending.room, pending.version);
        steps := steps + 1;
    END LOOP;
    IF steps = 0 THEN
        RAISE NOTICE 'crm is up to date' USING DETAIL = 'All rooms are deployed.';
    END IF;
END
$$;
REVOKE EXECUTE ON PROCEDURE crm.deploy() FROM PUBLIC; -- makes tables and policies
COMMENT ON PROCEDURE crm.deploy() IS
$$Make the tables, policies, triggers and views, or bring them up to the extension's version (部署).
Run it after CREATE EXTENSION and after ALTER EXTENSION crm UPDATE; a second call changes nothing, two at once are safe. One transaction: all or nothing. What ran is in crm_data.schema_version.
Errors: 42501 when not called by a superuser; 55000 when library and database are of different versions; those of the DDL itself.$$;
