/*
 * points_post.c: the postings: look for the request, apply the law, write.
 *
 * All functions are one engine: a single posting is a batch of one, and each state is
 * written once at the end.  What runs for every posting stays in this one file, under
 * the three calls at its end, so that the compiler can make it one piece.
 */
#include "points_post.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"

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

/* -- states of a call's accounts ----------------------------------------------------------------- */

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
	{
		CrmAccount *account = &accounts->account[i];

		if (account->changed)
		{
			crm_store_save(&accounts->store, account);
			if (account->is_arrears_lock)
				crm_store_note_arrears_lock(account);
		}
		crm_store_end_opening(account);
	}
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
	if (kind == CRM_POINTS_EXPIRE || kind != model->kind)
	{
		/* An account is opened once. */
		e->request_id = kind == CRM_POINTS_LOCK ? psprintf("~arrears %s", e->programme) :
			psprintf("~expire %s " INT64_FORMAT, e->programme, e->seq);
		e->ref = NULL;
		e->has_expiry = e->is_rest = false;
		e->counterparty = 0;
		e->rule_version = 0;
	}
	seal(e, &entries->after, entries->after.chain);
	memcpy(entries->after.chain, e->hash, CRM_HASH_SIZE);
}

/* Arrears lock what is open when they begin, and what is opened while they last. */
static void
lock_if_in_arrears(Entries *entries, const CrmAccount *account, const CrmJournal *model)
{
	CrmLedger	none;

	if (!account->in_arrears || account->changed || model->kind == CRM_POINTS_LOCK || model->kind == CRM_POINTS_UNLOCK)
		return;
	none.count = 0;
	add_entry(entries, model, CRM_POINTS_LOCK, &none, 0);
	entries->after.locked = entries->after.is_arrears_lock = true;
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
	lock_if_in_arrears(entries, account, model);
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

	/* What the product takes itself, a fee, is the rules' and nobody's wish. */
	return r->op.kind == CRM_POINTS_ADJUST && r->request_id[0] != '~' && (r->op.amount > limit || r->op.amount < -limit);
}

static void
answer_again(const CrmJournal *found, Answer *answer)
{
	answer->status = CRM_POINTS_REPLAY;
	answer->available = found->available;
	answer->held = found->held;
	answer->debt = found->debt;
	answer->breakdown = found->delta;
}

/* A refusal, with what there is. */
static void
answer_now(const Request *r, const Work *work, CrmPointsStatus status, Answer *answer)
{
	answer->status = status;
	balance(&work->account.state, r->op.business_date, &answer->available, &answer->held, &answer->debt);
}

/*
 * The law comes first and the look for an earlier entry of this name later: what
 * succeeds finds it out by its own insertion, what does not must ask.
 */
static bool
answer_if_known(const Request *r, Work *work, Answer *answer)
{
	const CrmJournal *found = &work->found;

	if (!crm_store_find(work->store, r->customer, r->request_id, &work->found))
		return false;
	answer->field = difference(r, found);
	if (answer->field == NULL)
		answer_again(found, answer);
	else
		answer_now(r, work, CRM_POINTS_IDEM_CONFLICT, answer);
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

/* The hold of a promise, or the one that stands for it after a merge. */
static bool
is_promise(const Request *r, const CrmJournal *referred)
{
	static const char name[] = "~promise ";

	return strncmp(r->ref, name, strlen(name)) == 0 || (referred->ref != NULL && strncmp(referred->ref, name, strlen(name)) == 0);
}

/*
 * What the law allows a programme's rules may forbid: that is asked last, and only
 * where there are rules, which the programme's cached row knows.
 */
static const char *
forbidden(const Request *r, const Work *work)
{
	bool		is_given = r->op.kind == CRM_POINTS_EARN || r->op.kind == CRM_POINTS_GIFT;

	if ((r->op.kind == CRM_POINTS_UNFREEZE || r->op.kind == CRM_POINTS_CAPTURE) && is_promise(r, &work->referred) && !keeps_the_ledger())
		return "promised points come on their day, by crm.points_release_due()";
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
	if (r->reason != NULL)
		crm_store_note_reason(r->customer, r->request_id, r->reason);
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
	answer_now(r, work, refusal, answer);
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

	crm_points_open_accounts(&accounts, requests, count, count == 1);
	work->before = count == 1 ? NULL : palloc(sizeof(Before) * (CRM_HEAP_ROWS + CRM_POSTING_ENTRIES));
	while (i < count)
	{
		if (alone == 0)
			i += post_together(&requests[i], count - i, &answers[i], work, &alone);
		if (i == count)
			break;
		while (!post(&requests[i], work, &answers[i]))
			crm_points_lock_accounts(&accounts);
		if (raise)
			crm_points_report_refusal(&requests[i], &answers[i]);
		alone = Max(alone - 1, 0);
		i++;
	}
	save_accounts(&accounts, work);
}

void
crm_points_run_requests(Request *requests, int count, Answer *answers, bool raise)
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

static bool
expire_one(Request *r)
{
	Accounts	accounts;
	Work	   *work = begin_work(&accounts);
	CrmJournal	model = {.customer = r->customer, .programme = r->programme, .kind = CRM_POINTS_EXPIRE,
		.business_date = r->op.business_date};
	Entries		entries;
	bool		is_due;

	crm_points_open_accounts(&accounts, r, 1, false);
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

bool
crm_points_run_expiry(Request *r)
{
	volatile bool was_due = false;

	PG_TRY();
	{
		was_due = expire_one(r);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	return was_due;
}

static int64
held_by(const CrmLedger *change)
{
	int64		held;

	crm_points_check_fits(crm_ledger_held(change, &held));
	return held;
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

	crm_points_open_accounts(&accounts, r, 1, false);
	open_state(work, r->account);
	crm_points_shift(&work->account, change, r->op.business_date, &work->out);
	model.amount = kind == CRM_POINTS_FREEZE ? -held_by(change) : work->out.amount;
	prepare_entries(&entries, r->account, &work->out, &model);
	if (!write_entries(work, r->account, &entries))
		refuse_again();
	save_accounts(&accounts, work);
	return entries.entry[entries.main].seq;
}

int64
crm_points_run_shift(Request *r, CrmPointsKind kind, const CrmLedger *change, int64 counterparty)
{
	volatile int64 seq = 0;

	PG_TRY();
	{
		seq = shift_one(r, kind, change, counterparty);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	return seq;
}
