/*
 * points_store.c: what the postings read and write, through saved plans.
 *
 * Each statement has a snapshot of its own, as in any function that is VOLATILE:
 * an entry is looked for after its account's row is locked, so whatever the last
 * holder of the lock committed is seen.
 */
#include "points_store.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Whether it is us who write; triggers keep all others off. */
static bool posting = false;

#define PROGRAMMES 16
static CrmProgramme programmes[PROGRAMMES];
static int	programme_count;
static Oid	programme_relation;

static bool types_known;
static Oid	ledger_type;
static Oid	code_type;

typedef enum Statement
{
	READ_PROGRAMME,
	LOCK_ACCOUNT,
	FIND_ENTRY,
	READ_REVERSED,
	ADD_REVERSED,
	READ_APPROVAL,
	INSERT_ENTRY,
	INSERT_ACCOUNT,
	UPDATE_ACCOUNT,
	STATEMENTS
} Statement;

static SPIPlanPtr plans[STATEMENTS];

static const char *const statement_text[STATEMENTS] = {
	[READ_PROGRAMME] = "SELECT redeem_min, allow_debt, auto_open, is_chained, adjust_limit FROM crm_data.points_programme WHERE programme OPERATOR(pg_catalog.=) $1",
	[LOCK_ACCOUNT] = "SELECT status OPERATOR(pg_catalog.=) 'locked', seq, chain, state, ctid FROM crm_data.points_account"
	" WHERE customer_code OPERATOR(crm.=) $1 AND programme OPERATOR(pg_catalog.=) $2 FOR NO KEY UPDATE",
	[FIND_ENTRY] = "SELECT programme, kind, seq, amount, available, held, debt, expires_on, class, counterparty, is_rest, ref, delta"
	" FROM crm_data.points_journal WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2",
	[READ_REVERSED] = "SELECT reversed FROM crm_data.points_reversal WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2",
	[ADD_REVERSED] = "INSERT INTO crm_data.points_reversal AS r (customer_code, request_id, reversed) VALUES ($1, $2, $3)"
	" ON CONFLICT ON CONSTRAINT points_reversal_pkey DO UPDATE SET reversed = r.reversed OPERATOR(pg_catalog.+) excluded.reversed",
	[READ_APPROVAL] = "SELECT CASE WHEN approved_by OPERATOR(pg_catalog.=) SESSION_USER THEN 1 ELSE 2 END FROM crm_data.points_approval"
	" WHERE customer_code OPERATOR(crm.=) $1 AND request_id OPERATOR(pg_catalog.=) $2 AND programme OPERATOR(pg_catalog.=) $3 AND amount OPERATOR(pg_catalog.=) $4",
	[INSERT_ENTRY] = "INSERT INTO crm_data.points_journal (customer_code, request_id, programme, kind, seq, amount, available, held, debt,"
	" posted_at, business_date, expires_on, class, counterparty, is_rest, ref, delta, hash, rule_version)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
	" ON CONFLICT ON CONSTRAINT points_journal_pkey DO NOTHING",
	[INSERT_ACCOUNT] = "INSERT INTO crm_data.points_account (customer_code, programme, status, seq, chain, state)"
	" VALUES ($1, $2, CASE WHEN $3 THEN 'locked' ELSE 'open' END, $4, $5, $6) ON CONFLICT ON CONSTRAINT points_account_pkey DO NOTHING",
	[UPDATE_ACCOUNT] = "UPDATE crm_data.points_account SET status = CASE WHEN $2 THEN 'locked' ELSE 'open' END, seq = $3, chain = $4, state = $5"
	" WHERE ctid OPERATOR(pg_catalog.=) $1",
};

/* -- ground ---------------------------------------------------------------------------- */

static void
forget_programmes(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == programme_relation)
		programme_count = 0;
}

/* Types get new numbers when the extension is made anew. */
static void
forget_types(Datum arg, int cacheid, uint32 hashvalue)
{
	types_known = false;
}

void
crm_points_init(void)
{
	CacheRegisterRelcacheCallback(forget_programmes, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, forget_types, (Datum) 0);
}

static void
find_types(void)
{
	Oid			schema = get_namespace_oid("crm", false);
	Oid			before = ledger_type;

	code_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("customer_code"), ObjectIdGetDatum(schema));
	ledger_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("points_ledger"), ObjectIdGetDatum(schema));
	types_known = true;
	if (ledger_type == before)
		return;
	programme_count = 0;
	/* A plan may be running further out, so it is left alone. */
	memset(plans, 0, sizeof(plans));
}

void
crm_store_open(CrmStore *store)
{
	SPI_connect();
	if (!types_known)
		find_types();
	GetUserIdAndSecContext(&store->user, &store->security);
	SetUserIdAndSecContext(get_role_oid("crm_owner", false), store->security | SECURITY_LOCAL_USERID_CHANGE);
	store->was_posting = posting;
	posting = true;
}

/* Also after an error: posting must not stay on. */
void
crm_store_close(CrmStore *store)
{
	posting = store->was_posting;
	SetUserIdAndSecContext(store->user, store->security);
}

PG_FUNCTION_INFO_V1(crm_points_keep);
Datum
crm_points_keep(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.points_keep() is a trigger")));
	if (!posting && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("points are written by postings only"),
				 errhint("Correct points with crm.points_adjust() or crm.points_reverse().")));
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(crm_points_programme_changed);
Datum
crm_points_programme_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.points_programme_changed() is a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

static void
run(Statement which, int count, const Oid *types, Datum *values, const char *nulls)
{
	int			result;

	if (plans[which] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement_text[which], count, (Oid *) types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		plans[which] = plan;
	}
	result = SPI_execute_plan(plans[which], values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
}

static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, isnull);
}

static int64
number_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static char *
text_column(int number)
{
	bool		isnull;
	Datum		value = column(number, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* -- programmes -------------------------------------------------------------------------- */

static void
read_programme(const char *name, CrmProgramme *programme)
{
	const Oid	types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	bool		isnull;
	Datum		limit;

	run(READ_PROGRAMME, 1, types, values, NULL);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no such points programme"),
				 errhint("The view crm.points_programme lists them; crm.define_points_programme() makes one.")));
	strlcpy(programme->name, name, CRM_PROGRAMME_SIZE);
	programme->rules.redeem_min = number_column(1);
	programme->rules.allow_debt = DatumGetBool(column(2, &isnull));
	programme->rules.auto_open = DatumGetBool(column(3, &isnull));
	programme->is_chained = DatumGetBool(column(4, &isnull));
	limit = column(5, &isnull);
	programme->adjust_limit = isnull ? PG_INT64_MAX : DatumGetInt64(limit);
}

/* A copy for this call: the cache may be emptied while it goes on. */
const CrmProgramme *
crm_store_programme(const char *name)
{
	CrmProgramme *copy = palloc(sizeof(CrmProgramme));

	for (int i = 0; i < programme_count; i++)
		if (strcmp(programmes[i].name, name) == 0)
		{
			*copy = programmes[i];
			return copy;
		}
	if (!OidIsValid(programme_relation) || programme_count == 0)
		programme_relation = get_relname_relid("points_programme", get_namespace_oid("crm_data", false));
	read_programme(name, copy);
	if (programme_count < PROGRAMMES)
		programmes[programme_count++] = *copy;
	return copy;
}

/* -- accounts ------------------------------------------------------------------------------ */

static bool
lock_row(CrmAccount *account)
{
	const Oid	types[] = {code_type, TEXTOID};
	Datum		values[] = {Int64GetDatum(account->customer), CStringGetTextDatum(account->programme->name)};
	bool		isnull;
	Datum		chain;

	run(LOCK_ACCOUNT, 2, types, values, NULL);
	if (SPI_processed == 0)
		return false;
	account->exists = true;
	account->locked = DatumGetBool(column(1, &isnull));
	account->seq = number_column(2);
	chain = column(3, &isnull);
	if (!isnull)
		memcpy(account->chain, VARDATA_ANY(DatumGetByteaPP(chain)), CRM_HASH_SIZE);
	account->state = SPI_datumTransfer(column(4, &isnull), false, -1);
	account->place = *(ItemPointer) DatumGetPointer(column(5, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* Lock the account until the transaction ends; false when it has no row. */
bool
crm_store_lock(CrmAccount *account)
{
	CrmLedger	none;

	if (lock_row(account))
		return true;
	none.count = 0;
	account->state = crm_points_pack(&none);
	return false;
}

/*
 * Before an account has a row there is nothing to lock, so its first posters
 * queue at a lock of its stripe; whoever comes next finds the row.  A stripe is
 * shared by many accounts, as a batch may open a million of them.
 */
int
crm_store_stripe(const CrmAccount *account)
{
	return hash_bytes_extended((const unsigned char *) account->programme->name, strlen(account->programme->name),
							   account->customer) % CRM_STRIPES;
}

void
crm_store_lock_stripe(int stripe)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x63726d, stripe, 3);
	LockAcquire(&tag, ExclusiveLock, false, false);
}

static void
refuse_newer(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to a concurrent posting"),
			 errhint("Repeat the transaction.")));
}

/*
 * The row is found by its place, which nobody else can change; a posting by a
 * trigger inside this one has, and then this one's picture of it is old.
 */
void
crm_store_save(CrmAccount *account)
{
	const Oid	types[] = {code_type, TEXTOID, BOOLOID, INT8OID, BYTEAOID, ledger_type};
	const Oid	update_types[] = {TIDOID, BOOLOID, INT8OID, BYTEAOID, ledger_type};
	bytea	   *chain = palloc(VARHDRSZ + CRM_HASH_SIZE);
	const char *nulls = account->programme->is_chained ? NULL : "    n ";
	Datum		values[] = {Int64GetDatum(account->customer), CStringGetTextDatum(account->programme->name),
		BoolGetDatum(account->locked), Int64GetDatum(account->seq), PointerGetDatum(chain), account->state};

	SET_VARSIZE(chain, VARHDRSZ + CRM_HASH_SIZE);
	memcpy(VARDATA(chain), account->chain, CRM_HASH_SIZE);
	if (account->exists)
	{
		values[1] = PointerGetDatum(&account->place);
		run(UPDATE_ACCOUNT, 5, update_types, values + 1, nulls ? nulls + 1 : NULL);
	}
	else
		run(INSERT_ACCOUNT, 6, types, values, nulls);
	if (SPI_processed != 1)
		refuse_newer();
	account->exists = true;
	account->changed = false;
}

/* -- entries --------------------------------------------------------------------------------- */

static CrmPointsKind
kind_named(const char *name)
{
	for (int kind = 0; kind < CRM_POINTS_KINDS; kind++)
		if (strcmp(crm_points_kind_name[kind], name) == 0)
			return kind;
	elog(ERROR, "unknown kind of entry in the points journal");
}

bool
crm_store_find(int64 customer, const char *request_id, CrmJournal *found)
{
	const Oid	types[] = {code_type, TEXTOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id)};
	bool		isnull;
	Datum		expires_on;
	char	   *class;

	run(FIND_ENTRY, 2, types, values, NULL);
	if (SPI_processed == 0)
		return false;
	memset(found, 0, sizeof(*found));
	found->customer = customer;
	found->request_id = request_id;
	found->programme = text_column(1);
	found->kind = kind_named(text_column(2));
	found->seq = number_column(3);
	found->amount = number_column(4);
	found->available = number_column(5);
	found->held = number_column(6);
	found->debt = number_column(7);
	expires_on = column(8, &isnull);
	found->has_expiry = !isnull;
	found->expires_on = isnull ? 0 : DatumGetDateADT(expires_on);
	class = text_column(9);
	if (class != NULL)
		strlcpy(found->class, class, CRM_CLASS_SIZE);
	found->counterparty = number_column(10);
	found->is_rest = DatumGetBool(column(11, &isnull)) && !isnull;
	found->ref = text_column(12);
	found->delta = SPI_datumTransfer(column(13, &isnull), false, -1);
	SPI_freetuptable(SPI_tuptable);
	return true;
}

int64
crm_store_reversed(int64 customer, const char *request_id)
{
	const Oid	types[] = {code_type, TEXTOID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id)};

	run(READ_REVERSED, 2, types, values, NULL);
	return SPI_processed == 0 ? 0 : number_column(1);
}

void
crm_store_add_reversed(int64 customer, const char *request_id, int64 amount)
{
	const Oid	types[] = {code_type, TEXTOID, INT8OID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id), Int64GetDatum(amount)};

	run(ADD_REVERSED, 3, types, values, NULL);
}

int
crm_store_approved(int64 customer, const char *request_id, const char *programme, int64 amount)
{
	const Oid	types[] = {code_type, TEXTOID, TEXTOID, INT8OID};
	Datum		values[] = {Int64GetDatum(customer), CStringGetTextDatum(request_id), CStringGetTextDatum(programme), Int64GetDatum(amount)};
	bool		isnull;

	run(READ_APPROVAL, 4, types, values, NULL);
	return SPI_processed == 0 ? 0 : DatumGetInt32(column(1, &isnull));
}

/* False when the customer has an entry of this name already. */
bool
crm_store_insert(const CrmJournal *e)
{
	const Oid	types[] = {code_type, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
	TIMESTAMPTZOID, DATEOID, DATEOID, TEXTOID, code_type, BOOLOID, TEXTOID, ledger_type, BYTEAOID, INT4OID};
	char		nulls[] = "                   ";
	bytea	   *hash = palloc(VARHDRSZ + CRM_HASH_SIZE);
	Datum		values[] = {Int64GetDatum(e->customer), CStringGetTextDatum(e->request_id), CStringGetTextDatum(e->programme),
		CStringGetTextDatum(crm_points_kind_name[e->kind]), Int64GetDatum(e->seq), Int64GetDatum(e->amount),
		Int64GetDatum(e->available), Int64GetDatum(e->held), Int64GetDatum(e->debt),
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), DateADTGetDatum(e->business_date),
		DateADTGetDatum(e->expires_on), CStringGetTextDatum(e->class), Int64GetDatum(e->counterparty),
		BoolGetDatum(e->is_rest), e->ref ? CStringGetTextDatum(e->ref) : (Datum) 0, e->delta, PointerGetDatum(hash), Int32GetDatum(e->rule_version)};

	SET_VARSIZE(hash, VARHDRSZ + CRM_HASH_SIZE);
	memcpy(VARDATA(hash), e->hash, CRM_HASH_SIZE);
	nulls[7] = e->held == 0 ? 'n' : ' ';
	nulls[8] = e->debt == 0 ? 'n' : ' ';
	nulls[11] = e->has_expiry ? ' ' : 'n';
	nulls[12] = e->has_expiry && e->class[0] != '\0' ? ' ' : 'n';
	nulls[13] = e->counterparty == 0 ? 'n' : ' ';
	nulls[14] = e->is_rest ? ' ' : 'n';
	nulls[15] = e->ref == NULL ? 'n' : ' ';
	nulls[17] = e->is_chained ? ' ' : 'n';
	nulls[18] = e->rule_version == 0 ? 'n' : ' ';
	run(INSERT_ENTRY, 19, types, values, nulls);
	return SPI_processed == 1;
}
