/*
 * points_heap.c: what the postings read and write, below SQL.
 *
 * An account is found by an index scan with an MVCC snapshot, which sees exactly
 * one version of a row however often it is updated meanwhile, and locked with
 * table_tuple_lock(), which follows to the last version.  (A scan with a dirty
 * snapshot misses a hot row now and then, for its versions move while they are
 * looked at.)  Entries are never updated, so for them a dirty snapshot is right:
 * it also shows those that are not yet committed, which must be waited for.
 *
 * Executor, rights, row security, triggers and constraints are left out, so this
 * way is open only while the two tables are as crm.deploy() made them: examined
 * once, and again whenever the server says that something about them changed.
 * Whoever adds a trigger, a rule, a check or a policy gets what he asked for by
 * the other way, points_sql.c.
 */
#include "points_store.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* -- the tables as they are deployed ------------------------------------------------------ */

typedef enum AccountColumn
{
	ACCOUNT_CUSTOMER,
	ACCOUNT_SEQ,
	ACCOUNT_NEXT_DUE,
	ACCOUNT_STATUS,
	ACCOUNT_PROGRAMME,
	ACCOUNT_CHAIN,
	ACCOUNT_STATE,
	ACCOUNT_COLUMNS
} AccountColumn;

typedef enum EntryColumn
{
	ENTRY_CUSTOMER,
	ENTRY_SEQ,
	ENTRY_AMOUNT,
	ENTRY_AVAILABLE,
	ENTRY_POSTED_AT,
	ENTRY_BUSINESS_DATE,
	ENTRY_EXPIRES_ON,
	ENTRY_HELD,
	ENTRY_DEBT,
	ENTRY_COUNTERPARTY,
	ENTRY_RULE_VERSION,
	ENTRY_IS_REST,
	ENTRY_REQUEST_ID,
	ENTRY_PROGRAMME,
	ENTRY_KIND,
	ENTRY_REF,
	ENTRY_CLASS,
	ENTRY_DELTA,
	ENTRY_HASH,
	ENTRY_COLUMNS
} EntryColumn;

/* Types of the extension, whose numbers are not known beforehand. */
#define CODE_TYPE	((Oid) 1)
#define LEDGER_TYPE ((Oid) 2)

typedef struct Column
{
	const char *name;
	Oid			type;
	bool		is_required;
} Column;

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

typedef struct HeapIndex
{
	Oid			oid;
	int			columns;
	AttrNumber	column[INDEX_MAX_KEYS];
	IndexInfo  *info;
} HeapIndex;

typedef struct HeapTable
{
	const char *name;
	const Column *column;
	int			columns;
	int			key[2];			/* columns of the primary key */
	int			generated;		/* column, or -1 */
	/* What was found, until somebody changes it. */
	Oid			oid;
	bool		examined;
	const char *unlike;			/* why SQL must be used; NULL: as deployed */
	Oid			key_index;
	int			indexes;
	HeapIndex	index[CRM_HEAP_INDEXES];
	ScanKeyData scan_key[2];
	ScanKeyData from_key;		/* first column of the key: from, until */
	ScanKeyData until_key;
	MemoryContext context;		/* of what index and keys point to */
} HeapTable;

static HeapTable account_table = {
	.name = "points_account", .column = account_columns, .columns = ACCOUNT_COLUMNS,
	.key = {ACCOUNT_CUSTOMER, ACCOUNT_PROGRAMME}, .generated = ACCOUNT_NEXT_DUE
};
static HeapTable journal_table = {
	.name = "points_journal", .column = entry_columns, .columns = ENTRY_COLUMNS,
	.key = {ENTRY_CUSTOMER, ENTRY_REQUEST_ID}, .generated = -1
};

static void
forget_tables(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == account_table.oid)
		account_table.examined = false;
	if (relation == InvalidOid || relation == journal_table.oid)
		journal_table.examined = false;
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

static const char *
difference(Relation relation, HeapTable *table)
{
	Form_pg_class form = relation->rd_rel;
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	if (form->relkind != RELKIND_RELATION || form->relispartition || form->relhassubclass || form->relam != HEAP_TABLE_AM_OID)
		return "it is no plain table";
	if (form->relreplident != REPLICA_IDENTITY_DEFAULT && form->relreplident != REPLICA_IDENTITY_FULL)
		return "it has a replica identity of its own";
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

/* Open and locked for writing, or NULL when SQL must be used. */
static Relation
open_table(HeapTable *table)
{
	Relation	relation;

	if (!table->examined)
	{
		Oid			schema = get_namespace_oid("crm_data", true);

		table->oid = OidIsValid(schema) ? get_relname_relid(table->name, schema) : InvalidOid;
	}
	relation = OidIsValid(table->oid) ? try_table_open(table->oid, RowExclusiveLock) : NULL;
	if (relation == NULL)
		return NULL;
	for (int tries = 0; !table->examined && tries < 3; tries++)
		examine(relation, table);
	if (table->examined && table->unlike == NULL)
		return relation;
	table_close(relation, NoLock);
	return NULL;
}

/* -- a call ------------------------------------------------------------------------------------- */

typedef enum WritePath
{
	WRITE_PATH_AUTO,
	WRITE_PATH_SQL
} WritePath;

static const struct config_enum_entry write_paths[] = {
	{"auto", WRITE_PATH_AUTO, false},
	{"sql", WRITE_PATH_SQL, false},
	{NULL, 0, false}
};

static int	write_path = WRITE_PATH_AUTO;

void
crm_heap_init(void)
{
	DefineCustomEnumVariable("crm.points_write_path",
							 "How postings of points reach their tables (积分写入方式).",
							 "auto goes below SQL where the tables are as crm.deploy() made them; sql never does.",
							 &write_path, WRITE_PATH_AUTO, write_paths,
							 PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	CacheRegisterRelcacheCallback(forget_tables, (Datum) 0);
}

/* Statements of these isolation levels keep one snapshot, of which the executor takes care. */
static bool
is_allowed(void)
{
	return write_path == WRITE_PATH_AUTO && !IsolationUsesXactSnapshot() && !XactReadOnly;
}

bool
crm_heap_open(CrmHeap *heap, int64 last_customer)
{
	memset(heap, 0, sizeof(*heap));
	heap->last_customer = last_customer;
	if (!is_allowed())
		return false;
	heap->account = open_table(&account_table);
	heap->journal = heap->account != NULL ? open_table(&journal_table) : NULL;
	if (heap->journal == NULL)
	{
		if (heap->account != NULL)
			table_close(heap->account, NoLock);
		return false;
	}
	heap->account_key = index_open(account_table.key_index, RowExclusiveLock);
	heap->journal_key = index_open(journal_table.key_index, RowExclusiveLock);
	return true;
}

/* See what others committed meanwhile. */
void
crm_heap_look_anew(CrmHeap *heap)
{
	if (heap->scan == NULL)
		return;
	ExecClearTuple(heap->found_account);
	index_endscan(heap->scan);
	UnregisterSnapshot(heap->snapshot);
	heap->scan = NULL;
}

static void
drop_slot(TupleTableSlot *slot)
{
	if (slot != NULL)
		ExecDropSingleTupleTableSlot(slot);
}

static void
close_indexes(Relation index[CRM_HEAP_INDEXES])
{
	for (int i = 0; i < CRM_HEAP_INDEXES; i++)
		if (index[i] != NULL)
			index_close(index[i], NoLock);
}

/* What was written is seen by whatever the transaction does next. */
void
crm_heap_close(CrmHeap *heap)
{
	crm_heap_look_anew(heap);
	drop_slot(heap->found_account);
	drop_slot(heap->locked_account);
	drop_slot(heap->found_entry);
	drop_slot(heap->account_row);
	drop_slot(heap->entry_row);
	close_indexes(heap->account_index);
	close_indexes(heap->journal_index);
	index_close(heap->journal_key, NoLock);
	index_close(heap->account_key, NoLock);
	table_close(heap->journal, NoLock);
	table_close(heap->account, NoLock);
	CommandCounterIncrement();
}

static TupleTableSlot *
slot_of(TupleTableSlot **slot, Relation relation, const TupleTableSlotOps *ops)
{
	if (*slot == NULL)
		*slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), ops);
	return *slot;
}

/* -- accounts --------------------------------------------------------------------------------------- */

static void
read_account(TupleTableSlot *slot, CrmAccount *account)
{
	slot_getallattrs(slot);
	account->exists = true;
	account->place = slot->tts_tid;
	account->locked = DatumGetChar(slot->tts_values[ACCOUNT_STATUS]) == 'l';
	account->seq = DatumGetInt64(slot->tts_values[ACCOUNT_SEQ]);
	account->has_due = !slot->tts_isnull[ACCOUNT_NEXT_DUE];
	account->due = account->has_due ? DatumGetDateADT(slot->tts_values[ACCOUNT_NEXT_DUE]) : 0;
	if (!slot->tts_isnull[ACCOUNT_CHAIN])
		memcpy(account->chain, VARDATA_ANY(DatumGetPointer(slot->tts_values[ACCOUNT_CHAIN])), CRM_HASH_SIZE);
	account->state = datumCopy(slot->tts_values[ACCOUNT_STATE], false, -1);
}

static bool
scan_accounts(CrmHeap *heap, ScanKey keys)
{
	TupleTableSlot *slot = slot_of(&heap->found_account, heap->account, &TTSOpsBufferHeapTuple);

	if (heap->scan == NULL)
	{
		heap->snapshot = RegisterSnapshot(GetTransactionSnapshot());
		heap->scan = CRM_INDEX_BEGINSCAN(heap->account, heap->account_key, heap->snapshot, 2);
	}
	index_rescan(heap->scan, keys, 2, NULL, 0);
	return index_getnext_slot(heap->scan, ForwardScanDirection, slot);
}

static bool
look_for_one(CrmHeap *heap, const CrmAccount *account)
{
	ScanKeyData key[2] = {account_table.scan_key[0], account_table.scan_key[1]};

	key[0].sk_argument = Int64GetDatum(account->customer);
	key[1].sk_argument = CStringGetTextDatum(account->programme->name);
	heap->is_dense = false;
	return scan_accounts(heap, key);
}

/* From this customer to the last of the batch.  The server reads such a range by pages. */
static void
begin_range(CrmHeap *heap, int64 customer)
{
	ScanKeyData key[2] = {account_table.from_key, account_table.until_key};

	key[0].sk_argument = Int64GetDatum(customer);
	key[1].sk_argument = Int64GetDatum(heap->last_customer);
	heap->has_row = scan_accounts(heap, key);
	heap->is_dense = true;
}

static int64
customer_of(TupleTableSlot *slot)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, ACCOUNT_CUSTOMER + 1, &isnull));
}

static bool
is_programme(TupleTableSlot *slot, const char *name)
{
	bool		isnull;
	text	   *programme = DatumGetTextPP(slot_getattr(slot, ACCOUNT_PROGRAMME + 1, &isnull));

	return strlen(name) == VARSIZE_ANY_EXHDR(programme) && memcmp(VARDATA_ANY(programme), name, strlen(name)) == 0;
}

/* Along the range, which must not have passed by: at most one row that is not asked for. */
static bool
look_in_range(CrmHeap *heap, const CrmAccount *account)
{
	TupleTableSlot *slot = heap->found_account;

	if (heap->has_row && customer_of(slot) < account->customer)
		heap->has_row = index_getnext_slot(heap->scan, ForwardScanDirection, slot);
	if (heap->has_row && customer_of(slot) < account->customer)
		return look_for_one(heap, account);
	for (; heap->has_row && customer_of(slot) == account->customer;
		 heap->has_row = index_getnext_slot(heap->scan, ForwardScanDirection, slot))
		if (is_programme(slot, account->programme->name))
			return true;
	return false;
}

/*
 * Accounts are locked in order of customer, so that in a batch the next one is often
 * the next row: that is tried now and then, and kept up as long as it is so.
 */
static bool
look_up_account(CrmHeap *heap, const CrmAccount *account)
{
	bool		is_same = heap->scan != NULL && heap->customer == account->customer;

	if (account->customer < heap->last_customer && ++heap->looks % 32 == 1)
		begin_range(heap, account->customer);
	else if (is_same || heap->scan == NULL)
		heap->is_dense = false;
	heap->customer = account->customer;
	return heap->is_dense ? look_in_range(heap, account) : look_for_one(heap, account);
}

/*
 * A row that nobody has locked or replaced may be read as it is, without a lock that
 * would have to be logged: its update will tell if it was replaced meanwhile.  Until
 * then the snapshot keeps the place from being given to another row.
 */
static bool
seems_free(TupleTableSlot *slot)
{
	const HeapTupleData *tuple = ((BufferHeapTupleTableSlot *) slot)->base.tuple;

	return (tuple->t_data->t_infomask & HEAP_XMAX_INVALID) != 0;
}

bool
crm_heap_lock(CrmHeap *heap, CrmAccount *account)
{
	account->is_hoped = false;
	while (look_up_account(heap, account))
	{
		if (heap->is_hopeful && seems_free(heap->found_account))
		{
			read_account(heap->found_account, account);
			account->is_hoped = true;
			return true;
		}

		TupleTableSlot *slot = slot_of(&heap->locked_account, heap->account, &TTSOpsBufferHeapTuple);
		TM_FailureData failure;
		TM_Result	result = table_tuple_lock(heap->account, &heap->found_account->tts_tid, heap->snapshot, slot,
											  GetCurrentCommandId(false), LockTupleNoKeyExclusive, LockWaitBlock,
											  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

		if (result == TM_Ok)
		{
			read_account(slot, account);
			ExecClearTuple(slot);
			return true;
		}
		if (result != TM_Deleted)
			elog(ERROR, "unexpected table_tuple_lock status: %d", result);
		crm_heap_look_anew(heap);
	}
	return false;
}

/* -- writing ------------------------------------------------------------------------------------------ */

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
static bool
insert_index_tuples(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row, bool is_update)
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

static bool
insert_row(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row)
{
	row->tts_tableOid = RelationGetRelid(relation);
	table_tuple_insert(relation, row, GetCurrentCommandId(true), 0, NULL);
	return insert_index_tuples(relation, table, key, others, row, false);
}

static Datum
hash_datum(const uint8 hash[CRM_HASH_SIZE])
{
	bytea	   *value = palloc(VARHDRSZ_SHORT + CRM_HASH_SIZE);

	SET_VARSIZE_SHORT(value, VARHDRSZ_SHORT + CRM_HASH_SIZE);
	memcpy(VARDATA_SHORT(value), hash, CRM_HASH_SIZE);
	return PointerGetDatum(value);
}

static void
fill_account(const CrmAccount *account, TupleTableSlot *row)
{
	ExecClearTuple(row);
	memset(row->tts_isnull, 0, sizeof(bool) * ACCOUNT_COLUMNS);
	row->tts_values[ACCOUNT_CUSTOMER] = Int64GetDatum(account->customer);
	row->tts_values[ACCOUNT_SEQ] = Int64GetDatum(account->seq);
	row->tts_values[ACCOUNT_NEXT_DUE] = DateADTGetDatum(account->due);
	row->tts_isnull[ACCOUNT_NEXT_DUE] = !account->has_due;
	row->tts_values[ACCOUNT_STATUS] = CharGetDatum(account->locked ? 'l' : 'o');
	row->tts_values[ACCOUNT_PROGRAMME] = CStringGetTextDatum(account->programme->name);
	row->tts_isnull[ACCOUNT_CHAIN] = !account->programme->is_chained;
	row->tts_values[ACCOUNT_CHAIN] = hash_datum(account->chain);
	row->tts_values[ACCOUNT_STATE] = account->state;
	ExecStoreVirtualTuple(row);
}

/* The row at this place becomes that of the account, if nobody has replaced it. */
static TM_Result
update_row(CrmHeap *heap, CrmAccount *account, ItemPointerData place)
{
	TupleTableSlot *row = slot_of(&heap->account_row, heap->account, &TTSOpsVirtual);
	TM_FailureData failure;
	LockTupleMode mode;
	CrmUpdateIndexes indexes;
	TM_Result	result;

	fill_account(account, row);
	result = table_tuple_update(heap->account, &place, row, GetCurrentCommandId(true), InvalidSnapshot, InvalidSnapshot,
								true, &failure, &mode, &indexes);
	if (result != TM_Ok)
		return result;
	account->place = row->tts_tid;
	if (CRM_NEEDS_INDEXES(indexes))
		insert_index_tuples(heap->account, &account_table, heap->account_key, heap->account_index, row, true);
	return TM_Ok;
}

static bool
insert_account(CrmHeap *heap, CrmAccount *account)
{
	TupleTableSlot *row = slot_of(&heap->account_row, heap->account, &TTSOpsVirtual);

	fill_account(account, row);
	return insert_row(heap->account, &account_table, heap->account_key, heap->account_index, row);
}

/* False when the row is not as it was read: something of our own has posted meanwhile. */
bool
crm_heap_save(CrmHeap *heap, CrmAccount *account)
{
	return account->exists ? update_row(heap, account, account->place) == TM_Ok : insert_account(heap, account);
}

/* False when another has replaced or removed what was read. */
bool
crm_heap_claim(CrmHeap *heap, CrmAccount *account, CrmAccount *after)
{
	TM_Result	result = update_row(heap, after, account->place);

	if (result == TM_Ok)
	{
		after->is_hoped = after->changed = false;
		return true;
	}
	if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected table_tuple_update status: %d", result);
	heap->is_hopeful = false;
	*account = (CrmAccount) {.customer = account->customer, .programme = account->programme};
	return false;
}

/* -- entries -------------------------------------------------------------------------------------------- */

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
fill_entry(const CrmJournal *e, TupleTableSlot *row)
{
	Datum	   *values = row->tts_values;
	bool	   *isnull = row->tts_isnull;

	ExecClearTuple(row);
	memset(isnull, 0, sizeof(bool) * ENTRY_COLUMNS);
	values[ENTRY_CUSTOMER] = Int64GetDatum(e->customer);
	values[ENTRY_SEQ] = Int64GetDatum(e->seq);
	values[ENTRY_AMOUNT] = Int64GetDatum(e->amount);
	values[ENTRY_AVAILABLE] = Int64GetDatum(e->available);
	values[ENTRY_POSTED_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[ENTRY_BUSINESS_DATE] = DateADTGetDatum(e->business_date);
	values[ENTRY_EXPIRES_ON] = DateADTGetDatum(e->expires_on);
	isnull[ENTRY_EXPIRES_ON] = !e->has_expiry;
	values[ENTRY_HELD] = Int64GetDatum(e->held);
	isnull[ENTRY_HELD] = e->held == 0;
	values[ENTRY_DEBT] = Int64GetDatum(e->debt);
	isnull[ENTRY_DEBT] = e->debt == 0;
	values[ENTRY_COUNTERPARTY] = Int64GetDatum(e->counterparty);
	isnull[ENTRY_COUNTERPARTY] = e->counterparty == 0;
	values[ENTRY_RULE_VERSION] = Int32GetDatum(e->rule_version);
	isnull[ENTRY_RULE_VERSION] = e->rule_version == 0;
	values[ENTRY_IS_REST] = BoolGetDatum(e->is_rest);
	isnull[ENTRY_IS_REST] = !e->is_rest;
	values[ENTRY_REQUEST_ID] = CStringGetTextDatum(e->request_id);
	values[ENTRY_PROGRAMME] = CStringGetTextDatum(e->programme);
	values[ENTRY_KIND] = CStringGetTextDatum(crm_points_kind_name[e->kind]);
	values[ENTRY_REF] = text_or_null(e->ref, &isnull[ENTRY_REF]);
	values[ENTRY_CLASS] = text_or_null(e->has_expiry && e->class[0] != '\0' ? e->class : NULL, &isnull[ENTRY_CLASS]);
	values[ENTRY_DELTA] = e->delta;
	values[ENTRY_HASH] = hash_datum(e->hash);
	isnull[ENTRY_HASH] = !e->is_chained;
	ExecStoreVirtualTuple(row);
}

static IndexScanDesc
scan_journal(CrmHeap *heap, Snapshot snapshot, int64 customer, const char *request_id)
{
	ScanKeyData key[2] = {journal_table.scan_key[0], journal_table.scan_key[1]};
	IndexScanDesc scan = CRM_INDEX_BEGINSCAN(heap->journal, heap->journal_key, snapshot, 2);

	key[0].sk_argument = Int64GetDatum(customer);
	key[1].sk_argument = CStringGetTextDatum(request_id);
	index_rescan(scan, key, 2, NULL, 0);
	return scan;
}

/* Whether there is an entry of this name, or somebody is about to commit one: then wait. */
static bool
name_is_taken(CrmHeap *heap, int64 customer, const char *request_id)
{
	TupleTableSlot *slot = slot_of(&heap->found_entry, heap->journal, &TTSOpsBufferHeapTuple);
	TransactionId writer;
	bool		taken = false;

	do
	{
		SnapshotData dirty;
		ItemPointerData place;
		IndexScanDesc scan;

		InitDirtySnapshot(dirty);
		writer = InvalidTransactionId;
		scan = scan_journal(heap, &dirty, customer, request_id);
		while (!taken && index_getnext_slot(scan, ForwardScanDirection, slot))
		{
			TransactionId busy = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;

			taken = !TransactionIdIsValid(busy);
			writer = taken ? InvalidTransactionId : busy;
			place = slot->tts_tid;
		}
		ExecClearTuple(slot);
		index_endscan(scan);
		if (TransactionIdIsValid(writer))
			XactLockTableWait(writer, heap->journal, &place, XLTW_InsertIndex);
	} while (TransactionIdIsValid(writer));
	return taken;
}

/* Where the index tells that the name is there, the row is taken back. */
static bool
insert_entry(CrmHeap *heap, TupleTableSlot *row)
{
	if (insert_row(heap->journal, &journal_table, heap->journal_key, heap->journal_index, row))
		return true;
	CommandCounterIncrement();
	simple_heap_delete(heap->journal, &row->tts_tid);
	return false;
}

/*
 * To look whether a name is taken before it is written costs as much as the index's
 * own look at insertion, but that leaves a dead row where it is taken.  So we look
 * first for a while after a name was taken, for what comes again comes in series.
 */
#define LOOKS_AFTER_TAKEN 100
static int	looks_left = 0;

/* A name that is taken would be noticed after the account is written, so do not hope then. */
void
crm_heap_hope(CrmHeap *heap)
{
	heap->is_hopeful = looks_left == 0;
}

static bool
is_taken(CrmHeap *heap, const CrmJournal *entry)
{
	if (looks_left == 0)
		return false;
	looks_left--;
	if (!name_is_taken(heap, entry->customer, entry->request_id))
		return false;
	looks_left = LOOKS_AFTER_TAKEN;
	return true;
}

bool
crm_heap_insert(CrmHeap *heap, const CrmJournal *entry)
{
	TupleTableSlot *row = slot_of(&heap->entry_row, heap->journal, &TTSOpsVirtual);
	bool		is_ours = entry->request_id[0] == '~';	/* nobody else has such names */

	do
	{
		if (!is_ours && is_taken(heap, entry))
			return false;
		fill_entry(entry, row);
		if (insert_entry(heap, row))
			return true;
		looks_left = LOOKS_AFTER_TAKEN;
	} while (!is_ours);
	return false;
}

static char *
text_of(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL : text_to_cstring(DatumGetTextPP(slot->tts_values[column]));
}

static int64
number_of(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? 0 : DatumGetInt64(slot->tts_values[column]);
}

static void
read_entry(TupleTableSlot *slot, CrmJournal *e)
{
	char	   *class;

	slot_getallattrs(slot);
	e->programme = text_of(slot, ENTRY_PROGRAMME);
	e->kind = crm_points_kind_named(text_of(slot, ENTRY_KIND));
	e->seq = number_of(slot, ENTRY_SEQ);
	e->amount = number_of(slot, ENTRY_AMOUNT);
	e->available = number_of(slot, ENTRY_AVAILABLE);
	e->held = number_of(slot, ENTRY_HELD);
	e->debt = number_of(slot, ENTRY_DEBT);
	e->has_expiry = !slot->tts_isnull[ENTRY_EXPIRES_ON];
	e->expires_on = e->has_expiry ? DatumGetDateADT(slot->tts_values[ENTRY_EXPIRES_ON]) : 0;
	class = text_of(slot, ENTRY_CLASS);
	if (class != NULL)
		strlcpy(e->class, class, CRM_CLASS_SIZE);
	e->counterparty = number_of(slot, ENTRY_COUNTERPARTY);
	e->is_rest = !slot->tts_isnull[ENTRY_IS_REST] && DatumGetBool(slot->tts_values[ENTRY_IS_REST]);
	e->ref = text_of(slot, ENTRY_REF);
	e->delta = datumCopy(slot->tts_values[ENTRY_DELTA], false, -1);
}

bool
crm_heap_find(CrmHeap *heap, int64 customer, const char *request_id, CrmJournal *found)
{
	TupleTableSlot *slot = slot_of(&heap->found_entry, heap->journal, &TTSOpsBufferHeapTuple);
	Snapshot	snapshot;
	IndexScanDesc scan;
	bool		is_there;

	/* Also what this call has written. */
	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	scan = scan_journal(heap, snapshot, customer, request_id);
	is_there = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (is_there)
	{
		memset(found, 0, sizeof(*found));
		found->customer = customer;
		found->request_id = request_id;
		read_entry(slot, found);
	}
	ExecClearTuple(slot);
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	return is_there;
}

/* -- for whoever wonders why postings are slow ------------------------------------------------------ */

PG_FUNCTION_INFO_V1(crm_points_write_path);
Datum
crm_points_write_path(PG_FUNCTION_ARGS)
{
	HeapTable  *tables[] = {&account_table, &journal_table};

	if (!is_allowed())
		PG_RETURN_TEXT_P(cstring_to_text("sql: of this transaction or setting"));
	for (int i = 0; i < 2; i++)
	{
		Relation	relation = open_table(tables[i]);

		if (relation == NULL)
			PG_RETURN_TEXT_P(cstring_to_text(psprintf("sql: %s: %s", tables[i]->name,
													  tables[i]->unlike ? tables[i]->unlike : "it is not there")));
		table_close(relation, NoLock);
	}
	PG_RETURN_TEXT_P(cstring_to_text("direct"));
}
