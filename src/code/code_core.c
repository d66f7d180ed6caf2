/*
 * code_core.c: the customer code's packing, parsing and printing.
 */
#include "code.h"

#define DAY_SHIFT		44
#define SCHEME_SHIFT	24
#define SCHEME_BASE		27
#define SCHEME_BITS		20
#define FIRST_YEAR		1900
#define LAST_YEAR		2599
#define DAY_DIGITS		8

static const int32_t days_before_month[] =
{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static bool
is_leap_year(int32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1900-01-01 to the first day of the year. */
static int32_t
days_before_year(int32_t year)
{
	int32_t		before = year - 1;

	/* 460 leap days lie in the years 1 to 1899. */
	return (year - FIRST_YEAR) * 365 + before / 4 - before / 100 + before / 400 - 460;
}

/* Days from the first of the year to the first of the month (1 to 13). */
static int32_t
days_to_month(int32_t year, int32_t month)
{
	return days_before_month[month - 1] + (month > 2 && is_leap_year(year) ? 1 : 0);
}

/* A calendar date to days from 1900-01-01; false when there is no such date. */
static bool
day_from_date(int32_t year, int32_t month, int32_t mday, int32_t *day)
{
	if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || mday < 1)
		return false;
	if (mday > days_to_month(year, month + 1) - days_to_month(year, month))
		return false;

	*day = days_before_year(year) + days_to_month(year, month) + mday - 1;
	return true;
}

/* Days from 1900-01-01 to the number yyyymmdd. */
static int32_t
date_from_day(int32_t day)
{
	int32_t		year = FIRST_YEAR + day / 366;
	int32_t		month = 1;

	/* Dividing by the longest year never overshoots; two steps at most remain. */
	while (days_before_year(year + 1) <= day)
		year++;
	day -= days_before_year(year);
	while (days_to_month(year, month + 1) <= day)
		month++;
	return year * 10000 + month * 100 + day - days_to_month(year, month) + 1;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 1 to 26 for a letter of either case, 0 for anything else. */
static int32_t
letter_number(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 1;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	return 0;
}

static size_t
count_letters(const char *text, size_t length)
{
	size_t		n = 0;

	while (n < length && letter_number(text[n]) != 0)
		n++;
	return n;
}

static size_t
count_digits(const char *text, size_t length)
{
	size_t		n = 0;

	while (n < length && is_digit(text[n]))
		n++;
	return n;
}

/* The number that 'length' digits make; the caller has looked and counted. */
static int32_t
digits_value(const char *text, size_t length)
{
	int32_t		value = 0;

	for (size_t i = 0; i < length; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* One to four letters, filled up with blanks to the right. */
static int64_t
scheme_number(const char *letters, size_t length)
{
	int64_t		number = 0;

	for (size_t i = 0; i < CRM_CODE_SCHEME_MAX; i++)
		number = number * SCHEME_BASE + (i < length ? letter_number(letters[i]) : 0);
	return number;
}

static int64_t
pack(int32_t day, int64_t scheme, int64_t serial)
{
	return (int64_t) day << DAY_SHIFT | scheme << SCHEME_SHIFT | serial;
}

static bool
parse_day(const char *text, size_t length, int32_t *day)
{
	if (length < DAY_DIGITS || count_digits(text, DAY_DIGITS) < DAY_DIGITS)
		return false;
	return day_from_date(digits_value(text, 4), digits_value(text + 4, 2),
						 digits_value(text + 6, 2), day);
}

/*
 * The serial, canonical: four digits, or more of them without a leading zero.
 *
 * 00001 is refused although its value is plain, because a text that prints
 * differently from how it was read would make two texts of one code.
 */
static CrmCodeFault
parse_serial(const char *text, size_t length, int32_t *serial)
{
	size_t		digits = count_digits(text, length);

	if (digits < CRM_CODE_SERIAL_DIGITS || digits > 7)
		return CRM_CODE_SERIAL;
	if (digits > CRM_CODE_SERIAL_DIGITS && text[0] == '0')
		return CRM_CODE_SERIAL;
	if (digits < length)
		return CRM_CODE_TRAILING;

	*serial = digits_value(text, digits);
	return *serial == 0 ? CRM_CODE_SERIAL : CRM_CODE_OK;
}

CrmCodeFault
crm_code_parse(const char *text, size_t length, int64_t *code)
{
	size_t		letters = count_letters(text, length);
	const char *digits = text + letters;
	int32_t		day;
	int32_t		serial;
	CrmCodeFault fault;

	if (letters < 1 || letters > CRM_CODE_SCHEME_MAX)
		return CRM_CODE_SCHEME;
	if (!parse_day(digits, length - letters, &day))
		return CRM_CODE_DAY;
	fault = parse_serial(digits + DAY_DIGITS, length - letters - DAY_DIGITS, &serial);
	if (fault == CRM_CODE_OK)
		*code = pack(day, scheme_number(text, letters), serial);
	return fault;
}

CrmCodeFault
crm_code_make(int32_t day, int64_t serial, const char *scheme, size_t length, int64_t *code)
{
	if (length < 1 || length > CRM_CODE_SCHEME_MAX || count_letters(scheme, length) < length)
		return CRM_CODE_SCHEME;
	if (day < CRM_CODE_DAY_MIN || day > CRM_CODE_DAY_MAX)
		return CRM_CODE_DAY;
	if (serial < 1 || serial > CRM_CODE_SERIAL_MAX)
		return CRM_CODE_SERIAL;

	*code = pack(day - CRM_CODE_DAY_MIN, scheme_number(scheme, length), serial);
	return CRM_CODE_OK;
}

int32_t
crm_code_day(int64_t code)
{
	return (int32_t) (code >> DAY_SHIFT) + CRM_CODE_DAY_MIN;
}

int32_t
crm_code_serial(int64_t code)
{
	return (int32_t) (code & ((INT64_C(1) << SCHEME_SHIFT) - 1));
}

size_t
crm_code_scheme(int64_t code, char scheme[CRM_CODE_SCHEME_MAX + 1])
{
	int32_t		number = (int32_t) (code >> SCHEME_SHIFT) & ((1 << SCHEME_BITS) - 1);
	size_t		length = 0;

	for (int i = CRM_CODE_SCHEME_MAX - 1; i >= 0; i--)
	{
		int32_t		letter = number % SCHEME_BASE;

		number /= SCHEME_BASE;
		scheme[i] = letter == 0 ? '\0' : (char) ('A' + letter - 1);
	}
	scheme[CRM_CODE_SCHEME_MAX] = '\0';
	while (scheme[length] != '\0')
		length++;
	return length;
}

/*
 * Take the bits apart and put them together again: what does not come back the
 * same held a bit where none belongs or a blank between letters.
 */
CrmCodeFault
crm_code_check(int64_t code)
{
	char		scheme[CRM_CODE_SCHEME_MAX + 1];
	size_t		length;
	int64_t		again;

	if (code < 0)
		return CRM_CODE_BITS;
	length = crm_code_scheme(code, scheme);
	if (crm_code_make(crm_code_day(code), crm_code_serial(code), scheme, length, &again) != CRM_CODE_OK)
		return CRM_CODE_BITS;
	return again == code ? CRM_CODE_OK : CRM_CODE_BITS;
}

/* Write the number with that many digits. */
static void
put_digits(char *text, int32_t number, size_t digits)
{
	for (size_t i = digits; i > 0; i--)
	{
		text[i - 1] = (char) ('0' + number % 10);
		number /= 10;
	}
}

size_t
crm_code_format(int64_t code, char text[CRM_CODE_TEXT_MAX + 1])
{
	int32_t		serial = crm_code_serial(code);
	size_t		length = crm_code_scheme(code, text);
	size_t		digits = CRM_CODE_SERIAL_DIGITS;

	put_digits(text + length, date_from_day(crm_code_day(code) - CRM_CODE_DAY_MIN), DAY_DIGITS);
	length += DAY_DIGITS;
	for (int32_t rest = serial / 10000; rest > 0; rest /= 10)
		digits++;
	put_digits(text + length, serial, digits);
	length += digits;
	text[length] = '\0';
	return length;
}

const char *
crm_code_reason(CrmCodeFault fault)
{
	switch (fault)
	{
		case CRM_CODE_OK:
			break;
		case CRM_CODE_SCHEME:
			return "A code begins with the letters of its scheme, one to four of A to Z.";
		case CRM_CODE_DAY:
			return "The day is no calendar day from 1900-01-01 to 2599-12-31.";
		case CRM_CODE_SERIAL:
			return "The serial is 1 to 9999999, with four digits or more and no needless leading zero.";
		case CRM_CODE_TRAILING:
			return "Something other than a digit follows the serial.";
		case CRM_CODE_BITS:
			return "The 64 bits are no day, scheme and serial.";
	}
	return "";
}
