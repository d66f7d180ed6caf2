/*
 * points_store.h: programmes, accounts and entries in the tables; points_post.c
 * decides, points_store.c reads and writes.
 */
#ifndef CRM_POINTS_STORE_H
#define CRM_POINTS_STORE_H

#include "points.h"
#include "points_chain_core.h"

#include "storage/itemptr.h"

#define CRM_PROGRAMME_SIZE	32		/* up to 31 letters */

typedef struct CrmProgramme
{
	char		name[CRM_PROGRAMME_SIZE];
	CrmPointsRules rules;
	bool		is_chained;
	int64		adjust_limit;	/* PG_INT64_MAX: none */
} CrmProgramme;

typedef struct CrmAccount
{
	int64		customer;
	const CrmProgramme *programme;
	bool		exists;			/* as a row */
	ItemPointerData place;		/* of the row, which is locked and so stays */
	bool		changed;
	bool		locked;
	int64		seq;
	uint8		chain[CRM_HASH_SIZE];
	Datum		state;			/* a crm.points_ledger */
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

extern const CrmProgramme *crm_store_programme(const char *name);
extern bool crm_store_lock(CrmAccount *account);
#define CRM_STRIPES	128
extern int	crm_store_stripe(const CrmAccount *account);
extern void crm_store_lock_stripe(int stripe);
extern bool crm_store_find(int64 customer, const char *request_id, CrmJournal *found);
extern int64 crm_store_reversed(int64 customer, const char *request_id);
extern void crm_store_add_reversed(int64 customer, const char *request_id, int64 amount);
/* How many persons stand behind an adjustment: 0, 1 (this one approved it), 2. */
extern int	crm_store_approved(int64 customer, const char *request_id, const char *programme, int64 amount);
extern bool crm_store_insert(const CrmJournal *entry);
extern void crm_store_save(CrmAccount *account);

/* All of the above happens between these, with the tables' owner's rights. */
typedef struct CrmStore
{
	Oid			user;
	int			security;
	bool		was_posting;
} CrmStore;

extern void crm_store_open(CrmStore *store);
extern void crm_store_close(CrmStore *store);

#endif
