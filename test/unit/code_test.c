/*
 * Proves: a customer code is read only in its canonical form and of a real
 * calendar day, every code prints as it was read, every day of seven centuries
 * comes back, integer order is (day, scheme, serial), and 64 bits from outside
 * are a code exactly when they print and read back the same.
 */
#include "code/code.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

typedef struct Case
{
	const char *text;
	CrmCodeFault fault;
} Case;

static const Case cases[] = {
	{"CUST202603040001", CRM_CODE_OK},
	{"cust202603040001", CRM_CODE_OK},
	{"A190001010001", CRM_CODE_OK},
	{"ZZZZ259912319999999", CRM_CODE_OK},
	{"CUST2026030410000", CRM_CODE_OK},
	{"CUST202402290001", CRM_CODE_OK},
	{"CUST200002290001", CRM_CODE_OK},
	{"", CRM_CODE_SCHEME},
	{" CUST202603040001", CRM_CODE_SCHEME},
	{"202603040001", CRM_CODE_SCHEME},
	{"CUSTO202603040001", CRM_CODE_SCHEME},
	{"\xe5\xae\xa2" "202603040001", CRM_CODE_SCHEME},
	{"CUST", CRM_CODE_DAY},
	{"CUST2026030", CRM_CODE_DAY},
	{"CUST202602310001", CRM_CODE_DAY},
	{"CUST202602290001", CRM_CODE_DAY},
	{"CUST190002290001", CRM_CODE_DAY},
	{"CUST202600040001", CRM_CODE_DAY},
	{"CUST202613040001", CRM_CODE_DAY},
	{"CUST202603000001", CRM_CODE_DAY},
	{"CUST202604310001", CRM_CODE_DAY},
	{"CUST189912310001", CRM_CODE_DAY},
	{"CUST260001010001", CRM_CODE_DAY},
	{"CUST2026-03-040001", CRM_CODE_DAY},
	{"CUS 202603040001", CRM_CODE_DAY},
	{"CUST20260304", CRM_CODE_SERIAL},
	{"CUST20260304001", CRM_CODE_SERIAL},
	{"CUST202603040000", CRM_CODE_SERIAL},
	{"CUST2026030400001", CRM_CODE_SERIAL},
	{"CUST2026030412345678", CRM_CODE_SERIAL},
	{"CUST20260304+001", CRM_CODE_SERIAL},
	{"CUST202603040001 ", CRM_CODE_TRAILING},
	{"CUST202603040001x", CRM_CODE_TRAILING},
	{"CUST202603040001\n", CRM_CODE_TRAILING},
};

/* Fault as expected; and if there is none, the print is the upper-cased text. */
static bool
case_holds(const Case *c)
{
	char		printed[CRM_CODE_TEXT_MAX + 1];
	int64_t		code = -1;

	if (crm_code_parse(c->text, strlen(c->text), &code) != c->fault)
		return false;
	if (c->fault != CRM_CODE_OK)
		return code == -1 && crm_code_reason(c->fault)[0] != '\0';
	if (crm_code_check(code) != CRM_CODE_OK)
		return false;
	if (crm_code_format(code, printed) != strlen(c->text) || strlen(printed) != strlen(c->text))
		return false;
	for (size_t i = 0; printed[i] != '\0'; i++)
		if (printed[i] != toupper((unsigned char) c->text[i]))
			return false;
	return true;
}

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		if (!case_holds(&cases[i]))
			printf("# \"%s\"\n", cases[i].text);
		CHECK(case_holds(&cases[i]));
	}
}

/* The length is a parameter: nothing behind it is read, a NUL is a byte. */
static void
test_length(void)
{
	int64_t		code;

	CHECK(crm_code_parse("CUST2026030400019", 16, &code) == CRM_CODE_OK);
	CHECK(crm_code_serial(code) == 1);
	CHECK(crm_code_parse("CUST202603040001\0", 17, &code) == CRM_CODE_TRAILING);
	CHECK(crm_code_parse("CUST\0" "20260304", 13, &code) == CRM_CODE_DAY);
}

/* A calendar that only counts, to judge the one that computes. */
static int
month_length(int year, int month)
{
	if (month == 2)
		return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static void
test_calendar(void)
{
	int32_t		day = CRM_CODE_DAY_MIN;
	int			wrong = 0;
	char		text[32];
	char		printed[CRM_CODE_TEXT_MAX + 1];
	int64_t		code;

	for (int y = 1900; y <= 2599; y++)
		for (int m = 1; m <= 12; m++)
			for (int d = 1; d <= month_length(y, m); d++, day++)
			{
				int			n = snprintf(text, sizeof(text), "CUST%04d%02d%02d%04d", y, m, d, d);

				if (crm_code_parse(text, (size_t) n, &code) != CRM_CODE_OK ||
					crm_code_day(code) != day ||
					crm_code_format(code, printed) != (size_t) n ||
					strcmp(text, printed) != 0)
					wrong++;
			}
	CHECK(wrong == 0);
	CHECK(day == CRM_CODE_DAY_MAX + 1);
	CHECK(crm_code_parse("A200001010001", 13, &code) == CRM_CODE_OK && crm_code_day(code) == 0);
}

static void
test_make(void)
{
	int64_t		code;
	int64_t		parsed;
	char		scheme[CRM_CODE_SCHEME_MAX + 1];

	CHECK(crm_code_make(9559, 1, "CUST", 4, &code) == CRM_CODE_OK);
	CHECK(crm_code_parse("CUST202603040001", 16, &parsed) == CRM_CODE_OK && parsed == code);
	CHECK(crm_code_scheme(code, scheme) == 4 && strcmp(scheme, "CUST") == 0);
	CHECK(crm_code_make(9559, 1, "gd", 2, &code) == CRM_CODE_OK);
	CHECK(crm_code_scheme(code, scheme) == 2 && strcmp(scheme, "GD") == 0);
	CHECK(crm_code_make(9559, 0, "CUST", 4, &code) == CRM_CODE_SERIAL);
	CHECK(crm_code_make(9559, CRM_CODE_SERIAL_MAX + 1, "CUST", 4, &code) == CRM_CODE_SERIAL);
	CHECK(crm_code_make(9559, INT64_MIN, "CUST", 4, &code) == CRM_CODE_SERIAL);
	CHECK(crm_code_make(CRM_CODE_DAY_MIN - 1, 1, "CUST", 4, &code) == CRM_CODE_DAY);
	CHECK(crm_code_make(INT32_MAX, 1, "CUST", 4, &code) == CRM_CODE_DAY);
	CHECK(crm_code_make(9559, 1, "", 0, &code) == CRM_CODE_SCHEME);
	CHECK(crm_code_make(9559, 1, "CUSTO", 5, &code) == CRM_CODE_SCHEME);
	CHECK(crm_code_make(9559, 1, "C1", 2, &code) == CRM_CODE_SCHEME);
	CHECK(crm_code_make(9559, 1, "C\0T", 3, &code) == CRM_CODE_SCHEME);
}

/* Each stands before the next: day first, then letters as in a dictionary. */
static void
test_order(void)
{
	static const char *const ordered[] = {
		"ZZZZ190001010001", "A202603039999999", "A202603040001", "A202603040002",
		"A2026030410000", "AA202603040001", "AB202603040001", "B202603040001",
		"CUST202603040001", "CUSU202603040001", "ZZZZ202603049999999", "A202603050001",
		"A259912310001"
	};
	int64_t		before = 0;

	for (size_t i = 0; i < sizeof(ordered) / sizeof(ordered[0]); i++)
	{
		int64_t		code = -1;

		CHECK(crm_code_parse(ordered[i], strlen(ordered[i]), &code) == CRM_CODE_OK);
		CHECK(code > before);
		before = code;
	}
}

/* Bits are a code exactly when they survive print and read. */
static bool
bits_hold(int64_t bits)
{
	char		text[CRM_CODE_TEXT_MAX + 1];
	int64_t		again = 0;

	if (crm_code_check(bits) != CRM_CODE_OK)
		return true;
	return crm_code_parse(text, crm_code_format(bits, text), &again) == CRM_CODE_OK && again == bits;
}

static void
test_bits(void)
{
	int64_t		good;
	int			wrong = 0;
	int			refused = 0;

	CHECK(crm_code_parse("CUST202603040001", 16, &good) == CRM_CODE_OK);
	for (int i = 0; i < 64; i++)
	{
		int64_t		bits = (int64_t) ((uint64_t) good ^ (UINT64_C(1) << i));

		refused += crm_code_check(bits) != CRM_CODE_OK;
		wrong += !bits_hold(bits);
	}
	CHECK(wrong == 0);
	CHECK(refused >= 3);		/* two bits above the day and the serial's own 1 */
	CHECK(crm_code_check(0) == CRM_CODE_BITS);
	CHECK(crm_code_check(-1) == CRM_CODE_BITS);
	CHECK(crm_code_check(INT64_MIN) == CRM_CODE_BITS);
	CHECK(crm_code_check(INT64_MAX) == CRM_CODE_BITS);
	/* A blank between letters ("A" and "C" with nothing between) is no scheme. */
	CHECK(crm_code_check((INT64_C(46083) << 44) | (INT64_C(19764) << 24) | 1) == CRM_CODE_BITS);
	CHECK(crm_code_check((INT64_C(46083) << 44) | (INT64_C(19683) << 24) | 1) == CRM_CODE_OK);
	/* One more than four times Z. */
	CHECK(crm_code_check((INT64_C(46083) << 44) | (INT64_C(531441) << 24) | 1) == CRM_CODE_BITS);
}

int
main(void)
{
	test_cases();
	test_length();
	test_calendar();
	test_make();
	test_order();
	test_bits();
	return unit_done();
}
