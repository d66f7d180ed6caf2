/*
 * points_heap.c: accounts of points, read, locked and written below SQL.
 *
 * An account is found by an index scan with an MVCC snapshot, which sees exactly
 * one version of a row however often it is updated meanwhile, and locked with
 * table_tuple_lock(), which follows to the last version.  (A scan with a dirty
 * snapshot misses a hot row now and then, for its versions move while they are
 * looked at.)
 */
#include "points_table.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

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
	crm_heap_watch_tables();
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
	heap->account = crm_heap_open_table(&crm_heap_accounts);
	heap->journal = heap->account != NULL ? crm_heap_open_table(&crm_heap_journal) : NULL;
	if (heap->journal == NULL)
	{
		if (heap->account != NULL)
			table_close(heap->account, NoLock);
		return false;
	}
	heap->account_key = index_open(crm_heap_accounts.key_index, RowExclusiveLock);
	heap->journal_key = index_open(crm_heap_journal.key_index, RowExclusiveLock);
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
	crm_heap_drop_kept(heap);
	close_indexes(heap->account_index);
	close_indexes(heap->journal_index);
	index_close(heap->journal_key, NoLock);
	index_close(heap->account_key, NoLock);
	table_close(heap->journal, NoLock);
	table_close(heap->account, NoLock);
	CommandCounterIncrement();
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

/*
 * What was replaced is cleared away when a page has no more room for two rows like
 * those in it.  The server does so at each look at a page that is fuller than its
 * fillfactor, which these pages are meant to be: a quarter of a posting's work, for
 * the room of one row.  Along a range each page is looked at once, and cleared.
 */
static bool
wants_clearing(const CrmHeap *heap, Page page)
{
	PageHeader	header = (PageHeader) page;
	Size		row = (header->pd_special - header->pd_upper) / Max(PageGetMaxOffsetNumber(page), 1);

	return heap->is_dense || PageIsFull(page) || PageGetHeapFreeSpace(page) < Max(BLCKSZ / 10, 2 * row);
}

/* As index_getnext_slot(), which would clear the page whenever it comes to another. */
static bool
next_account(CrmHeap *heap)
{
	IndexFetchHeapData *fetch = (IndexFetchHeapData *) heap->scan->xs_heapfetch;
	ItemPointer place;

	while ((place = index_getnext_tid(heap->scan, ForwardScanDirection)) != NULL)
	{
		Buffer		before = fetch->xs_cbuf;

		fetch->xs_cbuf = ReleaseAndReadBuffer(before, heap->account, ItemPointerGetBlockNumber(place));
		if (fetch->xs_cbuf != before && wants_clearing(heap, BufferGetPage(fetch->xs_cbuf)))
			heap_page_prune_opt(heap->account, fetch->xs_cbuf);
		if (index_fetch_heap(heap->scan, heap->found_account))
			return true;
	}
	return false;
}

static bool
scan_accounts(CrmHeap *heap, ScanKey keys)
{
	crm_heap_slot(&heap->found_account, heap->account, &TTSOpsBufferHeapTuple);
	if (heap->scan == NULL)
	{
		heap->snapshot = RegisterSnapshot(GetTransactionSnapshot());
		heap->scan = CRM_INDEX_BEGINSCAN(heap->account, heap->account_key, heap->snapshot, 2);
	}
	index_rescan(heap->scan, keys, 2, NULL, 0);
	return next_account(heap);
}

static bool
look_for_one(CrmHeap *heap, const CrmAccount *account)
{
	ScanKeyData key[2] = {crm_heap_accounts.scan_key[0], crm_heap_accounts.scan_key[1]};

	key[0].sk_argument = Int64GetDatum(account->customer);
	key[1].sk_argument = CStringGetTextDatum(account->programme->name);
	heap->is_dense = false;
	return scan_accounts(heap, key);
}

/* From this customer to the last of the batch.  The server reads such a range by pages. */
static void
begin_range(CrmHeap *heap, int64 customer)
{
	ScanKeyData key[2] = {crm_heap_accounts.from_key, crm_heap_accounts.until_key};

	key[0].sk_argument = Int64GetDatum(customer);
	key[1].sk_argument = Int64GetDatum(heap->last_customer);
	heap->is_dense = true;
	heap->has_row = scan_accounts(heap, key);
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
		heap->has_row = next_account(heap);
	if (heap->has_row && customer_of(slot) < account->customer)
		return look_for_one(heap, account);
	for (; heap->has_row && customer_of(slot) == account->customer; heap->has_row = next_account(heap))
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

/* An account that somebody is about to open: then wait until it is there, or is not. */
void
crm_heap_await(CrmHeap *heap, const CrmAccount *account)
{
	ScanKeyData key[2] = {crm_heap_accounts.scan_key[0], crm_heap_accounts.scan_key[1]};

	key[0].sk_argument = Int64GetDatum(account->customer);
	key[1].sk_argument = CStringGetTextDatum(account->programme->name);
	crm_heap_is_taken(heap->account, heap->account_key, key,
					  crm_heap_slot(&heap->found_account, heap->account, &TTSOpsBufferHeapTuple), true);
	crm_heap_look_anew(heap);
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

		TupleTableSlot *slot = crm_heap_slot(&heap->locked_account, heap->account, &TTSOpsBufferHeapTuple);
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
	row->tts_values[ACCOUNT_CHAIN] = crm_heap_hash(account->chain);
	row->tts_values[ACCOUNT_STATE] = account->state;
	ExecStoreVirtualTuple(row);
}

/* The row at this place becomes that of the account, if nobody has replaced it. */
static TM_Result
update_row(CrmHeap *heap, CrmAccount *account, ItemPointerData place)
{
	TupleTableSlot *row = crm_heap_slot(&heap->account_row, heap->account, &TTSOpsVirtual);
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
		crm_heap_index_row(heap->account, &crm_heap_accounts, heap->account_key, heap->account_index, row, true);
	return TM_Ok;
}

static bool
insert_account(CrmHeap *heap, CrmAccount *account)
{
	TupleTableSlot *row = crm_heap_slot(&heap->account_row, heap->account, &TTSOpsVirtual);

	fill_account(account, row);
	return crm_heap_insert_row(heap->account, &crm_heap_accounts, heap->account_key, heap->account_index, row);
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

/* -- for whoever wonders why postings are slow ------------------------------------------------------ */

PG_FUNCTION_INFO_V1(crm_points_write_path);
Datum
crm_points_write_path(PG_FUNCTION_ARGS)
{
	HeapTable  *tables[] = {&crm_heap_accounts, &crm_heap_journal};

	if (!is_allowed())
		PG_RETURN_TEXT_P(cstring_to_text("sql: of this transaction or setting"));
	for (int i = 0; i < 2; i++)
	{
		Relation	relation = crm_heap_open_table(tables[i]);

		if (relation == NULL)
			PG_RETURN_TEXT_P(cstring_to_text(psprintf("sql: %s: %s", tables[i]->name,
													  tables[i]->unlike ? tables[i]->unlike : "it is not there")));
		table_close(relation, NoLock);
	}
	PG_RETURN_TEXT_P(cstring_to_text("direct"));
}
