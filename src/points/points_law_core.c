/*
 * points_law_core.c: what a posting may do and what it changes.
 *
 * One primitive carries the law: lots are in order of use, the debt before all
 * of them, and a negative component is covered from the front.  The order of
 * checks is: account, amount, reference, lock, minimum, remaining, expiry,
 * balance; the request id was looked at before.
 */
#include "points_core.h"

#include <string.h>

const char *const crm_points_kind_name[CRM_POINTS_KINDS] = {
	"earn", "gift", "redeem", "reverse_redeem", "reverse_earn", "freeze", "unfreeze", "capture",
	"adjust", "transfer", "lock", "unlock", "expire", "receive", "merge", "void"
};

const char *const crm_points_status_name[CRM_POINTS_STATUSES] = {
	"ok", "replay", "bad_amount", "insufficient", "not_found", "over_reversal", "idem_conflict",
	"already_expired", "expired", "locked", "below_min", "same_account", "not_allowed"
};

static const CrmLot debt_key = {.day = CRM_DAY_DEBT};

/* -- moving lots: state and delta change together ------------------------------- */

/* A posting in the making; the first fault stays. */
typedef struct Posting
{
	CrmLedger  *state;
	CrmLedger  *delta;
	CrmLedgerFault fault;
} Posting;

static void
move(Posting *p, CrmLedger *delta, const CrmLot *key, int64_t amount)
{
	CrmLot		lot = *key;		/* the key may stand in the state itself */

	if (p->fault == CRM_LEDGER_OK)
		p->fault = crm_ledger_change(p->state, &lot, amount);
	if (p->fault == CRM_LEDGER_OK)
		p->fault = crm_ledger_change(delta, &lot, amount);
}

/* The first lot of a hold, the debt left out; or NULL. */
static CrmLot *
first_lot(CrmLedger *ledger, int32_t hold)
{
	for (int32_t i = 0; i < ledger->count && ledger->lot[i].hold <= hold; i++)
		if (ledger->lot[i].hold == hold && ledger->lot[i].day != CRM_DAY_DEBT)
			return &ledger->lot[i];
	return NULL;
}

static CrmLot *
last_lot(CrmLedger *ledger, int32_t hold)
{
	for (int32_t i = ledger->count; i > 0; i--)
		if (ledger->lot[i - 1].hold == hold && ledger->lot[i - 1].day != CRM_DAY_DEBT)
			return &ledger->lot[i - 1];
	return NULL;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Take points in order of use, into a hold if one is given; returns what is missing. */
static int64_t
take_in_order(Posting *p, int64_t amount, int32_t from_hold, int32_t to_hold)
{
	CrmLot	   *lot;

	while (amount > 0 && p->fault == CRM_LEDGER_OK && (lot = first_lot(p->state, from_hold)) != NULL)
	{
		CrmLot		taken = *lot;
		int64_t		part = least(amount, taken.amount);

		move(p, p->delta, &taken, -part);
		taken.hold = to_hold;
		if (to_hold != 0)
			move(p, p->delta, &taken, part);
		amount -= part;
	}
	return amount;
}

/* A debt is met from whatever is available, in order of use. */
static void
settle(Posting *p)
{
	while (p->fault == CRM_LEDGER_OK && p->state->count > 0 && p->state->lot[0].day == CRM_DAY_DEBT)
	{
		CrmLot	   *lot = first_lot(p->state, 0);
		CrmLot		paid;
		int64_t		debt;

		if (lot == NULL || !crm_ledger_debt(p->state, &debt))
			return;
		paid = *lot;
		paid.amount = least(debt, paid.amount);
		move(p, p->delta, &paid, -paid.amount);
		move(p, p->delta, &debt_key, paid.amount);
	}
}

/* What is past its last day is gone; held points stay. */
static void
expire(Posting *p, CrmLedger *delta, int32_t business_date)
{
	CrmLot	   *lot;

	while (p->fault == CRM_LEDGER_OK && (lot = first_lot(p->state, 0)) != NULL && lot->day < business_date)
		move(p, delta, lot, -lot->amount);
}

static void
credit(Posting *p, int64_t amount, int32_t day, const char class[CRM_CLASS_SIZE])
{
	CrmLot		lot = {.day = day};

	memcpy(lot.class, class, CRM_CLASS_SIZE);
	move(p, p->delta, &lot, amount);
	settle(p);
}

/* Take a credit back: from its own lot, from others in order, the rest is owed. */
static bool
take_back(Posting *p, int64_t amount, const CrmPointsRef *ref, bool allow_debt)
{
	CrmLot		own = {.day = ref->expires_on};
	int64_t		part;

	memcpy(own.class, ref->class, CRM_CLASS_SIZE);
	part = least(amount, crm_ledger_amount(p->state, &own));
	move(p, p->delta, &own, -part);
	part = take_in_order(p, amount - part, 0, 0);
	if (part > 0 && !allow_debt)
		return false;
	move(p, p->delta, &debt_key, -part);
	return true;
}

/*
 * Give back what a redemption or capture took, last taken first: what was given
 * back before came from the end, so the next part stands before it.
 */
static void
give_back(Posting *p, const CrmPointsRef *ref, int64_t amount)
{
	int64_t		skip = ref->reversed;

	for (int32_t i = ref->delta->count; i > 0 && amount > 0; i--)
	{
		CrmLot		lot = ref->delta->lot[i - 1];
		int64_t		part = -lot.amount - least(skip, -lot.amount);

		if (lot.amount > 0)
			continue;
		skip -= least(skip, -lot.amount);
		part = least(part, amount);
		lot.hold = 0;
		move(p, p->delta, &lot, part);
		amount -= part;
	}
	settle(p);
}

/* Back from a hold, last taken first. */
static void
release(Posting *p, int32_t hold, int64_t amount)
{
	CrmLot	   *lot;

	while (amount > 0 && p->fault == CRM_LEDGER_OK && (lot = last_lot(p->state, hold)) != NULL)
	{
		CrmLot		back = *lot;
		int64_t		part = least(amount, back.amount);

		move(p, p->delta, &back, -part);
		back.hold = 0;
		move(p, p->delta, &back, part);
		amount -= part;
	}
	settle(p);
}

/* -- checks ------------------------------------------------------------------------ */

bool
crm_points_is_credit(CrmPointsKind kind, int64_t amount)
{
	return kind == CRM_POINTS_EARN || kind == CRM_POINTS_GIFT || (kind == CRM_POINTS_ADJUST && amount > 0);
}

bool
crm_points_needs_ref(CrmPointsKind kind)
{
	return kind == CRM_POINTS_REVERSE_REDEEM || kind == CRM_POINTS_REVERSE_EARN ||
		kind == CRM_POINTS_UNFREEZE || kind == CRM_POINTS_CAPTURE;
}

static bool
amount_is_good(const CrmPointsOp *op)
{
	switch (op->kind)
	{
		case CRM_POINTS_LOCK:
		case CRM_POINTS_UNLOCK:
			return true;
		case CRM_POINTS_ADJUST:
			return op->has_amount && op->amount != 0;
		default:
			if (!op->has_amount)
				return crm_points_needs_ref(op->kind);
			return op->amount > 0;
	}
}

static bool
ref_is_good(const CrmPointsOp *op, const CrmPointsRef *ref)
{
	if (!crm_points_needs_ref(op->kind))
		return true;
	if (ref == NULL || !ref->found)
		return false;
	if (op->kind == CRM_POINTS_REVERSE_REDEEM)
		return ref->kind == CRM_POINTS_REDEEM || ref->kind == CRM_POINTS_CAPTURE;
	if (op->kind == CRM_POINTS_REVERSE_EARN)
		return crm_points_is_credit(ref->kind, ref->amount);
	return ref->kind == CRM_POINTS_FREEZE;
}

static int64_t
left_in_hold(const CrmLedger *state, int32_t hold)
{
	int64_t		left = 0;

	for (int32_t i = 0; i < state->count; i++)
		if (state->lot[i].hold == hold)
			left += state->lot[i].amount;
	return left;
}

static int64_t
remaining(const CrmLedger *state, const CrmPointsOp *op, const CrmPointsRef *ref)
{
	if (op->kind == CRM_POINTS_UNFREEZE || op->kind == CRM_POINTS_CAPTURE)
		return left_in_hold(state, ref->hold);
	return (ref->amount < 0 ? -ref->amount : ref->amount) - ref->reversed;
}

/* All checks that need no change; the amount to post is settled on the way. */
static CrmPointsStatus
check(const CrmPointsRules *rules, const CrmPointsAccount *account, const CrmPointsOp *op,
	  const CrmPointsRef *ref, int64_t *amount)
{
	bool		is_credit = crm_points_is_credit(op->kind, op->amount);
	int64_t		left;

	*amount = op->amount;
	if (op->kind == CRM_POINTS_TRANSFER && op->to_oneself)
		return CRM_POINTS_SAME_ACCOUNT;
	if ((is_credit && !account->opened && !rules->auto_open) || (op->kind == CRM_POINTS_TRANSFER && !op->receiver_opens))
		return CRM_POINTS_NOT_FOUND;
	if (!amount_is_good(op))
		return CRM_POINTS_BAD_AMOUNT;
	if (!ref_is_good(op, ref))
		return CRM_POINTS_NOT_FOUND;
	if (account->locked && (op->kind == CRM_POINTS_REDEEM || op->kind == CRM_POINTS_FREEZE || op->kind == CRM_POINTS_TRANSFER))
		return CRM_POINTS_LOCKED;
	if (op->kind == CRM_POINTS_REDEEM && op->amount < rules->redeem_min)
		return CRM_POINTS_BELOW_MIN;
	if (crm_points_needs_ref(op->kind))
	{
		left = remaining(&account->state, op, ref);
		if (!op->has_amount)
			*amount = left;
		if (*amount > left || left == 0)
			return CRM_POINTS_OVER_REVERSAL;
	}
	if (is_credit && op->expires_on < op->business_date)
		return CRM_POINTS_ALREADY_EXPIRED;
	if (op->kind == CRM_POINTS_REVERSE_EARN && ref->expires_on < op->business_date)
		return CRM_POINTS_EXPIRED;
	return CRM_POINTS_DONE;
}

/* -- the operations ---------------------------------------------------------------- */

/* Signed as the customer sees it: what comes in, what goes out. */
static bool
is_outflow(CrmPointsKind kind)
{
	return kind == CRM_POINTS_REDEEM || kind == CRM_POINTS_FREEZE || kind == CRM_POINTS_CAPTURE ||
		kind == CRM_POINTS_REVERSE_EARN || kind == CRM_POINTS_TRANSFER;
}

static bool
carry_out(Posting *p, const CrmPointsRules *rules, const CrmPointsOp *op, const CrmPointsRef *ref, int64_t amount)
{
	switch (op->kind)
	{
		case CRM_POINTS_REDEEM:
		case CRM_POINTS_TRANSFER:
			return take_in_order(p, amount, 0, 0) == 0;
		case CRM_POINTS_FREEZE:
			return take_in_order(p, amount, 0, op->hold) == 0;
		case CRM_POINTS_CAPTURE:
			return take_in_order(p, amount, ref->hold, 0) == 0;
		case CRM_POINTS_UNFREEZE:
			release(p, ref->hold, amount);
			return true;
		case CRM_POINTS_REVERSE_REDEEM:
			give_back(p, ref, amount);
			return true;
		case CRM_POINTS_REVERSE_EARN:
			return take_back(p, amount, ref, rules->allow_debt);
		case CRM_POINTS_ADJUST:
			/* The smallest number has no opposite, and nobody has so many points. */
			if (amount < 0)
				return amount != INT64_MIN && take_in_order(p, -amount, 0, 0) == 0;
			/* FALLTHROUGH */
		case CRM_POINTS_EARN:
		case CRM_POINTS_GIFT:
			credit(p, amount, op->expires_on, op->class);
			return true;
		default:
			return true;
	}
}

static void
begin(const CrmPointsAccount *account, CrmPointsOutcome *out)
{
	out->fault = CRM_LEDGER_OK;
	out->amount = 0;
	out->expired.count = 0;
	out->delta.count = 0;
	out->lapsed.count = 0;
	out->moved.count = 0;
	out->after.opened = true;
	out->after.locked = account->locked;
	crm_ledger_copy(&out->after.state, &account->state);
}

/* What left the sender arrives as it was. */
static CrmLedgerFault
pick_moved(const CrmLedger *delta, CrmLedger *moved)
{
	static const CrmLedger none = {0};

	return crm_ledger_combine(moved, &none, delta, -1);
}

/* The balance as the answer gives it must fit as well. */
static void
finish(CrmPointsOutcome *out, CrmLedgerFault fault)
{
	int64_t		sum;

	if (fault == CRM_LEDGER_OK &&
		!(crm_ledger_available(&out->after.state, CRM_DAY_DEBT, &sum) &&
		  crm_ledger_held(&out->after.state, &sum) && crm_ledger_debt(&out->after.state, &sum)))
		fault = CRM_LEDGER_OVERFLOW;
	out->fault = fault;
}

CrmPointsStatus
crm_points_apply(const CrmPointsRules *rules, const CrmPointsAccount *account,
				 const CrmPointsOp *op, const CrmPointsRef *ref, CrmPointsOutcome *out)
{
	Posting		p = {&out->after.state, &out->delta, CRM_LEDGER_OK};
	CrmPointsStatus status;
	int64_t		amount;
	bool		enough;

	begin(account, out);
	status = check(rules, account, op, ref, &amount);
	if (status != CRM_POINTS_DONE)
		return status;
	expire(&p, &out->expired, op->business_date);
	enough = carry_out(&p, rules, op, ref, amount);
	if (p.fault == CRM_LEDGER_OK && !enough)
		return CRM_POINTS_INSUFFICIENT;
	if (op->kind == CRM_POINTS_LOCK || op->kind == CRM_POINTS_UNLOCK)
		out->after.locked = op->kind == CRM_POINTS_LOCK;
	else
		out->amount = is_outflow(op->kind) ? -amount : amount;
	expire(&p, &out->lapsed, op->business_date);
	if (p.fault == CRM_LEDGER_OK && op->kind == CRM_POINTS_TRANSFER)
		p.fault = pick_moved(&out->delta, &out->moved);
	finish(out, p.fault);
	return CRM_POINTS_DONE;
}

/* The other end of a transfer: a credit of several lots. */
void
crm_points_receive(const CrmPointsAccount *account, const CrmLedger *moved,
				   int32_t business_date, CrmPointsOutcome *out)
{
	Posting		p = {&out->after.state, &out->delta, CRM_LEDGER_OK};

	begin(account, out);
	expire(&p, &out->expired, business_date);
	for (int32_t i = 0; i < moved->count; i++)
	{
		credit(&p, moved->lot[i].amount, moved->lot[i].day, moved->lot[i].class);
		out->amount += moved->lot[i].amount;
	}
	finish(out, p.fault);
}

void
crm_points_expire(const CrmPointsAccount *account, int32_t business_date, CrmPointsOutcome *out)
{
	Posting		p = {&out->after.state, &out->delta, CRM_LEDGER_OK};

	begin(account, out);
	expire(&p, &out->expired, business_date);
	finish(out, p.fault);
}

/*
 * What is to be taken although it is past its day was expired here, but was
 * another's: its expiry is taken back, for the other to bear.
 */
static void
revive(Posting *p, CrmLedger *expired, const CrmLedger *change, int32_t business_date)
{
	for (int32_t i = 0; i < change->count; i++)
	{
		const CrmLot *lot = &change->lot[i];

		if (lot->hold == 0 && lot->day != CRM_DAY_DEBT && lot->day < business_date && lot->amount < 0)
			move(p, expired, lot, -lot->amount);
	}
}

/*
 * Lots come and go as they are said to, holds and debt included: a merge of
 * customers.  What is to go and was spent meanwhile is taken from other lots in
 * order, the rest is owed; what comes is in the holds that it names.
 */
void
crm_points_shift(const CrmPointsAccount *account, const CrmLedger *change,
				 int32_t business_date, CrmPointsOutcome *out)
{
	Posting		p = {&out->after.state, &out->delta, CRM_LEDGER_OK};
	int64_t		missing = 0;

	begin(account, out);
	expire(&p, &out->expired, business_date);
	revive(&p, &out->expired, change, business_date);
	for (int32_t i = 0; i < change->count; i++)
	{
		CrmLot		lot = change->lot[i];
		int64_t		there = crm_ledger_amount(p.state, &lot);

		if (__builtin_add_overflow(out->amount, lot.amount, &out->amount))
			p.fault = CRM_LEDGER_OVERFLOW;
		if (lot.hold == 0 && lot.day != CRM_DAY_DEBT && lot.amount < -there)
		{
			if (__builtin_add_overflow(missing, -there - lot.amount, &missing))
				p.fault = CRM_LEDGER_OVERFLOW;
			lot.amount = -there;
		}
		move(&p, p.delta, &lot, lot.amount);
	}
	move(&p, p.delta, &debt_key, -missing);
	settle(&p);
	expire(&p, &out->lapsed, business_date);
	finish(out, p.fault);
}
