/*
 * points_text_core.c: the points ledger in words, for people and for diffs:
 * {120@2027-12-31, 50:gift@2026-06-30, hold 17: 40@2027-12-31, 5@never, debt 106}
 */
#include "points_core.h"

#include <string.h>

typedef struct Text
{
	const char *at;
	const char *end;
} Text;

static bool
is_digit(const Text *t)
{
	return t->at < t->end && *t->at >= '0' && *t->at <= '9';
}

static void
skip_space(Text *t)
{
	while (t->at < t->end && strchr(" \t\n\r\f\v", *t->at) != NULL && *t->at != '\0')
		t->at++;
}

static bool
take(Text *t, const char *word)
{
	size_t		length = strlen(word);

	if ((size_t) (t->end - t->at) < length || memcmp(t->at, word, length) != 0)
		return false;
	t->at += length;
	return true;
}

/* Exactly so many digits, or at least one of them when width is 0. */
static bool
take_number(Text *t, int width, int64_t limit, int64_t *value)
{
	int			digits = 0;

	*value = 0;
	for (; is_digit(t) && (width == 0 || digits < width); digits++, t->at++)
	{
		if (*value > (limit - (*t->at - '0')) / 10)
			return false;
		*value = *value * 10 + (*t->at - '0');
	}
	return digits > 0 && (width == 0 || digits == width);
}

/* A whole number, turned round: negative numbers have one more than positive ones. */
static CrmLedgerFault
take_turned(Text *t, int64_t *turned, bool *minus)
{
	int			digits = 0;

	*turned = 0;
	*minus = take(t, "-");
	if (!*minus)
		take(t, "+");
	for (; is_digit(t); digits++, t->at++)
		if (__builtin_mul_overflow(*turned, 10, turned) ||
			__builtin_sub_overflow(*turned, *t->at - '0', turned))
			return CRM_LEDGER_OVERFLOW;
	return digits == 0 ? CRM_LEDGER_AMOUNT : CRM_LEDGER_OK;
}

/* An amount; what is called a debt counts the other way. */
static CrmLedgerFault
take_amount(Text *t, bool is_debt, int64_t *amount)
{
	bool		minus;
	CrmLedgerFault fault = take_turned(t, amount, &minus);

	if (fault == CRM_LEDGER_OK && minus == is_debt && __builtin_sub_overflow((int64_t) 0, *amount, amount))
		return CRM_LEDGER_OVERFLOW;
	return fault;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Days since 2000-01-01, with the year beginning in March. */
static int32_t
day_of(int year, int month, int day)
{
	int			y = month > 2 ? year : year - 1;
	int			m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 730426;
}

static void
date_of(int32_t days, int *year, int *month, int *day)
{
	int			n = days - CRM_DAY_FIRST + 306; /* since 0000-03-01 */
	int			era = n / 146097;
	int			of_era = n % 146097;
	int			y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int			of_year = of_era - (365 * y + y / 4 - y / 100);
	int			m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + y + (*month <= 2);
}

static CrmLedgerFault
take_date(Text *t, int32_t *date)
{
	int64_t		year;
	int64_t		month;
	int64_t		day;

	if (take(t, "never"))
	{
		*date = CRM_DAY_NEVER;
		return CRM_LEDGER_OK;
	}
	if (!take_number(t, 4, 9999, &year) || !take(t, "-") || !take_number(t, 2, 99, &month) ||
		!take(t, "-") || !take_number(t, 2, 99, &day) || is_digit(t))
		return CRM_LEDGER_DATE;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month((int) year, (int) month))
		return CRM_LEDGER_DATE;
	*date = day_of((int) year, (int) month, (int) day);
	return CRM_LEDGER_OK;
}

static CrmLedgerFault
take_class(Text *t, char class[CRM_CLASS_SIZE])
{
	const char *from = t->at;

	while (t->at < t->end && *t->at != '@' && *t->at != ' ')
		t->at++;
	if (t->at == from)
		return CRM_LEDGER_CLASS;
	return crm_class_parse(from, (size_t) (t->at - from), class);
}

static CrmLedgerFault
take_hold(Text *t, int32_t *hold)
{
	int64_t		number;

	skip_space(t);
	if (!take_number(t, 0, INT32_MAX, &number) || number == 0)
		return CRM_LEDGER_HOLD;
	skip_space(t);
	if (!take(t, ":"))
		return CRM_LEDGER_HOLD;
	skip_space(t);
	*hold = (int32_t) number;
	return take(t, "debt") ? CRM_LEDGER_DEBT : CRM_LEDGER_OK;
}

static CrmLedgerFault
take_lot(Text *t, CrmLot *lot)
{
	CrmLedgerFault fault = CRM_LEDGER_OK;

	memset(lot, 0, sizeof(*lot));
	if (take(t, "debt"))
	{
		lot->day = CRM_DAY_DEBT;
		skip_space(t);
		return take_amount(t, true, &lot->amount);
	}
	if (take(t, "hold"))
		fault = take_hold(t, &lot->hold);
	if (fault == CRM_LEDGER_OK)
		fault = take_amount(t, false, &lot->amount);
	if (fault == CRM_LEDGER_OK && take(t, ":"))
		fault = take_class(t, lot->class);
	skip_space(t);
	if (fault == CRM_LEDGER_OK && !take(t, "@"))
		fault = CRM_LEDGER_DATE;
	skip_space(t);
	return fault == CRM_LEDGER_OK ? take_date(t, &lot->day) : fault;
}

/* Lots in any order, also twice: they are sorted and merged. */
static CrmLedgerFault
take_lots(Text *t, CrmLedger *ledger)
{
	CrmLedgerFault fault;
	CrmLot		lot;

	skip_space(t);
	if (take(t, "}"))
		return CRM_LEDGER_OK;
	do
	{
		skip_space(t);
		fault = take_lot(t, &lot);
		if (fault == CRM_LEDGER_OK)
			fault = crm_ledger_change(ledger, &lot, lot.amount);
		if (fault != CRM_LEDGER_OK)
			return fault;
		skip_space(t);
	} while (take(t, ","));
	return take(t, "}") ? CRM_LEDGER_OK : CRM_LEDGER_BRACES;
}

CrmLedgerFault
crm_ledger_parse(const char *text, size_t length, CrmLedger *ledger)
{
	Text		t = {text, text + length};
	CrmLedgerFault fault;

	ledger->count = 0;
	skip_space(&t);
	if (!take(&t, "{"))
		return CRM_LEDGER_BRACES;
	fault = take_lots(&t, ledger);
	skip_space(&t);
	if (fault == CRM_LEDGER_OK && t.at != t.end)
		fault = CRM_LEDGER_TRAILING;
	return fault;
}

/* To print with sprintf() costs more than the arithmetic of a posting. */
static char *
put_digits(char *at, uint64_t number, int least)
{
	char		digits[20];
	int			n = 0;

	do
		digits[n++] = (char) ('0' + number % 10);
	while ((number /= 10) > 0 || n < least);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *
put_number(char *at, int64_t number)
{
	if (number < 0)
		*at++ = '-';
	return put_digits(at, number < 0 ? -(uint64_t) number : (uint64_t) number, 1);
}

static char *
put_word(char *at, const char *word)
{
	size_t		length = strlen(word);

	memcpy(at, word, length);
	return at + length;
}

static char *
format_debt(char *at, int64_t amount)
{
	at = put_word(at, "debt ");
	/* The sign turns, which one amount does not survive as a number. */
	if (amount < 0)
		return put_digits(at, -(uint64_t) amount, 1);
	*at++ = '-';
	return put_digits(at, (uint64_t) amount, 1);
}

static char *
format_day(char *at, int32_t number)
{
	int			year;
	int			month;
	int			day;

	if (number == CRM_DAY_NEVER)
		return put_word(at, "@never");
	date_of(number, &year, &month, &day);
	*at++ = '@';
	at = put_digits(at, (uint64_t) year, 4);
	*at++ = '-';
	at = put_digits(at, (uint64_t) month, 2);
	*at++ = '-';
	return put_digits(at, (uint64_t) day, 2);
}

static char *
format_lot(char *at, const CrmLot *lot)
{
	if (lot->day == CRM_DAY_DEBT)
		return format_debt(at, lot->amount);
	if (lot->hold != 0)
		at = put_word(put_number(put_word(at, "hold "), lot->hold), ": ");
	at = put_number(at, lot->amount);
	if (lot->class[0] != '\0')
		at = put_word(put_word(at, ":"), lot->class);
	return format_day(at, lot->day);
}

size_t
crm_ledger_format(const CrmLedger *ledger, char *text)
{
	char	   *at = text;

	*at++ = '{';
	for (int32_t i = 0; i < ledger->count; i++)
	{
		if (i > 0)
			at = put_word(at, ", ");
		at = format_lot(at, &ledger->lot[i]);
	}
	*at++ = '}';
	*at = '\0';
	return (size_t) (at - text);
}
