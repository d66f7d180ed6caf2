-- pii: the ring of data keys. Each is wrapped by the key-encryption key, which is
-- in no table and no backup of this database.

CREATE TABLE crm_secure.key_ring (
    key_id     integer     NOT NULL CHECK (key_id > 0),
    purpose    text        NOT NULL CHECK (purpose IN ('encryption', 'token')),
    wrapped    bytea       CHECK (length(wrapped) = 60),
    state      text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired', 'destroyed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by name        NOT NULL DEFAULT session_user,
    PRIMARY KEY (purpose, key_id),
    -- An envelope has two bytes for the id of its token key.
    CHECK (purpose <> 'token' OR key_id <= 65535),
    CHECK ((state = 'destroyed') = (wrapped IS NULL))
);
CREATE UNIQUE INDEX key_ring_active ON crm_secure.key_ring (purpose) WHERE state = 'active';
ALTER TABLE crm_secure.key_ring ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON crm_secure.key_ring TO crm_owner USING (true);
COMMENT ON POLICY owner ON crm_secure.key_ring IS 'The owner alone, who cannot log in; the server reads the keys without a policy (仅所有者).';
-- Backends keep the keys they have read; this makes all of them read again.
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_secure.key_ring
    FOR EACH STATEMENT EXECUTE FUNCTION crm.key_ring_changed();
COMMENT ON TRIGGER changed ON crm_secure.key_ring IS 'All sessions read the keys again (密钥环变更).';
COMMENT ON TABLE crm_secure.key_ring IS
$$Data keys of personal data, wrapped (密钥环).
AES-256-GCM under the key-encryption key, bound to purpose and key_id. A copy of this table opens nothing without that key. The server reads it directly; no role needs a right on it.$$;
COMMENT ON COLUMN crm_secure.key_ring.key_id IS 'Number of the key within its purpose; every envelope names it (密钥编号).';
COMMENT ON COLUMN crm_secure.key_ring.purpose IS 'encryption or token: no key serves both (用途).';
COMMENT ON COLUMN crm_secure.key_ring.wrapped IS 'Nonce, ciphertext and tag, 12 + 32 + 16 bytes; null once destroyed (包裹后的密钥).';
COMMENT ON COLUMN crm_secure.key_ring.state IS 'active: seals new values; retired: still opens old ones; destroyed: opens nothing any more (状态).';
COMMENT ON COLUMN crm_secure.key_ring.created_at IS 'When it was made (创建时间).';
COMMENT ON COLUMN crm_secure.key_ring.created_by IS 'Who made it (创建人).';
