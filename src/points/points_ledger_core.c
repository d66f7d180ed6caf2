/*
 * points_ledger_core.c: a sorted sparse vector (hold, day, class) -> amount.
 *
 * Available points stand first, the debt before all others, then by day: the
 * order of use is the order of the lots.
 */
#include "points_core.h"

#include <string.h>

const char *
crm_ledger_reason(CrmLedgerFault fault)
{
	switch (fault)
	{
		case CRM_LEDGER_OK:
			return "The ledger is valid.";
		case CRM_LEDGER_VERSION_UNKNOWN:
			return "The version byte is not 1.";
		case CRM_LEDGER_CUT:
			return "The value ends too early.";
		case CRM_LEDGER_TRAILING:
			return "Something follows the last lot.";
		case CRM_LEDGER_NOT_CANONICAL:
			return "A number or class is written in a longer form than needed.";
		case CRM_LEDGER_ORDER:
			return "Lots are not in order of hold, day and class, each once.";
		case CRM_LEDGER_ZERO:
			return "A lot has no points.";
		case CRM_LEDGER_SUM:
			return "The sum in the header is not that of the lots.";
		case CRM_LEDGER_BRACES:
			return "Lots stand in braces, with commas between.";
		case CRM_LEDGER_AMOUNT:
			return "An amount is a whole number.";
		case CRM_LEDGER_DATE:
			return "A lot ends with @ and its last day, 0001-01-01 to 9999-12-31, or @never.";
		case CRM_LEDGER_CLASS:
			return "A class has 1 to 15 of the signs A-Z a-z 0-9 _ - and the full stop.";
		case CRM_LEDGER_HOLD:
			return "A hold is a number from 1 to 2147483647.";
		case CRM_LEDGER_DEBT:
			return "A debt is in no hold and of no class.";
		case CRM_LEDGER_OVERFLOW:
			return "An amount or the sum of available points is beyond 64 bits.";
		case CRM_LEDGER_FULL:
			return "A ledger has at most 400 lots and 7000 bytes.";
	}
	return "";
}

void
crm_ledger_copy(CrmLedger *to, const CrmLedger *from)
{
	to->count = from->count;
	memcpy(to->lot, from->lot, sizeof(CrmLot) * (size_t) from->count);
}

int
crm_lot_order(const CrmLot *a, const CrmLot *b)
{
	if (a->hold != b->hold)
		return a->hold < b->hold ? -1 : 1;
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return memcmp(a->class, b->class, CRM_CLASS_SIZE);
}

/* Place of a lot, or where it would have to stand. */
static int32_t
find_lot(const CrmLedger *ledger, const CrmLot *key, bool *found)
{
	int32_t		low = 0;
	int32_t		high = ledger->count;

	*found = false;
	while (low < high)
	{
		int32_t		middle = (low + high) / 2;
		int			order = crm_lot_order(&ledger->lot[middle], key);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t
crm_ledger_amount(const CrmLedger *ledger, const CrmLot *key)
{
	bool		found;
	int32_t		at = find_lot(ledger, key, &found);

	return found ? ledger->lot[at].amount : 0;
}

static void
remove_lot(CrmLedger *ledger, int32_t at)
{
	ledger->count--;
	memmove(&ledger->lot[at], &ledger->lot[at + 1], sizeof(CrmLot) * (size_t) (ledger->count - at));
}

/* Add an amount to one component; the key may be a lot of this very ledger. */
CrmLedgerFault
crm_ledger_change(CrmLedger *ledger, const CrmLot *key, int64_t amount)
{
	CrmLot		lot = *key;
	bool		found;
	int32_t		at = find_lot(ledger, &lot, &found);

	if (amount == 0)
		return CRM_LEDGER_OK;
	if (found)
	{
		if (__builtin_add_overflow(ledger->lot[at].amount, amount, &ledger->lot[at].amount))
			return CRM_LEDGER_OVERFLOW;
		if (ledger->lot[at].amount == 0)
			remove_lot(ledger, at);
		return CRM_LEDGER_OK;
	}
	if (ledger->count == CRM_LEDGER_LOTS)
		return CRM_LEDGER_FULL;
	memmove(&ledger->lot[at + 1], &ledger->lot[at], sizeof(CrmLot) * (size_t) (ledger->count - at));
	ledger->count++;
	lot.amount = amount;
	ledger->lot[at] = lot;
	return CRM_LEDGER_OK;
}

/* a + sign * b, merged; what comes to nothing is left out. */
CrmLedgerFault
crm_ledger_combine(CrmLedger *sum, const CrmLedger *a, const CrmLedger *b, int sign)
{
	int32_t		i = 0;
	int32_t		j = 0;

	sum->count = 0;
	while (i < a->count || j < b->count)
	{
		int			order = i == a->count ? 1 : j == b->count ? -1 : crm_lot_order(&a->lot[i], &b->lot[j]);
		CrmLot		lot = order <= 0 ? a->lot[i] : b->lot[j];
		bool		overflow = false;

		if (order > 0)
			lot.amount = 0;
		if (order >= 0)
			overflow = sign < 0 ?
				__builtin_sub_overflow(lot.amount, b->lot[j].amount, &lot.amount) :
				__builtin_add_overflow(lot.amount, b->lot[j].amount, &lot.amount);
		if (overflow)
			return CRM_LEDGER_OVERFLOW;
		i += order <= 0;
		j += order >= 0;
		if (lot.amount == 0)
			continue;
		if (sum->count == CRM_LEDGER_LOTS)
			return CRM_LEDGER_FULL;
		sum->lot[sum->count++] = lot;
	}
	return CRM_LEDGER_OK;
}

/* Whether every component of a is at least that of b. */
bool
crm_ledger_covers(const CrmLedger *a, const CrmLedger *b)
{
	int32_t		i = 0;
	int32_t		j = 0;

	while (i < a->count || j < b->count)
	{
		int			order = i == a->count ? 1 : j == b->count ? -1 : crm_lot_order(&a->lot[i], &b->lot[j]);

		if ((order <= 0 ? a->lot[i].amount : 0) < (order >= 0 ? b->lot[j].amount : 0))
			return false;
		i += order <= 0;
		j += order >= 0;
	}
	return true;
}

/* -- questions ---------------------------------------------------------------- */

/* Sum of the lots with first <= hold <= last and from <= day <= until. */
static bool
sum_lots(const CrmLedger *ledger, int32_t first, int32_t last, int32_t from, int32_t until, int64_t *sum)
{
	__int128	total = 0;

	/* Holds come last, and most accounts have none. */
	for (int32_t i = ledger->count; i > 0 && ledger->lot[i - 1].hold >= first; i--)
	{
		const CrmLot *lot = &ledger->lot[i - 1];

		if (lot->hold <= last && lot->day >= from && lot->day <= until)
			total += lot->amount;
	}
	*sum = (int64_t) total;
	return total == *sum;
}

bool
crm_ledger_available(const CrmLedger *ledger, int32_t as_of, int64_t *sum)
{
	if (as_of == CRM_DAY_DEBT)	/* before all days */
		as_of = CRM_DAY_FIRST;
	return sum_lots(ledger, 0, 0, as_of, CRM_DAY_NEVER, sum);
}

bool
crm_ledger_expiring(const CrmLedger *ledger, int32_t until, int64_t *sum)
{
	if (until == CRM_DAY_NEVER)
		until = CRM_DAY_LAST;
	return sum_lots(ledger, 0, 0, CRM_DAY_FIRST, until, sum);
}

bool
crm_ledger_held(const CrmLedger *ledger, int64_t *sum)
{
	return sum_lots(ledger, 1, INT32_MAX, CRM_DAY_DEBT, CRM_DAY_NEVER, sum);
}

bool
crm_ledger_debt(const CrmLedger *ledger, int64_t *sum)
{
	*sum = 0;
	if (ledger->count == 0 || ledger->lot[0].day != CRM_DAY_DEBT)
		return true;
	return !__builtin_sub_overflow((int64_t) 0, ledger->lot[0].amount, sum);
}

/* The first day after which available points are lost. */
bool
crm_ledger_next_expiry(const CrmLedger *ledger, int32_t *day)
{
	for (int32_t i = 0; i < ledger->count && ledger->lot[i].hold == 0; i++)
	{
		*day = ledger->lot[i].day;
		if (*day != CRM_DAY_DEBT)
			return *day != CRM_DAY_NEVER;
	}
	return false;
}

/* -- bytes ---------------------------------------------------------------------- */

static uint32_t
day_number(int32_t day)
{
	if (day == CRM_DAY_DEBT)
		return 0;
	if (day == CRM_DAY_NEVER)
		return CRM_DAY_LAST - CRM_DAY_FIRST + 2;
	return (uint32_t) (day - CRM_DAY_FIRST + 1);
}

static bool
number_day(uint64_t number, int32_t *day)
{
	if (number > CRM_DAY_LAST - CRM_DAY_FIRST + 2)
		return false;
	if (number == 0)
		*day = CRM_DAY_DEBT;
	else if (number == CRM_DAY_LAST - CRM_DAY_FIRST + 2)
		*day = CRM_DAY_NEVER;
	else
		*day = (int32_t) number - 1 + CRM_DAY_FIRST;
	return true;
}

typedef struct Writer
{
	uint8_t    *at;
	uint8_t    *end;
	bool		full;
} Writer;

static void
put_byte(Writer *w, uint8_t byte)
{
	if (w->at == w->end)
		w->full = true;
	else
		*w->at++ = byte;
}

static void
put_number(Writer *w, uint64_t value)
{
	for (; value >= 128; value >>= 7)
		put_byte(w, (uint8_t) (value | 128));
	put_byte(w, (uint8_t) value);
}

static void
put_signed(Writer *w, int64_t value)
{
	put_number(w, (uint64_t) value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static void
put_class(Writer *w, const char *class)
{
	size_t		length = strnlen(class, CRM_CLASS_SIZE - 1);

	put_byte(w, (uint8_t) length);
	for (size_t i = 0; i < length; i++)
		put_byte(w, (uint8_t) class[i]);
}

static void
put_lot(Writer *w, const CrmLot *lot, const CrmLot *before)
{
	bool		hold = lot->hold != before->hold;
	bool		class = memcmp(lot->class, before->class, CRM_CLASS_SIZE) != 0;
	uint32_t	day = day_number(lot->day) - (hold ? 0 : day_number(before->day));

	put_number(w, (uint64_t) day << 2 | (uint64_t) hold << 1 | class);
	if (hold)
		put_number(w, (uint64_t) (lot->hold - before->hold));
	if (class)
		put_class(w, lot->class);
	put_signed(w, lot->amount);
}

static const CrmLot before_first = {.day = CRM_DAY_DEBT};

CrmLedgerFault
crm_ledger_encode(const CrmLedger *ledger, uint8_t bytes[CRM_LEDGER_BYTES], size_t *length)
{
	Writer		w = {bytes, bytes + CRM_LEDGER_BYTES, false};
	const CrmLot *before = &before_first;
	int64_t		sum;

	if (!sum_lots(ledger, 0, 0, CRM_DAY_DEBT, CRM_DAY_NEVER, &sum))
		return CRM_LEDGER_OVERFLOW;
	put_byte(&w, CRM_LEDGER_VERSION);
	put_number(&w, (uint64_t) ledger->count);
	put_signed(&w, sum);
	for (int32_t i = 0; i < ledger->count; i++)
	{
		put_lot(&w, &ledger->lot[i], before);
		before = &ledger->lot[i];
	}
	*length = (size_t) (w.at - bytes);
	return w.full ? CRM_LEDGER_FULL : CRM_LEDGER_OK;
}

typedef struct Reader
{
	const uint8_t *at;
	const uint8_t *end;
	CrmLedgerFault fault;		/* the first one */
} Reader;

static void
spoil(Reader *r, CrmLedgerFault fault)
{
	if (r->fault == CRM_LEDGER_OK)
		r->fault = fault;
	r->at = r->end;
}

static uint8_t
get_byte(Reader *r)
{
	if (r->at == r->end)
	{
		spoil(r, CRM_LEDGER_CUT);
		return 0;
	}
	return *r->at++;
}

static uint64_t
get_number(Reader *r)
{
	uint64_t	value = 0;

	/* Most are of one byte. */
	if (r->at < r->end && *r->at < 128)
		return *r->at++;
	for (int shift = 0;; shift += 7)
	{
		uint8_t		byte = get_byte(r);

		if (shift == 63 && byte > 1)
			spoil(r, CRM_LEDGER_OVERFLOW);
		if (r->fault != CRM_LEDGER_OK)
			return 0;
		value |= (uint64_t) (byte & 127) << shift;
		if (byte >= 128)
			continue;
		if (byte == 0 && shift > 0)
			spoil(r, CRM_LEDGER_NOT_CANONICAL);
		return value;
	}
}

static int64_t
get_signed(Reader *r)
{
	uint64_t	value = get_number(r);

	return (int64_t) (value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

CrmLedgerFault
crm_class_parse(const char *text, size_t length, char class[CRM_CLASS_SIZE])
{
	memset(class, 0, CRM_CLASS_SIZE);
	if (length >= CRM_CLASS_SIZE)
		return CRM_LEDGER_CLASS;
	for (size_t i = 0; i < length; i++)
	{
		char		c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
			return CRM_LEDGER_CLASS;
		class[i] = c;
	}
	return CRM_LEDGER_OK;
}

static void
get_class(Reader *r, char class[CRM_CLASS_SIZE])
{
	size_t		length = get_byte(r);

	if (r->fault == CRM_LEDGER_OK && length > (size_t) (r->end - r->at))
		spoil(r, CRM_LEDGER_CUT);
	if (r->fault != CRM_LEDGER_OK)
		return;
	if (crm_class_parse((const char *) r->at, length, class) != CRM_LEDGER_OK)
		spoil(r, CRM_LEDGER_CLASS);
	else
		r->at += length;
}

static void
get_lot(Reader *r, CrmLot *lot, const CrmLot *before)
{
	uint64_t	head = get_number(r);
	uint64_t	hold = head & 2 ? get_number(r) : 0;
	uint64_t	day = head >> 2;

	*lot = *before;
	if (head & 2 ? hold == 0 : false)
		spoil(r, CRM_LEDGER_NOT_CANONICAL);
	if (hold > (uint64_t) (INT32_MAX - before->hold))
		spoil(r, CRM_LEDGER_HOLD);
	else
		lot->hold += (int32_t) hold;
	if (!(head & 2))
		day += day_number(before->day);
	if (!number_day(day, &lot->day))
		spoil(r, CRM_LEDGER_DATE);
	if (head & 1)
	{
		get_class(r, lot->class);
		if (memcmp(lot->class, before->class, CRM_CLASS_SIZE) == 0)
			spoil(r, CRM_LEDGER_NOT_CANONICAL);
	}
	lot->amount = get_signed(r);
	if (lot->amount == 0)
		spoil(r, CRM_LEDGER_ZERO);
	if (lot->day == CRM_DAY_DEBT && (lot->hold != 0 || lot->class[0] != '\0'))
		spoil(r, CRM_LEDGER_DEBT);
}

CrmLedgerFault
crm_ledger_decode(const uint8_t *bytes, size_t length, CrmLedger *ledger)
{
	Reader		r = {bytes, bytes + length, CRM_LEDGER_OK};
	const CrmLot *before = &before_first;
	uint64_t	count;
	int64_t		claimed;
	int64_t		sum;

	ledger->count = 0;
	if (length > CRM_LEDGER_BYTES)
		return CRM_LEDGER_FULL;
	if (get_byte(&r) != CRM_LEDGER_VERSION)
		return length == 0 ? CRM_LEDGER_CUT : CRM_LEDGER_VERSION_UNKNOWN;
	count = get_number(&r);
	claimed = get_signed(&r);
	if (count > CRM_LEDGER_LOTS)
		return CRM_LEDGER_FULL;
	for (uint64_t i = 0; i < count && r.fault == CRM_LEDGER_OK; i++)
	{
		CrmLot	   *lot = &ledger->lot[ledger->count];

		get_lot(&r, lot, before);
		if (i > 0 && crm_lot_order(before, lot) >= 0)
			spoil(&r, CRM_LEDGER_ORDER);
		before = lot;
		ledger->count++;
	}
	if (r.fault != CRM_LEDGER_OK)
		return r.fault;
	if (r.at != r.end)
		return CRM_LEDGER_TRAILING;
	if (!sum_lots(ledger, 0, 0, CRM_DAY_DEBT, CRM_DAY_NEVER, &sum))
		return CRM_LEDGER_OVERFLOW;
	return sum == claimed ? CRM_LEDGER_OK : CRM_LEDGER_SUM;
}
