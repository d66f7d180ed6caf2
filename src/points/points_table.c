/*
 * points_table.c: whether a table is as crm.deploy() made it, and rows of it below SQL.
 *
 * Executor, rights, row security, triggers and constraints are left out, so this
 * way is open only while the two tables are as crm.deploy() made them: examined
 * once, and again whenever the server says that something about them changed.
 * Whoever adds a trigger, a rule, a check or a policy gets what he asked for by
 * the other way, points_sql.c.
 */
#include "points_table.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* -- the tables as they are deployed ------------------------------------------------------ */

static const Column account_columns[ACCOUNT_COLUMNS] = {
	[ACCOUNT_CUSTOMER] = {"customer_code", CODE_TYPE, true},
	[ACCOUNT_SEQ] = {"seq", INT8OID, true},
	[ACCOUNT_NEXT_DUE] = {"next_due", DATEOID, false},
	[ACCOUNT_STATUS] = {"status", CHAROID, true},
	[ACCOUNT_PROGRAMME] = {"programme", TEXTOID, true},
	[ACCOUNT_CHAIN] = {"chain", BYTEAOID, false},
	[ACCOUNT_STATE] = {"state", LEDGER_TYPE, true},
};

static const Column entry_columns[ENTRY_COLUMNS] = {
	[ENTRY_CUSTOMER] = {"customer_code", CODE_TYPE, true},
	[ENTRY_SEQ] = {"seq", INT8OID, true},
	[ENTRY_AMOUNT] = {"amount", INT8OID, true},
	[ENTRY_AVAILABLE] = {"available", INT8OID, true},
	[ENTRY_POSTED_AT] = {"posted_at", TIMESTAMPTZOID, true},
	[ENTRY_BUSINESS_DATE] = {"business_date", DATEOID, true},
	[ENTRY_EXPIRES_ON] = {"expires_on", DATEOID, false},
	[ENTRY_HELD] = {"held", INT8OID, false},
	[ENTRY_DEBT] = {"debt", INT8OID, false},
	[ENTRY_COUNTERPARTY] = {"counterparty", CODE_TYPE, false},
	[ENTRY_RULE_VERSION] = {"rule_version", INT4OID, false},
	[ENTRY_IS_REST] = {"is_rest", BOOLOID, false},
	[ENTRY_REQUEST_ID] = {"request_id", TEXTOID, true},
	[ENTRY_PROGRAMME] = {"programme", TEXTOID, true},
	[ENTRY_KIND] = {"kind", TEXTOID, true},
	[ENTRY_REF] = {"ref", TEXTOID, false},
	[ENTRY_CLASS] = {"class", TEXTOID, false},
	[ENTRY_DELTA] = {"delta", LEDGER_TYPE, true},
	[ENTRY_HASH] = {"hash", BYTEAOID, false},
};

HeapTable crm_heap_accounts = {
	.name = "points_account", .column = account_columns, .columns = ACCOUNT_COLUMNS,
	.key = {ACCOUNT_CUSTOMER, ACCOUNT_PROGRAMME}, .generated = ACCOUNT_NEXT_DUE
};
HeapTable crm_heap_journal = {
	.name = "points_journal", .column = entry_columns, .columns = ENTRY_COLUMNS,
	.key = {ENTRY_CUSTOMER, ENTRY_REQUEST_ID}, .generated = -1
};

static void
forget_tables(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == crm_heap_accounts.oid)
		crm_heap_accounts.examined = false;
	if (relation == InvalidOid || relation == crm_heap_journal.oid)
		crm_heap_journal.examined = false;
}

void
crm_heap_watch_tables(void)
{
	CacheRegisterRelcacheCallback(forget_tables, (Datum) 0);
}

/* -- whether a table is as it was deployed ---------------------------------------------------- */

static bool
columns_are_ours(Relation relation, const HeapTable *table)
{
	TupleDesc	desc = RelationGetDescr(relation);

	if (desc->natts != table->columns)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute have = TupleDescAttr(desc, i);
		const Column *want = &table->column[i];
		Oid			type = want->type == CODE_TYPE ? crm_points_types()->code :
			want->type == LEDGER_TYPE ? crm_points_types()->ledger : want->type;

		if (have->attisdropped || have->atttypid != type || have->attnotnull != want->is_required ||
			strcmp(NameStr(have->attname), want->name) != 0 || (have->attgenerated != '\0') != (i == table->generated))
			return false;
	}
	return true;
}

/* next_due is written as the law's C computes it, so that is how it must be defined. */
static bool
generation_is_ours(Relation relation, const HeapTable *table)
{
	Node	   *expression;
	FuncExpr   *call;

	if (table->generated < 0)
		return true;
	expression = build_column_default(relation, table->generated + 1);
	if (expression == NULL || !IsA(expression, FuncExpr))
		return false;
	call = (FuncExpr *) expression;
	return get_func_namespace(call->funcid) == get_namespace_oid("crm", true) &&
		strcmp(get_func_name(call->funcid), "next_expiry") == 0 &&
		list_length(call->args) == 1 && IsA(linitial(call->args), Var) &&
		((Var *) linitial(call->args))->varattno == ACCOUNT_STATE + 1;
}

/* The only trigger that may be left out is the one that lets nobody but us write. */
static bool
triggers_are_ours(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgenabled != TRIGGER_DISABLED &&
			(trigger->tgisinternal || TRIGGER_FOR_ROW(trigger->tgtype) || strcmp(trigger->tgname, "postings_only") != 0))
			return false;
	}
	return true;
}

static bool
policy_allows(const RowSecurityPolicy *policy, Oid owner)
{
	const Oid  *roles = (const Oid *) ARR_DATA_PTR(policy->roles);

	if (policy->polcmd != '*' || !IsA(policy->qual, Const) || !DatumGetBool(((Const *) policy->qual)->constvalue) ||
		policy->with_check_qual != NULL)
		return false;
	for (int i = 0; i < ARR_DIMS(policy->roles)[0]; i++)
		if (roles[i] == owner || roles[i] == ACL_ID_PUBLIC)
			return true;
	return false;
}

#define POSTING_NEEDS (ACL_SELECT | ACL_INSERT | ACL_UPDATE)

/* Whether the owner, as whom postings write, may do so to every row. */
static bool
owner_may_all(Relation relation)
{
	Oid			owner = get_role_oid("crm_owner", true);
	bool		allowed = !relation->rd_rel->relrowsecurity;
	ListCell   *cell;

	if (relation->rd_rel->relowner != owner ||
		pg_class_aclmask(RelationGetRelid(relation), owner, POSTING_NEEDS, ACLMASK_ALL) != POSTING_NEEDS)
		return false;
	foreach(cell, relation->rd_rsdesc != NULL ? relation->rd_rsdesc->policies : NIL)
	{
		const RowSecurityPolicy *policy = lfirst(cell);

		if (!policy->permissive)
			return false;
		allowed = allowed || policy_allows(policy, owner);
	}
	return allowed;
}

/* A plain B-tree that is complete; only the primary key may be unique. */
static bool
index_is_plain(Relation index)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid && form->indisready && form->indimmediate &&
		!form->indisexclusion && form->indisunique == form->indisprimary &&
		RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL;
}

static void
note_index(HeapTable *table, Relation index)
{
	HeapIndex  *note = &table->index[table->indexes++];
	MemoryContext old = MemoryContextSwitchTo(table->context);

	note->oid = RelationGetRelid(index);
	note->info = BuildIndexInfo(index);
	note->columns = IndexRelationGetNumberOfAttributes(index);
	memcpy(note->column, index->rd_index->indkey.values, sizeof(AttrNumber) * note->columns);
	MemoryContextSwitchTo(old);
}

/* A comparison of a column of the key with something to come. */
static bool
note_comparison(const HeapTable *table, Relation index, int column, StrategyNumber strategy, ScanKey key)
{
	Oid			operator = get_opfamily_member(index->rd_opfamily[column], index->rd_opcintype[column],
											   index->rd_opcintype[column], strategy);
	FmgrInfo	function;

	if (index->rd_index->indkey.values[column] != table->key[column] + 1 || !OidIsValid(operator))
		return false;
	fmgr_info_cxt(get_opcode(operator), &function, table->context);
	ScanKeyEntryInitializeWithInfo(key, 0, column + 1, strategy, InvalidOid, index->rd_indcollation[column], &function, (Datum) 0);
	return true;
}

/* The primary key, which must be on the two columns that are looked for. */
static bool
note_key(HeapTable *table, Relation index)
{
	table->key_index = RelationGetRelid(index);
	return IndexRelationGetNumberOfAttributes(index) == 2 &&
		note_comparison(table, index, 0, BTEqualStrategyNumber, &table->scan_key[0]) &&
		note_comparison(table, index, 1, BTEqualStrategyNumber, &table->scan_key[1]) &&
		note_comparison(table, index, 0, BTGreaterEqualStrategyNumber, &table->from_key) &&
		note_comparison(table, index, 0, BTLessEqualStrategyNumber, &table->until_key);
}

static bool
indexes_are_plain(Relation relation, HeapTable *table)
{
	List	   *indexes = RelationGetIndexList(relation);
	bool		plain = list_length(indexes) <= CRM_HEAP_INDEXES;
	bool		has_key = false;
	ListCell   *cell;

	table->indexes = 0;
	foreach(cell, plain ? indexes : NIL)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		plain = plain && index_is_plain(index);
		if (plain)
			note_index(table, index);
		if (plain && index->rd_index->indisprimary)
			has_key = note_key(table, index);
		index_close(index, NoLock);
	}
	return plain && has_key;
}

/* A publication that lacks what tells a subscriber which row was updated makes updates an error. */
static bool
publications_are_whole(Relation relation)
{
	PublicationDesc desc;

	RelationBuildPublicationDesc(relation, &desc);
	return CRM_PUBLISHES_UPDATES(&desc);
}

static const char *
difference(Relation relation, HeapTable *table)
{
	Form_pg_class form = relation->rd_rel;
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (form->relkind != RELKIND_RELATION || form->relispartition || form->relhassubclass || form->relam != HEAP_TABLE_AM_OID)
		return "it is no plain table";
	if (form->relreplident != REPLICA_IDENTITY_DEFAULT && form->relreplident != REPLICA_IDENTITY_FULL)
		return "it has a replica identity of its own";
	if (!publications_are_whole(relation))
		return "a publication leaves out what updates need";
	if (relation->rd_rules != NULL)
		return "it has a rule";
	if (!columns_are_ours(relation, table))
		return "its columns are not those that were deployed";
	if (constraints != NULL && constraints->num_check > 0)
		return "it has a check constraint";
	if (!generation_is_ours(relation, table))
		return "next_due is not generated as it was";
	if (!triggers_are_ours(relation))
		return "it has a trigger or is referred to";
	if (!owner_may_all(relation))
		return "its owner, rights or policies are not those that were deployed";
	if (!indexes_are_plain(relation, table))
		return "it has an index that is no plain B-tree, or unique";
	return NULL;
}

static void
examine(Relation relation, HeapTable *table)
{
	Oid			oid = RelationGetRelid(relation);

	if (table->context == NULL)
		table->context = AllocSetContextCreate(TopMemoryContext, "crm points table", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(table->context);
	/* Looking may itself hear of a change. */
	table->examined = true;
	table->oid = oid;
	table->unlike = difference(relation, table);
}

static Oid
named(const HeapTable *table)
{
	Oid			schema = get_namespace_oid("crm_data", true);

	return OidIsValid(schema) ? get_relname_relid(table->name, schema) : InvalidOid;
}

/* Whoever waited for the lock may find that another table has the name now. */
static Relation
open_named(HeapTable *table)
{
	Relation	relation;

	do
	{
		if (!table->examined)
			table->oid = named(table);
		relation = OidIsValid(table->oid) ? try_table_open(table->oid, RowExclusiveLock) : NULL;
		if (table->examined || (relation != NULL && table->oid == named(table)))
			return relation;
		if (relation != NULL)
			table_close(relation, RowExclusiveLock);
	} while (OidIsValid(table->oid));
	return NULL;
}

/* Open and locked for writing, or NULL when SQL must be used. */
Relation
crm_heap_open_table(HeapTable *table)
{
	Relation	relation = open_named(table);

	if (relation == NULL)
		return NULL;
	for (int tries = 0; !table->examined && tries < 3; tries++)
		examine(relation, table);
	if (table->examined && table->unlike == NULL)
		return relation;
	table_close(relation, NoLock);
	return NULL;
}

/* -- rows ------------------------------------------------------------------------------------- */

TupleTableSlot *
crm_heap_slot(TupleTableSlot **slot, Relation relation, const TupleTableSlotOps *ops)
{
	if (*slot == NULL)
		*slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), ops);
	return *slot;
}

/* An index comes to be open with its first row; the list of them may change. */
static Relation
opened(Relation *index, Oid oid)
{
	if (*index != NULL && RelationGetRelid(*index) != oid)
	{
		index_close(*index, NoLock);
		*index = NULL;
	}
	if (*index == NULL)
		*index = index_open(oid, RowExclusiveLock);
	return *index;
}

/* False when the primary key has the row's key already. */
bool
crm_heap_index_row(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row, bool is_update)
{
	bool		unique = true;

	for (int i = 0; i < table->indexes; i++)
	{
		const HeapIndex *note = &table->index[i];
		bool		is_key = note->oid == table->key_index;
		Relation	index = is_key ? key : opened(&others[i], note->oid);
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		for (int j = 0; j < note->columns; j++)
		{
			values[j] = row->tts_values[note->column[j] - 1];
			nulls[j] = row->tts_isnull[note->column[j] - 1];
		}
		/* Where a row is replaced its key is the one it had, which nobody else can have. */
		if (!index_insert(index, values, nulls, &row->tts_tid, relation,
						  is_key && !is_update ? UNIQUE_CHECK_PARTIAL : UNIQUE_CHECK_NO, is_update && is_key, note->info))
			unique = unique && !is_key;
	}
	return unique;
}

bool
crm_heap_insert_row(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row)
{
	row->tts_tableOid = RelationGetRelid(relation);
	table_tuple_insert(relation, row, GetCurrentCommandId(true), 0, NULL);
	return crm_heap_index_row(relation, table, key, others, row, false);
}

/*
 * Whether a row of this key is there.  One that somebody is about to commit, or to take
 * back, is waited for; has_updates: one that somebody is about to replace is there.
 */
bool
crm_heap_is_taken(Relation relation, Relation index, const ScanKeyData key[2], TupleTableSlot *slot, bool has_updates)
{
	TransactionId writer;
	bool		taken = false;

	do
	{
		SnapshotData dirty;
		ItemPointerData place;
		IndexScanDesc scan;

		InitDirtySnapshot(dirty);
		writer = InvalidTransactionId;
		scan = CRM_INDEX_BEGINSCAN(relation, index, &dirty, 2);
		index_rescan(scan, (ScanKey) key, 2, NULL, 0);
		while (!taken && index_getnext_slot(scan, ForwardScanDirection, slot))
		{
			TransactionId busy = TransactionIdIsValid(dirty.xmin) || has_updates ? dirty.xmin : dirty.xmax;

			taken = !TransactionIdIsValid(busy);
			writer = taken ? InvalidTransactionId : busy;
			place = slot->tts_tid;
		}
		ExecClearTuple(slot);
		index_endscan(scan);
		if (TransactionIdIsValid(writer))
			XactLockTableWait(writer, relation, &place, XLTW_InsertIndex);
	} while (TransactionIdIsValid(writer));
	return taken;
}

Datum
crm_heap_hash(const uint8 hash[CRM_HASH_SIZE])
{
	bytea	   *value = palloc(VARHDRSZ_SHORT + CRM_HASH_SIZE);

	SET_VARSIZE_SHORT(value, VARHDRSZ_SHORT + CRM_HASH_SIZE);
	memcpy(VARDATA_SHORT(value), hash, CRM_HASH_SIZE);
	return PointerGetDatum(value);
}
