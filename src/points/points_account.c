/*
 * points_account.c: the accounts of a call: which requests need them, and their locks.
 *
 * Accounts are locked in order before anything is decided, so that transfers and
 * batches do not wait for one another in circles.
 */
#include "points_post.h"

#include "utils/memutils.h"

/* A request needs an account: which one, and where it wants to know it. */
typedef struct Need
{
	int64		customer;
	const char *programme;
	CrmAccount **place;
} Need;

static int
need_order(const void *a, const void *b)
{
	const Need *x = a;
	const Need *y = b;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	return strcmp(x->programme, y->programme);
}

static int
collect_needs(Request *requests, int count, Need *needs)
{
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		Request    *r = &requests[i];

		needs[n++] = (Need) {r->customer, r->programme, &r->account};
		if (r->customer2 != 0)
			needs[n++] = (Need) {r->customer2, r->programme, &r->other};
	}
	if (n > 1)
		qsort(needs, n, sizeof(Need), need_order);
	return n;
}

static const CrmProgramme *
programme_of(const Need *need, const CrmAccount *before)
{
	return before != NULL && strcmp(before->programme->name, need->programme) == 0 ? before->programme :
		crm_store_programme(need->programme);
}

/* Each account once, whoever needs it. */
static void
name_accounts(Accounts *accounts, Request *requests, int count)
{
	Need	   *needs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Need) * 2 * count);
	int			n = collect_needs(requests, count, needs);

	accounts->account = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CrmAccount) * n);
	accounts->count = 0;
	for (int i = 0; i < n; i++)
	{
		if (i == 0 || need_order(&needs[i - 1], &needs[i]) != 0)
		{
			CrmAccount *account = &accounts->account[accounts->count];

			memset(account, 0, sizeof(CrmAccount));
			account->customer = needs[i].customer;
			account->programme = programme_of(&needs[i], accounts->count > 0 ? account - 1 : NULL);
			accounts->count++;
		}
		*needs[i].place = &accounts->account[accounts->count - 1];
	}
	pfree(needs);
}

/* Where a customer has no account: nobody opens one that shares a stripe until the transaction ends. */
void
crm_points_lock_stripes(CrmStore *store, const bool wanted[CRM_STRIPES])
{
	for (int stripe = 0; stripe < CRM_STRIPES; stripe++)
		if (wanted[stripe])
			crm_store_lock_stripe(store, stripe);
}

/* Each in its place, also what has no row. */
static bool
lock_few(Accounts *accounts)
{
	bool		any = false;

	for (int i = 0; i < accounts->count; i++)
	{
		CrmAccount *account = &accounts->account[i];

		if (crm_store_lock(&accounts->store, account))
			continue;
		crm_store_begin_opening(&accounts->store, account);
		crm_store_lock(&accounts->store, account);
		any = true;
	}
	return any;
}

/* Rows first, then the stripes of what has none, then the rows that came meanwhile. */
static bool
lock_many(Accounts *accounts)
{
	bool		missing[CRM_STRIPES] = {false};
	bool		any = false;

	for (int i = 0; i < accounts->count; i++)
		if (!crm_store_lock(&accounts->store, &accounts->account[i]))
			missing[crm_store_stripe(&accounts->account[i])] = any = true;
	if (!any)
		return false;
	crm_points_lock_stripes(&accounts->store, missing);
	for (int i = 0; i < accounts->count; i++)
		if (!accounts->account[i].exists)
			crm_store_lock(&accounts->store, &accounts->account[i]);
	return true;
}

/* Of more accounts, the locks of those that are opened might be more than the server has room for. */
#define FEW_ACCOUNTS 100

/* How a customer stands is asked only where an account may be opened. */
void
crm_points_lock_accounts(Accounts *accounts)
{
	bool		is_few = accounts->store.below_sql && accounts->count <= FEW_ACCOUNTS;

	if (is_few ? lock_few(accounts) : lock_many(accounts))
		crm_store_ask_arrears(accounts->account, accounts->count);
}

void
crm_points_open_accounts(Accounts *accounts, Request *requests, int count, bool is_hopeful)
{
	name_accounts(accounts, requests, count);
	crm_store_open(&accounts->store, accounts->count > 1 ? accounts->account[accounts->count - 1].customer : 0);
	if (is_hopeful && accounts->count == 1)
		crm_store_hope(&accounts->store);
	crm_points_lock_accounts(accounts);
}
