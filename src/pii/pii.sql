-- pii: keys, masks and statistics of the personal-data types. The types
-- themselves, which are all alike, are in pii_types.sql.

CREATE FUNCTION crm.key_generate(OUT key_file_created boolean, OUT data_keys_created integer)
    AS 'MODULE_PATHNAME', 'crm_key_generate' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.key_generate() IS
$$Make the keys of personal data where there are none: the file at crm.key_file and the first data keys (生成密钥).
A second call changes nothing and says so. The file holds 64 hexadecimal digits, mode 0600, and is never written over: keep a copy of it where no backup of the database is, since without it no personal datum opens again.
For superusers and crm_key_custodian. Errors: 42501; KH012 with the setting to make in its hint; KH012 when the ring was wrapped by another key.$$;
-- Makes keys, so it is for their custodian alone.
REVOKE EXECUTE ON FUNCTION crm.key_generate() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.key_generate() TO crm_key_custodian;

CREATE FUNCTION crm.key_status(OUT source text, OUT loaded boolean, OUT detail text,
                               OUT encryption_key_id integer, OUT token_key_id integer, OUT data_keys integer)
    AS 'MODULE_PATHNAME', 'crm_key_status' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION crm.key_status() IS
$$How the keys of personal data stand in this session; no secrets (密钥状态).
source: file, command or none; loaded; detail in words; the ids of the keys that seal new values; how many data keys are usable. Never raises.$$;

CREATE FUNCTION crm.key_ring_changed() RETURNS trigger
    AS 'MODULE_PATHNAME', 'crm_key_ring_changed' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.key_ring_changed() IS
$$Trigger of crm_secure.key_ring: makes every session read the keys again (密钥环变更).
Error: 39P01 when it is called by itself.$$;
-- Only a trigger has a use for it.
REVOKE EXECUTE ON FUNCTION crm.key_ring_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.key_ring_changed() TO crm_owner;

CREATE FUNCTION crm.pii_typanalyze(internal) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_pii_typanalyze' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.pii_typanalyze(internal) IS
$$ANALYZE of personal data: null fraction, width and number of distinct values, no values and no frequencies (统计).$$;

-- Holds only what somebody changed; the defaults are in the code.
CREATE TABLE crm.mask_setting (
    pii_type    text     NOT NULL,
    role_name   text     NOT NULL,
    shown_left  smallint NOT NULL CHECK (shown_left BETWEEN 0 AND 6),
    shown_right smallint NOT NULL CHECK (shown_right BETWEEN 0 AND 6),
    PRIMARY KEY (pii_type, role_name)
);
SELECT pg_catalog.pg_extension_config_dump('crm.mask_setting', '');
-- How much a mask shows is no secret; crm.mask_settings() reads it for everybody.
GRANT SELECT ON crm.mask_setting TO PUBLIC;
COMMENT ON TABLE crm.mask_setting IS
$$Masks that differ from their default, by type and role (掩码设置).
Written by crm.mask_set() and crm.mask_reset(), which tell all sessions; a row changed otherwise holds from the next session on.$$;
COMMENT ON COLUMN crm.mask_setting.pii_type IS 'Type without schema: phone, id_number, ... (类型).';
COMMENT ON COLUMN crm.mask_setting.role_name IS 'Role whose members it holds for, or public (角色).';
COMMENT ON COLUMN crm.mask_setting.shown_left IS 'What is shown at the left; its unit depends on the type: crm.mask_settings() (左侧明文).';
COMMENT ON COLUMN crm.mask_setting.shown_right IS 'What is shown at the right (右侧明文).';

CREATE FUNCTION crm.mask_default(pii_type text, OUT shown_left smallint, OUT shown_right smallint,
                                 OUT most_left smallint, OUT most_right smallint)
    AS 'MODULE_PATHNAME', 'crm_mask_default_sql' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION crm.mask_default(text) IS
$$What the mask of a type shows unless it is set otherwise, and the most it can be set to (默认掩码).
Error: 22023 for an unknown type.$$;

CREATE FUNCTION crm.mask_settings() RETURNS TABLE (pii_type text, role_name text, shown_left smallint,
                                                   shown_right smallint, is_default boolean, unit text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, crm, pg_temp
    AS $$
    SELECT t.pii_type, 'public', d.shown_left, d.shown_right, true, t.unit
      FROM (VALUES ('phone',          'digits: operator, area or country code; last digits'),
                   ('id_number',      'characters at both ends'),
                   ('bank_card',      'digits at both ends'),
                   ('email',          'characters of the local part; 1 shows the domain'),
                   ('person_name',    '1 shows the surname or initials; 1 shows the last character of three or more'),
                   ('postal_address', '1 province, 2 city, 3 district; nothing'),
                   ('private_text',   'nothing is shown')) t(pii_type, unit)
     CROSS JOIN LATERAL crm.mask_default(t.pii_type) d
    UNION ALL
    SELECT s.pii_type, s.role_name, s.shown_left, s.shown_right, false, NULL
      FROM crm.mask_setting s
     ORDER BY 1, 5 DESC, 2 $$;
COMMENT ON FUNCTION crm.mask_settings() IS
$$All masks: the default of each type, then what was set for roles (掩码一览).
A row that names a role holds for its members and goes before one of public, which goes before the default. Of several roles of one user the narrowest counts.$$;

CREATE FUNCTION crm.mask_set(pii_type text, role_name text, shown_left smallint, shown_right smallint)
    RETURNS void
    AS 'MODULE_PATHNAME', 'crm_mask_set' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.mask_set(text, text, smallint, smallint) IS
$$Set what the mask of a type shows to the members of a role, or to public (设置掩码).
crm_admin may set it to the default or narrower; crm_data_admin and superusers also wider, up to most_left and most_right of crm.mask_default(). Holds in all sessions from their next statement.
Errors: 42501; 22023 for an unknown type or a mask beyond its limit; 42704 for an unknown role.$$;
-- Decides what others see: the function checks the caller's role, and PUBLIC has none of them.
REVOKE EXECUTE ON FUNCTION crm.mask_set(text, text, smallint, smallint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.mask_set(text, text, smallint, smallint) TO crm_admin, crm_data_admin;

CREATE FUNCTION crm.mask_reset(pii_type text, role_name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'crm_mask_reset' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION crm.mask_reset(text, text) IS
$$Take back what crm.mask_set() set; whether there was such a setting (恢复默认掩码).
For crm_data_admin and superusers, since it may widen what is seen. Errors: 42501; 22023 for an unknown type.$$;
-- May widen what others see.
REVOKE EXECUTE ON FUNCTION crm.mask_reset(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.mask_reset(text, text) TO crm_data_admin;
