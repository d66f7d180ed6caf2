/*
 * pii_ring.c: the data keys: read from crm_secure.key_ring, unwrapped, and kept
 * with one cipher or token context for each type.
 *
 * The table is read directly, without rights of the caller, once per backend; a
 * relcache invalidation of it (which a trigger sends on every change) makes all
 * backends read it again.  A data key never leaves this file and the memory it
 * shares with pii_kek.c.
 */
#include "pii_room.h"

#include <openssl/crypto.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define RETRY_AFTER USECS_PER_SEC

/* One row of the ring; its key is crm_secrets()->data_key[of the same index]. */
typedef struct DataKey
{
	uint32		id;
	bool		is_token;
	bool		active;
	CrmCipher	cipher[CRM_PII_TYPE_END];
	CrmHmac		token[CRM_PII_TYPE_END];
} DataKey;

static DataKey ring[CRM_KEYS_MAX];
static int	ring_size;
static Oid	ring_oid;

/* The newest active key of each purpose; NULL where there is none. */
static DataKey *active_encryption;
static DataKey *active_token;

static bool ready;				/* what is in memory is what the table says */
static bool tried;
static CrmKeyFault last_fault;
static TimestampTz last_try;

/* The cipher that opened the last value of each type. */
static struct
{
	uint32		id;
	CrmCipher  *cipher;
}			recent[CRM_PII_TYPE_END];

/* Read everything again at the next use. */
void
crm_keys_forget(void)
{
	ready = false;
	tried = false;
}

static void
ring_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == ring_oid)
		crm_keys_forget();
}

Oid
crm_key_ring_oid(void)
{
	Oid			schema = get_namespace_oid("crm_secure", true);

	return OidIsValid(schema) ? get_relname_relid("key_ring", schema) : InvalidOid;
}

static void
drop_keys(void)
{
	for (int i = 0; i < ring_size; i++)
	{
		for (int type = 0; type < CRM_PII_TYPE_END; type++)
		{
			crm_cipher_close(&ring[i].cipher[type]);
			crm_hmac_close(&ring[i].token[type]);
		}
		OPENSSL_cleanse(crm_secrets()->data_key[i], CRM_KEY_SIZE);
	}
	memset(ring, 0, sizeof(DataKey) * ring_size);
	memset(recent, 0, sizeof(recent));
	active_encryption = active_token = NULL;
	ring_size = 0;
}

/* Columns of the ring by number; false when it is no table of ours. */
typedef struct RingColumns
{
	AttrNumber	key_id;
	AttrNumber	purpose;
	AttrNumber	wrapped;
	AttrNumber	state;
} RingColumns;

static bool
find_columns(Relation rel, RingColumns *c)
{
	Oid			oid = RelationGetRelid(rel);

	c->key_id = get_attnum(oid, "key_id");
	c->purpose = get_attnum(oid, "purpose");
	c->wrapped = get_attnum(oid, "wrapped");
	c->state = get_attnum(oid, "state");
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		get_atttype(oid, c->key_id) == INT4OID && get_atttype(oid, c->purpose) == TEXTOID &&
		get_atttype(oid, c->wrapped) == BYTEAOID && get_atttype(oid, c->state) == TEXTOID;
}

static Datum
column(HeapTuple tuple, AttrNumber number, TupleDesc desc, bool *any_null)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, number, desc, &isnull);

	*any_null = *any_null || isnull;
	return value;
}

/* Take one row; false when it has a key that does not unwrap. */
static bool
take_row(HeapTuple tuple, TupleDesc desc, const RingColumns *c)
{
	bool		any_null = false;
	DataKey    *key = &ring[ring_size];
	Datum		id = column(tuple, c->key_id, desc, &any_null);
	Datum		purpose = column(tuple, c->purpose, desc, &any_null);
	Datum		wrapped = column(tuple, c->wrapped, desc, &any_null);
	Datum		state = column(tuple, c->state, desc, &any_null);
	const char *purpose_text;
	bytea	   *bytes;

	if (any_null || ring_size == CRM_KEYS_MAX)
		return true;
	purpose_text = TextDatumGetCString(purpose);
	bytes = DatumGetByteaPP(wrapped);
	if (!crm_key_unwrap(crm_secrets()->kek, DatumGetUInt32(id), purpose_text,
						(uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
						crm_secrets()->data_key[ring_size]))
		return false;
	key->id = DatumGetUInt32(id);
	key->is_token = strcmp(purpose_text, "token") == 0;
	key->active = strcmp(TextDatumGetCString(state), "active") == 0;
	ring_size++;
	return true;
}

static CrmKeyFault
read_ring(void)
{
	Relation	rel;
	RingColumns columns;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			wrong = 0;

	ring_oid = crm_key_ring_oid();
	if (!OidIsValid(ring_oid))
		return CRM_KEY_NO_RING;
	rel = table_open(ring_oid, AccessShareLock);
	if (!find_columns(rel, &columns))
	{
		table_close(rel, AccessShareLock);
		return CRM_KEY_NO_RING;
	}
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (!take_row(tuple, RelationGetDescr(rel), &columns))
			wrong++;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (ring_size > 0)
		return CRM_KEY_OK;
	return wrong > 0 ? CRM_KEY_WRONG : CRM_KEY_EMPTY_RING;
}

/* The newest active key of a purpose. */
static DataKey *
active_key(bool is_token)
{
	DataKey    *best = NULL;

	for (int i = 0; i < ring_size; i++)
		if (ring[i].is_token == is_token && ring[i].active &&
			(best == NULL || ring[i].id > best->id))
			best = &ring[i];
	return best;
}

/*
 * Have the keys in memory, or tell why not.  Output calls this for every value,
 * so a failure is not tried again within the same second.
 */
CrmKeyFault
crm_keys_ready(void)
{
	CrmKeyFault fault;

	if (likely(ready))
		return CRM_KEY_OK;
	if (!IsTransactionState())
		return CRM_KEY_NOT_NOW;
	if (tried && GetCurrentStatementStartTimestamp() < last_try + RETRY_AFTER)
		return last_fault;

	drop_keys();
	tried = true;
	last_try = GetCurrentStatementStartTimestamp();
	last_fault = CRM_KEY_NOT_NOW;	/* should reading raise an error */
	fault = crm_kek_load();
	if (fault == CRM_KEY_OK)
		fault = read_ring();
	if (fault == CRM_KEY_WRONG)
		crm_kek_forget();
	last_fault = fault;
	active_encryption = active_key(false);
	active_token = active_key(true);
	ready = tried && fault == CRM_KEY_OK;
	return fault;
}

static DataKey *
find_key(bool is_token, uint32 id)
{
	for (int i = 0; i < ring_size; i++)
		if (ring[i].is_token == is_token && ring[i].id == id)
			return &ring[i];
	return NULL;
}

static bool
derive(const DataKey *key, CrmPiiType type, uint8 derived[CRM_KEY_SIZE])
{
	return crm_key_derive(crm_secrets()->data_key[key - ring],
						  key->is_token ? "token" : "encryption",
						  crm_pii_traits(type)->name, derived);
}

static CrmCipher *
key_cipher(DataKey *key, CrmPiiType type)
{
	CrmCipher  *cipher = &key->cipher[type];
	uint8		derived[CRM_KEY_SIZE];
	bool		ok;

	if (cipher->mode != NULL)
		return cipher;
	ok = derive(key, type, derived) && crm_cipher_open(cipher, derived);
	OPENSSL_cleanse(derived, sizeof(derived));
	return ok ? cipher : NULL;
}

static const CrmHmac *
key_token(DataKey *key, CrmPiiType type)
{
	CrmHmac    *token = &key->token[type];
	uint8		derived[CRM_KEY_SIZE];
	bool		ok;

	if (token->work != NULL)
		return token;
	ok = derive(key, type, derived) && crm_hmac_open(token, derived, sizeof(derived));
	OPENSSL_cleanse(derived, sizeof(derived));
	return ok ? token : NULL;
}

/* The cipher that opens envelopes of a key, NULL when that key is not at hand. */
CrmCipher *
crm_pii_cipher(uint32 key_id, CrmPiiType type)
{
	DataKey    *key;

	if (likely(ready && recent[type].cipher != NULL && recent[type].id == key_id))
		return recent[type].cipher;
	if (crm_keys_ready() != CRM_KEY_OK)
		return NULL;
	key = find_key(false, key_id);
	if (key == NULL)
		return NULL;
	recent[type].id = key_id;
	return recent[type].cipher = key_cipher(key, type);
}

/* Why no new value can be sealed now. */
CrmKeyFault
crm_pii_seal_fault(void)
{
	CrmKeyFault fault = crm_keys_ready();

	if (fault == CRM_KEY_OK && (active_encryption == NULL || active_token == NULL))
		return CRM_KEY_EMPTY_RING;
	return fault;
}

/* The keys with which new values are sealed; raises KH012 when there are none. */
void
crm_pii_seal_keys(CrmPiiType type, CrmSealKeys *keys)
{
	CrmKeyFault fault = crm_pii_seal_fault();

	if (fault != CRM_KEY_OK)
		crm_key_fault_raise(fault);
	keys->key_id = active_encryption->id;
	keys->token_key_id = (uint16) active_token->id;
	keys->cipher = key_cipher(active_encryption, type);
	keys->token = key_token(active_token, type);
	if (keys->cipher == NULL || keys->token == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not set up a cipher")));
}

void
crm_pii_secret(const char *purpose, unsigned char secret[CRM_KEY_SIZE])
{
	CrmKeyFault fault = crm_pii_seal_fault();

	if (fault != CRM_KEY_OK)
		crm_key_fault_raise(fault);
	if (!crm_key_derive(crm_secrets()->data_key[active_token - ring], "secret", purpose, secret))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not derive a key")));
}

/* How many keys are in memory and which seal; 0 where there is none. */
void
crm_keys_count(int *keys, uint32 *encryption_id, uint32 *token_id)
{
	*keys = ready ? ring_size : 0;
	*encryption_id = ready && active_encryption != NULL ? active_encryption->id : 0;
	*token_id = ready && active_token != NULL ? active_token->id : 0;
}

#define HINT_SOURCE "ALTER SYSTEM SET crm.key_file = '/a/path/outside/the/data/directory'; SELECT pg_reload_conf(); SELECT crm.key_generate();"

/* What is wrong, and what to do about it; in the order of CrmKeyFault. */
static const struct
{
	const char *detail;
	const char *hint;
}			fault_words[CRM_KEY_FAULT_END] =
{
	[CRM_KEY_OK] = {"The keys are loaded.", "Nothing to do."},
	[CRM_KEY_NO_SOURCE] = {"Neither crm.key_file nor crm.key_command is set.", HINT_SOURCE},
	[CRM_KEY_NOT_ABSOLUTE] = {"crm.key_file is not an absolute path.", HINT_SOURCE},
	[CRM_KEY_INSIDE_DATA] = {"crm.key_file lies in the data directory, so every base backup would hold the key.", HINT_SOURCE},
	[CRM_KEY_NO_FILE] = {"There is no file at crm.key_file.", "Bring the file from its safe; for a new database SELECT crm.key_generate(); makes one."},
	[CRM_KEY_UNREADABLE] = {"The file at crm.key_file cannot be read.", "Make it a plain file that the server's user can read."},
	[CRM_KEY_OWNER] = {"The file at crm.key_file belongs to another user.", "chown it to the server's user or to root."},
	[CRM_KEY_MODE] = {"The file at crm.key_file is open to group or others.", "chmod 0600 on it."},
	[CRM_KEY_FORM] = {"The key is not 64 hexadecimal digits.", "Bring the right file or command; crm.key_generate() makes a new key where no file is."},
	[CRM_KEY_COMMAND] = {"crm.key_command failed.", "Run it as the server's user; it must print 64 hexadecimal digits and exit with 0."},
	[CRM_KEY_NO_RING] = {"This database has no crm_secure.key_ring.", "CALL crm.deploy(); SELECT crm.key_generate();"},
	[CRM_KEY_EMPTY_RING] = {"crm_secure.key_ring holds no active keys.", "SELECT crm.key_generate();"},
	[CRM_KEY_WRONG] = {"The keys of this database were wrapped by another key-encryption key.", "Bring the key file of the database that these data come from."},
	[CRM_KEY_LOST] = {"There is no file at crm.key_file, but this database has keys that were wrapped by one.", "Bring the key file of the database that these data come from."},
	[CRM_KEY_UNKNOWN_ID] = {"The value was sealed with a key that crm_secure.key_ring does not hold.", "Restore the row of that key, or take the value as erased."},
	[CRM_KEY_NOT_NOW] = {"Keys cannot be read outside a transaction.", "Roll back and try again."},
};

const char *
crm_key_fault_detail(CrmKeyFault fault)
{
	return fault_words[fault].detail;
}

void
crm_key_fault_raise(CrmKeyFault fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_CRM_KEY_UNAVAILABLE),
			 errmsg("no key for personal data"),
			 errdetail("%s", fault_words[fault].detail),
			 errhint("%s", fault_words[fault].hint),
			 errhidestmt(true)));
}

void
crm_ring_init(void)
{
	CacheRegisterRelcacheCallback(ring_changed, (Datum) 0);
}
