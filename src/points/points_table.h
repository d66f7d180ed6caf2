/*
 * points_table.h: the two tables of the postings as crm.deploy() makes them, for
 * what reads and writes their rows below SQL.
 */
#ifndef CRM_POINTS_TABLE_H
#define CRM_POINTS_TABLE_H

#include "points_store.h"

#include "access/skey.h"
#include "nodes/execnodes.h"

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

extern HeapTable crm_heap_accounts;
extern HeapTable crm_heap_journal;

extern void crm_heap_watch_tables(void);
extern Relation crm_heap_open_table(HeapTable *table);
extern TupleTableSlot *crm_heap_slot(TupleTableSlot **slot, Relation relation, const TupleTableSlotOps *ops);
extern bool crm_heap_index_row(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row, bool is_update);
extern bool crm_heap_insert_row(Relation relation, const HeapTable *table, Relation key, Relation *others, TupleTableSlot *row);
extern bool crm_heap_is_taken(Relation relation, Relation index, const ScanKeyData key[2], TupleTableSlot *slot, bool has_updates);
extern Datum crm_heap_hash(const uint8 hash[CRM_HASH_SIZE]);

#endif
