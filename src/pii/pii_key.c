/*
 * pii_key.c: what the custodian calls: make keys, ask how they stand.
 */
#include "pii_room.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

static void
require_custodian(void)
{
	if (crm_pii_has_right(CRM_RIGHT_CUSTODY))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to make keys"),
			 errdetail("Keys are made by crm_key_custodian or a superuser."),
			 errhint("Ask the custodian of the keys.")));
}

pg_noreturn static void
file_failed(const char *what)
{
	int			number = errno;

	(void) unlink(crm_key_file);
	errno = number;
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s the key file: %m", what),
			 errhint("The folder of crm.key_file must belong to the server's user.")));
}

/* Write it out before anything is wrapped by it: file and folder reach the disk. */
static void
write_key_file(int fd, const char *text, size_t length)
{
	char		folder[MAXPGPATH];

	if (write(fd, text, length) != (ssize_t) length)
		file_failed("write");
	if (pg_fsync(fd) != 0)
		file_failed("flush");
	strlcpy(folder, crm_key_file, sizeof(folder));
	get_parent_directory(folder);
	fsync_fname(folder, true);
}

/*
 * Make the key file.  O_EXCL: of two that make one at the same time the second
 * uses the first one's; an existing key is never written over.
 */
static bool
create_key_file(void)
{
	CrmSecrets *secrets = crm_secrets();
	char		text[CRM_KEY_TEXT_SIZE + 2];
	int			fd;

	fd = BasicOpenFilePerm(crm_key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
						   S_IRUSR | S_IWUSR);
	if (fd < 0 && errno == EEXIST)
		return false;
	if (fd < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not create the key file: %m"),
				 errhint("The folder of crm.key_file must exist and belong to the server's user.")));
	if (RAND_priv_bytes(secrets->kek, CRM_KEY_SIZE) != 1)
		file_failed("find random bytes for");
	crm_key_print(secrets->kek, text);
	text[CRM_KEY_TEXT_SIZE] = '\n';
	write_key_file(fd, text, CRM_KEY_TEXT_SIZE + 1);
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	crm_kek_forget();
	return true;
}

/*
 * Have a key-encryption key; true when its file had to be made.  Where data keys
 * exist already a new file would be the wrong one, so none is made.
 */
static bool
ensure_kek(bool ring_in_use)
{
	CrmKeyFault fault = crm_kek_load();
	bool		created = false;

	if (fault == CRM_KEY_NO_FILE)
	{
		if (ring_in_use)
			crm_key_fault_raise(CRM_KEY_LOST);
		created = create_key_file();
		fault = crm_kek_load();
	}
	if (fault != CRM_KEY_OK)
		crm_key_fault_raise(fault);
	return created;
}

/* One new data key, wrapped, as a row of the ring. */
static void
insert_data_key(int32 key_id, const char *purpose)
{
	CrmSecrets *secrets = crm_secrets();
	uint8	   *key = secrets->data_key[CRM_KEYS_MAX - 1];
	uint8		nonce[CRM_NONCE_SIZE];
	bytea	   *wrapped = palloc(VARHDRSZ + CRM_WRAPPED_SIZE);
	Oid			types[3] = {INT4OID, TEXTOID, BYTEAOID};
	Datum		values[3] = {Int32GetDatum(key_id), CStringGetTextDatum(purpose), PointerGetDatum(wrapped)};
	bool		ok;

	SET_VARSIZE(wrapped, VARHDRSZ + CRM_WRAPPED_SIZE);
	ok = RAND_bytes(nonce, sizeof(nonce)) == 1 && RAND_priv_bytes(key, CRM_KEY_SIZE) == 1 &&
		crm_key_wrap(secrets->kek, (uint32) key_id, purpose, nonce, key, (uint8 *) VARDATA(wrapped));
	OPENSSL_cleanse(key, CRM_KEY_SIZE);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a data key")));
	if (SPI_execute_with_args("INSERT INTO crm_secure.key_ring (key_id, purpose, wrapped) VALUES ($1, $2, $3)",
							  3, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write crm_secure.key_ring");
}

static bool
ring_has(const char *purpose)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(purpose)};

	if (SPI_execute_with_args("SELECT 1 FROM crm_secure.key_ring WHERE purpose OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read crm_secure.key_ring");
	return SPI_processed > 0;
}

/*
 * The first key of each purpose, as the table's owner; returns how many were
 * made, and whether a key file was.
 */
static int
ensure_keys(Relation rel, bool *created)
{
	static const char *const purposes[] = {"encryption", "token"};
	Oid			user;
	int			context;
	bool		has[2];

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(rel->rd_rel->relowner,
						   context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	SPI_connect();
	for (int i = 0; i < 2; i++)
		has[i] = ring_has(purposes[i]);
	*created = ensure_kek(has[0] || has[1]);
	for (int i = 0; i < 2; i++)
		if (!has[i])
			insert_data_key(1, purposes[i]);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	return !has[0] + !has[1];
}

/* Keys that this key-encryption key does not open are no keys: say so now. */
static void
require_usable_keys(void)
{
	CrmKeyFault fault;

	CommandCounterIncrement();
	crm_keys_forget();
	fault = crm_keys_ready();
	if (fault != CRM_KEY_OK)
		crm_key_fault_raise(fault);
}

PG_FUNCTION_INFO_V1(crm_key_generate);
Datum
crm_key_generate(PG_FUNCTION_ARGS)
{
	bool		isnull[2] = {false};
	Datum		values[2];
	Oid			oid = crm_key_ring_oid();
	Relation	rel;
	TupleDesc	desc;
	bool		created;
	int			made;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	require_custodian();
	if (!OidIsValid(oid))
		crm_key_fault_raise(CRM_KEY_NO_RING);

	/* Two at once: the second waits, then finds the keys there. */
	rel = table_open(oid, ShareRowExclusiveLock);
	made = ensure_keys(rel, &created);
	if (made > 0)
		CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
	require_usable_keys();
	if (!created && made == 0)
		ereport(NOTICE,
				(errmsg("keys exist already, nothing changed"),
				 errhint("crm.key_status() shows how they stand.")));
	values[0] = BoolGetDatum(created);
	values[1] = Int32GetDatum(made);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

PG_FUNCTION_INFO_V1(crm_key_status);
Datum
crm_key_status(PG_FUNCTION_ARGS)
{
	CrmKeyFault fault = crm_keys_ready();
	bool		isnull[6] = {false};
	Datum		values[6];
	TupleDesc	desc;
	int			keys;
	uint32		encryption_id;
	uint32		token_id;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	crm_keys_count(&keys, &encryption_id, &token_id);
	values[0] = CStringGetTextDatum(crm_kek_source());
	values[1] = BoolGetDatum(fault == CRM_KEY_OK);
	values[2] = CStringGetTextDatum(crm_key_fault_detail(fault));
	values[3] = Int32GetDatum((int32) encryption_id);
	values[4] = Int32GetDatum((int32) token_id);
	values[5] = Int32GetDatum(keys);
	isnull[3] = encryption_id == 0;
	isnull[4] = token_id == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

/* Statement trigger on the ring: every backend reads it again. */
PG_FUNCTION_INFO_V1(crm_key_ring_changed);
Datum
crm_key_ring_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.key_ring_changed() is a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}
