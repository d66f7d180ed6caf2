/*
 * points_audit.c: what is wrong with the books, found in one ordered pass.
 *
 * Accounts, entries and notes of reversals come in order of customer from three
 * cursors of one snapshot, so that all there is about a customer is in memory at
 * once and nothing is read twice.
 */
#include "points_store.h"

#include "common/int.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"

/* -- a cursor, row by row -------------------------------------------------------------------- */

#define FETCH_ROWS	1000
#define MAX_COLUMNS 19

typedef struct Row
{
	Datum		value[MAX_COLUMNS];
	bool		isnull[MAX_COLUMNS];
} Row;

typedef struct Stream
{
	Portal		portal;
	SPITupleTable *table;
	uint64		at;
	List	   *done;			/* tables whose rows may still be in use */
	bool		has_row;
	Row			row;
} Stream;

static void
advance(Stream *s)
{
	if (s->table == NULL || s->at == s->table->numvals)
	{
		if (s->table != NULL)
			s->done = lappend(s->done, s->table);
		SPI_cursor_fetch(s->portal, true, FETCH_ROWS);
		s->table = SPI_tuptable;
		s->at = 0;
	}
	s->has_row = s->table->numvals > 0;
	if (s->has_row)
		heap_deform_tuple(s->table->vals[s->at++], s->table->tupdesc, s->row.value, s->row.isnull);
}

static void
open_stream(Stream *s, const char *query, bool one_customer, Datum customer)
{
	Oid			type = crm_points_types()->code;
	const char *text = psprintf("%s%s ORDER BY customer_code USING OPERATOR(crm.<)", query,
								one_customer ? " WHERE customer_code OPERATOR(crm.=) $1" : "");
	SPIPlanPtr	plan = SPI_prepare(text, one_customer ? 1 : 0, &type);

	memset(s, 0, sizeof(*s));
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	s->portal = SPI_cursor_open(NULL, plan, &customer, NULL, true);
	advance(s);
}

static void
free_done(Stream *s)
{
	ListCell   *cell;

	foreach(cell, s->done)
		SPI_freetuptable(lfirst(cell));
	list_free(s->done);
	s->done = NIL;
}

static int64
customer_of(const Stream *s)
{
	return DatumGetInt64(s->row.value[0]);
}

/* -- what there is about a customer ------------------------------------------------------------- */

static const char account_query[] =
"SELECT customer_code, programme, seq, chain, state, next_due, status OPERATOR(pg_catalog.=) 'l' FROM crm_data.points_account";

enum
{
	A_CUSTOMER, A_PROGRAMME, A_SEQ, A_CHAIN, A_STATE, A_NEXT_DUE, A_LOCKED
};

/* The numbers and the texts in the order in which they are hashed. */
static const char entry_query[] =
"SELECT customer_code, seq, amount, business_date, posted_at, available, held, debt, expires_on, counterparty, is_rest, rule_version,"
" request_id, programme, kind, ref, class, delta, hash FROM crm_data.points_journal";

enum
{
	E_TEXTS = CRM_ENTRY_NUMBERS,
	E_HASH = CRM_ENTRY_NUMBERS + CRM_ENTRY_TEXTS
};

static const char reversal_query[] = "SELECT customer_code, request_id, reversed FROM crm_data.points_reversal";

typedef struct Entry
{
	CrmPointsEntry form;
	CrmPointsKind kind;
	const uint8 *hash;			/* NULL: none */
	Datum		delta;
	int64		reversed;		/* as noted; 0: not at all */
	int64		taken_back;		/* by entries that refer to this */
	int64		moved;			/* out of this hold, by merges */
	int64		reversed_yet;	/* by entries before the one that is looked at */
} Entry;

typedef struct Account
{
	const char *programme;
	size_t		length;
	int64		seq;
	const uint8 *chain;			/* NULL: none */
	bool		has_due;
	int32		due;
	bool		locked;
	Datum		state_datum;
	bool		is_met;			/* an entry belongs to it */
} Account;

/* What an entry is against the law, on the state before it. */
typedef struct Verdict
{
	bool		refused;		/* the law would not have let it happen */
	bool		differs;		/* as a single operation it is another change */
	bool		late;			/* what had expired was not posted first */
	bool		overdrawn;		/* it takes more than was available */
} Verdict;

typedef struct Audit
{
	Stream		accounts;
	Stream		entries;
	Stream		reversals;
	MemoryContext context;		/* of a customer */
	ReturnSetInfo *result;
	int64		customer;
	Account    *account;
	int			account_count;
	Entry	   *entry;
	int			count;
	int			room;
	int			merges;			/* entries by which lots moved */
	Entry	  **by_seq;			/* by programme and number */
	Entry	  **by_request;
	CrmLedger	state;
	CrmPointsAccount book;		/* as the entries so far make it */
	CrmLedger	delta;
	CrmLedger	ref_delta;
	CrmPointsOutcome out;
	Verdict		verdict;
} Audit;

static void
set_text(CrmPointsEntry *form, int part, Datum value, bool isnull)
{
	const struct varlena *text = isnull ? NULL : PG_DETOAST_DATUM_PACKED(value);

	form->text[part] = isnull ? "" : VARDATA_ANY(text);
	form->length[part] = isnull ? 0 : VARSIZE_ANY_EXHDR(text);
}

static const uint8 *
hash_of(Datum value, bool isnull)
{
	const struct varlena *hash = isnull ? NULL : PG_DETOAST_DATUM_PACKED(value);
	static const uint8 none_such[CRM_HASH_SIZE] = {0};

	if (isnull)
		return NULL;
	return VARSIZE_ANY_EXHDR(hash) == CRM_HASH_SIZE ? (const uint8 *) VARDATA_ANY(hash) : none_such;
}

static int64
number_of(int which, Datum value)
{
	switch (which)
	{
		case CRM_ENTRY_BUSINESS_DATE:
		case CRM_ENTRY_EXPIRES_ON:
		case CRM_ENTRY_RULE_VERSION:
			return DatumGetInt32(value);
		case CRM_ENTRY_IS_REST:
			return DatumGetBool(value);
		default:
			return DatumGetInt64(value);
	}
}

static void
read_entry(const Row *row, Entry *e)
{
	memset(e, 0, sizeof(*e));
	for (int i = 0; i < CRM_ENTRY_NUMBERS; i++)
		e->form.number[i] = row->isnull[i] ? (i == CRM_ENTRY_EXPIRES_ON ? PG_INT32_MIN : 0) : number_of(i, row->value[i]);
	for (int i = 0; i < CRM_ENTRY_TEXTS; i++)
		set_text(&e->form, i, row->value[E_TEXTS + i], row->isnull[E_TEXTS + i]);
	e->hash = hash_of(row->value[E_HASH], row->isnull[E_HASH]);
	e->delta = row->value[E_TEXTS + CRM_ENTRY_DELTA];
	e->kind = crm_points_kind_named(pnstrdup(e->form.text[CRM_ENTRY_KIND], e->form.length[CRM_ENTRY_KIND]));
}

static int
text_order(const char *a, size_t m, const char *b, size_t n)
{
	int			order = memcmp(a, b, Min(m, n));

	return order != 0 ? order : m < n ? -1 : m > n;
}

static int
part_order(const Entry *a, const Entry *b, int part)
{
	return text_order(a->form.text[part], a->form.length[part], b->form.text[part], b->form.length[part]);
}

static int
seq_order(const void *a, const void *b)
{
	const Entry *x = *(Entry *const *) a;
	const Entry *y = *(Entry *const *) b;
	int			order = part_order(x, y, CRM_ENTRY_PROGRAMME);

	if (order != 0)
		return order;
	return x->form.number[CRM_ENTRY_SEQ] < y->form.number[CRM_ENTRY_SEQ] ? -1 :
		x->form.number[CRM_ENTRY_SEQ] > y->form.number[CRM_ENTRY_SEQ];
}

static int
request_order(const void *a, const void *b)
{
	return part_order(*(Entry *const *) a, *(Entry *const *) b, CRM_ENTRY_REQUEST_ID);
}

static Entry *
entry_named(const Audit *a, const char *text, size_t length)
{
	int			low = 0;
	int			high = a->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		Entry	   *e = a->by_request[middle];
		int			order = text_order(e->form.text[CRM_ENTRY_REQUEST_ID], e->form.length[CRM_ENTRY_REQUEST_ID], text, length);

		if (order == 0)
			return e;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static Account *
account_of(const Audit *a, const Entry *e)
{
	for (int i = 0; i < a->account_count; i++)
		if (text_order(a->account[i].programme, a->account[i].length,
					   e->form.text[CRM_ENTRY_PROGRAMME], e->form.length[CRM_ENTRY_PROGRAMME]) == 0)
			return &a->account[i];
	return NULL;
}

static void
read_accounts(Audit *a)
{
	int			room = 4;

	a->account_count = 0;
	a->account = palloc(sizeof(Account) * room);
	for (; a->accounts.has_row && customer_of(&a->accounts) == a->customer; advance(&a->accounts))
	{
		const Row  *row = &a->accounts.row;
		const struct varlena *programme = PG_DETOAST_DATUM_PACKED(row->value[A_PROGRAMME]);

		if (a->account_count == room)
			a->account = repalloc(a->account, sizeof(Account) * (room *= 2));
		a->account[a->account_count++] = (Account)
		{
			.programme = VARDATA_ANY(programme), .length = VARSIZE_ANY_EXHDR(programme),
				.seq = DatumGetInt64(row->value[A_SEQ]), .chain = hash_of(row->value[A_CHAIN], row->isnull[A_CHAIN]),
				.locked = DatumGetBool(row->value[A_LOCKED]), .has_due = !row->isnull[A_NEXT_DUE], .due = row->isnull[A_NEXT_DUE] ? 0 : DatumGetDateADT(row->value[A_NEXT_DUE]),
				.state_datum = row->value[A_STATE]
		};
	}
}

static void
read_entries(Audit *a)
{
	a->count = a->merges = 0;
	a->room = 16;
	a->entry = palloc(sizeof(Entry) * a->room);
	for (; a->entries.has_row && customer_of(&a->entries) == a->customer; advance(&a->entries))
	{
		CHECK_FOR_INTERRUPTS();
		if (a->count == a->room)
			a->entry = repalloc_huge(a->entry, sizeof(Entry) * (a->room *= 2));
		read_entry(&a->entries.row, &a->entry[a->count]);
		a->merges += a->entry[a->count].kind == CRM_POINTS_MERGE || a->entry[a->count].kind == CRM_POINTS_VOID;
		a->count++;
	}
	a->by_seq = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Entry *) * Max(a->count, 1));
	a->by_request = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Entry *) * Max(a->count, 1));
	for (int i = 0; i < a->count; i++)
		a->by_seq[i] = a->by_request[i] = &a->entry[i];
	qsort(a->by_seq, a->count, sizeof(Entry *), seq_order);
	qsort(a->by_request, a->count, sizeof(Entry *), request_order);
}

/* -- findings ------------------------------------------------------------------------------------- */

static void
report(Audit *a, const char *invariant, const char *programme, size_t length, const char *detail)
{
	Datum		values[4] = {CStringGetTextDatum(invariant), Int64GetDatum(a->customer),
	PointerGetDatum(cstring_to_text_with_len(programme, length)), CStringGetTextDatum(detail)};
	bool		nulls[4] = {false};

	tuplestore_putvalues(a->result->setResult, a->result->setDesc, values, nulls);
}

static void
report_entry(Audit *a, const char *invariant, const Entry *e, const char *detail)
{
	report(a, invariant, e->form.text[CRM_ENTRY_PROGRAMME], e->form.length[CRM_ENTRY_PROGRAMME], detail);
}

static char *
in_words(const CrmLedger *ledger)
{
	char	   *text = palloc(3 + CRM_LOT_TEXT * (size_t) ledger->count);

	crm_ledger_format(ledger, text);
	return text;
}

static char *
part_of(const Entry *e, int part)
{
	return pnstrdup(e->form.text[part], e->form.length[part]);
}

/* -- what each entry says of itself ------------------------------------------------------------------ */

static int64
magnitude(int64 amount)
{
	return amount == PG_INT64_MIN ? PG_INT64_MAX : amount < 0 ? -amount : amount;
}

/* What does not fit is more than anything. */
static int64
add(int64 a, int64 b)
{
	int64		sum;

	return pg_add_s64_overflow(a, b, &sum) ? PG_INT64_MAX : sum;
}

static bool
is_same_ledger(const CrmLedger *a, const CrmLedger *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (crm_lot_order(&a->lot[i], &b->lot[i]) != 0 || a->lot[i].amount != b->lot[i].amount)
			return false;
	return true;
}

/* Bytes that the type would not have taken are a finding, not an error. */
static bool
is_ledger(Datum datum, CrmLedger *ledger)
{
	const struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

	if (crm_ledger_decode((const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), ledger) == CRM_LEDGER_OK)
		return true;
	ledger->count = 0;
	return false;
}

static bool
breaks_conservation(const Audit *a, const Entry *e)
{
	bool		stays = e->kind == CRM_POINTS_FREEZE || e->kind == CRM_POINTS_UNFREEZE ||
		e->kind == CRM_POINTS_LOCK || e->kind == CRM_POINTS_UNLOCK;
	__int128	total = 0;

	for (int i = 0; i < a->delta.count; i++)
		total += a->delta.lot[i].amount;
	return total != (stays ? 0 : e->form.number[CRM_ENTRY_AMOUNT]);
}

/* No lot is negative but the debt. */
static bool
is_overdrawn(const CrmLedger *state)
{
	for (int i = 0; i < state->count; i++)
		if ((state->lot[i].amount < 0) != (state->lot[i].day == CRM_DAY_DEBT))
			return true;
	return false;
}

/* The answer that was given is the state after the entry. */
static bool
breaks_as_of(const Audit *a, const Entry *e)
{
	const int64 *number = e->form.number;
	int64		available;
	int64		held;
	int64		debt;

	if (e->kind == CRM_POINTS_EXPIRE)
		return false;
	return !crm_ledger_available(&a->book.state, (int32) number[CRM_ENTRY_BUSINESS_DATE], &available) ||
		!crm_ledger_held(&a->book.state, &held) || !crm_ledger_debt(&a->book.state, &debt) ||
		available != number[CRM_ENTRY_AVAILABLE] || held != number[CRM_ENTRY_HELD] || debt != number[CRM_ENTRY_DEBT];
}

/* Named by the product: a hold that lots of a merge come into, or that a promise's are put into. */
static bool
is_own_name(const Entry *e)
{
	return e->form.length[CRM_ENTRY_REQUEST_ID] > 0 && e->form.text[CRM_ENTRY_REQUEST_ID][0] == '~';
}

/* Nothing is left that comes before what was taken. */
static bool
breaks_fifo(const Audit *a, const Entry *e)
{
	const CrmLot *first = a->book.state.count > 0 && a->book.state.lot[0].hold == 0 ? &a->book.state.lot[0] : NULL;

	if (is_own_name(e) || (e->kind != CRM_POINTS_REDEEM && e->kind != CRM_POINTS_FREEZE && e->kind != CRM_POINTS_TRANSFER &&
		!(e->kind == CRM_POINTS_ADJUST && e->form.number[CRM_ENTRY_AMOUNT] < 0)))
		return false;
	for (int i = 0; first != NULL && i < a->delta.count; i++)
		if (a->delta.lot[i].hold == 0 && a->delta.lot[i].amount < 0 && crm_lot_order(first, &a->delta.lot[i]) < 0)
			return true;
	return false;
}

static bool
expired_early(const Audit *a, const Entry *e)
{
	for (int i = 0; e->kind == CRM_POINTS_EXPIRE && i < a->delta.count; i++)
		if (a->delta.lot[i].day >= e->form.number[CRM_ENTRY_BUSINESS_DATE] || a->delta.lot[i].hold > 0)
			return true;
	return false;
}

static bool
is_same_hash(const uint8 *a, const uint8 *b)
{
	return a == NULL || b == NULL ? a == b : memcmp(a, b, CRM_HASH_SIZE) == 0;
}

static bool
breaks_chain(const Entry *e, const uint8 *before, bool is_last, const Account *account)
{
	static const uint8 zeros[CRM_HASH_SIZE] = {0};
	uint8		hash[CRM_HASH_SIZE];

	if (is_last && !is_same_hash(e->hash, account->chain))
		return true;
	if (e->hash == NULL)
		return before != NULL && account->chain != NULL;
	return !crm_points_hash(before != NULL ? before : zeros, &e->form, hash) || memcmp(hash, e->hash, CRM_HASH_SIZE) != 0;
}

/* -- an entry against the law ------------------------------------------------------------------------ */

static CrmPointsOp
operation_of(const Entry *e)
{
	const int64 *number = e->form.number;
	CrmPointsOp op = {.kind = e->kind, .has_amount = !number[CRM_ENTRY_IS_REST],
		.amount = e->kind == CRM_POINTS_ADJUST ? number[CRM_ENTRY_AMOUNT] : magnitude(number[CRM_ENTRY_AMOUNT]),
		.expires_on = (int32) number[CRM_ENTRY_EXPIRES_ON], .business_date = (int32) number[CRM_ENTRY_BUSINESS_DATE],
		.to_oneself = e->kind == CRM_POINTS_TRANSFER && number[CRM_ENTRY_COUNTERPARTY] == number[CRM_ENTRY_CUSTOMER],
		.receiver_opens = true, .hold = (int32) number[CRM_ENTRY_SEQ]};

	memcpy(op.class, e->form.text[CRM_ENTRY_CLASS], Min(e->form.length[CRM_ENTRY_CLASS], CRM_CLASS_SIZE - 1));
	return op;
}

/* What it refers to, as it stood then; and what it adds to what is taken back of that. */
static void
look_up_ref(Audit *a, const Entry *e, CrmPointsRef *ref)
{
	Entry	   *original = crm_points_needs_ref(e->kind) ? entry_named(a, e->form.text[CRM_ENTRY_REF], e->form.length[CRM_ENTRY_REF]) : NULL;

	memset(ref, 0, sizeof(*ref));
	if (original == NULL || part_order(original, e, CRM_ENTRY_PROGRAMME) != 0 ||
		original->form.number[CRM_ENTRY_SEQ] >= e->form.number[CRM_ENTRY_SEQ] || !is_ledger(original->delta, &a->ref_delta))
		return;
	ref->found = true;
	ref->kind = original->kind;
	ref->amount = original->form.number[CRM_ENTRY_AMOUNT];
	ref->reversed = original->reversed_yet;
	ref->expires_on = (int32) original->form.number[CRM_ENTRY_EXPIRES_ON];
	memcpy(ref->class, original->form.text[CRM_ENTRY_CLASS], Min(original->form.length[CRM_ENTRY_CLASS], CRM_CLASS_SIZE - 1));
	ref->hold = original->kind == CRM_POINTS_FREEZE ? (int32) original->form.number[CRM_ENTRY_SEQ] : 0;
	ref->delta = &a->ref_delta;
	if (e->kind == CRM_POINTS_REVERSE_REDEEM || e->kind == CRM_POINTS_REVERSE_EARN)
		original->reversed_yet = add(original->reversed_yet, magnitude(e->form.number[CRM_ENTRY_AMOUNT]));
}

static bool
takes_more_than_available(const Audit *a, const Entry *e)
{
	int64		amount = e->form.number[CRM_ENTRY_AMOUNT];
	int64		available;

	if (e->kind != CRM_POINTS_REDEEM && e->kind != CRM_POINTS_FREEZE && e->kind != CRM_POINTS_TRANSFER &&
		!(e->kind == CRM_POINTS_ADJUST && amount < 0))
		return false;
	return !crm_ledger_available(&a->book.state, (int32) e->form.number[CRM_ENTRY_BUSINESS_DATE], &available) || magnitude(amount) > available;
}

/*
 * Each operation is done again by the law, alone, on the state before it, however it
 * was posted then.  The programme's rules may have changed since, so the laxest hold.
 * What merges move is told by them, and checked with them.
 */
static void
do_again(Audit *a, const Entry *e, const Entry *next)
{
	static const CrmPointsRules rules = {.allow_debt = true, .auto_open = true};
	CrmPointsOp op = operation_of(e);
	CrmPointsRef ref;

	memset(&a->verdict, 0, sizeof(a->verdict));
	if (is_overdrawn(&a->book.state))
		return;
	if (e->kind == CRM_POINTS_EXPIRE)
	{
		crm_points_expire(&a->book, op.business_date, &a->out);
		a->verdict.late = !is_same_ledger(&a->out.expired, &a->delta) &&
			!(next != NULL && (next->kind == CRM_POINTS_MERGE || next->kind == CRM_POINTS_VOID));
		return;
	}
	if (e->kind > CRM_POINTS_UNLOCK || is_own_name(e))
		return;
	look_up_ref(a, e, &ref);
	a->verdict.overdrawn = takes_more_than_available(a, e);
	a->verdict.refused = crm_points_apply(&rules, &a->book, &op, &ref, &a->out) != CRM_POINTS_DONE;
	if (a->verdict.refused)
		return;
	a->verdict.late = a->out.expired.count > 0;
	a->verdict.differs = a->out.fault != CRM_LEDGER_OK || a->out.amount != e->form.number[CRM_ENTRY_AMOUNT] ||
		!is_same_ledger(&a->out.delta, &a->delta);
}

static void
check_entry(Audit *a, const Entry *e, const uint8 *before, bool is_last, const Account *account)
{
	const struct
	{
		const char *name;
		bool		broken;
	}			found[] = {
		{"conservation", breaks_conservation(a, e)},
		{"no_negative_lot", is_overdrawn(&a->book.state)},
		{"never_overdrawn", a->verdict.overdrawn},
		{"as_of", breaks_as_of(a, e)},
		{"fifo", breaks_fifo(a, e)},
		{"expired_early", expired_early(a, e)},
		{"expired_late", a->verdict.late},
		{"refusal_changes_nothing", a->verdict.refused},
		{"batch_is_sequence", a->verdict.differs},
		{"hash_chain", breaks_chain(e, before, is_last, account)},
	};

	for (int i = 0; i < (int) lengthof(found); i++)
		if (found[i].broken)
			report_entry(a, found[i].name, e,
						 psprintf("entry " INT64_FORMAT ", request %s: %s of " INT64_FORMAT ", change %s, state after it %s",
								  e->form.number[CRM_ENTRY_SEQ], part_of(e, CRM_ENTRY_REQUEST_ID), part_of(e, CRM_ENTRY_KIND),
								  e->form.number[CRM_ENTRY_AMOUNT], in_words(&a->delta), in_words(&a->book.state)));
}

/* -- an account against its entries ---------------------------------------------------------------------- */

static CrmLedgerFault
add_delta(Audit *a)
{
	CrmLedgerFault fault = CRM_LEDGER_OK;

	for (int i = 0; i < a->delta.count && fault == CRM_LEDGER_OK; i++)
		fault = crm_ledger_change(&a->book.state, &a->delta.lot[i], a->delta.lot[i].amount);
	return fault;
}

static bool
is_dense(Entry *const *entry, int count, const Account *account)
{
	for (int i = 0; i < count; i++)
		if (entry[i]->form.number[CRM_ENTRY_SEQ] != i + 1)
			return false;
	return account != NULL && account->seq == count;
}

static void
check_account(Audit *a, const Account *account, Entry *const *entry, int count, bool sum_fits)
{
	int64		available = 0;
	int64		debt = 0;
	int32		due = 0;
	bool		has_due;

	bool		is_sound = true;

	a->state.count = 0;
	if (account != NULL)
		is_sound = is_ledger(account->state_datum, &a->state);
	has_due = crm_ledger_next_expiry(&a->state, &due);
	if (!crm_ledger_debt(&a->state, &debt) || !crm_ledger_available(&a->state, CRM_DAY_DEBT, &available))
		sum_fits = false;
	{
		const struct
		{
			const char *name;
			bool		broken;
		}			found[] = {
			{"type_laws", !is_sound},
			{"no_negative_lot", is_overdrawn(&a->state)},
			{"lock_is_posted", account != NULL && account->locked != a->book.locked},
			{"state_is_sum", !sum_fits || !is_same_ledger(&a->state, &a->book.state)},
			{"seq_dense", !is_dense(entry, count, account)},
			{"debt_means_none_available", debt > 0 && available > 0},
			{"next_due", account != NULL && (account->has_due != has_due || (has_due && account->due != due))},
		};

		for (int i = 0; i < (int) lengthof(found); i++)
			if (found[i].broken)
				report(a, found[i].name, account ? account->programme : entry[0]->form.text[CRM_ENTRY_PROGRAMME],
					   account ? account->length : entry[0]->form.length[CRM_ENTRY_PROGRAMME],
					   psprintf("state %s, sum of changes %s; account at entry " INT64_FORMAT ", %d entries from " INT64_FORMAT " to " INT64_FORMAT,
								in_words(&a->state), in_words(&a->book.state), account ? account->seq : 0, count,
								count > 0 ? entry[0]->form.number[CRM_ENTRY_SEQ] : 0,
								count > 0 ? entry[count - 1]->form.number[CRM_ENTRY_SEQ] : 0));
	}
}

/* A hold bears the number of its entry; a merge takes what is in it away, or brings it. */
static void
note_moved(const Audit *a, const Entry *e, Entry *const *entry, int count)
{
	if (e->kind != CRM_POINTS_MERGE && e->kind != CRM_POINTS_VOID)
		return;
	for (int i = 0; i < a->delta.count; i++)
	{
		const CrmLot *lot = &a->delta.lot[i];

		if (lot->hold > 0 && lot->hold <= count && entry[lot->hold - 1]->form.number[CRM_ENTRY_SEQ] == lot->hold)
			pg_sub_s64_overflow(entry[lot->hold - 1]->moved, lot->amount, &entry[lot->hold - 1]->moved);
	}
}

/* The entries of one programme, in order. */
static void
follow(Audit *a, Account *account, Entry *const *entry, int count)
{
	const uint8 *before = NULL;
	bool		fits = true;

	a->book.state.count = 0;
	a->book.locked = false;
	a->book.opened = true;
	for (int i = 0; i < count && fits; i++)
	{
		if (!is_ledger(entry[i]->delta, &a->delta))
			report_entry(a, "type_laws", entry[i], psprintf("entry " INT64_FORMAT " has a change that the type does not know",
															entry[i]->form.number[CRM_ENTRY_SEQ]));
		note_moved(a, entry[i], entry, count);
		do_again(a, entry[i], i + 1 < count ? entry[i + 1] : NULL);
		fits = add_delta(a) == CRM_LEDGER_OK;
		if (entry[i]->kind == CRM_POINTS_LOCK || entry[i]->kind == CRM_POINTS_UNLOCK)
			a->book.locked = entry[i]->kind == CRM_POINTS_LOCK;
		if (account != NULL && fits)
			check_entry(a, entry[i], before, i == count - 1, account);
		before = entry[i]->hash;
	}
	check_account(a, account, entry, count, fits);
	if (account != NULL)
		account->is_met = true;
}

static void
follow_all(Audit *a)
{
	for (int from = 0, to; from < a->count; from = to)
	{
		for (to = from + 1; to < a->count && part_order(a->by_seq[from], a->by_seq[to], CRM_ENTRY_PROGRAMME) == 0;)
			to++;
		follow(a, account_of(a, a->by_seq[from]), a->by_seq + from, to - from);
	}
	for (int i = 0; i < a->account_count; i++)
		if (!a->account[i].is_met)
			follow(a, &a->account[i], NULL, 0);
}

/* -- entries that take others back --------------------------------------------------------------------------- */

static void
note_taken_back(Audit *a)
{
	for (int i = 0; i < a->count; i++)
	{
		Entry	   *e = &a->entry[i];
		Entry	   *original;

		if (!crm_points_needs_ref(e->kind))
			continue;
		original = entry_named(a, e->form.text[CRM_ENTRY_REF], e->form.length[CRM_ENTRY_REF]);
		if (original != NULL)
			original->taken_back = add(original->taken_back, magnitude(e->form.number[CRM_ENTRY_AMOUNT]));
		else
			report_entry(a, "reversal_bound", e, psprintf("request %s takes back %s, which is not there",
														  part_of(e, CRM_ENTRY_REQUEST_ID), part_of(e, CRM_ENTRY_REF)));
	}
}

static void
note_reversals(Audit *a)
{
	for (; a->reversals.has_row && customer_of(&a->reversals) == a->customer; advance(&a->reversals))
	{
		const struct varlena *request = PG_DETOAST_DATUM_PACKED(a->reversals.row.value[1]);
		Entry	   *original = entry_named(a, VARDATA_ANY(request), VARSIZE_ANY_EXHDR(request));

		if (original != NULL)
			original->reversed = DatumGetInt64(a->reversals.row.value[2]);
		else
			report(a, "reversal_bound", "", 0, psprintf("a reversal of request %s is noted, which is not there",
														pnstrdup(VARDATA_ANY(request), VARSIZE_ANY_EXHDR(request))));
	}
}

static int64
left_in_hold(Audit *a, const Account *account, int64 hold)
{
	int64		left = 0;

	(void) is_ledger(account->state_datum, &a->state);
	for (int i = 0; i < a->state.count; i++)
		if (a->state.lot[i].hold == hold)
			left = add(left, a->state.lot[i].amount);
	return left;
}

static void
check_bounds(Audit *a)
{
	for (int i = 0; i < a->count; i++)
	{
		Entry	   *e = &a->entry[i];
		Account    *account;
		int64		amount = magnitude(e->form.number[CRM_ENTRY_AMOUNT]);
		bool		is_hold = e->kind == CRM_POINTS_FREEZE;
		int64		left = 0;

		if ((!is_hold && e->taken_back == 0 && e->reversed == 0) || (account = account_of(a, e)) == NULL)
			continue;
		if (is_hold)
			left = left_in_hold(a, account, e->form.number[CRM_ENTRY_SEQ]);
		if (is_hold ? add(add(e->taken_back, left), e->moved) != amount : e->taken_back != e->reversed || e->taken_back > amount)
			report_entry(a, is_hold ? "hold_bound" : "reversal_bound", e,
						 psprintf("request %s of " INT64_FORMAT ": " INT64_FORMAT " taken back, " INT64_FORMAT " noted, " INT64_FORMAT " left",
								  part_of(e, CRM_ENTRY_REQUEST_ID), e->form.number[CRM_ENTRY_AMOUNT],
								  e->taken_back, e->reversed, left));
	}
}

static void
check_names(Audit *a)
{
	for (int i = 1; i < a->count; i++)
		if (request_order(&a->by_request[i - 1], &a->by_request[i]) == 0)
			report_entry(a, "exactly_once", a->by_request[i],
						 psprintf("request %s has several entries", part_of(a->by_request[i], CRM_ENTRY_REQUEST_ID)));
}

/* -- the pass ---------------------------------------------------------------------------------------------------- */

static void
check_customer(Audit *a)
{
	MemoryContext old = MemoryContextSwitchTo(a->context);

	read_accounts(a);
	read_entries(a);
	follow_all(a);
	note_taken_back(a);
	note_reversals(a);
	check_bounds(a);
	check_names(a);
	MemoryContextSwitchTo(old);
	free_done(&a->accounts);
	free_done(&a->entries);
	free_done(&a->reversals);
	MemoryContextReset(a->context);
}

static bool
next_customer(Audit *a)
{
	const Stream *streams[] = {&a->accounts, &a->entries, &a->reversals};
	bool		any = false;

	for (int i = 0; i < 3; i++)
		if (streams[i]->has_row && (!any || customer_of(streams[i]) < a->customer))
		{
			a->customer = customer_of(streams[i]);
			any = true;
		}
	return any;
}

PG_FUNCTION_INFO_V1(crm_points_audit_books);
Datum
crm_points_audit_books(PG_FUNCTION_ARGS)
{
	bool		one = !PG_ARGISNULL(0);
	Datum		customer = one ? PG_GETARG_DATUM(0) : (Datum) 0;
	Audit	   *a = palloc0(sizeof(Audit));

	InitMaterializedSRF(fcinfo, 0);
	a->result = (ReturnSetInfo *) fcinfo->resultinfo;
	a->context = AllocSetContextCreate(CurrentMemoryContext, "points audit", ALLOCSET_DEFAULT_SIZES);
	SPI_connect();
	open_stream(&a->accounts, account_query, one, customer);
	open_stream(&a->entries, entry_query, one, customer);
	open_stream(&a->reversals, reversal_query, one, customer);
	while (next_customer(a))
		check_customer(a);
	SPI_cursor_close(a->accounts.portal);
	SPI_cursor_close(a->entries.portal);
	SPI_cursor_close(a->reversals.portal);
	SPI_finish();
	return (Datum) 0;
}
