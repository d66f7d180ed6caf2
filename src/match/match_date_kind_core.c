/*
 * match_date_kind_core.c: dates of birth and the like, in the forms that people
 * and machines write, and numbers.
 */
#include "match_parts_core.h"

#include <math.h>
#include <stdlib.h>

/* Prepared: year, month, day; month and day 0 where only the year is known. */
typedef struct DateParts
{
	int			year;
	int			month;
	int			day;
} DateParts;

#define DATE_BYTES 4

/* Runs of digits of a text, and English month names as numbers. */
static int
number_runs(const char *text, size_t length, int *value, int *digits, int room)
{
	int			runs = 0;

	for (size_t at = 0; at < length && runs < room;)
	{
		size_t		begin = at;
		int			number = 0;

		while (at < length && text[at] >= '0' && text[at] <= '9' && at - begin < 8)
			number = number * 10 + (text[at++] - '0');
		if (at == begin)
		{
			at++;
			continue;
		}
		value[runs] = number;
		digits[runs++] = (int) (at - begin);
	}
	return runs;
}

static int
month_name(const char *text, size_t length)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (size_t at = 0; at + 3 <= length; at++)
		for (int month = 0; month < 12; month++)
			if ((text[at] | 32) == names[3 * month] && (text[at + 1] | 32) == names[3 * month + 1] &&
				(text[at + 2] | 32) == names[3 * month + 2])
				return month + 1;
	return 0;
}

static bool
plausible(const DateParts *date)
{
	return date->year >= 1000 && date->year <= 2200 && date->month <= 12 && date->day <= 31;
}

static int
full_year(int year, int digits)
{
	return digits > 2 ? year : year < 40 ? 2000 + year : 1900 + year;
}

/* Three numbers: the year stands first where it has four digits, else last. */
static bool
three_numbers(const int *value, const int *digits, DateParts *date)
{
	bool		first = digits[0] >= 3;

	date->year = full_year(value[first ? 0 : 2], digits[first ? 0 : 2]);
	date->month = value[first ? 1 : 0];
	date->day = value[first ? 2 : 1];
	/* Month before day, unless only the other way round is a date. */
	if (date->month > 12 && date->day <= 12)
	{
		int			day = date->month;

		date->month = date->day;
		date->day = day;
	}
	return true;
}

static bool
parse_date(const char *text, size_t length, DateParts *date)
{
	int			value[4] = {0};
	int			digits[4] = {0};
	int			runs = number_runs(text, length < 64 ? length : 64, value, digits, 4);
	int			month = month_name(text, length < 64 ? length : 64);

	memset(date, 0, sizeof(*date));
	if (month > 0 && runs >= 2)
	{
		bool		first = digits[0] >= 3;

		date->year = full_year(value[first ? 0 : 1], digits[first ? 0 : 1]);
		date->month = month;
		date->day = value[first ? 1 : 0];
	}
	else if (runs >= 3)
		three_numbers(value, digits, date);
	else if (runs >= 1 && digits[0] == 8)
	{
		date->year = value[0] / 10000;
		date->month = value[0] / 100 % 100;
		date->day = value[0] % 100;
	}
	else if (runs == 2 && digits[0] == 4)
	{
		date->year = value[0];
		date->month = value[1];
	}
	else if (runs == 1 && digits[0] == 4)
		date->year = value[0];
	return date->year > 0 && plausible(date);
}

static size_t
prepare_date(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	DateParts	date;

	(void) arg;
	if (room < DATE_BYTES || !parse_date(text, length, &date))
		return 0;
	out[0] = (unsigned char) (date.year >> 8);
	out[1] = (unsigned char) date.year;
	out[2] = (unsigned char) date.month;
	out[3] = (unsigned char) date.day;
	return DATE_BYTES;
}

static DateParts
read_date(const unsigned char *value)
{
	DateParts	date = {value[0] << 8 | value[1], value[2], value[3]};

	return date;
}

enum
{
	DATE_EXACT = 1, DATE_PLACEHOLDER, DATE_SLIP, DATE_TWO_PARTS, DATE_TWO_SLIPS, DATE_YEAR, DATE_MONTH_APART, DATE_NEAR, DATE_ELSE
};

/* Only the year is known, or the first of January stands for that. */
static bool
year_alone(const DateParts *date)
{
	return date->month == 0 || (date->month == 1 && date->day <= 1);
}

/* yyyymmdd, a digit in each byte. */
static uint64_t
date_digits(const DateParts *date)
{
	uint64_t	digits = 0;
	const int	part[4] = {date->year / 100 % 100, date->year % 100, date->month % 100, date->day % 100};

	for (int i = 0; i < 4; i++)
		digits = digits << 16 | (uint64_t) (part[i] / 10) << 8 | (uint64_t) (part[i] % 10);
	return digits;
}

/* Which bytes differ: the lowest bit of each. */
static uint64_t
digits_apart(uint64_t x, uint64_t y)
{
	uint64_t	apart = x ^ y;

	return (apart | apart >> 1 | apart >> 2 | apart >> 3) & UINT64_C(0x0101010101010101);
}

/* A slip of the finger: one digit, two neighbours changed places, or day for month. */
static bool
slipped(const DateParts *a, const DateParts *b, uint64_t x, uint64_t y)
{
	uint64_t	apart = digits_apart(x, y);
	int			first = __builtin_ctzll(apart | UINT64_C(1) << 63);
	int			digits = __builtin_popcountll(apart);

	if (a->year == b->year && a->month == b->day && a->day == b->month)
		return true;
	return digits <= 1 || (digits == 2 && apart == UINT64_C(0x0101) << first &&
						   (x >> first & 255) == (y >> (first + 8) & 255) && (y >> first & 255) == (x >> (first + 8) & 255));
}

static int
compare_date(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	DateParts	x = read_date(a);
	DateParts	y = read_date(b);
	uint64_t	p;
	uint64_t	q;
	int			days;

	(void) arg;
	if (crm_match_same(a, a_length, b, b_length))
		return DATE_EXACT;
	if (x.year == y.year && (year_alone(&x) || year_alone(&y)))
		return DATE_PLACEHOLDER;
	p = date_digits(&x);
	q = date_digits(&y);
	if (slipped(&x, &y, p, q))
		return DATE_SLIP;
	if ((x.year == y.year) + (x.month == y.month) + (x.day == y.day) == 2)
		return DATE_TWO_PARTS;
	if (__builtin_popcountll(digits_apart(p, q)) <= 2)
		return DATE_TWO_SLIPS;
	if (x.year == y.year)
		return DATE_YEAR;
	days = (x.year - y.year) * 365 + (x.month - y.month) * 30 + x.day - y.day;
	if (abs(days) <= 62)
		return DATE_MONTH_APART;
	return abs(days) <= 400 ? DATE_NEAR : DATE_ELSE;
}

static uint64_t
term_date(const unsigned char *value, size_t length, int level)
{
	return level == DATE_EXACT ? crm_match_digest((const char *) value, length) : 0;
}

enum
{
	KEY_DATE, KEY_YEAR_MONTH, KEY_MONTH_DAY, KEY_YEAR_DAY, KEY_YEAR
};

static int
keys_date(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	DateParts	date = read_date(value);
	int			keys = crm_match_add_key(key, 0, room, KEY_YEAR, crm_match_stir((uint64_t) date.year));

	(void) length;
	if (date.month == 0)
		return keys;
	keys = crm_match_add_key(key, keys, room, KEY_YEAR_MONTH, crm_match_stir((uint64_t) (date.year * 16 + date.month)));
	if (date.day == 0)
		return keys;
	keys = crm_match_add_key(key, keys, room, KEY_DATE, crm_match_stir((uint64_t) (date.year * 512 + date.month * 32 + date.day)));
	keys = crm_match_add_key(key, keys, room, KEY_MONTH_DAY, crm_match_stir((uint64_t) (date.month * 32 + date.day)));
	return crm_match_add_key(key, keys, room, KEY_YEAR_DAY, crm_match_stir((uint64_t) (date.year * 32 + date.day)));
}

/* -- numbers ------------------------------------------------------------------ */

static size_t
prepare_number(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	char		plain[64];
	size_t		written = 0;
	char	   *end;
	double		value;

	(void) arg;
	for (size_t i = 0; i < length && written + 1 < sizeof(plain); i++)
		if ((text[i] >= '0' && text[i] <= '9') || text[i] == '.' || text[i] == '-')
			plain[written++] = text[i];
	plain[written] = '\0';
	value = strtod(plain, &end);
	if (end == plain || !isfinite(value) || room < sizeof(value))
		return 0;
	memcpy(out, &value, sizeof(value));
	return sizeof(value);
}

/* Thresholds: parts of the larger number, smallest first. */
static int
compare_number(const CrmMatchArg *arg, const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	static const CrmMatchArg usual = {3, {0.001, 0.01, 0.1}};
	const CrmMatchArg *use = arg != NULL && arg->count > 0 ? arg : &usual;
	double		x;
	double		y;

	(void) a_length;
	(void) b_length;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	if (x == y)
		return 1;
	for (int i = 0; i < use->count && i < 4; i++)
		if (fabs(x - y) <= use->threshold[i] * fmax(fabs(x), fabs(y)))
			return 2 + i;
	return 6;
}

static uint64_t
term_number(const unsigned char *value, size_t length, int level)
{
	return level == 1 ? crm_match_digest((const char *) value, length) : 0;
}

static int
keys_number(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	return crm_match_add_key(key, 0, room, 0, crm_match_digest((const char *) value, length));
}

static const char *const date_level[] = {
	"missing", "exact", "year_only", "slip", "two_parts", "two_digits", "year", "months_apart", "year_apart", "else", NULL
};
static const char *const date_family[] = {"full", "year_month", "month_day", "year_day", "year", NULL};
static const char *const number_level[] = {
	"missing", "exact", "threshold_1", "threshold_2", "threshold_3", "threshold_4", "else", NULL
};
static const char *const number_family[] = {"full", NULL};

const CrmMatchKind crm_match_kind_date = {
	"date", date_level, date_family, prepare_date, compare_date, term_date, keys_date
};
const CrmMatchKind crm_match_kind_numeric = {
	"numeric", number_level, number_family, prepare_number, compare_number, term_number, keys_number
};
