/*
 * points_store.c: the postings' tables: which of the two ways leads to them, and
 * what both ways share.
 */
#include "points_store.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define PROGRAMMES 16
static CrmProgramme programmes[PROGRAMMES];
static int	programme_count;
static uint64 programme_changes;
static Oid	programme_relation;

static bool types_known;
static CrmPointsTypes types;

/* -- ground ---------------------------------------------------------------------------- */

static void
forget_all_programmes(void)
{
	programme_count = 0;
	programme_changes++;
}

static void
forget_programmes(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == programme_relation)
		forget_all_programmes();
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
	crm_heap_init();
}

static Oid
type_named(const char *name, Oid schema)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(schema));
}

const CrmPointsTypes *
crm_points_types(void)
{
	Oid			schema;
	Oid			before = types.ledger;

	if (types_known)
		return &types;
	schema = get_namespace_oid("crm", false);
	types.code = type_named("customer_code", schema);
	types.ledger = type_named("points_ledger", schema);
	types.answer = type_named("points_answer", schema);
	types_known = true;
	if (types.ledger != before)
		forget_all_programmes();
	return &types;
}

CrmPointsKind
crm_points_kind_named(const char *name)
{
	for (int kind = 0; kind < CRM_POINTS_KINDS; kind++)
		if (strcmp(crm_points_kind_name[kind], name) == 0)
			return kind;
	elog(ERROR, "unknown kind of entry in the points journal");
}

void
crm_store_open(CrmStore *store, int64 last_customer)
{
	store->below_sql = crm_heap_open(&store->heap, last_customer);
}

void
crm_store_close(CrmStore *store)
{
	if (store->below_sql)
		crm_heap_close(&store->heap);
}

/* -- programmes -------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(crm_points_programme_changed);
Datum
crm_points_programme_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.points_programme_changed() is a trigger")));
	/* Rules are of a programme too, and stand in its cached row. */
	CacheInvalidateRelcacheByRelid(get_relname_relid("points_programme", get_namespace_oid("crm_data", false)));
	PG_RETURN_POINTER(NULL);
}

static void
read_programme(const char *name, CrmProgramme *programme)
{
	if (!crm_sql_programme(name, programme))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no such points programme"),
				 errhint("The view crm.points_programme lists them; crm.define_points_programme() makes one.")));
}

/* A copy for this call: the cache may be emptied while it goes on. */
const CrmProgramme *
crm_store_programme(const char *name)
{
	CrmProgramme *copy = palloc(sizeof(CrmProgramme));
	uint64		before;

	for (int i = 0; i < programme_count; i++)
		if (strcmp(programmes[i].name, name) == 0)
		{
			*copy = programmes[i];
			return copy;
		}
	if (!OidIsValid(programme_relation) || programme_count == 0)
		programme_relation = get_relname_relid("points_programme", get_namespace_oid("crm_data", false));
	before = programme_changes;
	read_programme(name, copy);
	/* Of a change that was heard of meanwhile its snapshot need not know. */
	if (programme_changes == before && programme_count < PROGRAMMES)
		programmes[programme_count++] = *copy;
	return copy;
}

/* -- accounts ------------------------------------------------------------------------------ */

/* Lock the account until the transaction ends; false when it has no row. */
bool
crm_store_lock(CrmStore *store, CrmAccount *account)
{
	CrmLedger	none;

	if (store->below_sql ? crm_heap_lock(&store->heap, account) : crm_sql_lock(account))
		return true;
	none.count = 0;
	account->state = crm_points_pack(&none);
	return false;
}

/*
 * Before an account has a row there is nothing to lock, so its first posters queue at a
 * lock of its stripe; whoever comes next finds the row.  A stripe is shared by many
 * accounts, as a batch may open a million of them.
 *
 * Stripes are not in the order of accounts.  So a call on few accounts only shares the
 * stripe, and queues at a lock of the account itself, in the order of all accounts, so
 * that openings and rows make no circle.  It needs that lock until the row is in the
 * index; from then on others find the row, and wait for whoever is about to commit it.
 */
int
crm_store_stripe(const CrmAccount *account)
{
	return hash_bytes_extended((const unsigned char *) account->programme->name, strlen(account->programme->name),
							   account->customer) % CRM_STRIPES;
}

static void
lock_stripe(int stripe, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x63726d, stripe, 3);
	LockAcquire(&tag, mode, false, false);
}

void
crm_store_lock_stripe(CrmStore *store, int stripe)
{
	lock_stripe(stripe, ExclusiveLock);
	if (store->below_sql)
		crm_heap_look_anew(&store->heap);
}

/* Classes of advisory locks below this are the users' and the stripes'. */
#define OPENING_CLASS 16

static LOCKTAG
opening_tag(const CrmAccount *account)
{
	const char *programme = account->programme->name;
	uint32		hash = hash_bytes((const unsigned char *) programme, strlen(programme));
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (account->customer >> 32), (uint32) account->customer,
						 OPENING_CLASS + hash % (PG_UINT16_MAX - OPENING_CLASS));
	return tag;
}

/* Below SQL only. */
void
crm_store_begin_opening(CrmStore *store, CrmAccount *account)
{
	LOCKTAG		tag = opening_tag(account);

	lock_stripe(crm_store_stripe(account), ShareLock);
	LockAcquire(&tag, ExclusiveLock, false, false);
	account->is_opening = true;
	crm_heap_await(&store->heap, account);
}

void
crm_store_end_opening(CrmAccount *account)
{
	LOCKTAG		tag;

	if (!account->is_opening)
		return;
	tag = opening_tag(account);
	LockRelease(&tag, ExclusiveLock, false);
	account->is_opening = false;
}

void
crm_store_hope(CrmStore *store)
{
	if (store->below_sql)
		crm_heap_hope(&store->heap);
}

/* False when somebody was faster: lock the account, read it anew and decide again. */
bool
crm_store_claim(CrmStore *store, CrmAccount *account, CrmAccount *after)
{
	return !account->is_hoped || crm_heap_claim(&store->heap, account, after);
}

/* What was claimed gets back what it was; it stays locked. */
void
crm_store_disclaim(CrmStore *store, CrmAccount *account, const CrmAccount *after)
{
	if (!account->is_hoped)
		return;
	account->is_hoped = false;
	account->place = after->place;
	CommandCounterIncrement();
	crm_store_save(store, account);
}

void
crm_store_save(CrmStore *store, CrmAccount *account)
{
	if (!(store->below_sql ? crm_heap_save(&store->heap, account) : crm_sql_save(account)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent posting"),
				 errhint("Repeat the transaction.")));
	account->exists = true;
	account->changed = false;
}

/* -- entries --------------------------------------------------------------------------------- */

bool
crm_store_find(CrmStore *store, int64 customer, const char *request_id, CrmJournal *found)
{
	return store->below_sql ? crm_heap_find(&store->heap, customer, request_id, found) :
		crm_sql_find(customer, request_id, found);
}

/* False when the customer has an entry of this name already. */
bool
crm_store_insert(CrmStore *store, const CrmJournal *entry)
{
	return store->below_sql ? crm_heap_insert(&store->heap, entry) : crm_sql_insert(entry);
}

bool
crm_store_may_keep(const CrmStore *store)
{
	return store->below_sql && crm_heap_may_keep(&store->heap);
}

void
crm_store_keep(CrmStore *store, const CrmJournal *entry)
{
	crm_heap_keep(&store->heap, entry);
}

/* False when the customer of one has an entry of its name already: then none is written. */
bool
crm_store_write_kept(CrmStore *store)
{
	return crm_heap_write_kept(&store->heap);
}
