/*
 * Proves: no bytes crash the readers of a customer's record, and what they
 * answer holds: a date that is read is a real day, in the calendar and after
 * 1849, and reads back from its digits; a sex is M or F; a kind and a field are
 * known by the name that they have; a blank text holds no control character but
 * white space, no Han character, no sex, no date and no kind; a longer text holds
 * at least what its beginning held.
 */
#include "intake/intake_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static bool
fuzz_date(const char *text, size_t size)
{
	int32_t		day = 0;
	int32_t		again = 0;
	char		digits[16];

	if (!crm_date_read(text, size, &day))
		return false;
	require(day >= 18500101 && day <= 99991231);
	require(day / 100 % 100 >= 1 && day / 100 % 100 <= 12);
	require(day % 100 >= 1 && day % 100 <= 31);
	require(snprintf(digits, sizeof digits, "%08d", (int) day) == 8);
	require(crm_date_read(digits, 8, &again) && again == day);
	return true;
}

static bool
fuzz_sex(const char *text, size_t size)
{
	char		sex = 0;

	if (!crm_sex_read(text, size, &sex))
		return false;
	require(sex == 'M' || sex == 'F');
	return true;
}

static bool
fuzz_kind(const char *text, size_t size)
{
	CrmCustomerKind kind;
	CrmCustomerKind again;
	const char *name;

	if (!crm_customer_kind_find(text, size, &kind))
		return false;
	require(kind >= CRM_INDIVIDUAL && kind < CRM_CUSTOMER_KINDS);
	name = crm_customer_kind_name(kind);
	require(crm_customer_kind_find(name, strlen(name), &again) && again == kind);
	return true;
}

static bool
fuzz_field(const char *text, size_t size)
{
	CrmField	field;
	const char *name;

	if (!crm_field_find(text, size, &field))
		return false;
	require(field >= 0 && field < CRM_FIELD_COUNT);
	name = crm_field_name(field);
	require(strlen(name) == size && memcmp(name, text, size) == 0);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	bool		known = fuzz_date(text, size);
	bool		has_control = crm_text_has_control(text, size);
	bool		has_han = crm_text_has_han(text, size);

	known |= fuzz_sex(text, size);
	known |= fuzz_kind(text, size);
	known |= fuzz_field(text, size);
	if (crm_text_is_blank(text, size))
		require(!known && !has_han);
	if (known)
		require(!has_control);
	for (size_t part = 0; part < size && part < 64; part++)
	{
		require(has_control || !crm_text_has_control(text, part));
		require(has_han || !crm_text_has_han(text, part));
	}
	return 0;
}
