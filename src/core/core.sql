-- core: roles, the company's day, error codes.

-- Roles belong to the whole cluster, so another database may have made them.
-- A role of one of these names that can log in, or more, was not made by us:
-- whoever owns it would inherit the customers, so we stop.
DO $roles$
DECLARE
    wanted text[] := ARRAY['crm_owner', 'crm_admin', 'crm_data_admin', 'crm_reader', 'crm_writer',
                           'crm_searcher', 'crm_revealer', 'crm_credit', 'crm_backup', 'crm_key_custodian', 'crm_steward'];
    squatter text;
    name text;
BEGIN
    SELECT string_agg(rolname, ', ') INTO squatter
      FROM pg_catalog.pg_roles
     WHERE rolname = ANY (wanted)
       AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolreplication
            OR rolbypassrls AND rolname <> 'crm_backup');
    IF squatter IS NOT NULL THEN
        RAISE EXCEPTION 'role of the extension exists with rights it must not have'
            USING ERRCODE = 'duplicate_object', DETAIL = 'Roles: ' || squatter || '.',
                  HINT = 'Rename these roles, or take LOGIN, SUPERUSER, CREATEROLE, REPLICATION and BYPASSRLS from them.';
    END IF;
    FOREACH name IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
    -- pg_dump reads every row and sequence; row security is forced on all tables.
    ALTER ROLE crm_backup BYPASSRLS;
    GRANT pg_read_all_data TO crm_backup;
    GRANT crm_writer, crm_searcher, crm_reader, crm_steward TO crm_data_admin;
    -- What runs as the owner writes and searches for the caller, after checking the caller.
    GRANT crm_writer, crm_searcher, crm_steward TO crm_owner;
END
$roles$;

-- Types and functions of the public face may be named by everybody; who may run
-- or read what is granted one by one. Views are made by deploy() as crm_owner.
COMMENT ON SCHEMA crm IS 'The public face of the customer master: types, functions, views (客户信息管理).';
GRANT USAGE ON SCHEMA crm TO PUBLIC;
GRANT CREATE ON SCHEMA crm TO crm_owner;

CREATE FUNCTION crm.company_today() RETURNS date
    AS 'MODULE_PATHNAME', 'crm_company_today_sql' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.company_today() IS
$$Today in the company's time zone, crm.timezone, whatever the session's is (公司日期).
Taken at the start of the transaction. Only a superuser or the server's configuration sets the zone.$$;

CREATE FUNCTION crm.require_batch_size(size integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
BEGIN
    IF (size > 0) IS NOT TRUE THEN
        RAISE EXCEPTION 'a batch has one row or more' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Leave the size out, or give how many rows a transaction shall take.';
    END IF;
END
$$;
COMMENT ON FUNCTION crm.require_batch_size(integer) IS
$$Refuse a size of batches that would never come to an end, or to a beginning (批量大小检查). Errors: 22023.$$;

CREATE FUNCTION crm.library_version() RETURNS text
    AS 'MODULE_PATHNAME', 'crm_library_version' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.library_version() IS
$$Version of the library that the server has loaded (库版本). The version of the database's objects is pg_extension's.$$;

CREATE FUNCTION crm.lang() RETURNS text
    AS 'MODULE_PATHNAME', 'crm_lang_sql' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.lang() IS
$$Language in which this session reads labels and reasons: zh or en (语言).
The setting crm.lang; auto follows lc_messages.$$;

CREATE FUNCTION crm.error_codes() RETURNS TABLE (sqlstate text, meaning_en text, meaning_zh text)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$ VALUES
    ('KH001', 'validation failed',               '校验未通过'),
    ('KH002', 'suspected duplicate',             '疑似重复客户'),
    ('KH003', 'approval required',               '需要审批'),
    ('KH004', 'four eyes: a second person must act', '须由另一人办理'),
    ('KH005', 'consent missing',                 '缺少同意'),
    ('KH006', 'transition not allowed',          '不允许的状态变更'),
    ('KH007', 'deadline or period',              '期限不符'),
    ('KH008', 'not enough points',               '积分不足'),
    ('KH009', 'credential locked',               '密码已锁定'),
    ('KH010', 'archived',                        '已归档'),
    ('KH011', 'legal hold',                      '法律保全'),
    ('KH012', 'key unavailable',                 '密钥不可用'),
    ('KH013', 'code space used up',              '编号已用尽'),
    ('KH014', 'conflict with a newer change',    '与较新的变更冲突'),
    ('KH015', 'qualification missing',           '缺少资格'),
    ('KH016', 'export not approved',             '导出未获批准'),
    ('KHP01', 'more than remains to be reversed', '超出可冲正数'),
    ('KHP02', 'the credit is past its last day', '积分已过期'),
    ('KHP03', 'points account locked',           '积分账户已锁定'),
    ('KHP04', 'under the least redemption',      '低于最低兑换额'),
    ('KHP05', 'transfer to oneself',             '不能转给自己'),
    ('KHP06', 'budget or stock used up',         '预算或库存不足'),
    ('KHP07', 'customer may not do this with points', '客户不符合积分使用条件') $$;
COMMENT ON FUNCTION crm.error_codes() IS
$$The SQLSTATEs of class KH with their meaning in English and Chinese (错误代码).$$;
