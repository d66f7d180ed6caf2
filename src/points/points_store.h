/*
 * points_store.h: programmes, accounts and entries in the tables.
 *
 * points_post.c decides; points_store.c is what it calls.  There are two ways to
 * the rows: points_table.c, points_heap.c (accounts) and points_entry.c (entries)
 * read and write them below SQL, which is what makes a
 * posting cost no more than a bare UPDATE and INSERT; points_sql.c does the same
 * by statements, wherever the first may not: in REPEATABLE READ and SERIALIZABLE,
 * and where a table is no longer as crm.deploy() made it.
 */
#ifndef CRM_POINTS_STORE_H
#define CRM_POINTS_STORE_H

#include "points.h"
#include "points_chain_core.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#define CRM_PROGRAMME_SIZE	32		/* up to 31 letters */

typedef struct CrmProgramme
{
	char		name[CRM_PROGRAMME_SIZE];
	CrmPointsRules rules;
	bool		is_chained;
	int64		adjust_limit;	/* PG_INT64_MAX: none */
	bool		rules_spending; /* rows say who may spend and give away */
	bool		rules_credits;	/* points come by rules and batches only */
} CrmProgramme;

typedef struct CrmAccount
{
	int64		customer;
	const CrmProgramme *programme;
	bool		exists;			/* as a row */
	ItemPointerData place;		/* of the row, which is locked and so stays, unless */
	bool		is_hoped;		/* it was only read, in the hope that it does */
	bool		is_opening;		/* nobody else may open it until this call ends */
	bool		changed;
	bool		locked;
	bool		in_arrears;		/* it is not there yet, and when it is opened it will be locked: */
	bool		is_arrears_lock;	/* it was */
	int64		seq;
	uint8		chain[CRM_HASH_SIZE];
	Datum		state;			/* a crm.points_ledger */
	bool		has_due;
	int32		due;			/* its next expiry */
} CrmAccount;

/* An entry of the journal. */
typedef struct CrmJournal
{
	int64		customer;
	const char *programme;
	const char *request_id;
	CrmPointsKind kind;
	int64		seq;
	int64		amount;
	int64		available;
	int64		held;
	int64		debt;
	int32		business_date;
	bool		has_expiry;		/* a credit: expires_on and class count */
	int32		expires_on;
	char		class[CRM_CLASS_SIZE];
	int64		counterparty;	/* 0: none */
	bool		is_rest;
	int32		rule_version;	/* 0: none */
	const char *ref;			/* NULL: none */
	Datum		delta;
	uint8		hash[CRM_HASH_SIZE];
	bool		is_chained;
} CrmJournal;

#define CRM_POSTING_ENTRIES 6	/* at most: three of an account, and two accounts in a transfer */
#define CRM_HEAP_INDEXES 8		/* of a table */
#define CRM_HEAP_ROWS	500		/* entries that are written together */

/* What is open below SQL during a call. */
typedef struct CrmHeap
{
	Relation	account;
	Relation	account_key;
	Relation	journal;
	Relation	journal_key;
	IndexScanDesc scan;			/* of accounts by key; NULL: not begun */
	Snapshot	snapshot;		/* of the scan */
	int64		last_customer;	/* of the batch; 0: it is one account */
	int64		customer;		/* who was looked for before */
	bool		is_dense;		/* the scan is one of a range, and */
	bool		has_row;		/* found_account is its place */
	uint32		looks;
	TupleTableSlot *found_account;
	TupleTableSlot *locked_account;
	TupleTableSlot *found_entry;
	TupleTableSlot *account_row;	/* to be written */
	TupleTableSlot *entry_row;
	bool		is_hopeful;		/* read an account without a lock if it seems free */
	TupleTableSlot **kept;		/* entries that are not yet written; NULL: none were */
	int			kept_count;
	int			kept_slots;
	MemoryContext kept_context; /* of what is in them */
	Relation	account_index[CRM_HEAP_INDEXES];	/* other than the key; NULL: not yet open */
	Relation	journal_index[CRM_HEAP_INDEXES];
} CrmHeap;

/* A call's access to the tables. */
typedef struct CrmStore
{
	bool		below_sql;
	CrmHeap		heap;
} CrmStore;

/* Accounts are locked in order of customer; the last one, or 0 when there is but one. */
extern void crm_store_open(CrmStore *store, int64 last_customer);
extern void crm_store_close(CrmStore *store);

extern const CrmProgramme *crm_store_programme(const char *name);
extern bool crm_store_lock(CrmStore *store, CrmAccount *account);
#define CRM_STRIPES	128
extern int	crm_store_stripe(const CrmAccount *account);
extern void crm_store_lock_stripe(CrmStore *store, int stripe);
extern void crm_store_begin_opening(CrmStore *store, CrmAccount *account);
extern void crm_store_end_opening(CrmAccount *account);
extern bool crm_store_find(CrmStore *store, int64 customer, const char *request_id, CrmJournal *found);
extern bool crm_store_insert(CrmStore *store, const CrmJournal *entry);
extern void crm_store_save(CrmStore *store, CrmAccount *account);
/* Entries of a batch may be kept and written together; if one is there already, none is. */
extern bool crm_store_may_keep(const CrmStore *store);
extern void crm_store_keep(CrmStore *store, const CrmJournal *entry);
extern bool crm_store_write_kept(CrmStore *store);
/* Whoever hopes must claim the account before he writes an entry, and decide anew if that fails. */
extern void crm_store_hope(CrmStore *store);
extern bool crm_store_claim(CrmStore *store, CrmAccount *account, CrmAccount *after);
extern void crm_store_disclaim(CrmStore *store, CrmAccount *account, const CrmAccount *after);
extern int64 crm_store_reversed(int64 customer, const char *request_id, bool *is_reward);
extern void crm_store_add_reversed(int64 customer, const char *request_id, int64 amount);
extern void crm_store_note_reason(int64 customer, const char *request_id, const char *reason);
/* How many persons stand behind an adjustment: 0, 1 (this one approved it), 2. */
extern int	crm_store_approved(int64 customer, const char *request_id, const char *programme, int64 amount);

/* Of accounts that are not there: whose customers are in arrears. */
extern void crm_store_ask_arrears(CrmAccount *accounts, int count);
/* Payment opens what arrears locked, so that is written down. */
extern void crm_store_note_arrears_lock(const CrmAccount *account);

/* Why the customer may not, by the rows of the programme and his standing; NULL when he may. */
extern const char *crm_store_obstacle(int64 customer, const char *programme, const char *kind, int64 amount, int32 business_date);

/* -- the two ways; only points_store.c calls them ------------------------------------ */

typedef struct CrmPointsTypes
{
	Oid			code;
	Oid			ledger;
	Oid			answer;
} CrmPointsTypes;

extern const CrmPointsTypes *crm_points_types(void);
extern CrmPointsKind crm_points_kind_named(const char *name);

extern void crm_heap_init(void);
extern bool crm_heap_open(CrmHeap *heap, int64 last_customer);
extern void crm_heap_close(CrmHeap *heap);
extern void crm_heap_look_anew(CrmHeap *heap);
extern void crm_heap_await(CrmHeap *heap, const CrmAccount *account);
extern bool crm_heap_lock(CrmHeap *heap, CrmAccount *account);
extern bool crm_heap_find(CrmHeap *heap, int64 customer, const char *request_id, CrmJournal *found);
extern bool crm_heap_insert(CrmHeap *heap, const CrmJournal *entry);
extern bool crm_heap_may_keep(const CrmHeap *heap);
extern void crm_heap_keep(CrmHeap *heap, const CrmJournal *entry);
extern bool crm_heap_write_kept(CrmHeap *heap);
extern void crm_heap_drop_kept(CrmHeap *heap);
extern bool crm_heap_save(CrmHeap *heap, CrmAccount *account);
extern void crm_heap_hope(CrmHeap *heap);
extern bool crm_heap_claim(CrmHeap *heap, CrmAccount *account, CrmAccount *after);

extern bool crm_sql_programme(const char *name, CrmProgramme *programme);
extern bool crm_sql_lock(CrmAccount *account);
extern bool crm_sql_find(int64 customer, const char *request_id, CrmJournal *found);
extern bool crm_sql_insert(const CrmJournal *entry);
extern bool crm_sql_save(const CrmAccount *account);

#endif
