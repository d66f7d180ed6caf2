-- Proves: CREATE EXTENSION and CALL crm.deploy() work on an empty database, a second
-- deploy() changes nothing, and a key can be made. The other files build on it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION crm CASCADE;
CALL crm.deploy();
RESET client_min_messages;
CALL crm.deploy();
SELECT count(*) > 0 AS deployed, count(*) = count(DISTINCT room) AS once FROM crm_data.schema_version;
SELECT count(*) AS pending FROM crm.deploy_pending();
-- The tests' own key file, beside the server's data; later connections use it.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET crm.key_file = %L', current_database(),
                   regexp_replace(current_setting('data_directory'), '/[^/]+/?$', '') || '/crm_regress.key');
END $$;
