/*
 * points_entry.c: entries of the journal, read and written below SQL.
 *
 * Entries are never updated, so for them a dirty snapshot is right: it also shows
 * those that are not yet committed, which must be waited for.
 */
#include "points_table.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

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
	values[ENTRY_HASH] = crm_heap_hash(e->hash);
	isnull[ENTRY_HASH] = !e->is_chained;
	ExecStoreVirtualTuple(row);
}

static IndexScanDesc
scan_journal(CrmHeap *heap, Snapshot snapshot, int64 customer, const char *request_id)
{
	ScanKeyData key[2] = {crm_heap_journal.scan_key[0], crm_heap_journal.scan_key[1]};
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
	ScanKeyData key[2] = {crm_heap_journal.scan_key[0], crm_heap_journal.scan_key[1]};

	key[0].sk_argument = Int64GetDatum(customer);
	key[1].sk_argument = CStringGetTextDatum(request_id);
	return crm_heap_is_taken(heap->journal, heap->journal_key, key,
							 crm_heap_slot(&heap->found_entry, heap->journal, &TTSOpsBufferHeapTuple), false);
}

/*
 * Whoever reads the log must not be told of a row that was put in and taken back: by
 * its key that is the entry of the name that was there before.
 */
static bool
insert_speculatively(CrmHeap *heap, TupleTableSlot *row)
{
	TransactionId writer = GetCurrentTransactionId();
	uint32		token = SpeculativeInsertionLockAcquire(writer);
	bool		unique;

	row->tts_tableOid = RelationGetRelid(heap->journal);
	table_tuple_insert_speculative(heap->journal, row, GetCurrentCommandId(true), 0, NULL, token);
	unique = crm_heap_index_row(heap->journal, &crm_heap_journal, heap->journal_key, heap->journal_index, row, false);
	table_tuple_complete_speculative(heap->journal, row, token, unique);
	SpeculativeInsertionLockRelease(writer);
	return unique;
}

/* Where the index tells that the name is there, the row is taken back. */
static bool
insert_entry(CrmHeap *heap, TupleTableSlot *row)
{
	if (RelationIsLogicallyLogged(heap->journal))
		return insert_speculatively(heap, row);
	if (crm_heap_insert_row(heap->journal, &crm_heap_journal, heap->journal_key, heap->journal_index, row))
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
	TupleTableSlot *row = crm_heap_slot(&heap->entry_row, heap->journal, &TTSOpsVirtual);
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

/* -- many at once -------------------------------------------------------------------------- */

/* Not in a series of names that are taken: all would be written and taken back, in the log as well. */
bool
crm_heap_may_keep(const CrmHeap *heap)
{
	return looks_left == 0 && heap->kept_count < CRM_HEAP_ROWS && !RelationIsLogicallyLogged(heap->journal);
}

static TupleTableSlot *
next_kept(CrmHeap *heap)
{
	if (heap->kept == NULL)
	{
		heap->kept = palloc0(sizeof(TupleTableSlot *) * (CRM_HEAP_ROWS + CRM_POSTING_ENTRIES));
		heap->kept_context = AllocSetContextCreate(CurrentMemoryContext, "crm points entries", ALLOCSET_DEFAULT_SIZES);
	}
	heap->kept_slots = Max(heap->kept_slots, heap->kept_count + 1);
	return crm_heap_slot(&heap->kept[heap->kept_count++], heap->journal, &TTSOpsVirtual);
}

void
crm_heap_keep(CrmHeap *heap, const CrmJournal *entry)
{
	TupleTableSlot *row = next_kept(heap);
	MemoryContext old = MemoryContextSwitchTo(heap->kept_context);

	fill_entry(entry, row);
	MemoryContextSwitchTo(old);
}

static void
take_back(CrmHeap *heap)
{
	CommandCounterIncrement();
	for (int i = 0; i < heap->kept_count; i++)
		simple_heap_delete(heap->journal, &heap->kept[i]->tts_tid);
	looks_left = LOOKS_AFTER_TAKEN;
}

/* As the index has them: the next one then finds near what the one before has fetched. */
static int
key_order(const void *a, const void *b)
{
	Datum	   *x = (*(TupleTableSlot *const *) a)->tts_values;
	Datum	   *y = (*(TupleTableSlot *const *) b)->tts_values;
	int64		x_customer = DatumGetInt64(x[ENTRY_CUSTOMER]);
	int64		y_customer = DatumGetInt64(y[ENTRY_CUSTOMER]);
	text	   *x_name = DatumGetTextPP(x[ENTRY_REQUEST_ID]);
	text	   *y_name = DatumGetTextPP(y[ENTRY_REQUEST_ID]);

	if (x_customer != y_customer)
		return x_customer < y_customer ? -1 : 1;
	return memcmp(VARDATA_ANY(x_name), VARDATA_ANY(y_name), Min(VARSIZE_ANY_EXHDR(x_name), VARSIZE_ANY_EXHDR(y_name)));
}

/* By pages, in the order of the entries, and then into the index, in its own. */
bool
crm_heap_write_kept(CrmHeap *heap)
{
	MemoryContext old;
	bool		unique = true;

	if (heap->kept_count == 0)
		return true;
	old = MemoryContextSwitchTo(heap->kept_context);
	table_multi_insert(heap->journal, heap->kept, heap->kept_count, GetCurrentCommandId(true), 0, NULL);
	qsort(heap->kept, heap->kept_count, sizeof(TupleTableSlot *), key_order);
	for (int i = 0; unique && i < heap->kept_count; i++)
		unique = crm_heap_index_row(heap->journal, &crm_heap_journal, heap->journal_key, heap->journal_index, heap->kept[i], false);
	if (!unique)
		take_back(heap);
	for (int i = 0; i < heap->kept_count; i++)
		ExecClearTuple(heap->kept[i]);
	heap->kept_count = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(heap->kept_context);
	return unique;
}

void
crm_heap_drop_kept(CrmHeap *heap)
{
	for (int i = 0; i < heap->kept_slots; i++)
		ExecDropSingleTupleTableSlot(heap->kept[i]);
}

/* -- reading ------------------------------------------------------------------------------- */

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
	TupleTableSlot *slot = crm_heap_slot(&heap->found_entry, heap->journal, &TTSOpsBufferHeapTuple);
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
