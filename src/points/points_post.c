/*
 * points_post.c: the postings: lock, look for the request, apply the law, write.
 *
 * All functions are one engine: a single posting is a batch of one.  Accounts are
 * locked in order before anything is decided, so that transfers and batches do
 * not wait for one another in circles; each state is written once at the end.
 */
#include "points_store.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#define REQUEST_ID_SIZE 200

/* An operation as it was asked for. */
typedef struct Request
{
	char	   *request_id;
	int64		customer;
	int64		customer2;		/* 0: none */
	char	   *programme;
	char	   *ref;			/* NULL: none */
	int32		rule_version;	/* 0: none */
	CrmPointsOp op;
	CrmAccount *account;
	CrmAccount *other;			/* the receiver of a transfer */
} Request;

typedef struct Answer
{
	CrmPointsStatus status;
	int64		available;
	int64		held;
	int64		debt;
	Datum		breakdown;
	const char *field;			/* idem_conflict: which differs */
	const char *reason;			/* not_allowed: why; NULL: */
	int			persons;		/* behind a big adjustment, and there must be 2 */
} Answer;

/* An account as it was before entries that are kept and not yet written. */
typedef struct Before
{
	CrmAccount *account;
	CrmAccount	was;
} Before;

/* What a call works on; big, so one for all its operations. */
typedef struct Work
{
	CrmStore   *store;
	CrmAccount *open;			/* whose state is in account; NULL: nobody's */
	bool		is_newer;		/* there than in its datum */
	bool		keeps;			/* entries are kept, to be written together */
	Before	   *before;			/* for them */
	int			before_count;
	CrmPointsAccount account;
	CrmPointsOutcome out;
	CrmLedger	ref_delta;
	CrmJournal	found;
	CrmJournal	referred;
	bool		is_reward;		/* what is referred to bought goods that are still out */
} Work;

/* -- the request's parts, checked ---------------------------------------------------------- */

static CrmPointsKind
kind_asked(const char *name)
{
	for (int kind = 0; kind <= CRM_POINTS_UNLOCK; kind++)
		if (strcmp(crm_points_kind_name[kind], name) == 0)
			return kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no such operation on points"),
			 errhint("Operations are earn, gift, redeem, reverse_redeem, reverse_earn, freeze, unfreeze, capture, adjust, transfer, lock and unlock.")));
}

static void
require(bool given, const char *what)
{
	if (!given)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a posting of points lacks its %s", what)));
}

static char *
checked_request_id(const text *input)
{
	size_t		length = VARSIZE_ANY_EXHDR(input);

	if (length == 0 || length > REQUEST_ID_SIZE || VARDATA_ANY(input)[0] == '~')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request id has 1 to %d bytes and does not begin with ~", REQUEST_ID_SIZE),
				 errhint("Take what your system calls the request, or gen_random_uuid().")));
	return text_to_cstring(input);
}

static char *
checked_programme(const text *input)
{
	/* One that is too long is none of ours. */
	char	   *name = text_to_cstring(input);

	name[Min(strlen(name), CRM_PROGRAMME_SIZE - 1)] = '\0';
	return name;
}

static void
checked_class(const text *input, char class[CRM_CLASS_SIZE])
{
	if (crm_class_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), class) != CRM_LEDGER_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid class of points"),
				 errdetail("%s", crm_ledger_reason(CRM_LEDGER_CLASS))));
}

static int32
checked_day(DateADT day, bool never_too)
{
	if ((day < CRM_DAY_FIRST || day > CRM_DAY_LAST) && !(never_too && day == CRM_DAY_NEVER))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day of points out of range"),
				 errhint("Days are from 0001-01-01 to 9999-12-31; points without a last day have infinity.")));
	return day;
}

/* Where the parts of a request stand, in a row or among arguments. */
typedef enum Part
{
	PART_REQUEST_ID,
	PART_BUSINESS_DATE,
	PART_OP,
	PART_CUSTOMER,
	PART_CUSTOMER2,
	PART_PROGRAMME,
	PART_AMOUNT,
	PART_EXPIRES_ON,
	PART_CLASS,
	PART_REF,
	PART_RULE_VERSION,			/* crm.points_ruled_op alone has it */
	PARTS
} Part;

static void
read_request(const Datum *part, const bool *isnull, Request *r)
{
	memset(r, 0, sizeof(*r));
	require(!isnull[PART_REQUEST_ID], "request id");
	require(!isnull[PART_OP], "operation");
	require(!isnull[PART_CUSTOMER], "customer");
	require(!isnull[PART_PROGRAMME], "programme");
	r->op.kind = kind_asked(TextDatumGetCString(part[PART_OP]));
	require(r->op.kind != CRM_POINTS_TRANSFER || !isnull[PART_CUSTOMER2], "receiver");
	require(!crm_points_needs_ref(r->op.kind) || !isnull[PART_REF], "ref");
	r->request_id = checked_request_id(DatumGetTextPP(part[PART_REQUEST_ID]));
	r->customer = DatumGetInt64(part[PART_CUSTOMER]);
	r->programme = checked_programme(DatumGetTextPP(part[PART_PROGRAMME]));
	r->op.business_date = isnull[PART_BUSINESS_DATE] ? crm_company_today() :
		checked_day(DatumGetDateADT(part[PART_BUSINESS_DATE]), false);
	if (r->op.kind == CRM_POINTS_TRANSFER)
		r->customer2 = DatumGetInt64(part[PART_CUSTOMER2]);
	if (crm_points_needs_ref(r->op.kind))
		r->ref = TextDatumGetCString(part[PART_REF]);
	r->rule_version = isnull[PART_RULE_VERSION] ? 0 : DatumGetInt32(part[PART_RULE_VERSION]);
	if (r->op.kind == CRM_POINTS_LOCK || r->op.kind == CRM_POINTS_UNLOCK)
		return;
	r->op.has_amount = !isnull[PART_AMOUNT];
	r->op.amount = isnull[PART_AMOUNT] ? 0 : DatumGetInt64(part[PART_AMOUNT]);
	if (!crm_points_is_credit(r->op.kind, r->op.amount))
		return;
	r->op.expires_on = isnull[PART_EXPIRES_ON] ? CRM_DAY_NEVER : checked_day(DatumGetDateADT(part[PART_EXPIRES_ON]), true);
	if (!isnull[PART_CLASS])
		checked_class(DatumGetTextPP(part[PART_CLASS]), r->op.class);
}

/* -- accounts of a call ---------------------------------------------------------------------- */

typedef struct Accounts
{
	CrmStore	store;
	int			count;
	CrmAccount *account;		/* in the order in which everybody locks them */
} Accounts;

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

/* Rows first, then the stripes of what has none, then the rows that came meanwhile. */
static void
lock_accounts(Accounts *accounts)
{
	bool		missing[CRM_STRIPES];
	bool		any = false;

	for (int i = 0; i < accounts->count; i++)
	{
		if (crm_store_lock(&accounts->store, &accounts->account[i]))
			continue;
		if (!any)
			memset(missing, 0, sizeof(missing));
		missing[crm_store_stripe(&accounts->account[i])] = any = true;
	}
	for (int stripe = 0; any && stripe < CRM_STRIPES; stripe++)
		if (missing[stripe])
			crm_store_lock_stripe(&accounts->store, stripe);
	for (int i = 0; any && i < accounts->count; i++)
		if (!accounts->account[i].exists)
			crm_store_lock(&accounts->store, &accounts->account[i]);
}

static void
open_accounts(Accounts *accounts, Request *requests, int count, bool is_hopeful)
{
	name_accounts(accounts, requests, count);
	crm_store_open(&accounts->store, accounts->count > 1 ? accounts->account[accounts->count - 1].customer : 0);
	if (is_hopeful && accounts->count == 1)
		crm_store_hope(&accounts->store);
	lock_accounts(accounts);
}

/* Operations that follow one another on an account find its state as the one before left it. */
static void
pack_open(Work *work)
{
	if (work->is_newer)
		work->open->state = crm_points_pack(&work->account.state);
	work->is_newer = false;
}

static void
open_state(Work *work, CrmAccount *account)
{
	if (work->open != account)
	{
		pack_open(work);
		crm_points_unpack(account->state, &work->account.state);
		work->open = account;
	}
	work->account.opened = account->exists || account->changed;
	work->account.locked = account->locked;
}

static void
save_accounts(Accounts *accounts, Work *work)
{
	pack_open(work);
	for (int i = 0; i < accounts->count; i++)
		if (accounts->account[i].changed)
			crm_store_save(&accounts->store, &accounts->account[i]);
	crm_store_close(&accounts->store);
}

/* -- one operation ------------------------------------------------------------------------------ */

static void
balance(const CrmLedger *state, int32 business_date, int64 *available, int64 *held, int64 *debt)
{
	crm_points_check_fits(crm_ledger_available(state, business_date, available) &&
						  crm_ledger_held(state, held) && crm_ledger_debt(state, debt));
}

/* The first field in which a request differs from the entry of its name, or NULL. */
static const char *
difference(const Request *r, const CrmJournal *found)
{
	bool		is_credit = crm_points_is_credit(r->op.kind, r->op.amount);

	if (r->op.kind != found->kind)
		return "op";
	if (strcmp(r->programme, found->programme) != 0)
		return "programme";
	if (r->customer2 != found->counterparty)
		return "customer2";
	if ((r->ref == NULL) != (found->ref == NULL) || (r->ref != NULL && strcmp(r->ref, found->ref) != 0))
		return "ref";
	if (crm_points_needs_ref(r->op.kind) && r->op.has_amount == found->is_rest)
		return "amount";
	if (r->op.has_amount && r->op.amount != (r->op.kind == CRM_POINTS_ADJUST || found->amount >= 0 ? found->amount : -found->amount))
		return "amount";
	if (!r->op.has_amount && !found->is_rest && found->amount != 0)
		return "amount";
	if (is_credit && r->op.expires_on != found->expires_on)
		return "expires_on";
	if (is_credit && memcmp(r->op.class, found->class, CRM_CLASS_SIZE) != 0)
		return "class";
	return NULL;
}

/* The first answer again, or a conflict. */
static void
answer_again(const Request *r, const CrmJournal *found, Answer *answer)
{
	answer->field = difference(r, found);
	answer->status = answer->field == NULL ? CRM_POINTS_REPLAY : CRM_POINTS_IDEM_CONFLICT;
	answer->available = found->available;
	answer->held = found->held;
	answer->debt = found->debt;
	answer->breakdown = found->delta;
}

static void
look_up_ref(const Request *r, Work *work, CrmPointsRef *ref)
{
	CrmJournal *found = &work->referred;

	memset(ref, 0, sizeof(*ref));
	work->is_reward = false;
	if (r->ref == NULL || !crm_store_find(work->store, r->customer, r->ref, found) || strcmp(found->programme, r->programme) != 0)
		return;
	crm_points_unpack(found->delta, &work->ref_delta);
	ref->found = true;
	ref->kind = found->kind;
	ref->amount = found->amount;
	ref->expires_on = found->expires_on;
	memcpy(ref->class, found->class, CRM_CLASS_SIZE);
	ref->hold = found->kind == CRM_POINTS_FREEZE ? (int32) found->seq : 0;
	ref->delta = &work->ref_delta;
	if (r->op.kind == CRM_POINTS_REVERSE_REDEEM || r->op.kind == CRM_POINTS_REVERSE_EARN)
		ref->reversed = crm_store_reversed(r->customer, r->ref, &work->is_reward);
}

/* A hold bears the number of its entry, which stands behind that of what has expired. */
static int32
next_hold(const CrmAccount *account, const CrmLedger *state, int32 business_date)
{
	int32		day;
	int64		number = account->seq + 1;

	if (crm_ledger_next_expiry(state, &day) && day < business_date)
		number++;
	crm_points_check_fits(number <= PG_INT32_MAX);
	return (int32) number;
}

static void
seal(CrmJournal *e, const CrmAccount *account, const uint8 *before)
{
	CrmPointsEntry form = {
		.number = {e->customer, e->seq, e->amount, e->business_date, GetCurrentTransactionStartTimestamp(), e->available, e->held, e->debt,
			e->has_expiry ? e->expires_on : PG_INT32_MIN, e->counterparty, e->is_rest, e->rule_version},
		.text = {e->request_id, e->programme, crm_points_kind_name[e->kind], e->ref ? e->ref : "", e->has_expiry ? e->class : "",
			VARDATA_ANY(DatumGetPointer(e->delta))},
	};

	e->is_chained = account->programme->is_chained;
	if (!e->is_chained)
		return;
	for (int i = 0; i < CRM_ENTRY_DELTA; i++)
		form.length[i] = strlen(form.text[i]);
	form.length[CRM_ENTRY_DELTA] = VARSIZE_ANY_EXHDR(DatumGetPointer(e->delta));
	if (!crm_points_hash(before, &form, e->hash))
		elog(ERROR, "could not hash an entry of the points journal");
}

/* The three entries that a posting may make of an account. */
typedef struct Entries
{
	CrmAccount	after;			/* becomes the account when all are in */
	int			count;
	int			main;			/* which of them is the operation */
	CrmJournal	entry[3];
} Entries;

static void
add_entry(Entries *entries, const CrmJournal *model, CrmPointsKind kind, const CrmLedger *delta, int64 amount)
{
	CrmJournal *e = &entries->entry[entries->count++];

	*e = *model;
	e->kind = kind;
	e->amount = amount;
	e->seq = ++entries->after.seq;
	e->delta = crm_points_pack(delta);
	if (kind == CRM_POINTS_EXPIRE)
	{
		e->request_id = psprintf("~expire %s " INT64_FORMAT, e->programme, e->seq);
		e->ref = NULL;
		e->has_expiry = e->is_rest = false;
		e->counterparty = 0;
		e->rule_version = 0;
	}
	seal(e, &entries->after, entries->after.chain);
	memcpy(entries->after.chain, e->hash, CRM_HASH_SIZE);
}

static int64
total(const CrmLedger *delta)
{
	int64		sum = 0;

	for (int32 i = 0; i < delta->count; i++)
		sum += delta->lot[i].amount;
	return sum;
}

/* Everything of one account that an operation changes, ready to be written. */
static void
prepare_entries(Entries *entries, const CrmAccount *account, const CrmPointsOutcome *out, CrmJournal *model)
{
	entries->after = *account;
	entries->count = 0;
	crm_points_check(out->fault);
	balance(&out->after.state, model->business_date, &model->available, &model->held, &model->debt);
	if (out->expired.count > 0)
		add_entry(entries, model, CRM_POINTS_EXPIRE, &out->expired, total(&out->expired));
	entries->main = entries->count;
	if (model->kind != CRM_POINTS_EXPIRE)
		add_entry(entries, model, model->kind, &out->delta, model->amount);
	if (out->lapsed.count > 0)
		add_entry(entries, model, CRM_POINTS_EXPIRE, &out->lapsed, total(&out->lapsed));
	entries->after.locked = out->after.locked;
	entries->after.has_due = crm_ledger_next_expiry(&out->after.state, &entries->after.due);
	entries->after.changed = true;
}

static void
refuse_again(void)
{
	elog(ERROR, "an entry that the product names is in the points journal already");
}

/* The operation's own entry goes first: if its name is taken, there is no other to take back. */
static bool
insert_entries(CrmStore *store, const Entries *entries)
{
	if (!crm_store_insert(store, &entries->entry[entries->main]))
		return false;
	for (int i = 0; i < entries->count; i++)
		if (i != entries->main && !crm_store_insert(store, &entries->entry[i]))
			refuse_again();
	return true;
}

static void
keep_entries(Work *work, CrmAccount *account, const Entries *entries)
{
	work->before[work->before_count++] = (Before) {account, *account};
	for (int i = 0; i < entries->count; i++)
		crm_store_keep(work->store, &entries->entry[i]);
}

/* A state of fewer lots than these surely fits its datum. */
#define LOTS_THAT_FIT (CRM_LEDGER_BYTES / 40)

/* The entries are written, or kept, and the account is what they make of it; false when the name is taken. */
static bool
write_entries(Work *work, CrmAccount *account, const Entries *entries)
{
	if (work->keeps)
		keep_entries(work, account, entries);
	else if (!insert_entries(work->store, entries))
		return false;
	*account = entries->after;
	crm_ledger_copy(&work->account.state, &work->out.after.state);
	work->open = account;
	work->is_newer = account->changed;
	if (work->account.state.count >= LOTS_THAT_FIT)
		pack_open(work);
	return true;
}

static CrmJournal
model_entry(const Request *r, const CrmPointsOutcome *out)
{
	CrmJournal	model = {.customer = r->customer, .programme = r->programme, .request_id = r->request_id,
		.kind = r->op.kind, .amount = out->amount, .business_date = r->op.business_date,
		.has_expiry = crm_points_is_credit(r->op.kind, r->op.amount), .expires_on = r->op.expires_on,
		.counterparty = r->customer2, .ref = r->ref, .rule_version = r->rule_version, .is_rest = crm_points_needs_ref(r->op.kind) && !r->op.has_amount};

	memcpy(model.class, r->op.class, CRM_CLASS_SIZE);
	return model;
}

/* The receiver's entries; their names are the product's, so they meet no other request. */
static void
receive(const Request *r, Work *work)
{
	CrmAccount *account = r->other;
	CrmLedger	moved;
	CrmJournal	model = {.customer = r->customer2, .programme = r->programme, .kind = CRM_POINTS_RECEIVE,
		.business_date = r->op.business_date, .counterparty = r->customer, .ref = r->request_id};
	Entries		entries;

	crm_ledger_copy(&moved, &work->out.moved);
	open_state(work, account);
	crm_points_receive(&work->account, &moved, r->op.business_date, &work->out);
	model.amount = work->out.amount;
	model.request_id = psprintf("~from " INT64_FORMAT " %s", r->customer, r->request_id);
	prepare_entries(&entries, account, &work->out, &model);
	if (!write_entries(work, account, &entries))
		refuse_again();
}

static bool
is_big_adjustment(const Request *r)
{
	int64		limit = r->account->programme->adjust_limit;

	return r->op.kind == CRM_POINTS_ADJUST && (r->op.amount > limit || r->op.amount < -limit);
}

/*
 * The law comes first and the look for an earlier entry of this name later: what
 * succeeds finds it out by its own insertion, what does not must ask.
 */
static bool
answer_if_known(const Request *r, Work *work, Answer *answer)
{
	if (!crm_store_find(work->store, r->customer, r->request_id, &work->found))
		return false;
	answer_again(r, &work->found, answer);
	return true;
}

static CrmPointsStatus
apply(Request *r, Work *work)
{
	CrmPointsRef ref;

	open_state(work, r->account);
	r->op.to_oneself = r->other != NULL && r->other == r->account;
	r->op.receiver_opens = r->other != NULL &&
		(r->other->exists || r->other->changed || r->other->programme->rules.auto_open);
	r->op.hold = next_hold(r->account, &work->account.state, r->op.business_date);
	look_up_ref(r, work, &ref);
	return crm_points_apply(&r->account->programme->rules, &work->account, &r->op, &ref, &work->out);
}

/* The functions that gave by a rule, or asked the rules themselves, post as the owner. */
static bool
keeps_the_ledger(void)
{
	return superuser() || has_privs_of_role(GetUserId(), get_role_oid("crm_owner", false));
}

/* Whether rows of the programme decide, and what was posted before. */
static bool
asks_rules(const Request *r)
{
	bool		spends = r->op.kind == CRM_POINTS_REDEEM || r->op.kind == CRM_POINTS_FREEZE || r->op.kind == CRM_POINTS_TRANSFER;

	return (r->op.kind == CRM_POINTS_UNLOCK || (spends && r->account->programme->rules_spending)) && !keeps_the_ledger();
}

/*
 * What the law allows a programme's rules may forbid: that is asked last, and only
 * where there are rules, which the programme's cached row knows.
 */
static const char *
forbidden(const Request *r, const Work *work)
{
	bool		is_given = r->op.kind == CRM_POINTS_EARN || r->op.kind == CRM_POINTS_GIFT;

	if (r->op.kind == CRM_POINTS_REVERSE_REDEEM && work->is_reward)
		return "a redemption of a reward is cancelled by crm.cancel_reward(), with its goods";
	if (is_given && r->account->programme->rules_credits && !keeps_the_ledger())
		return "points of this programme come by crm.points_accrue(), crm.give_points() and crm.points_adjust()";
	return !asks_rules(r) ? NULL :
		crm_store_obstacle(r->customer, r->programme, crm_points_kind_name[r->op.kind], r->op.amount, r->op.business_date);
}

/* The law and the rules; false when more is to be asked, or it is refused. */
static bool
decide(Request *r, Work *work, Answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->status = apply(r, work);
	if (answer->status == CRM_POINTS_DONE && (answer->reason = forbidden(r, work)) != NULL)
		answer->status = CRM_POINTS_NOT_ALLOWED;
	return answer->status == CRM_POINTS_DONE && work->out.fault == CRM_LEDGER_OK && !is_big_adjustment(r);
}

/* What may be is done, unless the request's name is taken. */
static bool
record(Request *r, Work *work, const Entries *entries, Answer *answer)
{
	const CrmJournal *main = &entries->entry[entries->main];
	int64		amount = main->amount < 0 ? -main->amount : main->amount;

	if (!write_entries(work, r->account, entries))
		return false;
	if (r->op.kind == CRM_POINTS_REVERSE_REDEEM || r->op.kind == CRM_POINTS_REVERSE_EARN)
		crm_store_add_reversed(r->customer, r->ref, amount);
	if (r->op.kind == CRM_POINTS_TRANSFER)
		receive(r, work);
	answer->available = main->available;
	answer->held = main->held;
	answer->debt = main->debt;
	answer->breakdown = main->delta;
	return true;
}

/* What is not done is answered as before, or refused; true when it is done after all. */
static bool
answer_refusal(Request *r, Work *work, Answer *answer)
{
	CrmPointsStatus refusal = answer->status;

	if (answer_if_known(r, work, answer))
		return false;
	answer->status = refusal;
	balance(&work->account.state, r->op.business_date, &answer->available, &answer->held, &answer->debt);
	/* Beyond the limit a second person has said yes before, or it does not happen. */
	if (refusal == CRM_POINTS_DONE && is_big_adjustment(r) &&
		(answer->persons = crm_store_approved(r->customer, r->request_id, r->programme, r->op.amount)) < 2)
		answer->status = CRM_POINTS_NOT_ALLOWED;
	return answer->status == CRM_POINTS_DONE;
}

static void
prepare(Request *r, Work *work, Entries *entries)
{
	CrmJournal	model = model_entry(r, &work->out);

	prepare_entries(entries, r->account, &work->out, &model);
}

/* False when the account changed while this was thought about: lock it and do it again. */
static bool
post(Request *r, Work *work, Answer *answer)
{
	Entries		entries;

	if (!decide(r, work, answer) && !answer_refusal(r, work, answer))
		return true;
	prepare(r, work, &entries);
	if (r->account->is_hoped)
		entries.after.state = crm_points_pack(&work->out.after.state);
	if (!crm_store_claim(work->store, r->account, &entries.after))
	{
		work->open = NULL;
		return false;
	}
	if (record(r, work, &entries, answer))
		return true;
	crm_store_disclaim(work->store, r->account, &entries.after);
	if (!answer_if_known(r, work, answer))
		elog(ERROR, "an entry of the points journal is there and is not");
	return true;
}

/* -- many together -------------------------------------------------------------------------------- */

/* False when it must be posted by itself: it looks at what was posted, or is refused. */
static bool
post_kept(Request *r, Work *work, Answer *answer)
{
	Entries		entries;

	if (crm_points_needs_ref(r->op.kind) || asks_rules(r) || !decide(r, work, answer))
		return false;
	prepare(r, work, &entries);
	return record(r, work, &entries, answer);
}

/*
 * Post as many as there are up to one that must be posted by itself, and write their
 * entries together.  If one of them has a name that is taken, all are undone: then none
 * are posted, and so many are to be posted alone.
 */
static int
post_together(Request *requests, int count, Answer *answers, Work *work, int *alone)
{
	int			n = 0;

	pack_open(work);
	work->before_count = 0;
	work->keeps = true;
	while (n < count && crm_store_may_keep(work->store) && post_kept(&requests[n], work, &answers[n]))
		n++;
	work->keeps = false;
	if (n == 0 || crm_store_write_kept(work->store))
		return n;
	while (work->before_count-- > 0)
		*work->before[work->before_count].account = work->before[work->before_count].was;
	work->open = NULL;
	work->is_newer = false;
	*alone = n;
	return 0;
}

/* -- refusals as errors ------------------------------------------------------------------------- */

static void
report_lack_of_approval(const Request *r, int persons)
{
	if (persons == 1)
		ereport(ERROR,
				(errcode(ERRCODE_CRM_FOUR_EYES),
				 errmsg("who approves an adjustment of points cannot post it"),
				 errdetail("Request %s.", r->request_id)));
	ereport(ERROR,
			(errcode(ERRCODE_CRM_APPROVAL_REQUIRED),
			 errmsg("an adjustment of this size must be approved first"),
			 errdetail("Request %s: the limit is " INT64_FORMAT ".", r->request_id, r->account->programme->adjust_limit),
			 errhint("Another person calls crm.points_approve_adjustment() for this request and amount.")));
}

static void
report_refusal(const Request *r, const Answer *answer)
{
	const char *id = r->request_id;

	switch (answer->status)
	{
		case CRM_POINTS_BAD_AMOUNT:
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("bad_amount: an amount of points must be a positive whole number"),
							errdetail("Request %s.", id),
							errhint("An adjustment may be negative, but not 0; a reversal without an amount takes all that remains.")));
			break;
		case CRM_POINTS_INSUFFICIENT:
			ereport(ERROR, (errcode(ERRCODE_CRM_NOT_ENOUGH_POINTS),
							errmsg("insufficient: not enough points"),
							errdetail("Request %s: available " INT64_FORMAT ", held " INT64_FORMAT ", debt " INT64_FORMAT ".",
									  id, answer->available, answer->held, answer->debt),
							errhint("Take less, or release what is held.")));
			break;
		case CRM_POINTS_NOT_FOUND:
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("not_found: no such posting or account of points"),
							errdetail("Request %s.", id),
							errhint("ref names a posting of the same customer and programme that can be reversed, unfrozen or captured.")));
			break;
		case CRM_POINTS_OVER_REVERSAL:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_OVER_REVERSAL),
							errmsg("over_reversal: more than remains of the posting"),
							errdetail("Request %s.", id),
							errhint("Leave the amount out to take all that remains.")));
			break;
		case CRM_POINTS_IDEM_CONFLICT:
			ereport(ERROR, (errcode(ERRCODE_CRM_CONFLICT),
							errmsg("idem_conflict: the request id was used with another %s", answer->field),
							errdetail("Request %s.", id),
							errhint("A new request needs an id of its own.")));
			break;
		case CRM_POINTS_ALREADY_EXPIRED:
			ereport(ERROR, (errcode(ERRCODE_CRM_DEADLINE),
							errmsg("already_expired: points cannot be given that are past their last day"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_EXPIRED:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_EXPIRED),
							errmsg("expired: the credit is past its last day and cannot be taken back"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_LOCKED:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_LOCKED),
							errmsg("locked: the points account is locked"),
							errdetail("Request %s.", id),
							errhint("crm.points_unlock() opens it again.")));
			break;
		case CRM_POINTS_BELOW_MIN:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_BELOW_MIN),
							errmsg("below_min: less than the least redemption"),
							errdetail("Request %s: the least is " INT64_FORMAT ".", id, r->account->programme->rules.redeem_min)));
			break;
		case CRM_POINTS_SAME_ACCOUNT:
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_SAME_ACCOUNT),
							errmsg("same_account: points cannot be transferred to the account they are in"),
							errdetail("Request %s.", id)));
			break;
		case CRM_POINTS_NOT_ALLOWED:
			if (answer->reason == NULL)
				report_lack_of_approval(r, answer->persons);
			ereport(ERROR, (errcode(ERRCODE_CRM_POINTS_NOT_ALLOWED),
							errmsg("not_allowed: the rules of the points programme do not allow this"),
							errdetail("Request %s: %s.", id, answer->reason)));
			break;
		default:
			break;
	}
}

/* -- calls ---------------------------------------------------------------------------------------- */

/*
 * What all calls work on is big and so there for good; a posting inside another, by
 * somebody's trigger, gets its own.
 */
static int	depth = 0;

static Work *
begin_work(Accounts *accounts)
{
	static Work outermost;
	Work	   *work = depth++ == 0 ? &outermost : palloc(sizeof(Work));

	work->store = &accounts->store;
	work->open = NULL;
	work->is_newer = work->keeps = false;
	return work;
}

static void
post_all(Request *requests, int count, Answer *answers, bool raise)
{
	Accounts	accounts;
	Work	   *work = begin_work(&accounts);
	int			alone = count == 1;
	int			i = 0;

	open_accounts(&accounts, requests, count, count == 1);
	work->before = count == 1 ? NULL : palloc(sizeof(Before) * (CRM_HEAP_ROWS + CRM_POSTING_ENTRIES));
	while (i < count)
	{
		if (alone == 0)
			i += post_together(&requests[i], count - i, &answers[i], work, &alone);
		if (i == count)
			break;
		while (!post(&requests[i], work, &answers[i]))
			lock_accounts(&accounts);
		if (raise)
			report_refusal(&requests[i], &answers[i]);
		alone = Max(alone - 1, 0);
		i++;
	}
	save_accounts(&accounts, work);
}

static void
run_requests(Request *requests, int count, Answer *answers, bool raise)
{
	PG_TRY();
	{
		post_all(requests, count, answers, raise);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
}

static void
answer_values(const Answer *answer, Datum values[5], bool nulls[5])
{
	values[0] = CStringGetTextDatum(crm_points_status_name[answer->status]);
	values[1] = Int64GetDatum(answer->available);
	values[2] = Int64GetDatum(answer->held);
	values[3] = Int64GetDatum(answer->debt);
	values[4] = answer->breakdown;
	memset(nulls, 0, 5 * sizeof(bool));
	nulls[4] = DatumGetPointer(answer->breakdown) == NULL;
}

/* One posting: which argument is which part of the request. */
static Datum
post_single(FunctionCallInfo fcinfo, CrmPointsKind kind, const Part *order)
{
	Datum		part[PARTS] = {0};
	bool		isnull[PARTS];
	Request		request;
	Answer		answer;
	Datum		values[5];
	bool		nulls[5];
	TupleDesc	desc;
	HeapTuple	tuple;

	memset(isnull, true, sizeof(isnull));
	for (int i = 0; i < PG_NARGS(); i++)
	{
		part[order[i]] = PG_GETARG_DATUM(i);
		isnull[order[i]] = PG_ARGISNULL(i);
	}
	part[PART_OP] = CStringGetTextDatum(crm_points_kind_name[kind]);
	isnull[PART_OP] = false;
	read_request(part, isnull, &request);
	run_requests(&request, 1, &answer, true);
	answer_values(&answer, values, nulls);
	desc = lookup_rowtype_tupdesc(crm_points_types()->answer, -1);
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

#define ACCOUNT_PARTS PART_CUSTOMER, PART_PROGRAMME, PART_REQUEST_ID

static const Part credit_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_EXPIRES_ON, PART_CLASS, PART_BUSINESS_DATE};
static const Part debit_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_BUSINESS_DATE};
static const Part ref_order[] = {ACCOUNT_PARTS, PART_REF, PART_AMOUNT, PART_BUSINESS_DATE};
static const Part lock_order[] = {ACCOUNT_PARTS, PART_BUSINESS_DATE};
static const Part transfer_order[] = {PART_CUSTOMER, PART_CUSTOMER2, PART_PROGRAMME, PART_REQUEST_ID, PART_AMOUNT, PART_BUSINESS_DATE};

#define POSTING(name, kind, order) \
PG_FUNCTION_INFO_V1(crm_points_##name##_sql); \
Datum \
crm_points_##name##_sql(PG_FUNCTION_ARGS) \
{ \
	return post_single(fcinfo, kind, order); \
} \
extern int	crm_needs_semicolon

POSTING(earn, CRM_POINTS_EARN, credit_order);
POSTING(gift, CRM_POINTS_GIFT, credit_order);
POSTING(adjust, CRM_POINTS_ADJUST, credit_order);
POSTING(redeem, CRM_POINTS_REDEEM, debit_order);
POSTING(freeze, CRM_POINTS_FREEZE, debit_order);
POSTING(unfreeze, CRM_POINTS_UNFREEZE, ref_order);
POSTING(capture, CRM_POINTS_CAPTURE, ref_order);
POSTING(transfer, CRM_POINTS_TRANSFER, transfer_order);
POSTING(lock, CRM_POINTS_LOCK, lock_order);
POSTING(unlock, CRM_POINTS_UNLOCK, lock_order);

static bool
ref_is_credit(int64 customer, const char *ref)
{
	CrmJournal	found;
	CrmStore	store;
	bool		is_credit;

	crm_store_open(&store, 0);
	is_credit = crm_store_find(&store, customer, ref, &found) && crm_points_is_credit(found.kind, found.amount);
	crm_store_close(&store);
	return is_credit;
}

/* What is referred to decides: a credit is taken back, all else given back. */
PG_FUNCTION_INFO_V1(crm_points_reverse_sql);
Datum
crm_points_reverse_sql(PG_FUNCTION_ARGS)
{
	bool		is_credit = !PG_ARGISNULL(0) && !PG_ARGISNULL(3) &&
		ref_is_credit(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(3)));

	return post_single(fcinfo, is_credit ? CRM_POINTS_REVERSE_EARN : CRM_POINTS_REVERSE_REDEEM, ref_order);
}

/* The rows of an array are of one type, which is looked up once. */
static TupleDesc
row_type(HeapTupleHeader row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));

	if (desc->natts != PARTS && desc->natts != PART_RULE_VERSION)
		elog(ERROR, "an operation on points has %d fields", desc->natts);
	return desc;
}

static void
read_row(HeapTupleHeader row, TupleDesc desc, Request *request)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum		part[PARTS];
	bool		isnull[PARTS];

	isnull[PART_RULE_VERSION] = true;
	heap_deform_tuple(&tuple, desc, part, isnull);
	read_request(part, isnull, request);
}

static void
read_rows(Datum *elements, const bool *missing, int count, Request *requests)
{
	TupleDesc	desc = NULL;

	for (int i = 0; i < count; i++)
	{
		HeapTupleHeader row;

		require(!missing[i], "row");
		row = DatumGetHeapTupleHeader(elements[i]);
		if (desc == NULL)
			desc = row_type(row);
		read_row(row, desc, &requests[i]);
	}
	if (desc != NULL)
		ReleaseTupleDesc(desc);
}

PG_FUNCTION_INFO_V1(crm_points_post_batch);
Datum
crm_points_post_batch(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *elements;
	bool	   *missing;
	int			count;
	Request    *requests;
	Answer	   *answers;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &elements, &missing, &count);
	requests = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Request) * Max(count, 1));
	answers = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Answer) * Max(count, 1));
	read_rows(elements, missing, count, requests);
	if (count > 0)
		run_requests(requests, count, answers, false);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Datum		values[6] = {CStringGetTextDatum(requests[i].request_id)};
		bool		nulls[6] = {false};

		answer_values(&answers[i], values + 1, nulls + 1);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static bool
expire_one(Request *r)
{
	Accounts	accounts;
	Work	   *work = begin_work(&accounts);
	CrmJournal	model = {.customer = r->customer, .programme = r->programme, .kind = CRM_POINTS_EXPIRE,
		.business_date = r->op.business_date};
	Entries		entries;
	bool		is_due;

	open_accounts(&accounts, r, 1, false);
	open_state(work, r->account);
	crm_points_expire(&work->account, r->op.business_date, &work->out);
	is_due = r->account->exists && work->out.expired.count > 0;
	if (is_due)
	{
		prepare_entries(&entries, r->account, &work->out, &model);
		entries.main = 0;
		if (!write_entries(work, r->account, &entries))
			refuse_again();
	}
	save_accounts(&accounts, work);
	return is_due;
}

/* Post what is past its day, of one account; false when nothing was. */
PG_FUNCTION_INFO_V1(crm_points_expire_account);
Datum
crm_points_expire_account(PG_FUNCTION_ARGS)
{
	Request		r = {.customer = PG_GETARG_INT64(0), .programme = checked_programme(PG_GETARG_TEXT_PP(1)),
		.op = {.business_date = checked_day(PG_GETARG_DATEADT(2), false)}};

	volatile bool was_due = false;

	PG_TRY();
	{
		was_due = expire_one(&r);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	PG_RETURN_BOOL(was_due);
}

/* Lots come or go as they are said to, or a hold is opened that they will come into. */
static int64
shift_one(Request *r, CrmPointsKind kind, const CrmLedger *change, int64 counterparty)
{
	Accounts	accounts;
	Work	   *work = begin_work(&accounts);
	CrmJournal	model = {.customer = r->customer, .programme = r->programme, .request_id = r->request_id, .kind = kind,
		.business_date = r->op.business_date, .counterparty = counterparty == r->customer ? 0 : counterparty, .ref = r->ref};
	Entries		entries;

	open_accounts(&accounts, r, 1, false);
	open_state(work, r->account);
	crm_points_shift(&work->account, change, r->op.business_date, &work->out);
	model.amount = work->out.amount;
	prepare_entries(&entries, r->account, &work->out, &model);
	if (!write_entries(work, r->account, &entries))
		refuse_again();
	save_accounts(&accounts, work);
	return entries.entry[entries.main].seq;
}

/* Arguments: customer, programme, request id, kind, change, other customer, ref, business date. */
PG_FUNCTION_INFO_V1(crm_points_shift_sql);
Datum
crm_points_shift_sql(PG_FUNCTION_ARGS)
{
	Request		r = {.customer = PG_GETARG_INT64(0), .programme = checked_programme(PG_GETARG_TEXT_PP(1)),
		.request_id = text_to_cstring(PG_GETARG_TEXT_PP(2)), .ref = text_to_cstring(PG_GETARG_TEXT_PP(6)),
		.op = {.business_date = checked_day(PG_GETARG_DATEADT(7), false)}};
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(3));
	CrmPointsKind kind = strcmp(name, "merge") == 0 ? CRM_POINTS_MERGE : strcmp(name, "void") == 0 ? CRM_POINTS_VOID : CRM_POINTS_FREEZE;
	CrmLedger	change;
	volatile int64 seq = 0;

	GETARG_LEDGER(4, &change);
	PG_TRY();
	{
		seq = shift_one(&r, kind, &change, PG_GETARG_INT64(5));
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	PG_RETURN_INT64(seq);
}

/* -- the chain, for the audit ------------------------------------------------------------------------ */

static void
text_part(FunctionCallInfo fcinfo, int argument, CrmPointsEntry *entry, int part)
{
	const struct varlena *value;

	entry->text[part] = "";
	entry->length[part] = 0;
	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_VARLENA_PP(argument);
	entry->text[part] = VARDATA_ANY(value);
	entry->length[part] = VARSIZE_ANY_EXHDR(value);
}

/* Arguments: the hash before, the numbers in their order, the texts in theirs. */
PG_FUNCTION_INFO_V1(crm_points_entry_hash);
Datum
crm_points_entry_hash(PG_FUNCTION_ARGS)
{
	static const int64 missing[CRM_ENTRY_NUMBERS] = {[CRM_ENTRY_EXPIRES_ON] = PG_INT32_MIN};
	uint8		before[CRM_HASH_SIZE] = {0};
	bytea	   *hash = palloc(VARHDRSZ + CRM_HASH_SIZE);
	CrmPointsEntry entry;

	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(0)) == CRM_HASH_SIZE)
		memcpy(before, VARDATA_ANY(PG_GETARG_BYTEA_PP(0)), CRM_HASH_SIZE);
	for (int i = 0; i < CRM_ENTRY_NUMBERS; i++)
	{
		bool		is_date = i == CRM_ENTRY_BUSINESS_DATE || i == CRM_ENTRY_EXPIRES_ON;
		Datum		value = PG_GETARG_DATUM(1 + i);

		entry.number[i] = PG_ARGISNULL(1 + i) ? missing[i] : is_date ? DatumGetDateADT(value) :
			i == CRM_ENTRY_IS_REST ? DatumGetBool(value) : i == CRM_ENTRY_RULE_VERSION ? DatumGetInt32(value) : DatumGetInt64(value);
	}
	for (int i = 0; i < CRM_ENTRY_TEXTS; i++)
		text_part(fcinfo, 1 + CRM_ENTRY_NUMBERS + i, &entry, i);
	SET_VARSIZE(hash, VARHDRSZ + CRM_HASH_SIZE);
	if (!crm_points_hash(before, &entry, (uint8 *) VARDATA(hash)))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hash);
}
